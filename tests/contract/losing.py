"""A store that comes back without what it took last."""

from __future__ import annotations

from danmaku.memory import MemoryStore
from danmaku.store import Store
from danmaku.store.valkey import ValkeyStore

# As a server that had not brought them to disk: deleting alone would leave the id that was given last.
_LOSE = """
local kept = redis.call('XRANGE', KEYS[1], '-', '+')
redis.call('DEL', KEYS[1])
for i = 1, #kept - ARGV[1] do
  redis.call('XADD', KEYS[1], kept[i][1], unpack(kept[i][2]))
end
return #kept
"""


async def lose(store: Store, room: str, entries: int) -> None:
    """The newest `entries` of the room's log were never there."""
    if isinstance(store, MemoryStore):
        for _ in range(min(entries, len(store.logs[room]))):
            store.logs[room].pop()
    else:
        assert isinstance(store, ValkeyStore)
        await store.history._link.one("EVAL", _LOSE, 1, store.history._keys.log(room), entries)


async def lose_recalls(store: Store, room: str) -> None:
    """What was recalled in the room was never there."""
    if isinstance(store, MemoryStore):
        store.recalls._recalls.pop(room, None)
    else:
        assert isinstance(store, ValkeyStore)
        await store.history._link.one("DEL", store.history._keys.recalls(room))


async def lose_state(store: Store, room: str) -> None:
    """What was kept about the room was never there, but its likes."""
    if isinstance(store, MemoryStore):
        store.rooms._rooms.pop(room, None)
    else:
        assert isinstance(store, ValkeyStore)
        fields = "title", "open", "settings", "created_ms"
        await store.history._link.one("HDEL", store.history._keys.state(room), *fields)
