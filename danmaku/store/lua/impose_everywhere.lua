-- KEYS: changes, sanctions, and of its acts what _audit wants
-- ARGV: entry, most entries, age_ms, field, value, most sanctions, acts
-- Returns 1, or 0 when there are too many.
-- include _audit
-- include _note
if redis.call('HEXISTS', KEYS[2], ARGV[4]) == 0 and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[6]) then
  return 0
end
redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])
note(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
write_down(3, 7)
return 1
