"""Comments that wait for a moderator, over twins and over real servers."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from config.settings import Policy, Rooms
from danmaku.envelope import Answer, OutKind
from danmaku.held import Held
from danmaku.model import Role
from danmaku.moderation_rows import DecideRow, HeldRow, RecallRow, SanctionRow
from danmaku.rows import DeleteRoomRow, Done, HeldPage, PutRoomRow, Room, Shown
from tests.contract.failing import Fault
from tests.contract.rooms_service import LONG, LOOSE, Service, refusal, send, the
from tests.contract.rooms_watching import Watching
from tests.waiting import until

REVIEWED = Policy(**{**msgspec.structs.asdict(LOOSE), "review": True})


async def held(live: Service, after: str = "", role: Role = Role.MODERATOR) -> list[Held]:
    return the(HeldPage, await live.ask(HeldRow("a", "mod", role, after))).held


async def decide(live: Service, one: Held, approve: bool, act: str, role: Role = Role.MODERATOR) -> Answer:
    return await live.ask(DecideRow("a", one.id, approve, "mod", role, "because", act=act))


def notices(watching: Watching) -> list[tuple[str, str, str, str]]:
    found = [out for out in watching.outs if out.kind is OutKind.NOTICE]
    frames = [msgspec.msgpack.decode(out.frame) for out in found]
    return [
        (out.uid, frame["kind"], frame["text"], frame["reason"])
        for out, frame in zip(found, frames, strict=True)
    ]


async def test_what_is_held_waits_for_a_decision_and_outlives_its_owner(live: Service) -> None:
    process = await live.sole_owner(policy=REVIEWED)
    watching = await live.watch("a")
    asked = [send("a", "u1", "one", "c1"), send("a", "u1", "one", "c1"), send("a", "u2", "two", "c1")]
    answers = await live.request(process.name, *asked)
    assert [refusal(answer) for answer in answers] == ["held_for_review"] * 3
    the(Shown, await live.ask(send("a", "mod", "staff", "c1", Role.MODERATOR)))
    assert process.metric("danmaku_rooms_comments_total", outcome="held") == 2
    one, two = await held(live)
    assert [(one.uid, one.why), (two.uid, two.why)] == [("u1", "review"), ("u2", "review")]
    assert await held(live, one.id) == [two]
    assert refusal(await live.ask(HeldRow("a", "u1", Role.VIEWER))) == "forbidden"
    assert refusal(await live.ask(HeldRow("a", "mod", Role.MODERATOR, "first"))) == "bad_id"
    assert refusal(await live.ask(HeldRow("nowhere", "mod", Role.MODERATOR))) == "room_not_found"
    await process.kill()

    process = await live.sole_owner(policy=REVIEWED)
    assert await held(live) == [one, two]
    assert refusal(await live.ask(send("a", "u1", "one", "c1"))) == "held_for_review"
    assert refusal(await decide(live, one, True, "a1", Role.VIEWER)) == "forbidden"
    shown = the(Shown, await decide(live, one, True, "a1"))
    assert the(Shown, await decide(live, one, True, "a1")) == shown, "asked again, for its answer got lost"
    assert refusal(await decide(live, one, False, "a2")) == "conflict"
    the(Done, await decide(live, two, False, "a3"))
    the(Done, await decide(live, two, False, "a3"))
    assert (
        refusal(await decide(live, msgspec.structs.replace(one, id="1-1"), True, "a4")) == "no_such_message"
    )
    assert the(Shown, await live.ask(send("a", "u1", "one", "c1"))) == shown
    assert refusal(await live.ask(send("a", "u2", "two", "c1"))) == "held_for_review"
    assert await held(live) == []
    await process.end()

    process = await live.sole_owner(policy=REVIEWED)
    assert the(Shown, await decide(live, one, True, "a1")) == shown
    assert refusal(await decide(live, one, True, "a2")) == "conflict"
    assert the(Shown, await live.ask(send("a", "u1", "one", "c1"))) == shown
    assert watching.texts == ["staff", "one"]
    await until(lambda: len(notices(watching)) >= 2)
    assert notices(watching) == [("u1", "approved", "one", "because"), ("u2", "denied", "two", "because")]
    audit = [one.act for one in await (await live.open_store()).audit.after("a", "0-0", 10)]
    acts = [(act.verb, act.by, act.uid, act.what, act.reason) for act in audit]
    assert acts == [("approve", "mod", "u1", "one", "because"), ("deny", "mod", "u2", "two", "because")]


async def test_a_room_that_was_out_of_memory_puts_nothing_in_the_place_of_what_is_held(live: Service) -> None:
    process = await live.sole_owner(policy=REVIEWED, rooms=Rooms(window_ms=5, lease_ms=2000, idle_s=1))
    assert refusal(await live.ask(send("a", "u1", "one", "c1"))) == "held_for_review"
    first = await held(live)
    await until(lambda: len(process.rooms) == 0)
    assert refusal(await live.ask(send("a", "u2", "two", "c1"))) == "held_for_review"
    (second,) = await held(live, first[-1].id)
    assert await held(live) == [*first, second]
    the(Shown, await decide(live, first[0], True, "a1"))
    assert await held(live) == [second]


@pytest.mark.parametrize("carried_out", [False, True])
async def test_it_is_shown_once_whatever_becomes_of_writes(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    append = Fault(store.history, "append", monkeypatch, carried_out=carried_out)
    change = Fault(store.held, "change", monkeypatch, carried_out=carried_out)
    process = await live.sole_owner(store=store, policy=REVIEWED, rooms=LONG)
    watching = await live.watch("a")
    change.left = 2
    for cid in ("c1", "c2"):
        assert refusal(await live.ask(send("a", "u1", cid, cid))) == "held_for_review"
    one, two = await held(live)
    append.left = 3
    approved = await asyncio.gather(*(decide(live, one, True, act) for act in ("a1", "a2", "a1")))
    assert sorted(type(answer).__name__ for answer in approved) == ["Refused", "Shown", "Shown"]
    change.left = 2
    the(Done, await decide(live, two, False, "a3"))
    assert watching.texts == ["c1"]
    assert await held(live) == []
    assert [one.act.verb for one in await store.audit.after("a", "0-0", 10)] == ["approve", "deny"]
    assert process.rooms.space.taken == 0


async def test_whose_lease_is_lost_holds_and_decides_nothing(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    change = Fault(store.held, "change", monkeypatch, carried_out=False)
    process = await live.sole_owner(store=store, policy=REVIEWED)
    assert refusal(await live.ask(send("a", "u1", "one", "c1"))) == "held_for_review"
    (one,) = await held(live)
    change.left = 1_000_000
    name = process.name
    rows = send("a", "u1", "two", "c2"), DecideRow("a", one.id, False, "mod", Role.MODERATOR, act="a1")
    asking = asyncio.create_task(live.request(name, *rows, budget_s=2))
    await until(lambda: change.seen >= 3)
    await process.kill()
    asking.cancel()
    change.left = 0
    await live.sole_owner(policy=REVIEWED)
    assert await held(live) == [one]
    the(Done, await decide(live, one, False, "a1"))


async def test_who_is_muted_meanwhile_is_not_approved(live: Service) -> None:
    await live.sole_owner(policy=REVIEWED)
    assert refusal(await live.ask(send("a", "u1", "one", "c1"))) == "held_for_review"
    (one,) = await held(live)
    the(Done, await live.ask(SanctionRow("a", "mute", "u1", "mod", Role.MODERATOR, 60)))
    assert refusal(await decide(live, one, True, "a1")) == "conflict"
    assert await held(live) == [one]
    the(Done, await live.ask(SanctionRow("a", "unmute", "u1", "mod", Role.MODERATOR)))
    the(Shown, await decide(live, one, True, "a2"))


@pytest.mark.parametrize(("whose", "left"), [("u1", ["u2"]), (None, [])])
async def test_what_is_taken_back_is_not_approved_any_more(
    live: Service, whose: str | None, left: list[str]
) -> None:
    process = await live.sole_owner(policy=REVIEWED)
    watching = await live.watch("a")
    for uid in ("u1", "u2"):
        assert refusal(await live.ask(send("a", uid, "bad", "c1"))) == "held_for_review"
    one = (await held(live))[0]
    clear = RecallRow("a", "mod", Role.MODERATOR, uid=whose, reason="spam", act="r1")
    late = send("a", "u1", "late", "c2")
    answers = await live.request(process.name, clear, late)
    assert answers[0] == Done()
    assert refusal(answers[1]) == "held_for_review"
    assert refusal(await live.ask(late)) == "held_for_review"
    assert [waiting.uid for waiting in await held(live)] == left
    assert refusal(await decide(live, one, True, "a1")) == "conflict"
    await until(lambda: ("u1", "denied", "bad", "spam") in notices(watching))
    await process.kill()
    await live.sole_owner(policy=REVIEWED)
    assert [waiting.uid for waiting in await held(live)] == left
    assert refusal(await decide(live, one, True, "a1")) == "conflict"
    assert watching.kinds == ["recall"]


async def test_what_was_not_stored_yet_does_not_outlive_a_room_closed_for_good(live: Service) -> None:
    process = await live.sole_owner(rooms=LONG, policy=REVIEWED)
    assert refusal(await live.ask(send("a", "u1", "one", "c1"))) == "held_for_review"
    closing = DeleteRoomRow("a", "ann", Role.STREAMER)
    answers = await live.request(process.name, closing, send("a", "u1", "two", "c2"))
    assert answers[0] == Done()
    assert refusal(answers[1]) == "room_closed"
    store = await live.open_store()
    assert await store.held.load("a") == []
    the(Room, await live.ask(PutRoomRow("a", "ann", Role.STREAMER, open=True)))
    assert await held(live) == []
