"""A change that is said again: how long it is told again, and that nobody's entry stays behind."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from config.settings import Chat
from danmaku.chat import ChangeGroupRow
from danmaku.conversation import Change, Create, Leave
from danmaku.errors import Refusal
from danmaku.memory.contacts import MemoryContacts
from danmaku.memory.conversations import MemoryConversations
from danmaku.store.errors import StoreDown
from danmaku.telemetry import RoomsMetrics
from rooms.groups import Groups
from rooms.moment import Moment
from tests.contract.rooms_chat import TEAM


async def down(*_: Any) -> None:
    raise StoreDown("gone")


class Told:
    """What is told, in the place of rooms.delivery.Deliveries."""

    def __init__(self) -> None:
        self.seqs: list[int] = []

    def deliver(self, conv: str, seq: int, *_: Any) -> None:
        self.seqs.append(seq)


class Place:
    """Groups over twins, with a clock that is set."""

    def __init__(self) -> None:
        self.ms = 1_000_000
        told: Any = Told()
        self.told: Told = told
        self.contacts: Any = MemoryContacts()
        conversations = MemoryConversations(lambda: self.ms, Chat())
        metrics = RoomsMetrics(CollectorRegistry())
        self.groups = Groups(conversations, self.contacts, told, Chat(), metrics, self._now)

    def _now(self) -> Moment:
        return Moment(self.ms / 1000, self.ms)

    async def change(self, uid: str, change: Change, cid: str = "c1") -> int:
        return (await self.groups.change(ChangeGroupRow(uid, "team", change, cid))).version


async def test_what_was_changed_long_ago_is_answered_but_not_told_again() -> None:
    place = Place()
    for _ in range(2):
        assert await place.change("ann", Create("Team")) == 1
    place.ms += 60_000
    assert await place.change("ann", Create("Team")) == 1
    assert place.told.seqs == [1, 1]


async def test_a_change_is_known_for_a_day() -> None:
    place = Place()
    await place.change("ann", Create("Team", ["bob"]))
    await place.change("bob", Leave())
    place.ms += 24 * 3_600_000 - 1
    assert await place.change("bob", Leave()) == 2
    place.ms += 1
    with pytest.raises(Refusal) as raised:
        await place.change("bob", Leave())
    assert raised.value.name == "not_a_member"


async def test_who_left_has_the_group_no_longer_although_the_process_died_in_between() -> None:
    place = Place()
    await place.change("ann", Create("Team", ["bob"]))
    remove, place.contacts.remove = place.contacts.remove, down
    with pytest.raises(StoreDown):
        await place.change("bob", Leave())
    assert await place.contacts.groups("bob") == [TEAM]
    place.contacts.remove = remove
    assert await place.change("bob", Leave()) == 2
    assert await place.contacts.groups("bob") == []
