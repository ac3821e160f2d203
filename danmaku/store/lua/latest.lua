-- Read a log backwards.
-- KEYS: log, recalls   ARGV: items, most bytes, from where (`+`, or `(` and an id)
-- Returns {head, entries, recalls}, the newest entry first.
-- include _slice
return slice('XREVRANGE', ARGV[3], '-', tonumber(ARGV[1]), tonumber(ARGV[2]))
