-- A user has read up to a seq: never back, never past the end.
-- KEYS: log, state, reads   ARGV: uid, seq
-- Returns {where he stands now, 1 if that is further than before}.
local was = tonumber(string.match(redis.call('HGET', KEYS[3], ARGV[1]) or '', '^%d+') or '0')
local last, messages = unpack(redis.call('HMGET', KEYS[2], 'seq', 'messages'))
local seq = math.min(tonumber(ARGV[2]), tonumber(last or '0'))
if seq <= was then
  return {was, 0}
end
local behind = redis.call('XRANGE', KEYS[1], '(' .. seq .. '-0', '+', 'COUNT', 1)[1]
redis.call('HSET', KEYS[3], ARGV[1], seq .. ':' .. (behind and behind[2][4] or messages))
return {seq, 1}
