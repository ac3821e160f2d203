-- KEYS: changes   ARGV: entry, most entries, age_ms
-- include _note
note(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
return 1
