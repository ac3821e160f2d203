-- A connection has ended: its device is known as before, but is nowhere, unless another one took its place.
-- KEYS: sessions   ARGV: device, session, now_ms, ttl_ms
local noted = redis.call('HGET', KEYS[1], ARGV[1])
local n, seen, session = string.match(noted or '', '^(%d+):(%d+):[^:]*:(.*)$')
if session == ARGV[2] then
  seen = string.format('%.0f', math.max(seen, ARGV[3]))
  redis.call('HSET', KEYS[1], ARGV[1], n .. ':' .. seen .. '::' .. session)
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 1
