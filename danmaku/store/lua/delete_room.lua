-- Leave of a room only what keeps it closed: a state that says so, its sanctions, and the newest entry of
-- its log, so that no position is ever used again.
-- KEYS: lease, state, listing, log   ARGV: holder, room, field, value, …   Returns 1, or 0 when the lease was lost.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], unpack(ARGV, 3))
redis.call('SREM', KEYS[3], ARGV[2])
redis.call('XTRIM', KEYS[4], 'MAXLEN', '=', 1)
return 1
