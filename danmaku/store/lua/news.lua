-- What was noted after a place, until there are enough entries or bytes; one at least where there is one.
-- KEYS: changes   ARGV: place, most entries, most bytes   Returns {the newest entry's id, entries}.
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local found, room = {}, tonumber(ARGV[3])
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])) do
  room = room - #entry[2][4]
  if room < 0 and #found > 0 then
    break
  end
  found[#found + 1] = entry
end
return {newest and newest[1] or '0-0', found}
