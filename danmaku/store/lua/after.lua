-- Read a log forwards.
-- KEYS: log, recalls   ARGV: since (id), items, most bytes   Returns {head, entries, recalls}.
-- include _slice
return slice('XRANGE', '(' .. ARGV[1], '+', tonumber(ARGV[2]), tonumber(ARGV[3]))
