"""Recalls by rooms processes: done or refused, whatever dies; and nothing recalled is told again."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from config.settings import Rooms
from danmaku import wire
from danmaku.envelope import OutKind
from danmaku.model import Position, Role
from danmaku.moderation_rows import AppointRow, RecallRow
from danmaku.rows import Admitted, DeleteRoomRow, Done, EventRow, JoinRow, Open, PutRoomRow, Room, Shown
from danmaku.store.history import Append
from rooms import recalls
from tests.contract.failing import Fault
from tests.contract.losing import lose, lose_recalls, lose_state
from tests.contract.rooms_service import LONG, Service, refusal, send, the
from tests.contract.rooms_watching import in_short
from tests.waiting import until

MOD = Role.MODERATOR


def one(at: Shown, role: Role = MOD, room: str = "a", act: str = "") -> RecallRow:
    return RecallRow(room, "mod", role, Position(at.epoch, at.seq), act=act)


def of_user(uid: str, role: Role = MOD) -> RecallRow:
    return RecallRow("a", "mod", role, uid=uid)


def everything(role: Role = MOD) -> RecallRow:
    return RecallRow("a", "mod", role)


async def say(live: Service, uid: str, text: str, role: Role = Role.VIEWER) -> Shown:
    return the(Shown, await live.ask(send("a", uid, text, f"{uid}-{text}", role)))


async def history(live: Service) -> list[Any]:
    """The items that any rooms process serves."""
    reply = await live.history("a")
    return [item for frame in reply.frames for item in msgspec.msgpack.decode(frame)["items"]]


async def said(live: Service) -> list[str]:
    return in_short((await live.history("a")).frames)


async def test_one_comment_is_taken_back_and_everything_else_stays(live: Service) -> None:
    await live.sole_owner(rooms=LONG)
    watching = await live.watch("a")
    first, _ = [await say(live, "ann", text) for text in ("bad", "good")]
    assert await live.ask(one(first)) == Done()
    assert await said(live) == ["gone", "good", "recall"]
    assert (await history(live))[2] == {
        "k": "recall", "role": "moderator", "of": {"epoch": first.epoch, "seq": first.seq},
    }  # fmt: skip
    await until(lambda: watching.kinds == ["c", "c", "recall"])
    stored = (await (await live.open_store()).history.latest("a", 9, 10_000)).entries
    assert b"bad" in stored[0].frame
    assert await said(live) == ["gone", "good", "recall"]
    assert await live.ask(one(first)) == Done(changed=False)
    assert await said(live) == ["gone", "good", "recall"], "it was recalled before"


async def test_all_of_a_user_or_of_everybody_up_to_the_recall(live: Service) -> None:
    await live.sole_owner(rooms=LONG)
    for uid, text in (("ann", "one"), ("bob", "two"), ("ann", "three")):
        await say(live, uid, text)
    assert await live.ask(of_user("ann")) == Done()
    await say(live, "ann", "again")
    assert await said(live) == ["gone", "two", "gone", "recall", "again"]
    assert await live.ask(everything()) == Done()
    await say(live, "bob", "fresh")
    assert await said(live) == ["gone", "gone", "gone", "recall", "gone", "recall", "fresh"]
    store = await live.open_store()
    assert [kept.recall for kept in await store.recalls.load("a")] == [wire.Recall("moderator")]


async def test_an_act_is_written_down_with_what_it_took_back(live: Service) -> None:
    await live.sole_owner(rooms=LONG)
    shown = await say(live, "ann", "bad")
    row = RecallRow("a", "mod", MOD, Position(shown.epoch, shown.seq), reason="rude", act="x1")
    assert await live.ask(row) == Done()
    [recorded] = await (await live.open_store()).audit.after("a", "0-0", 9)
    act = recorded.act
    assert (act.id, act.by, act.role, act.verb) == ("x1", "mod", MOD, "delete")
    assert (act.uid, act.what, act.reason) == ("ann", f"{shown.epoch}-{shown.seq}", "rude")


async def test_what_is_not_there_or_nobody_said_cannot_be_taken_back(live: Service) -> None:
    await live.sole_owner(rooms=LONG)
    shown = await say(live, "ann", "hello")
    the(Room, await live.ask(PutRoomRow("a", "boss", Role.STREAMER, open=False)))
    closed = Shown(shown.epoch, 2, 0)
    missing = [Shown(shown.epoch, 3, 0), Shown(shown.epoch, 99, 0), Shown(5, 1, 0), Shown(2**53 - 1, 1, 0)]
    for at in (closed, *missing):
        assert refusal(await live.ask(one(at))) == "no_such_message"
    for epoch, seq in ((0, 1), (1, 0), (2**53, 1), (1, -1)):
        assert refusal(await live.ask(one(Shown(epoch, seq, 0)))) == "bad_id"
    assert refusal(await live.ask(of_user("no id"))) == "bad_id"
    assert refusal(await live.ask(one(shown, room="nowhere"))) == "room_not_found"
    assert await live.ask(one(shown)) == Done(), "a closed room can be cleaned up"
    assert await live.ask(DeleteRoomRow("a", "boss", Role.STREAMER)) == Done()
    assert refusal(await live.ask(one(shown))) == "room_not_found"


async def test_nobody_takes_back_what_somebody_of_a_higher_role_said(live: Service) -> None:
    await live.sole_owner(rooms=LONG)
    roles = [Role.VIEWER, MOD, Role.STREAMER, Role.ADMIN]
    shown = [await say(live, "ann", role.label, role) for role in roles]
    for row in (everything(Role.VIEWER), one(shown[0], Role.GUEST)):
        assert refusal(await live.ask(row)) == "forbidden"
    for at, role in ((2, MOD), (3, MOD), (3, Role.STREAMER)):
        assert refusal(await live.ask(one(shown[at], role))) == "forbidden"
    assert await live.ask(of_user("ann")) == Done()
    assert await said(live) == ["gone", "gone", "streamer", "admin", "recall"]
    assert await live.ask(everything(Role.STREAMER)) == Done()
    assert await said(live) == ["gone", "gone", "gone", "admin", "recall", "recall"]
    assert await live.ask(one(shown[3], Role.ADMIN)) == Done()
    assert await said(live) == ["gone"] * 4 + ["recall"] * 3


async def test_announcements_and_gifts_can_be_taken_back_too(live: Service) -> None:
    await live.sole_owner(rooms=LONG)
    items: list[wire.Item] = [wire.Announce("hi", "ann", "Ann", "streamer"), wire.Gift("bob", "Bob", "rose")]
    for number, item in enumerate(items):
        row = EventRow("a", "ann", Role.STREAMER, f"e{number}", wire.encode_item(item))
        shown = the(Shown, await live.ask(row))
        if number == 0:
            assert refusal(await live.ask(one(shown))) == "forbidden"
        assert await live.ask(one(shown, Role.STREAMER)) == Done()
    assert await said(live) == ["gone", "recall", "gone", "recall"]


async def test_what_is_pinned_is_in_view_no_longer_when_it_is_taken_back(live: Service) -> None:
    await live.sole_owner(rooms=LONG)
    item = wire.encode_item(wire.Announce("hi", "mod", "Mod", "moderator"))
    shown = the(Shown, await live.ask(EventRow("a", "mod", MOD, "e1", item, pin_s=60)))
    assert the(Admitted, await live.ask(JoinRow("a", "u1", Role.VIEWER))).view
    assert await live.ask(one(shown)) == Done()
    assert not the(Admitted, await live.ask(JoinRow("a", "u1", Role.VIEWER))).view


async def test_who_was_appointed_may_take_back(live: Service) -> None:
    await live.sole_owner(rooms=LONG)
    shown = await say(live, "ann", "bad")
    row = one(shown, Role.VIEWER)
    assert refusal(await live.ask(row)) == "forbidden"
    assert await live.ask(AppointRow("a", "mod", "boss", Role.STREAMER)) == Done()
    assert await live.ask(row) == Done()
    assert (await history(live))[1]["role"] == "moderator"


async def test_recalls_are_bounded_and_one_of_all_makes_room(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalls, "MAX_RECALLS", 2)
    await live.sole_owner(rooms=LONG)
    shown = [await say(live, "ann", text) for text in ("one", "two", "three")]
    for at in shown[:2]:
        assert await live.ask(one(at)) == Done()
    assert refusal(await live.ask(one(shown[2]))) == "conflict"
    assert refusal(await live.ask(of_user("ann"))) == "conflict"
    assert await live.ask(everything()) == Done()
    assert await said(live) == ["gone"] * 3 + ["recall"] * 3
    assert await live.ask(of_user("ann")) == Done()


async def test_what_was_taken_back_stays_so_when_its_owner_dies(live: Service) -> None:
    first = await live.sole_owner()
    shown = await say(live, "ann", "bad")
    assert await live.ask(one(shown)) == Done()
    await first.kill()
    watching = await live.watch("a")
    await live.sole_owner()
    assert await said(live) == ["gone", "recall"]
    await say(live, "bob", "next")
    await watching.until(1, OutKind.BATCH)
    assert b"bad" not in b"".join(out.frame for out in watching.outs)
    assert await live.ask(one(shown)) == Done(changed=False)
    assert await said(live) == ["gone", "recall", "next"]


async def test_a_new_owner_republishes_only_what_is_left(live: Service) -> None:
    """The newest batch holds the comment as well as its recall."""
    first = await live.sole_owner(rooms=Rooms(window_ms=400, lease_ms=2000))
    await say(live, "bob", "begin")
    answers = await live.request(
        first.name, send("a", "ann", "bad", "c1"), of_user("ann"), send("a", "bob", "good", "c2")
    )
    assert [type(answer) for answer in answers] == [Shown, Done, Shown]
    store = await live.open_store()
    [newest] = (await store.history.latest("a", 1, 10_000)).entries
    await first.kill()
    watching = await live.watch("a")
    await live.sole_owner()
    await say(live, "bob", "next")
    await until(lambda: any("next" in str(item) for _, item in watching.items))
    assert b"bad" not in b"".join(out.frame for out in watching.outs)
    if b"bad" in newest.frame:  # all three were shown together
        assert [item.get("text", item["k"]) for _, item in watching.items][:3] == ["gone", "good", "recall"]


@pytest.mark.parametrize("carried_out", [False, True])
async def test_a_recall_of_unknown_outcome_is_repeated_until_it_is_known(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    append = Fault(store.history, "append", monkeypatch, carried_out=carried_out)
    process = await live.sole_owner(rooms=LONG, store=store)
    shown = await say(live, "ann", "bad")
    append.left = 3
    [answer] = await live.request(process.name, one(shown))
    assert answer == Done()
    assert await said(live) == ["gone", "recall"]
    assert len(await store.recalls.load("a")) == 1


async def test_when_its_owner_dies_meanwhile_it_is_open_and_done_when_asked_again(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    first = await live.sole_owner(store=store)
    shown = await say(live, "ann", "bad")
    held = asyncio.Event()
    append = store.history.append

    async def stop_there(process: str, appends: list[Append]) -> Any:
        if process == first.name and any(one.recalling for one in appends):
            await append(process, appends)
            held.set()
            await asyncio.Event().wait()
        return await append(process, appends)

    monkeypatch.setattr(store.history, "append", stop_there)
    asking = asyncio.create_task(live.request(first.name, one(shown, act="x"), budget_s=2, late_s=0))
    await held.wait()
    await first.kill()
    await live.sole_owner(store=store)
    assert await live.ask(one(shown)) == Done(changed=False)
    assert await live.ask(one(shown, act="x")) == Done(), "what it did itself, it did"
    assert await said(live) == ["gone", "recall"]
    [asked] = await asyncio.gather(asking, return_exceptions=True)
    assert isinstance(asked, Exception) or asked == [Open()]


async def test_without_the_store_it_is_refused_and_nothing_is_done(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=LONG, store=store)
    await say(live, "ann", "fine")
    load = Fault(store.recalls, "load", monkeypatch, carried_out=True)
    load.left = 1
    [answer] = await live.request(process.name, everything())
    assert refusal(answer) == "unavailable"
    assert await said(live) == ["fine"]


async def test_a_store_that_lost_a_recall_gets_it_again(live: Service) -> None:
    store = await live.open_store()
    await live.sole_owner(rooms=LONG, store=store)
    watching = await live.watch("a")
    shown = await say(live, "ann", "bad")
    await say(live, "ann", "worse")
    assert await live.ask(one(shown)) == Done()
    assert await live.ask(of_user("ann")) == Done()
    await lose(store, "a", 3)
    await lose_recalls(store, "a")
    await lose_state(store, "a")
    await say(live, "bob", "next")
    assert await said(live) == ["gone", "gone", "recall", "recall", "next"]
    assert [one.recall for one in await store.recalls.load("a")] == [
        wire.Recall("moderator", of=wire.At(shown.epoch, shown.seq)),
        wire.Recall("moderator", uid="ann"),
    ]
    assert len(watching.items) == 5, "nothing is published again"


async def test_after_a_take_over_no_recall_is_forgotten(live: Service) -> None:
    first = await live.sole_owner()
    await say(live, "ann", "one")
    assert await live.ask(everything()) == Done()
    await first.end()
    await live.sole_owner()
    await say(live, "ann", "two")
    assert await live.ask(of_user("bob")) == Done()
    assert await said(live) == ["gone", "recall", "two", "recall"]
