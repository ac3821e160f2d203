-- May this token be used, and is this the newest connection of its device? If so it is noted.
-- KEYS: revoked, sessions, ended
-- ARGV: issued_ms, and of a counted one: device, n, edge, session, now_ms, ttl_ms, most, '1' if it refuses more
-- Returns {standing, edge, session, device, n}: of the connection that was replaced, and of the device that
-- was connected and had to make room; empty strings where there is none.
local void = tonumber(redis.call('GET', KEYS[1]) or '0')
if void > 0 and tonumber(ARGV[1]) <= void then
  return {'revoked'}
end
local device, n, edge, session = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
if not device then
  return {'good'}
end
local ended = tonumber(redis.call('HGET', KEYS[3], device) or '0')
if ended > 0 and tonumber(ARGV[1]) <= ended then
  return {'revoked'}
end
local now, ttl, most = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local function read(noted)
  local was_n, seen, was_edge, was_session = string.match(noted or '', '^(%d+):(%d+):([^:]*):(.*)$')
  return tonumber(was_n), tonumber(seen), was_edge, was_session
end

local answer = {'good', '', '', '', ''}
local was_n, seen, was_edge, was_session = read(redis.call('HGET', KEYS[2], device))
if was_n and now - seen < ttl then
  if n < was_n or (n == was_n and session ~= was_session) then
    return {'replaced'}
  end
  if n > was_n then
    if was_edge ~= '' then
      answer[2], answer[3] = was_edge, was_session
    end
  elseif was_edge ~= '' and now - seen < ttl / 4 then
    return answer -- said again: now and then is enough to keep it known
  end
end
if ARGV[9] == '1' then
  local others = 0
  local all = redis.call('HGETALL', KEYS[2])
  for i = 1, #all, 2 do
    local _, heard, there = read(all[i + 1])
    if all[i] ~= device and there ~= '' and now - heard < ttl then
      others = others + 1
    end
  end
  if others >= most then
    return {'crowded'}
  end
end
redis.call('HSET', KEYS[2], device, ARGV[3] .. ':' .. ARGV[6] .. ':' .. edge .. ':' .. session)
redis.call('PEXPIRE', KEYS[2], ttl)
while redis.call('HLEN', KEYS[2]) > most do
  local oldest, since -- those that have ended go first
  local all = redis.call('HGETALL', KEYS[2])
  for i = 1, #all, 2 do
    local _, heard, there = read(all[i + 1])
    heard = there == '' and heard - now - ttl or heard
    if all[i] ~= device and (not since or heard < since or (heard == since and all[i] < oldest)) then
      oldest, since = all[i], heard
    end
  end
  local its_n, heard, there = read(redis.call('HGET', KEYS[2], oldest))
  redis.call('HDEL', KEYS[2], oldest)
  if there ~= '' and now - heard < ttl then
    answer[4], answer[5] = oldest, string.format('%.0f', its_n)
  end
end
return answer
