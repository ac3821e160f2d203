-- Remove a message and append that it was recalled, once.
-- KEYS: log, state, reads, active, mentions, …
-- ARGV: conv, uid, at, message, most messages, age_ms to keep, version or '', seq of what is recalled
-- Returns {outcome, seq, at}.
-- include _message
local field = 'recalled:' .. ARGV[8]
local known = redis.call('HGET', KEYS[2], field)
if known then
  redis.call('HSET', KEYS[2], field, known)
  local seq, at = string.match(known, '^(%d+):(%d+)$')
  return {'duplicate', seq, at}
end
if is_stale(ARGV[7]) then
  return {'stale', 0, 0}
end
if redis.call('XDEL', KEYS[1], ARGV[8] .. '-0') == 0 then
  return {'gone', 0, 0}
end
for i = 5, #KEYS do
  redis.call('ZREM', KEYS[i], ARGV[8])
end
local seq = add(0, ARGV[8])
redis.call('HSET', KEYS[2], field, seq .. ':' .. ARGV[3])
return {'ok', seq, ARGV[3]}
