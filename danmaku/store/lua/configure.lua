-- KEYS: changes, settings   ARGV: entry, most entries, age_ms, settings
-- include _note
redis.call('SET', KEYS[2], ARGV[4])
note(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
return 1
