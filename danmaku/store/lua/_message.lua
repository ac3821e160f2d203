-- add(counted, of): the next message of a conversation; returns its seq. With it goes what has become too old
-- or too many, the sender's read position, and the note that something was said.
-- KEYS: log, state, reads, active   ARGV: conv, uid, at, message, most messages, age_ms to keep
-- An entry's `before` is the number of messages (not recalls and the like) before it.
local TRIMMED_AT_ONCE = 4

local function add(counted, of)
  local seq = redis.call('HINCRBY', KEYS[2], 'seq', 1)
  local messages = redis.call('HINCRBY', KEYS[2], 'messages', counted)
  local id = seq .. '-0'
  local entry = {'at', ARGV[3], 'before', messages - counted, 'message', ARGV[4]}
  if of then
    entry[7], entry[8] = 'of', of
  end
  redis.call('XADD', KEYS[1], id, unpack(entry))
  -- Old is what is so by the sender's clock and by this one: a clock that jumped alone ages nothing. The entry just
  -- written stays whatever its age: the log must not lose its head.
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local oldest_at = math.min(tonumber(ARGV[3]), now) - ARGV[6]
  for _ = 1, TRIMMED_AT_ONCE do
    local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
    local fits = redis.call('XLEN', KEYS[1]) <= tonumber(ARGV[5])
    if oldest[1] == id or (fits and tonumber(oldest[2][2]) >= oldest_at) then
      break
    end
    redis.call('XDEL', KEYS[1], oldest[1])
    redis.call('HSET', KEYS[2], 'floor', (string.gsub(oldest[1], '-0$', '')))
    if oldest[2][8] then
      redis.call('HDEL', KEYS[2], 'recalled:' .. oldest[2][8])
    end
  end
  redis.call('HSET', KEYS[3], ARGV[2], seq .. ':' .. messages)
  redis.call('ZADD', KEYS[4], now, ARGV[1])
  return seq
end

local function is_stale(version)
  return version ~= '' and (redis.call('HGET', KEYS[2], 'version') or '0') ~= version
end
