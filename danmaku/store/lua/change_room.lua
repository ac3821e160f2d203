-- Change what is kept of a room, if the holder still has the lease.
-- KEYS: lease, log, state, listing   ARGV: holder, verb, room, field, value, …   Returns 1, or 0 when the lease was lost.
-- include _effect
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
carry_out(ARGV[2], ARGV[3], 4)
return 1
