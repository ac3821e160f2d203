-- slice(read, from, to, items, bytes): entries of a log until enough items or bytes are found; at least one entry
-- where there is one. `read` is XRANGE, or XREVRANGE for the newest first.
-- KEYS: log, recalls   Returns {head, entries, recalls}.
local READ_AT_ONCE = 16

local function slice(read, from, to, items, bytes)
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  local head = newest and newest[1] or '0-0'
  local recalls = redis.call('HGETALL', KEYS[2])
  local entries = {}
  while items > 0 do
    local some = redis.call(read, KEYS[1], from, to, 'COUNT', READ_AT_ONCE)
    for _, entry in ipairs(some) do
      bytes = bytes - #entry[2][2]
      if items <= 0 or (bytes < 0 and #entries > 0) then
        return {head, entries, recalls}
      end
      entries[#entries + 1] = entry
      items = items - entry[2][8]
      from = '(' .. entry[1]
    end
    if #some < READ_AT_ONCE then
      break
    end
  end
  return {head, entries, recalls}
end
