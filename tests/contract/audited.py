"""Every way to do what is written down: in a room, by its owner, and for all rooms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from danmaku.change import Configured, Imposed, Lifted, Revoked
from danmaku.model import START, Act, Appointed, Effect, Position, Role, RoomInfo, RoomSettings, Sanction
from danmaku.store import Store
from danmaku.store.history import Append, Appended, Outcome
from tests.contract.room_log import entry
from tests.contract.stores import ROOM

BAN = Sanction("ban", "bob", "ann", 100, None, "spam 广告")
ACT = Act("a1", 100, "ann", Role.MODERATOR, "ban", ROOM, "bob", "", "spam 广告", 60)
OF_ALL = msgspec.structs.replace(ACT, room="", role=Role.ADMIN)
INFO = RoomInfo(ROOM, "title", created_ms=5)

InRoom = Callable[[Store, str, int], Awaitable[Any]]


async def append(store: Store, process: str, lease: int) -> Any:
    one = Append(ROOM, lease, START, entry(Position(1, 1)), Effect("save", INFO, (ACT,)), (ACT,))
    [appended] = await store.history.append(process, [one])
    assert isinstance(appended, Appended)
    return appended.outcome is Outcome.OK


async def lift(store: Store, process: str, lease: int) -> Any:
    await store.moderation.impose(process, lease, ROOM, BAN)
    return await store.moderation.lift(process, lease, ROOM, "ban", "bob", 0, [ACT])


async def dismiss(store: Store, process: str, lease: int) -> Any:
    await store.moderators.appoint(process, lease, ROOM, Appointed("bob", "ann", 5))
    return await store.moderators.dismiss(process, lease, ROOM, "bob", [ACT])


async def lift_for_all(store: Store) -> Any:
    await store.changes.impose(Imposed.of(BAN))
    return await store.changes.lift(Lifted("bob", "ban"), 0, [OF_ALL])


IN_ROOM: dict[str, InRoom] = {
    "impose": lambda store, process, lease: store.moderation.impose(process, lease, ROOM, BAN, [ACT]),
    "lift": lift,
    "dismiss": dismiss,
    "save": lambda store, process, lease: store.rooms.save(process, lease, INFO, [ACT]),
    "delete": lambda store, process, lease: store.rooms.delete(process, lease, ROOM, [ACT]),
    "kick": lambda store, process, lease: store.audit.write_down(process, lease, ACT),
    "append": append,
}
FOR_ALL: dict[str, Callable[[Store], Awaitable[Any]]] = {
    "impose": lambda store: store.changes.impose(Imposed.of(BAN), [OF_ALL]),
    "lift": lift_for_all,
    "configure": lambda store: store.changes.configure(Configured(RoomSettings(slow_s=3), "ann"), [OF_ALL]),
    "revoke": lambda store: store.changes.append(Revoked("bob", 5), [OF_ALL]),
}
