-- KEYS: changes, adjustments, and of its acts what _audit wants
-- ARGV: entry, most entries, age_ms, version, adjustment, the id of its act, how many are kept, acts
-- Returns 1, also where that was done before, or 0 where the version does not follow, or this act made another one.
-- include _audit
-- include _makers
-- include _note
know_makers(KEYS[2])
local version = redis.call('HGET', KEYS[2], 'version') or '0'
local made = redis.call('HGET', KEYS[2], 'act:' .. ARGV[6])
if made then
  redis.call('HSET', KEYS[2], 'version', version) -- a repeat writes as well, and can be waited for on replicas
  return made == ARGV[4] and 1 or 0
end
if tonumber(version) + 1 ~= tonumber(ARGV[4]) then
  return 0
end
redis.call('HSET', KEYS[2], 'version', ARGV[4], ARGV[4], ARGV[5], 'act:' .. ARGV[6], ARGV[4])
local oldest = string.format('%.0f', tonumber(ARGV[4]) - tonumber(ARGV[7]))
local there = redis.call('HGET', KEYS[2], oldest)
if there then
  redis.call('HDEL', KEYS[2], oldest, 'act:' .. cjson.decode(there).act)
end
note(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
write_down(3, 8)
return 1
