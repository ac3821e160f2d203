-- KEYS: lease, record, what tells of the act   ARGV: holder, acts   Returns 1, or 0 when the lease was lost.
-- include _audit
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
write_down(2, 2)
return 1
