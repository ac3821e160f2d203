-- KEYS: blocked   ARGV: uid, most
-- Returns 1, or 0 where so many are blocked already.
if redis.call('SREM', KEYS[1], ARGV[1]) == 0 and redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  return 0
end
redis.call('SADD', KEYS[1], ARGV[1]) -- removed before: so a repeat writes as well, and can be waited for on replicas
return 1
