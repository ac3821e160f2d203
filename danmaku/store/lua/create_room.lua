-- Keep and list a room of which nothing is kept yet, if the holder still has the lease.
-- KEYS: lease, state, listing, log   ARGV: holder, room, field, value, …   Returns 1, or 0 when the lease was lost.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if redis.call('HEXISTS', KEYS[2], 'created_ms') == 0 then
  redis.call('HSET', KEYS[2], unpack(ARGV, 3))
  redis.call('SADD', KEYS[3], ARGV[2])
end
return 1
