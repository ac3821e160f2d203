"""Who is asked for when, and who is handed what, in groups at an edge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from danmaku import chat
from danmaku.chat import Delivery, News
from danmaku.memory import MemoryBus
from danmaku.subjects import Subjects
from danmaku.telemetry import EdgeMetrics
from edge.groups import Groups
from tests.waiting import until

SUBJECTS = Subjects("t")


class Asked:
    """Keeps what is asked until a test answers."""

    def __init__(self) -> None:
        self.rows: list[tuple[chat.Row, Callable[[chat.Answer], None]]] = []

    def submit(self, row: chat.Row, answered: Callable[[chat.Answer], None]) -> None:
        self.rows.append((row, answered))

    def count(self, kind: type[Any]) -> int:
        return sum(isinstance(row, kind) for row, _ in self.rows)

    def answer(self, kind: type[Any], how: Callable[[Any], chat.Answer]) -> None:
        """All of that kind that were asked until now."""
        now = [(row, answered) for row, answered in self.rows if isinstance(row, kind)]
        self.rows = [(row, answered) for row, answered in self.rows if not isinstance(row, kind)]
        for row, answered in now:
            answered(how(row))


class Place:
    def __init__(self) -> None:
        self.bus = MemoryBus()
        self.asked = Asked()
        self.given: list[tuple[int, list[str]]] = []
        metrics = EdgeMetrics(CollectorRegistry())
        self.groups = Groups(self.bus, SUBJECTS, self.asked, self._hand_out, lambda _: None, metrics)

    def _hand_out(self, news: News, uids: list[str]) -> None:
        assert isinstance(news, Delivery)
        self.given.append((news.seq, uids))

    async def say(self, seq: int, version: int) -> None:
        await self.bus.publish(SUBJECTS.chat_out("g"), chat.encode(Delivery("g:g", seq, version, [], b"x")))


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    yield place
    await place.groups.close()


async def test_who_came_later_is_not_handed_what_waited(place: Place) -> None:
    asked = place.asked
    place.groups.arrive("old")
    place.groups.arrive("new")
    asked.answer(chat.GroupsRow, lambda row: chat.Users(["g"] if row.uid == "old" else []))
    await until(lambda: asked.count(chat.MembersRow))
    asked.answer(chat.MembersRow, lambda _: chat.Members("g", 1, [("old", 1)]))
    await place.say(5, 2)
    await until(lambda: asked.count(chat.MembersRow))
    place.groups.claim(["new"], "g", 3)
    await place.say(6, 3)
    await until(lambda: len(place.groups._feeds["g"].held) == 2)
    asked.answer(chat.MembersRow, lambda _: chat.Members("g", 3, [("old", 1), ("new", 6)]))
    assert place.given == [(5, ["old"]), (6, ["old", "new"])]


async def test_of_few_groups_at_a_time_it_is_asked_who_belongs_to_them(place: Place) -> None:
    asked = place.asked
    gids = [f"g{number}" for number in range(100)]
    place.groups.arrive("ann")
    asked.answer(chat.GroupsRow, lambda _: chat.Users(gids))
    for _ in range(2):
        told: list[str] = []
        while len(told) < len(gids):
            await until(lambda: asked.count(chat.MembersRow))
            assert asked.count(chat.MembersRow) <= 16
            told += [row.gid for row, _ in asked.rows if isinstance(row, chat.MembersRow)]
            asked.answer(chat.MembersRow, lambda row: chat.Members(row.gid, 1, [("ann", 1)]))
        assert sorted(told) == sorted(gids)
        place.groups.doubt()


async def test_who_cannot_answer_is_not_asked_faster(place: Place) -> None:
    asked = place.asked
    place.groups.arrive("ann")
    asked.answer(chat.GroupsRow, lambda _: chat.Users([f"g{number}" for number in range(40)]))
    await until(lambda: asked.count(chat.MembersRow) == 16)
    asked.answer(chat.MembersRow, lambda _: chat.Refused("unavailable"))
    assert asked.count(chat.MembersRow) == 0
    await until(lambda: asked.count(chat.MembersRow) == 16)


async def test_of_a_user_it_is_asked_once_at_a_time(place: Place) -> None:
    asked = place.asked
    for _ in range(20):
        place.groups.arrive("ann")
        place.groups.depart("ann")
    place.groups.arrive("ann")
    for _ in range(10):
        place.groups.look_up("ann")
    assert asked.count(chat.GroupsRow) == 1
    asked.answer(chat.GroupsRow, lambda _: chat.Refused("unavailable"))
    await until(lambda: asked.count(chat.GroupsRow))
    assert asked.count(chat.GroupsRow) == 1
    asked.answer(chat.GroupsRow, lambda _: chat.Users([]))
    place.groups.depart("ann")
    place.groups.look_up("ann")
    assert asked.count(chat.GroupsRow) == 0
