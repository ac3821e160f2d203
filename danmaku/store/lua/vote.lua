-- Count votes in a poll, of each user the first, if the holder still has the lease.
-- The hash: uid to option, '#<option>' to votes, '#voters', and '#poll', which poll that is. Ids have no '#'.
-- KEYS: lease, votes
-- ARGV: holder, poll, how many options, most voters, ms to keep it, and for each vote: uid, option, 1 where it is late
-- Returns {standing, counts}, -1 for a vote that does not count; nil when the lease was lost.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return nil
end
local is_kept = redis.call('HGET', KEYS[2], '#poll') == ARGV[2]
local voters = is_kept and tonumber(redis.call('HGET', KEYS[2], '#voters') or 0) or 0
local before = voters
local more, standing = {}, {}
for i = 6, #ARGV, 3 do
  local option = is_kept and redis.call('HGET', KEYS[2], ARGV[i]) or nil
  if not option and ARGV[i + 2] == '0' and voters < tonumber(ARGV[4]) then
    if not is_kept then
      redis.call('UNLINK', KEYS[2])
      redis.call('HSET', KEYS[2], '#poll', ARGV[2])
      is_kept = true
    end
    option = ARGV[i + 1]
    redis.call('HSET', KEYS[2], ARGV[i], option)
    more[option] = (more[option] or 0) + 1
    voters = voters + 1
  end
  standing[#standing + 1] = option and tonumber(option) or -1
end
for option, votes in pairs(more) do
  redis.call('HINCRBY', KEYS[2], '#' .. option, votes)
end
if voters > before then
  redis.call('HSET', KEYS[2], '#voters', voters)
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
elseif is_kept then
  redis.call('HSET', KEYS[2], '#poll', ARGV[2]) -- a repeat writes as well, and can be waited for on replicas
end
local counts = {}
for option = 0, ARGV[3] - 1 do
  counts[option + 1] = is_kept and tonumber(redis.call('HGET', KEYS[2], '#' .. option) or 0) or 0
end
return {standing, counts}
