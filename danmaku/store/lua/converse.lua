-- KEYS: conversations   ARGV: conversation
redis.call('ZREM', KEYS[1], ARGV[1]) -- added anyway: so a repeat writes as well, and can be waited for on replicas
redis.call('ZADD', KEYS[1], 0, ARGV[1])
