-- KEYS: adjustments   ARGV: the id of an act
-- Returns the adjustment that it made, or nothing.
-- include _makers
know_makers(KEYS[1])
local version = redis.call('HGET', KEYS[1], 'act:' .. ARGV[1])
return version and redis.call('HGET', KEYS[1], version)
