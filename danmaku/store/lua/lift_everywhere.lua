-- KEYS: changes, sanctions, and of its acts what _audit wants
-- ARGV: entry, most entries, age_ms, field, now in ms, acts
-- Returns 1, or 0 when there was nothing that lasts still: no act is written down.
-- include _audit
-- include _lasts
-- include _note
local value = redis.call('HGET', KEYS[2], ARGV[4])
if not value then
  return 0
end
redis.call('HDEL', KEYS[2], ARGV[4])
note(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
if not lasts(value, ARGV[5]) then
  return 0
end
write_down(3, 6)
return 1
