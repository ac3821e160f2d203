-- KEYS: log, recalls   Returns {id, item, id, item, …} of the recalls that may concern what the log holds.
-- include _recalls
forget_recalls(KEYS[1], KEYS[2])
return redis.call('HGETALL', KEYS[2])
