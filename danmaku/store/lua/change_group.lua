-- Change a group and append what tells of it, once for its cid.
-- KEYS: log, state, reads, active, members, outcasts, and where there is one: cid
-- ARGV: conv, uid, at, message, most messages, age_ms to keep, version, most outcasts, how long to know the cid,
--   how many words of fields: field, value, …
--   how many words of members: uid, role, since (0: the seq of this change), muted until, …
--   how many words of outcasts: uid, what is remembered, …
--   uids of who leaves
-- Returns {outcome, seq, at}.
-- include _message
local known = KEYS[7] and redis.call('GET', KEYS[7])
if known then
  -- a write like the first answer's, so that waiting for it to be safe means as much
  redis.call('SET', KEYS[7], known, 'KEEPTTL')
  local seq, at = string.match(known, '^(%d+):(%d+)$')
  return {'duplicate', seq, at}
end
if is_stale(ARGV[7]) then
  return {'stale', 0, 0}
end
local seq = add(0)
redis.call('HINCRBY', KEYS[2], 'version', 1)

local next = 10
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
    redis.call('HDEL', KEYS[2], 'outcast:' .. ARGV[i])
    redis.call('ZREM', KEYS[6], ARGV[i])
  end
  redis.call('HSET', KEYS[5], ARGV[i], ARGV[i + 1] .. ':' .. since .. ':' .. ARGV[i + 3])
end
first, last = words()
for i = first, last, 2 do
  redis.call('HSET', KEYS[2], 'outcast:' .. ARGV[i], ARGV[i + 1])
  redis.call('ZADD', KEYS[6], seq, ARGV[i])
end
local many = redis.call('ZCARD', KEYS[6]) - tonumber(ARGV[8])
if many > 0 then
  local forgotten = redis.call('ZRANGE', KEYS[6], 0, many - 1)
  for _, uid in ipairs(forgotten) do
    redis.call('HDEL', KEYS[2], 'outcast:' .. uid)
  end
  redis.call('ZREMRANGEBYRANK', KEYS[6], 0, many - 1)
end
for i = next, #ARGV do
  redis.call('HDEL', KEYS[5], ARGV[i])
  redis.call('HDEL', KEYS[3], ARGV[i])
end
if KEYS[7] then
  redis.call('SET', KEYS[7], seq .. ':' .. ARGV[3], 'PX', ARGV[9])
end
return {'ok', seq, ARGV[3]}
