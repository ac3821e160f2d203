-- Take a partition that nobody holds, with an epoch higher than any it had.
-- KEYS: lease, epoch   ARGV: process, ttl_ms   Returns the epoch, nil when somebody holds it.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return nil
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = string.format('%.0f', math.max((redis.call('GET', KEYS[2]) or 0) + 1, now))
redis.call('SET', KEYS[2], epoch)
redis.call('SET', KEYS[1], epoch .. ':' .. ARGV[1], 'PX', ARGV[2])
return epoch
