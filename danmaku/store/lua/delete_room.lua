-- Forget a room, if the holder still has the lease. Its log stays until its newest entry is too old to be kept.
-- KEYS: lease, state, listing, log, sanctions   ARGV: holder, room, ttl_ms   Returns 1, or 0 when the lease was lost.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[2], KEYS[5])
redis.call('SREM', KEYS[3], ARGV[2])
redis.call('PEXPIRE', KEYS[4], ARGV[3])
return 1
