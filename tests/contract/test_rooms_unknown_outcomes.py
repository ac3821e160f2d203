"""What the store may have done or not is asked of it again until that is known."""

from __future__ import annotations

import asyncio

import pytest

from danmaku.envelope import OutKind
from danmaku.model import Role, closed_for_good
from danmaku.moderation_rows import SanctionRow
from danmaku.rows import (
    Admitted,
    DeleteRoomRow,
    Done,
    GetRoomRow,
    JoinRow,
    LikeRow,
    Open,
    PutRoomRow,
    Room,
    Shown,
)
from danmaku.store import Store
from tests.contract.failing import Fault
from tests.contract.rooms_service import LONG, Running, Service, refusal, send, the
from tests.contract.rooms_watching import Watching
from tests.contract.stores import kept_of
from tests.waiting import until


async def begun(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> tuple[Store, Fault, Running, Watching]:
    """A room with one comment, of a process whose appends fail where that is asked for."""
    store = await live.open_store()
    append = Fault(store.history, "append", monkeypatch, carried_out=carried_out)
    process = await live.sole_owner(rooms=LONG, store=store)
    watching = await live.watch("a")
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    return store, append, process, watching


@pytest.mark.parametrize("carried_out", [False, True])
async def test_an_append_of_unknown_outcome_is_repeated_until_it_is_known(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store, append, process, watching = await begun(live, monkeypatch, carried_out)
    append.left = 3
    name = process.name
    first = asyncio.create_task(live.request(name, send("a", "u1", "two", "c2")))
    await until(lambda: append.seen >= 2)
    both = await live.request(name, send("a", "u1", "two", "c2"), send("a", "u1", "three", "c3"))
    assert (await first)[0] == both[0]
    assert [the(Shown, answer).seq for answer in both] == [2, 3]
    await until(lambda: len(watching.items) == 3)
    assert watching.texts == ["one", "two", "three"]
    kept = await store.history.latest("a", 100, 100_000)
    assert [entry.last.seq for entry in kept.entries] == [1, 2, 3]
    assert process.rooms.space.taken == 0


async def test_an_outcome_that_is_open_is_told_and_silences_no_other_row(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    append = Fault(store.history, "append", monkeypatch, carried_out=True)
    process = await live.sole_owner(rooms=LONG, store=store)
    the(Admitted, await live.ask(JoinRow("a", "u1", Role.VIEWER)))
    append.left = 1000
    name = process.name
    rows = send("a", "u1", "one", "c1"), LikeRow("a", "u2", Role.VIEWER, 3)
    assert await live.request(name, *rows, budget_s=2) == [Open(), Done()]
    append.left = 0
    the(Shown, (await live.request(name, send("a", "u1", "one", "c1")))[0])


@pytest.mark.parametrize("carried_out", [False, True])
async def test_changes_are_repeated_until_their_outcome_is_known(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    faults = {
        verb: Fault(noun, verb, monkeypatch, carried_out=carried_out)
        for noun, verb in (
            (store.rooms, "save"),
            (store.moderation, "impose"),
            (store.moderation, "lift"),
            (store.rooms, "delete"),
            (store.history, "append"),
        )
    }
    await live.sole_owner(store=store)
    watching = await live.watch("a")
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    for fault in faults.values():
        fault.left = 2
    assert the(Room, await live.ask(PutRoomRow("a", "boss", Role.ADMIN, title="x"))).info.title == "x"
    the(Room, await live.ask(PutRoomRow("b", "boss", Role.ADMIN)))  # of which nobody is told
    for verb in ("mute", "unmute"):
        the(Done, await live.ask(SanctionRow("a", verb, "u1", "mod", Role.MODERATOR)))
    for _ in range(2):  # the second time there is nothing to say
        the(Done, await live.ask(DeleteRoomRow("a", "boss", Role.ADMIN)))
    assert all(fault.left == 0 for fault in faults.values())
    await until(lambda: len(watching.items) == 4)
    assert watching.kinds == ["c", "title", "title", "closed"]
    assert [notice["kind"] for notice in watching.frames(OutKind.NOTICE)] == ["muted", "unmuted"]
    assert await kept_of(store, "a") == (closed_for_good("a"), [4])


@pytest.mark.parametrize("carried_out", [False, True])
async def test_a_change_of_unknown_outcome_does_not_hold_until_it_is_known(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store, append, process, watching = await begun(live, monkeypatch, carried_out)
    append.left = 1000
    close = PutRoomRow("a", "boss", Role.STREAMER, open=False)
    name = process.name
    assert await live.request(name, close, budget_s=0.5) == [Open()]
    assert the(Room, await live.ask(GetRoomRow("a"))).info.open
    the(Admitted, await live.ask(JoinRow("a", "u2", Role.VIEWER)))
    append.left = 0
    (answer,) = await live.request(name, close)
    assert not the(Room, answer).info.open
    assert refusal(await live.ask(JoinRow("a", "u2", Role.VIEWER))) == "room_closed"
    await until(lambda: len(watching.items) == 2)
    assert watching.kinds == ["c", "closed"]
    info, seqs = await kept_of(store, "a")
    assert info is not None
    assert not info.open
    assert seqs == [1, 2]


@pytest.mark.parametrize("carried_out", [False, True])
async def test_an_owner_that_dies_leaves_a_change_and_its_item_or_neither(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    first = await live.sole_owner(store=store)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    with monkeypatch.context() as patched:
        append = Fault(store.history, "append", patched, carried_out=carried_out)
        append.left = 1000
        row = PutRoomRow("a", "boss", Role.STREAMER, open=False)
        assert await live.request(first.name, row, budget_s=0.5) == [Open()]
        await first.kill()
    watching = await live.watch("a")
    await live.sole_owner(store=store)
    room = the(Room, await live.ask(GetRoomRow("a")))
    await watching.until(1, OutKind.BATCH)
    assert room.info.open is not carried_out
    assert watching.kinds == ["closed" if carried_out else "c"]


@pytest.mark.parametrize("carried_out", [False, True])
async def test_the_first_item_of_a_room_creates_it(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    append = Fault(store.history, "append", monkeypatch, carried_out=carried_out)
    process = await live.sole_owner(rooms=LONG, store=store)
    the(Admitted, await live.ask(JoinRow("a", "u1", Role.VIEWER)))
    assert await kept_of(store, "a") == (None, [])
    append.left = 2
    both = await live.request(process.name, send("a", "u1", "one", "c1"), send("b", "u1", "one", "c1"))
    assert [the(Shown, answer).seq for answer in both] == [1, 1]
    for room in ("a", "b"):
        info, seqs = await kept_of(store, room)
        assert info == the(Room, await live.ask(GetRoomRow(room))).info
        assert seqs == [1]
