-- write_down(key, from): add acts to an audit record, each of them once. Returns where ARGV goes on behind them.
-- One that is known is known for longer: so a repeat writes as well, and can be waited for on replicas.
-- KEYS from `key` on: the record, then for each act what is there where it was written down before.
-- ARGV from `from` on: how many acts, most entries, age_ms, how long ids are known in ms, the acts.
local function write_down(key, from)
  local acts, most, age_ms = tonumber(ARGV[from]), ARGV[from + 1], ARGV[from + 2]
  for i = 1, acts do
    if redis.call('SET', KEYS[key + i], '1', 'NX', 'PX', ARGV[from + 3]) then
      local id = redis.call('XADD', KEYS[key], 'MAXLEN', '=', most, '*', 'act', ARGV[from + 3 + i])
      local oldest = string.format('%.0f', math.max(0, tonumber(string.match(id, '^%d+')) - age_ms))
      redis.call('XTRIM', KEYS[key], 'MINID', '=', oldest)
      redis.call('PEXPIRE', KEYS[key], age_ms)
    else
      redis.call('PEXPIRE', KEYS[key + i], ARGV[from + 3])
    end
  end
  return from + 4 + acts
end
