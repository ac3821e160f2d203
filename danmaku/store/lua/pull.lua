-- What a user may see of a conversation after a seq.
-- KEYS: log, state, and of a group: members
-- ARGV: uid, after, limit, most bytes, 1 if new members see what was said before them
-- Returns {last seq, the seq after which it begins, the member or '', {id, message, …}}.
local state = redis.call('HMGET', KEYS[2], 'seq', 'floor')
local last, begin = tonumber(state[1] or '0'), math.max(tonumber(ARGV[2]), tonumber(state[2] or '0'))
local member = ''
if KEYS[3] then
  member = redis.call('HGET', KEYS[3], ARGV[1])
  if not member then
    return {last, begin, '', {}}
  end
  if ARGV[5] ~= '1' then
    begin = math.max(begin, tonumber(string.match(member, ':(%d+):')) - 1)
  end
end
local found, bytes = {}, tonumber(ARGV[4])
local from = string.format('(%d-0', begin)
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', ARGV[3])) do
  bytes = bytes - #entry[2][6]
  if bytes < 0 and #found > 0 then
    break
  end
  found[#found + 1] = entry[1]
  found[#found + 1] = entry[2][6]
end
return {last, begin, member, found}
