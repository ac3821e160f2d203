-- Keep a room's state and list it, if the holder still has the lease.
-- KEYS: lease, state, listing, log   ARGV: holder, room, field, value, …   Returns 1, or 0 when the lease was lost.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[2], unpack(ARGV, 3))
redis.call('SADD', KEYS[3], ARGV[2])
return 1
