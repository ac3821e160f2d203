-- KEYS: changes, and of its acts what _audit wants   ARGV: entry, most entries, age_ms, acts
-- include _audit
-- include _note
note(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
write_down(2, 4)
return 1
