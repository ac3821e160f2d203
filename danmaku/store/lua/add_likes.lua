-- KEYS: lease, state   ARGV: holder, likes   Returns the new total, nil when the lease was lost.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return nil
end
return redis.call('HINCRBY', KEYS[2], 'likes', ARGV[2])
