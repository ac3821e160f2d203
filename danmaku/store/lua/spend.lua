-- Spend refresh token n of a family. A repeat within the grace time is answered alike; any other reuse
-- revokes the family, for as long as any of its tokens can live.
-- KEYS: family, revoked   ARGV: n, issued_ms, now_ms, grace_ms, until_ms
-- Returns {next n, issued_ms}, nil when the family or all that the user held by then was revoked.
local n, now = tonumber(ARGV[1]), tonumber(ARGV[3])
local void = tonumber(redis.call('GET', KEYS[2]) or '0')
if void > 0 and tonumber(ARGV[2]) <= void then
  return nil
end
local kept = redis.call('GET', KEYS[1])
local spent, issued, known = string.match(kept or '', '^(%w+):?(%d*):?(%d*)$')
local latest = math.max(tonumber(ARGV[5]), tonumber(known) or 0)

local function keep(state)
  local value = state .. ':' .. string.format('%.0f', latest)
  redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', math.max(latest - now, 1)))
end

local last = tonumber(spent) -- nil where nothing was spent yet, or the family is revoked
if not kept or (last and n == last + 1) then
  keep(ARGV[1] .. ':' .. ARGV[3])
  return {n + 1, now}
end
if last and n == last and now - issued <= tonumber(ARGV[4]) then
  keep(spent .. ':' .. issued) -- a repeat writes as well, and can be waited for on replicas
  return {n + 1, tonumber(issued)}
end
keep('revoked:0')
return nil
