-- know_makers(key): note which act made each adjustment where that is not noted.
-- The version before notes it of none, and may run beside this one: whoever comes next makes up for that, so
-- those without are the newest.
local function know_makers(key)
  local version = tonumber(redis.call('HGET', key, 'version') or '0')
  local there = redis.call('HGET', key, string.format('%.0f', version))
  while there do
    local act = cjson.decode(there).act
    if redis.call('HSETNX', key, 'act:' .. act, string.format('%.0f', version)) == 0 then
      return
    end
    version = version - 1
    there = redis.call('HGET', key, string.format('%.0f', version))
  end
end
