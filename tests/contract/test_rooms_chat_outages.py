"""Chat by rooms processes when the store fails, hangs or does not say what it did."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from danmaku.chat import (
    ChangeGroupRow,
    Group,
    GroupsRow,
    MembersRow,
    PullRow,
    ReadRow,
    RecallRow,
    Refused,
    Row,
    Said,
    SyncRow,
    Users,
)
from danmaku.conversation import Create, Leave, MuteAll
from danmaku.store.conversations import Ask, Conversations, Facts
from tests.contract.failing import Fault, away
from tests.contract.rooms_chat import PAIR, Talk, send
from tests.contract.rooms_service import Service


async def hang(*_: Any) -> Any:
    await asyncio.Event().wait()


@pytest.fixture
async def conversations(live: Service) -> Conversations:
    """Of the one rooms process, for tests to let them fail."""
    store = await live.open_store()
    await live.sole_owner(store=store)
    return store.conversations


ALL: list[tuple[str, Row]] = [
    ("facts", send("ann", "c1")),
    ("append", send("ann", "c1")),
    ("pull", PullRow("ann", [(PAIR, 0, 1)])),
    ("places", SyncRow("ann", 1)),
    ("read", ReadRow("ann", PAIR, 1)),
    ("recall", RecallRow("ann", PAIR, 1)),
    ("change", ChangeGroupRow("ann", "other", Create("Other"))),
    ("members", MembersRow("team")),
]


async def test_without_the_store_the_answer_is_unavailable(
    live: Service, conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(live)
    await talk.get(Said, send("ann", "c0"))
    for verb, row in ALL:
        with monkeypatch.context() as patched:
            patched.setattr(conversations, verb, away)
            assert await talk.refused(row) == "unavailable"
    await talk.get(Said, send("ann", "c1"))


async def test_a_store_that_hangs_is_given_up_in_time(
    live: Service, conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(live)
    await talk.get(Said, send("ann", "c0"))
    for verb, row in ALL:
        with monkeypatch.context() as patched:
            patched.setattr(conversations, verb, hang)
            (answer,) = await talk.ask(row, budget_s=0.1)
        assert isinstance(answer, Refused)
        assert answer.name == "timeout"


async def test_a_change_of_unknown_outcome_is_made_once(
    live: Service, conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(live)
    await talk.change("ann", Create("Team", ["bob"]))
    change = Fault(conversations, "change", monkeypatch, carried_out=True)
    row = ChangeGroupRow("bob", "team", Leave(), "c1")
    change.left = 1
    assert await talk.refused(row) == "unavailable"
    assert (await talk.get(Group, row)).version == 2
    assert (await talk.get(Users, GroupsRow("bob"))).ids == []


async def test_a_change_that_is_asked_for_twice_at_one_time_is_made_once(
    live: Service, conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ask before either has changed anything."""
    talk = Talk(live)
    await talk.change("ann", Create("Team", ["bob"]))
    facts, asked, both_ask = conversations.facts, 0, asyncio.Event()

    async def together(asks: list[Ask]) -> list[Facts]:
        nonlocal asked
        known = await facts(asks)
        asked += 1
        if asked == 2:
            both_ask.set()
        await both_ask.wait()
        return known

    row = ChangeGroupRow("ann", "team", MuteAll(), "c1")
    monkeypatch.setattr(conversations, "facts", together)
    one, other = await asyncio.gather(talk.get(Group, row), talk.get(Group, row))
    assert one == other
    assert (one.version, one.last_seq) == (2, 2)


async def test_who_has_given_up_says_nothing_later(
    live: Service, conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(live)
    facts, release = conversations.facts, asyncio.Event()

    async def late(asks: list[Ask]) -> list[Facts]:
        await release.wait()
        return await facts(asks)

    with monkeypatch.context() as patched:
        patched.setattr(conversations, "facts", late)
        (answer,) = await talk.ask(send("ann", "c1"), budget_s=0.05)
    assert isinstance(answer, Refused)
    release.set()
    await talk.get(Said, send("ann", "c2"))
    assert (await talk.pull("ann", PAIR)).last_seq == 1
