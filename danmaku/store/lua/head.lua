-- KEYS: log   Returns the id of the newest entry, `0-0` when there is none.
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
return newest and newest[1] or '0-0'
