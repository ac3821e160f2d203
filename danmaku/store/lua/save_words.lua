-- KEYS: lease, words, and of its acts what _audit wants   ARGV: holder, list, acts
-- Returns 1, or 0 when the lease was lost.
-- include _audit
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[2])
else
  redis.call('SET', KEYS[2], ARGV[2])
end
write_down(3, 3)
return 1
