-- KEYS: blocked   ARGV: uid
redis.call('SADD', KEYS[1], ARGV[1]) -- removed anyway: so a repeat writes as well, and can be waited for on replicas
redis.call('SREM', KEYS[1], ARGV[1])
