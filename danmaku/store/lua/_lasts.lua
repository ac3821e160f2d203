-- lasts(value, now): whether a sanction, as JSON, is in force still. What has no end lasts.
local function lasts(value, now)
  local until_ms = cjson.decode(value).until_ms
  return type(until_ms) ~= 'number' or tonumber(now) < until_ms
end
