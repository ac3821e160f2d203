-- End what is known of a device: tokens that were issued until now are void there.
-- KEYS: sessions, ended   ARGV: device, now_ms, ttl_ms, how long to remember it, how many to remember
-- Returns the n of its connection as a string: '0' where that is ended already, nothing where none is known.
local device, now = ARGV[1], tonumber(ARGV[2])
local n, seen = string.match(redis.call('HGET', KEYS[1], device) or '', '^(%d+):(%d+):')
if not n or now - tonumber(seen) >= tonumber(ARGV[3]) then
  local ended = redis.call('HGET', KEYS[2], device)
  if not ended then
    return false
  end
  redis.call('HSET', KEYS[2], device, ended) -- a repeat writes as well, and can be waited for on replicas
  return '0'
end
redis.call('HDEL', KEYS[1], device)
local before = tonumber(redis.call('HGET', KEYS[2], device) or '0')
redis.call('HSET', KEYS[2], device, string.format('%.0f', math.max(before, now)))
redis.call('PEXPIRE', KEYS[2], ARGV[4])
while redis.call('HLEN', KEYS[2]) > tonumber(ARGV[5]) do
  local oldest, since
  local all = redis.call('HGETALL', KEYS[2])
  for i = 1, #all, 2 do
    local at = tonumber(all[i + 1])
    if all[i] ~= device and (not since or at < since or (at == since and all[i] < oldest)) then
      oldest, since = all[i], at
    end
  end
  redis.call('HDEL', KEYS[2], oldest)
end
return n
