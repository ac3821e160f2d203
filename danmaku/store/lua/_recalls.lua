-- forget_recalls(log, recalls): those older than all that the log still holds. What a recall takes back stands
-- before it, so what it took back is not there any more either.
local function forget_recalls(log, recalls)
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  local epoch, first = math.huge, 0
  if oldest then
    local last
    epoch, last = string.match(oldest[1], '^(%d+)-(%d+)$')
    epoch, first = tonumber(epoch), tonumber(last) - tonumber(oldest[2][8]) + 1
  end
  for _, id in ipairs(redis.call('HKEYS', recalls)) do
    local its_epoch, seq = string.match(id, '^(%d+)-(%d+)$')
    its_epoch, seq = tonumber(its_epoch), tonumber(seq)
    if its_epoch < epoch or (its_epoch == epoch and seq < first) then
      redis.call('HDEL', recalls, id)
    end
  end
end
