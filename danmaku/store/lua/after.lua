-- Read a log forwards until enough items or bytes are found; at least one entry where there is one.
-- KEYS: log, recalls   ARGV: since (id), items, most bytes   Returns {head, entries, recalls}.
local READ_AT_ONCE = 16

local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local head = newest and newest[1] or '0-0'
local recalls = redis.call('HGETALL', KEYS[2])
local wanted, room = tonumber(ARGV[2]), tonumber(ARGV[3])
local entries, from = {}, '(' .. ARGV[1]
while wanted > 0 do
  local read = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', READ_AT_ONCE)
  for _, entry in ipairs(read) do
    room = room - #entry[2][2]
    if wanted <= 0 or (room < 0 and #entries > 0) then
      return {head, entries, recalls}
    end
    entries[#entries + 1] = entry
    wanted = wanted - entry[2][8]
    from = '(' .. entry[1]
  end
  if #read < READ_AT_ONCE then
    break
  end
end
return {head, entries, recalls}
