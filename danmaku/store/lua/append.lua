-- Append a batch to a room's log, if the holder still has the lease and the head is the expected one, and
-- in the same step carry out what its items tell of.
-- KEYS: lease, log, state, listing, recalls, held, and of its acts what _audit wants
-- ARGV: holder, expected head, id, frame, at, version, count, pairs, most entries, age_ms to keep,
--   board (empty: it stays as it is), of a recall: id, item, ids of those that go (or three times nothing),
--   of a held comment that was decided about: id, value (or twice nothing),
--   acts, and where it has an effect: verb, room, field, value, …
-- Returns {outcome, head}; ids are `<epoch>-<seq>`, `0-0` for an empty log.
-- include _audit
-- include _recalls
-- include _effect
local FEW, MANY = 4, 128 -- entries that are looked at in a row, and how many more: what is many is taken away in few commands

local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local head = newest and newest[1] or '0-0'
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {'fenced', head}
end
if head == ARGV[3] and newest[2][2] == ARGV[4] then
  return {'ok', head}
end
if head ~= ARGV[2] then
  return {'mismatch', head}
end
local time = redis.call('TIME')
local stored = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('XADD', KEYS[2], 'MAXLEN', '=', ARGV[9], ARGV[3], 'frame', ARGV[4], 'at', ARGV[5], 'version', ARGV[6],
  'count', ARGV[7], 'pairs', ARGV[8], 'stored', string.format('%.0f', stored))
-- Old is what is so by the holder's clock and by this one, both of now and of when it was written: a clock that
-- jumped alone ages nothing. The entry just written stays whatever its age: the log must not lose its head.
-- It is looked for once a second: a busy room appends many times in that.
local now = math.min(tonumber(ARGV[5]), stored)
local function is_old(entry)
  local at = math.max(tonumber(entry[2][4]), tonumber(entry[2][12] or 0)) -- earlier versions did not write when
  return entry[1] ~= ARGV[3] and at < now - ARGV[10]
end
local looked = newest and math.floor(newest[2][4] / 1000) ~= math.floor(ARGV[5] / 1000) and FEW or MANY + 1
while looked <= MANY do
  local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', looked + 1)
  local stays = 1
  while stays <= looked and is_old(oldest[stays]) do
    stays = stays + 1
  end
  redis.call('XTRIM', KEYS[2], 'MINID', '=', oldest[stays][1])
  looked = stays <= looked and MANY + 1 or looked * 2
end
if ARGV[12] ~= '' then
  for id in string.gmatch(ARGV[14], '%S+') do
    redis.call('HDEL', KEYS[5], id)
  end
  redis.call('HSET', KEYS[5], ARGV[12], ARGV[13])
end
if ARGV[15] ~= '' then
  redis.call('HSET', KEYS[6], ARGV[15], ARGV[16])
end
local effect = write_down(7, 17)
if ARGV[effect] then
  carry_out(ARGV[effect], ARGV[effect + 1], effect + 2)
end
if ARGV[11] ~= '' then
  redis.call('HSET', KEYS[3], 'board', ARGV[11])
end
return {'ok', ARGV[3]}
