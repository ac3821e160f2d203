-- KEYS: changes, words, staged, and of its acts what _audit wants
-- ARGV: entry, most entries, age_ms, version, pieces, the version it replaces or `*`, acts
-- Returns 1, also where that was done before, or 0 where not all pieces are there, or the list is of another version.
-- include _audit
-- include _note
local version = redis.call('HGET', KEYS[2], 'version') or ''
if version == ARGV[4] then
  redis.call('HSET', KEYS[2], 'version', version) -- a repeat writes as well, and can be waited for on replicas
  return 1
end
if ARGV[6] ~= '*' and ARGV[6] ~= version then
  return 0
end
if redis.call('HLEN', KEYS[3]) ~= tonumber(ARGV[5]) then
  return 0
end
redis.call('HSET', KEYS[3], 'version', ARGV[4], 'pieces', ARGV[5])
redis.call('RENAME', KEYS[3], KEYS[2])
redis.call('PERSIST', KEYS[2])
note(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
write_down(4, 7)
return 1
