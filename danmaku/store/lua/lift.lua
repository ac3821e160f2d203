-- KEYS: lease, sanctions   ARGV: holder, field   Returns 1, or 0 when the lease was lost.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('HDEL', KEYS[2], ARGV[2])
return 1
