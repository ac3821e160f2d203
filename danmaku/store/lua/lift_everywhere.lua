-- KEYS: changes, sanctions   ARGV: entry, most entries, age_ms, field
-- include _note
if redis.call('HDEL', KEYS[2], ARGV[4]) == 1 then
  note(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
end
return 1
