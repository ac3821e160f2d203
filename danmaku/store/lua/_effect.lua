-- carry_out(verb, room, from): change what is kept of a room; the fields of its new state are ARGV from `from` on.
-- Of a room that is deleted only what keeps it closed is left: a state that says so, its sanctions, and the
-- newest entry of its log with what was recalled of that, so that no position is ever used again.
-- KEYS: lease, log, state, listing, recalls, held   Needs _recalls.
local function carry_out(verb, room, from)
  local created = redis.call('HGET', KEYS[3], 'created_ms')
  if verb == 'create' and created then
    redis.call('HSET', KEYS[3], 'created_ms', created) -- a repeat writes as well, and can be waited for on replicas
    return
  end
  if verb == 'delete' then
    redis.call('DEL', KEYS[3])
    redis.call('SREM', KEYS[4], room)
    redis.call('XTRIM', KEYS[2], 'MAXLEN', '=', 1)
    forget_recalls(KEYS[2], KEYS[5])
    redis.call('DEL', KEYS[6])
  else
    redis.call('SADD', KEYS[4], room)
  end
  redis.call('HSET', KEYS[3], unpack(ARGV, from))
end
