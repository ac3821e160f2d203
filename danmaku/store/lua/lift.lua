-- Take one entry out of a hash of the room: a sanction, a moderator.
-- KEYS: lease, hash, and of its acts what _audit wants   ARGV: holder, field, now in ms, acts
-- Returns 1; 0 when the lease was lost; 2 when there was nothing that lasts still: no act is written down.
-- include _audit
-- include _lasts
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
local value = redis.call('HGET', KEYS[2], ARGV[2])
redis.call('HDEL', KEYS[2], ARGV[2])
if not value or not lasts(value, ARGV[3]) then
  return 2
end
write_down(3, 4)
return 1
