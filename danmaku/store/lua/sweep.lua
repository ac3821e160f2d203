-- Conversations of a bucket in which something was said lately, for one process at a time. Older ones are forgotten.
-- KEYS: sweeper, active   ARGV: process, ttl_ms, within_ms, most
local holder = redis.call('GET', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 0 or (holder and holder ~= ARGV[1]) then
  return {}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local now = redis.call('TIME')
local since = now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. string.format('%d', since))
return redis.call('ZREVRANGE', KEYS[2], 0, tonumber(ARGV[4]) - 1)
