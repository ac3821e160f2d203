-- Void what was issued until now. Never goes back.
-- KEYS: revoked   ARGV: now_ms, ttl_ms
local before = tonumber(redis.call('GET', KEYS[1]) or '0')
redis.call('SET', KEYS[1], string.format('%.0f', math.max(before, ARGV[1])), 'PX', ARGV[2])
return 1
