-- Keep one entry of a hash of the room: a sanction, a moderator.
-- KEYS: lease, hash, and of its acts what _audit wants   ARGV: holder, field, value, acts
-- Returns 1, or 0 when the lease was lost.
-- include _audit
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
write_down(3, 4)
return 1
