-- KEYS: changes, sanctions   ARGV: entry, most entries, age_ms, field, value, most sanctions
-- Returns 1, or 0 when there are too many.
-- include _note
if redis.call('HEXISTS', KEYS[2], ARGV[4]) == 0 and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[6]) then
  return 0
end
redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])
note(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
return 1
