-- KEYS: leases   ARGV: ttl_ms, the holder of each lease   Returns of each 1, or 0 when another holds it or nobody.
local renewed = {}
for i, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[i + 1] then
    renewed[i] = redis.call('PEXPIRE', lease, ARGV[1])
  else
    renewed[i] = 0
  end
end
return renewed
