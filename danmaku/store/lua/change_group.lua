-- Change a group and append what tells of it.
-- KEYS: log, state, reads, active, members
-- ARGV: conv, uid, at, message, most messages, oldest `at` to keep, version,
--   how many words of fields: field, value, …
--   how many words of members: uid, role, since (0: the seq of this change), muted until, …
--   uids of who leaves
-- Returns {outcome, seq, at}.
-- include _message
if is_stale(ARGV[7]) then
  return {'stale', 0, 0}
end
local seq = add(0)
redis.call('HINCRBY', KEYS[2], 'version', 1)

local next = 8
local function words()
  local first = next + 1
  next = first + tonumber(ARGV[next])
  return first, next - 1
end

local first, last = words()
for i = first, last, 2 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end
first, last = words()
local here = seq .. ':' .. redis.call('HGET', KEYS[2], 'messages')
for i = first, last, 4 do
  local since = ARGV[i + 2]
  if since == '0' then
    since = tostring(seq)
    redis.call('HSET', KEYS[3], ARGV[i], here)
  end
  redis.call('HSET', KEYS[5], ARGV[i], ARGV[i + 1] .. ':' .. since .. ':' .. ARGV[i + 3])
end
for i = next, #ARGV do
  redis.call('HDEL', KEYS[5], ARGV[i])
  redis.call('HDEL', KEYS[3], ARGV[i])
end
return {'ok', seq, ARGV[3]}
