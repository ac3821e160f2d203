-- KEYS: changes, settings, and of its acts what _audit wants   ARGV: entry, most entries, age_ms, settings, acts
-- include _audit
-- include _note
redis.call('SET', KEYS[2], ARGV[4])
note(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
write_down(3, 5)
return 1
