-- note(log, entry, most, age_ms): add an entry to the changes log, which is kept no longer than that and with no
-- more entries. It names the one before it, so that a reader knows whether anything between is missing.
local function note(log, entry, most, age_ms)
  local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  local id = redis.call('XADD', log, 'MAXLEN', '=', most, '*', 'previous', newest and newest[1] or '0-0', 'entry', entry)
  local oldest = string.format('%.0f', math.max(0, tonumber(string.match(id, '^%d+')) - age_ms))
  redis.call('XTRIM', log, 'MINID', '=', oldest)
end
