-- Take one entry out of a hash of the room.
-- KEYS: lease, hash, and of its acts what _audit wants   ARGV: holder, field, acts
-- Returns 1, or 0 when the lease was lost.
-- include _audit
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('HDEL', KEYS[2], ARGV[2])
write_down(3, 3)
return 1
