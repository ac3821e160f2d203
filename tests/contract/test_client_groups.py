"""The SDK's groups, over HTTP, at an edge before rooms processes that do as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from danmaku import chat
from danmaku.client import Client, Group, GroupMember, Refusal
from danmaku.conversation import (
    Appoint,
    Change,
    Create,
    Dissolve,
    HandOver,
    Invite,
    Join,
    Kick,
    Leave,
    Mute,
    MuteAll,
    Rename,
    Unmute,
    UnmuteAll,
)
from danmaku.memory import MemoryBus
from tests.contract.edge_chat import FakeChat, chat_worker
from tests.contract.edge_worker import QUICK, Worker, always, token
from tests.waiting import until


class Place:
    def __init__(self, worker: Worker, fake: FakeChat) -> None:
        self.worker = worker
        self.fake = fake

    def refuse(self, name: str | None) -> None:
        """Whatever is asked, from now on."""
        answer = self.fake.answer
        self.fake.judge = answer if name is None else lambda _: chat.Refused(name)

    def client(self, uid: str | None = "ann", path: str = "") -> Client:
        held = None if uid is None else token(uid)
        return Client(f"http://127.0.0.1:{self.worker.port}{path}", token=held, timing=QUICK)

    @property
    def changes(self) -> list[tuple[str, str, Change]]:
        return [(row.uid, row.gid, row.change) for row in self.fake.all(chat.ChangeGroupRow)]


@pytest.fixture
async def place(bus: MemoryBus) -> AsyncIterator[Place]:
    async with chat_worker(always(bus)) as (worker, fake):
        fake.put_group("team", 3, "ann", "bob")
        yield Place(worker, fake)


async def test_what_one_can_do_with_groups(place: Place) -> None:
    async with place.client() as ann:
        groups = ann.groups
        team = await groups.read("team")
        members = [GroupMember("ann", "member", 0), GroupMember("bob", "member", 0)]
        assert team == Group("team", "g:team", "Team", 0, 5, False, False, members)
        assert await groups.make("Team", ["bob"], gid="team") == team
        made = await groups.make("Other")
        assert made.conv == f"g:{made.gid}"
        assert len(made.gid) == 16
        for change in (
            groups.rename("team", "Club"),
            groups.join("team"),
            groups.leave("team"),
            groups.invite("team", "cid"),
            groups.kick("team", "cid"),
            groups.appoint("team", "bob", "admin"),
            groups.hand_over("team", "bob"),
            groups.mute("team", "bob"),
            groups.mute("team", "bob", 60),
            groups.unmute("team", "bob"),
            groups.mute_all("team"),
            groups.unmute_all("team"),
            groups.dissolve("team"),
        ):
            assert await change == team
    assert place.changes[0] == ("ann", "team", Create("Team", ["bob"]))
    assert place.changes[1] == ("ann", made.gid, Create("Other"))
    assert [change for _, _, change in place.changes[2:]] == [
        Rename("Club"),
        Join(),
        Leave(),
        Invite(["cid"]),
        Kick("cid"),
        Appoint("bob", "admin"),
        HandOver("bob"),
        Mute("bob"),
        Mute("bob", 60),
        Unmute("bob"),
        MuteAll(),
        UnmuteAll(),
        Dissolve(),
    ]
    cids = {row.cid for row in place.fake.all(chat.ChangeGroupRow)}
    assert len(cids) == len(place.changes)
    assert all(cids)


async def test_a_no_is_raised(place: Place) -> None:
    async with place.client() as ann:
        for gid, uid in (("no id", "bob"), ("team", "no id"), ("../team", "bob"), ("team", "a/b")):
            with pytest.raises(Refusal) as raised:
                await ann.groups.kick(gid, uid)
            assert raised.value.name == "bad_id"
        with pytest.raises(Refusal) as raised:
            await ann.groups.rename("team", "n" * 65)
        assert raised.value.name == "bad_frame"
        place.refuse("forbidden")
        with pytest.raises(Refusal) as raised:
            await ann.groups.mute_all("team")
        assert (raised.value.name, raised.value.code) == ("forbidden", 4030)
    async with place.client(None) as guest:
        with pytest.raises(Refusal) as raised:
            await guest.groups.read("team")
        assert raised.value.name == "unauthorized"


async def test_what_is_no_service_is_refused(place: Place) -> None:
    async with place.client() as ann:
        ann.groups._calls._base = lambda: f"http://127.0.0.1:{place.worker.port}/nowhere"
        with pytest.raises(Refusal) as raised:
            await ann.groups.read("team")
        assert raised.value.name == "no_such_route"
        ann.groups._calls._base = lambda: f"http://127.0.0.1:{place.worker.port}/docs?"
        with pytest.raises(Refusal) as raised:
            await ann.groups.read("team")
        assert raised.value.name == "internal"


async def test_a_change_of_unknown_outcome_is_made_again_under_its_cid(place: Place) -> None:
    async with place.client() as ann:
        place.refuse("unavailable")
        leaving = asyncio.create_task(ann.groups.leave("team"))
        await until(lambda: len(place.changes) >= 2)
        place.refuse(None)
        assert (await leaving).gid == "team"
        place.refuse("unavailable")
        with pytest.raises(Refusal) as raised:
            await ann.groups.leave("team", timeout_s=0.3)
        assert raised.value.name == "unavailable"
    first, second, *_ = place.fake.all(chat.ChangeGroupRow)
    assert first == second
