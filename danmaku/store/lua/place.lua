-- Where a user stands in a conversation.
-- KEYS: log, state, reads, members, and his mentions and those of all
-- ARGV: uid, and the other one of a private conversation, or ''
-- Returns {last seq, messages, where he has read up to, name, version, the member, {id, message} of the newest,
--   unread mentions, where the other one has read up to}.
local state = redis.call('HMGET', KEYS[2], 'seq', 'messages', 'name', 'version')
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local read = redis.call('HGET', KEYS[3], ARGV[1]) or '0:0'
local behind = '(' .. string.match(read, '^%d+')
local mentions = redis.call('ZCOUNT', KEYS[5], behind, '+inf') + redis.call('ZCOUNT', KEYS[6], behind, '+inf')
return {
  state[1] or '0', state[2] or '0', read, state[3] or '', state[4] or '0',
  redis.call('HGET', KEYS[4], ARGV[1]) or '', newest and {newest[1], newest[2][6]} or {}, mentions,
  redis.call('HGET', KEYS[3], ARGV[2]) or '0:0',
}
