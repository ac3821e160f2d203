-- Keep comments that wait for a moderator, or what became of them.
-- KEYS: lease, held, and of its acts what _audit wants
-- ARGV: holder, how many, id, value, …, the ids that go with a blank between them, acts
-- Returns 1, or 0 when the lease was lost.
-- include _audit
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
local gone = 3 + 2 * tonumber(ARGV[2])
for i = 3, gone - 1, 2 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end
for id in string.gmatch(ARGV[gone], '%S+') do
  redis.call('HDEL', KEYS[2], id)
end
write_down(3, gone + 1)
return 1
