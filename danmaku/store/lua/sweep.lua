-- Conversations of a bucket in which something was said lately, for one process at a time. Older ones are told
-- once more and forgotten: nobody may have swept while they were new.
-- KEYS: sweeper, active   ARGV: process, ttl_ms, within_ms, most (of the new, and of the old)
local holder = redis.call('GET', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 0 or (holder and holder ~= ARGV[1]) then
  return {}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local now = redis.call('TIME')
local since = now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(ARGV[3])
local old, most = '(' .. string.format('%d', since), tonumber(ARGV[4])
local swept = redis.call('ZREVRANGEBYSCORE', KEYS[2], '+inf', string.format('%d', since), 'LIMIT', 0, most)
local last = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', old, 'LIMIT', 0, most)
for _, conv in ipairs(last) do
  redis.call('ZREM', KEYS[2], conv)
  swept[#swept + 1] = conv
end
return swept
