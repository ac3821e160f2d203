-- Append a message, once for its cid, and not behind a later one of the same session.
-- KEYS: log, state, reads, active, cid, order, mentions, …
-- ARGV: conv, uid, at, message, most messages, age_ms to keep, how long to know the cid, version or '',
--   1 if it is indexed, n or '' where there is no session, how long to know it, most mentions
-- Returns {outcome, seq, at}.
-- include _message
local known = redis.call('GET', KEYS[5])
if known then
  -- a write like the first answer's, so that waiting for it to be safe means as much
  if is_stale(ARGV[8]) then
    redis.call('SET', KEYS[5], known, 'KEEPTTL')
  else
    redis.call('PEXPIRE', KEYS[5], ARGV[7])
  end
  local seq, at = string.match(known, '^(%d+):(%d+)$')
  return {'duplicate', seq, at}
end
if is_stale(ARGV[8]) then
  return {'stale', 0, 0}
end
if ARGV[9] == '0' and redis.call('HEXISTS', KEYS[2], 'seq') == 0 then
  return {'new', 0, 0}
end
if ARGV[10] ~= '' then
  if tonumber(ARGV[10]) <= tonumber(redis.call('GET', KEYS[6]) or '0') then
    return {'late', 0, 0}
  end
  redis.call('SET', KEYS[6], ARGV[10], 'PX', ARGV[11])
end
local seq = add(1)
for i = 7, #KEYS do
  redis.call('ZADD', KEYS[i], seq, seq)
  redis.call('ZREMRANGEBYRANK', KEYS[i], 0, -1 - tonumber(ARGV[12]))
  redis.call('PEXPIRE', KEYS[i], ARGV[6]) -- as long as the message is kept
end
redis.call('SET', KEYS[5], seq .. ':' .. ARGV[3], 'PX', ARGV[7])
return {'ok', seq, ARGV[3]}
