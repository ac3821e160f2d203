-- Spend refresh token n of a family. A repeat within the grace time is answered alike; any other reuse
-- revokes the family.
-- KEYS: family   ARGV: n, now_ms, grace_ms, ttl_ms   Returns {next n, issued_ms}, nil when it was revoked.
local n, now = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('GET', KEYS[1])
if kept == 'revoked' then
  return nil
end
local spent, issued = string.match(kept or '', '^(%d+):(%d+)$')
if not kept or n == spent + 1 then
  redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2], 'PX', ARGV[4])
  return {n + 1, now}
end
if n == tonumber(spent) and now - issued <= tonumber(ARGV[3]) then
  return {n + 1, tonumber(issued)}
end
redis.call('SET', KEYS[1], 'revoked', 'PX', ARGV[4])
return nil
