-- Change what is kept of a room, if the holder still has the lease.
-- KEYS: lease, log, state, listing, recalls, held, and of its acts what _audit wants
-- ARGV: holder, acts, verb, room, field, value, …   Returns 1, or 0 when the lease was lost.
-- include _audit
-- include _recalls
-- include _effect
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
local effect = write_down(7, 2)
carry_out(ARGV[effect], ARGV[effect + 1], effect + 2)
return 1
