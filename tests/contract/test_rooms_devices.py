"""Where users are connected, when an edge has died that could not say so."""

from __future__ import annotations

from typing import Any

from danmaku.chat import PresenceRow, SessionsRow
from danmaku.memory import MemoryStore
from danmaku.store.conversations import Append
from danmaku.store.sessions import Counted, Hello
from danmaku.subjects import Subjects
from rooms.devices import Devices
from rooms.living import LivingEdges
from rooms.moment import Moment


async def test_who_was_at_an_edge_that_died_is_not_there_any_more() -> None:
    now_s = 1000.0
    store, living = MemoryStore(), LivingEdges(now_s)
    silent: Any = None  # nobody is told anything here

    def clock() -> Moment:
        return Moment(now_s, round(now_s * 1000))

    devices = Devices(
        store.sessions, store.conversations, store.contacts, silent, Subjects("t"), living, clock
    )
    for device, edge in (("tv", "e1"), ("phone", "e2")):
        hello = Hello("bob", 5, Counted(device, 1, edge, f"s-{device}"))
        await store.sessions.greet([hello], clock().ms, 600_000, 32)
    await store.conversations.append([Append("p:ann:bob", "ann", 1, b"hi", "c1", indexed=True)])

    async def there() -> tuple[list[str], bool]:
        found = (await devices.read(SessionsRow("bob"))).devices
        return [edge for _, edge, _ in found], (await devices.presence(PresenceRow("ann", "bob"))).online

    assert await there() == (["e2", "e1"], True)
    now_s += 11
    living.hear("e1", now_s)
    assert await there() == (["", "e1"], True)
    now_s += 11
    assert await there() == (["", ""], False)
    living.hear("e2", now_s)
    assert await there() == (["e2", ""], True)
