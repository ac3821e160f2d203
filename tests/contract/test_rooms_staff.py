"""Appointed moderators at the owner of a room, and what of all this is written down."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import pytest

from danmaku import records
from danmaku.model import Position, Role
from danmaku.moderation_rows import (
    AppointRow,
    Moderators,
    ModeratorsRow,
    RecallRow,
    SanctionEverywhereRow,
    SanctionRow,
)
from danmaku.records import Acts, ActsRequest, Card, CardRequest, Sanctioned, SanctionedRequest
from danmaku.rows import DeleteRoomRow, Done, JoinRow, PutRoomRow, Rank, RankRow, Room, Shown
from tests.contract.failing import Fault
from tests.contract.rooms_service import LONG, PATIENCE_MS, Service, refusal, send, the

R = TypeVar("R", bound=records.Reply)


async def verbs(live: Service, room: str) -> list[tuple[str, str, str]]:
    store = await live.open_store()
    return [(one.act.verb, one.act.by, one.act.uid) for one in await store.audit.before(room, None, 100)]


async def test_an_appointed_moderator_is_one_at_once_and_after_a_takeover(live: Service) -> None:
    first = await live.sole_owner()
    watching = await live.watch("a")
    the(Shown, await live.ask(send("a", "mod", "hi", "c1")))
    mute = SanctionRow("a", "mute", "bob", "mod", Role.VIEWER, 60, "spam")
    asked = RankRow("a", "mod", Role.VIEWER)
    assert refusal(await live.ask(mute)) == "forbidden"
    assert refusal(await live.ask(AppointRow("a", "mod", "eve", Role.MODERATOR))) == "forbidden"
    assert refusal(await live.ask(AppointRow("a", "m d", "ann", Role.STREAMER))) == "bad_id"
    assert the(Rank, await live.ask(asked)).role is Role.VIEWER
    the(Done, await live.ask(AppointRow("a", "mod", "ann", Role.STREAMER)))
    assert the(Rank, await live.ask(asked)).role is Role.MODERATOR
    the(Done, await live.ask(mute))
    assert refusal(await live.ask(send("a", "bob", "hi", "c1"))) == "muted"
    the(Shown, await live.ask(send("a", "mod", "I watch", "c2")))
    assert [item.get("role") for _, item in watching.items] == [None, "moderator"]
    assert refusal(await live.ask(SanctionRow("b", "mute", "bob", "mod", Role.VIEWER))) == "room_not_found"

    await first.end()
    await live.sole_owner()
    assert the(Rank, await live.ask(asked)).role is Role.MODERATOR
    [one] = the(Moderators, await live.ask(ModeratorsRow("a", "mod", Role.VIEWER))).moderators
    assert (one.uid, one.by) == ("mod", "ann")
    assert refusal(await live.ask(ModeratorsRow("a", "bob", Role.VIEWER))) == "forbidden"
    the(Done, await live.ask(SanctionRow("a", "unmute", "bob", "mod", Role.VIEWER)))
    the(Done, await live.ask(AppointRow("a", "mod", "ann", Role.STREAMER, appointed=False)))
    again = AppointRow("a", "mod", "ann", Role.STREAMER, appointed=False)
    assert await live.ask(again) == Done(changed=False)
    assert refusal(await live.ask(mute)) == "forbidden"
    assert await verbs(live, "a") == [
        ("appoint", "ann", "mod"),
        ("mute", "mod", "bob"),
        ("unmute", "mod", "bob"),
        ("dismiss", "ann", "mod"),
    ]


async def test_what_has_nothing_to_do_says_so_and_an_act_whose_answer_got_lost_does_not(
    live: Service,
) -> None:
    await live.sole_owner()
    the(Shown, await live.ask(send("a", "bob", "hi", "c1")))
    mute = SanctionRow("a", "mute", "bob", "ann", Role.STREAMER)
    unmute, once_more = (
        SanctionRow("a", "unmute", "bob", "ann", Role.STREAMER, act=act) for act in ("one", "two")
    )
    assert await live.ask(once_more) == Done(changed=False)
    the(Done, await live.ask(mute))
    assert [await live.ask(unmute) for _ in range(2)] == [Done(), Done()]
    assert await live.ask(once_more) == Done(changed=False)
    position = the(Shown, await live.ask(send("a", "bob", "hi there", "c2")))
    recall, recall_again = (
        RecallRow("a", "ann", Role.STREAMER, Position(position.epoch, position.seq), act=act)
        for act in ("three", "four")
    )
    assert [await live.ask(row) for row in (recall, recall, recall_again)] == [
        Done(), Done(), Done(changed=False),
    ]  # fmt: skip
    assert await verbs(live, "a") == [
        ("mute", "ann", "bob"),
        ("unmute", "ann", "bob"),
        ("delete", "ann", "bob"),
    ]


async def test_nobody_acts_on_their_equals(live: Service) -> None:
    await live.sole_owner()
    the(Shown, await live.ask(send("a", "boss", "mine", "c1", Role.STREAMER)))
    the(Done, await live.ask(AppointRow("a", "mod", "boss", Role.STREAMER)))
    the(Shown, await live.ask(send("a", "token", "by my token", "c1", Role.MODERATOR)))
    for by, role in (("mod", Role.VIEWER), ("token", Role.MODERATOR)):
        for whom in ("boss", "mod", "token"):
            for verb in ("mute", "unban", "kick"):
                assert refusal(await live.ask(SanctionRow("a", verb, whom, by, role))) == "forbidden"
    assert refusal(await live.ask(SanctionRow("a", "ban", "boss", "boss", Role.STREAMER))) == "forbidden"
    the(Done, await live.ask(SanctionRow("a", "mute", "mod", "boss", Role.STREAMER)))
    assert refusal(await live.ask(send("a", "mod", "hm", "c2"))) == "muted"
    the(Done, await live.ask(SanctionRow("a", "ban", "boss", "root", Role.ADMIN)))
    assert [verb for verb, _, _ in await verbs(live, "a")] == ["appoint", "mute", "ban"]


async def test_what_is_asked_twice_is_done_and_written_down_once(live: Service) -> None:
    await live.sole_owner()
    rows = (
        PutRoomRow("a", "ann", Role.STREAMER, "Title", act="1"),
        SanctionRow("a", "kick", "bob", "ann", Role.STREAMER, act="2"),
        SanctionRow("a", "ban", "bob", "ann", Role.STREAMER, act="3"),
        PutRoomRow("a", "ann", Role.STREAMER, open=False, act="4"),
        DeleteRoomRow("a", "ann", Role.STREAMER, act="5"),
    )
    for row in rows:
        for _ in range(2):
            the((Done if not isinstance(row, PutRoomRow) else Room), await live.ask(row))
    assert [verb for verb, _, _ in await verbs(live, "a")] == ["put", "kick", "ban", "put", "close"]
    assert refusal(await live.ask(JoinRow("a", "bob", Role.VIEWER))) == "banned"


async def test_moderators_read_acts_sanctions_and_who_somebody_is(live: Service) -> None:
    await live.sole_owner()

    async def read(request: records.Request, kind: type[R]) -> R:
        reply = records.decode_reply(await live.query(live.subjects.records, request))
        assert isinstance(reply, kind)
        return reply

    assert (await read(ActsRequest(PATIENCE_MS, "a", 5), Acts)).entries == []
    the(Shown, await live.ask(send("a", "bob", "hi", "c1")))
    for verb in ("mute", "ban"):
        the(Done, await live.ask(SanctionRow("a", verb, "bob", "ann", Role.STREAMER, 60, "spam")))
    the(Done, await live.ask(AppointRow("a", "bob", "ann", Role.STREAMER)))
    assert await live.users(SanctionEverywhereRow("ban", "bob", "root", Role.ADMIN)) == [Done()]

    newest = await read(ActsRequest(PATIENCE_MS, "a", 2), Acts)
    assert [act.verb for _, act in newest.entries] == ["ban", "appoint"]
    before = await read(ActsRequest(PATIENCE_MS, "a", 2, None, newest.entries[0][0]), Acts)
    assert [act.verb for _, act in before.entries] == ["mute"]
    after = await read(ActsRequest(PATIENCE_MS, "a", 1, before.entries[0][0]), Acts)
    assert after.entries == newest.entries[:1]
    [(_, act)] = (await read(ActsRequest(PATIENCE_MS, "", 5), Acts)).entries
    assert (act.verb, act.by, act.uid, act.room) == ("ban", "root", "bob", "")
    page = await read(SanctionedRequest(PATIENCE_MS, "a", 5), Sanctioned)
    assert [(one.kind, one.uid, one.reason) for one in page.sanctions] == [
        ("ban", "bob", "spam"), ("mute", "bob", "spam"),
    ]  # fmt: skip
    card = await read(CardRequest(PATIENCE_MS, "a", "bob"), Card)
    assert (len(card.here), [one.by for one in card.everywhere], card.acts) == (2, ["root"], 3)
    assert card.appointed is not None
    assert card.appointed.by == "ann"


def rows_of_all_kinds() -> list[PutRoomRow | SanctionRow | AppointRow | DeleteRoomRow]:
    return [
        PutRoomRow("a", "ann", Role.STREAMER, act="put"),
        SanctionRow("a", "mute", "bob", "ann", Role.STREAMER, act="mute"),
        SanctionRow("a", "unmute", "bob", "ann", Role.STREAMER, act="unmute"),
        SanctionRow("a", "kick", "bob", "ann", Role.STREAMER, act="kick"),
        AppointRow("a", "mod", "ann", Role.STREAMER, act="appoint"),
        PutRoomRow("a", "ann", Role.STREAMER, "Title", open=False, act="close"),
    ]


@pytest.mark.parametrize("carried_out", [False, True])
async def test_an_act_of_unknown_outcome_is_repeated_and_is_one_entry(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    verbs = (
        (store.rooms, "save"), (store.moderation, "impose"), (store.moderation, "lift"),
        (store.audit, "write_down"), (store.moderators, "appoint"), (store.history, "append"),
    )  # fmt: skip
    faults = [Fault(noun, verb, monkeypatch, carried_out=carried_out) for noun, verb in verbs]
    process = await live.sole_owner(rooms=LONG, store=store)
    for row in rows_of_all_kinds():
        for fault in faults:
            fault.left = 1
        [answer] = await live.request(process.name, row)
        the((Room if isinstance(row, PutRoomRow) else Done), answer)
    assert [fault.seen > 1 for fault in faults] == [True] * len(faults)
    assert [one.act.id for one in await store.audit.before("a", None, 100)] == [
        row.act for row in rows_of_all_kinds()
    ]


async def test_an_act_is_acknowledged_and_kept_or_neither_when_its_owner_dies(live: Service) -> None:
    """It is asked again of whoever owns the room by then, and is one entry all the same."""
    first = await live.sole_owner()
    the(Shown, await live.ask(send("a", "bob", "hi", "c1")))
    rows = [SanctionRow("a", "mute", f"u{n}", "ann", Role.STREAMER, act=f"{n}") for n in range(20)]
    asking = asyncio.gather(*(live.ask(row, budget_s=2, late_s=0) for row in rows))
    await first.kill()
    await live.sole_owner()
    assert await asking == [Done()] * len(rows)
    store = await live.open_store()
    assert sorted(one.act.uid for one in await store.audit.before("a", None, 100)) == sorted(
        row.uid for row in rows
    )
    assert {one.uid for one in await store.moderation.load("a", 0)} == {row.uid for row in rows}


async def test_who_was_appointed_and_is_banned_moderates_no_longer(live: Service) -> None:
    await live.sole_owner()
    the(Shown, await live.ask(send("a", "mod", "hi", "c1")))
    the(Done, await live.ask(AppointRow("a", "mod", "ann", Role.STREAMER)))
    mute = SanctionRow("a", "mute", "bob", "mod", Role.VIEWER, 60, "spam")
    the(Done, await live.ask(mute))
    the(Done, await live.ask(SanctionRow("a", "ban", "mod", "ann", Role.STREAMER)))
    assert the(Rank, await live.ask(RankRow("a", "mod", Role.VIEWER))).role is Role.VIEWER
    assert refusal(await live.ask(mute)) == "forbidden"
    assert refusal(await live.ask(SanctionRow("a", "unban", "mod", "mod", Role.VIEWER))) == "forbidden"
    the(Done, await live.ask(SanctionRow("a", "unban", "mod", "ann", Role.STREAMER)))
    the(Done, await live.ask(mute))
