-- KEYS: changes, sanctions, and of its acts what _audit wants   ARGV: entry, most entries, age_ms, field, acts
-- include _audit
-- include _note
if redis.call('HDEL', KEYS[2], ARGV[4]) == 1 then
  note(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
end
write_down(3, 5)
return 1
