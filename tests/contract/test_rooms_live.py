"""What the owner of a room does for those who are in it, before and after another one takes it over."""

from __future__ import annotations

import asyncio
from time import time
from typing import Any

import msgspec
import pytest

from config.settings import Policy, Rooms
from danmaku import board, envelope, wire
from danmaku.auth import MAX_LIFE_S
from danmaku.board import Board
from danmaku.bus import BusTimeout
from danmaku.conversation import BUCKETS
from danmaku.envelope import (
    MAX_MESSAGE_BYTES,
    Answer,
    Counts,
    HistoryRequest,
    OutKind,
    Replaced,
    RoomsRequest,
)
from danmaku.model import Position, Role, RoomInfo, RoomSettings, closed_for_good
from danmaku.moderation_rows import SanctionRow
from danmaku.rows import (
    Admitted,
    DeleteRoomRow,
    Done,
    Elsewhere,
    EventRow,
    GetRoomRow,
    HelloRow,
    JoinRow,
    LikeRow,
    PutRoomRow,
    Refreshed,
    RefreshRow,
    Refused,
    RevokeRow,
    Room,
    Shed,
    Shown,
)
from danmaku.store import Store
from danmaku.store.errors import LayoutMismatch
from danmaku.subjects import PARTITIONS
from tests.contract.failing import away
from tests.contract.rooms_service import LONG, LOOSE, PATIENCE_MS, Service, refusal, send, the
from tests.waiting import until

GIFT = wire.encode_item(wire.Gift("boss", "Boss", "rocket"))


async def test_a_comment_is_stored_shown_and_acknowledged(live: Service) -> None:
    process = await live.sole_owner()
    watching = await live.watch("a")
    answer = the(Shown, await live.ask(send("a", "u1", " hello\n", "c1")))
    await watching.until(1, OutKind.BATCH)
    assert watching.items == [((answer.epoch, 1), {"k": "c", "uid": "u1", "name": "U1", "text": "hello"})]
    out = watching.outs[0]
    assert (out.lease, out.first, out.count, out.prev) == (answer.epoch, (answer.epoch, 1), 1, (0, 0))
    kept = (await (await live.open_store()).history.latest("a", 10, 10_000)).entries
    assert [(entry.frame, entry.pairs) for entry in kept] == [(out.frame, (("u1", "c1", 1),))]
    assert the(Shown, await live.ask(send("a", "u1", "hello", "c1"))) == answer
    await process.end()
    assert watching.texts == ["hello"]
    assert process.metric("danmaku_rooms_comments_total", outcome="shown") == 1


async def test_one_request_carries_rows_of_all_kinds_for_many_rooms(live: Service) -> None:
    process = await live.sole_owner(rooms=LONG)
    rows = [send(f"r{number}", "u1", "hi", "c1") for number in range(40)]
    likes = [LikeRow("r1", "u2", Role.GUEST, 3), LikeRow("r1", "u2", Role.GUEST, 101)]
    answers = await live.request(process.name, *rows, *likes, JoinRow("r2", "u2", Role.VIEWER))
    assert all(isinstance(answer, Shown) and answer.seq == 1 for answer in answers[:40])
    assert isinstance(answers[40], Done)
    assert refusal(answers[41]) == "bad_frame"
    admitted = the(Admitted, answers[42])
    assert admitted.settings.max_length == LOOSE.max_length
    assert the(Admitted, await live.ask(JoinRow("r1", "u2", Role.VIEWER))).likes == 3


async def test_a_request_that_cannot_be_read_hurts_nobody(live: Service) -> None:
    process = await live.sole_owner()
    subjects = live.subjects
    for subject in (subjects.owner(process.name), subjects.counts(process.name)):
        await live.bus.publish(subject, b"\xc1")
    for subject in (subjects.history, subjects.users):
        with pytest.raises(BusTimeout):
            await live.bus.request(subject, b"\xc1", 0.1)
    assert refusal(await live.ask(send("no room", "u1", "hi", "c1"))) == "bad_id"
    the(Shown, await live.ask(send("a", "u1", "hi", "c1")))


async def test_many_comments_are_numbered_without_gaps_and_shown_once(live: Service) -> None:
    process = await live.sole_owner()
    watching = await live.watch("a")
    requests = [[send("a", f"u{n}", f"{n} {m}", f"c{m}") for m in range(20)] for n in range(20)]
    name = process.name
    replies = await asyncio.gather(*(live.request(name, *rows) for rows in requests + requests[:5]))
    positions = {(the(Shown, answer).epoch, the(Shown, answer).seq) for reply in replies for answer in reply}
    assert replies[:5] == replies[20:]
    await process.end()
    await until(lambda: len(watching.items) == 400)
    assert [position for position, _ in watching.items] == sorted(positions)
    assert [position.seq for position, _ in watching.items] == list(range(1, 401))


async def test_what_is_too_much_to_read_is_left_out_and_said_so(live: Service) -> None:
    policy = Policy(display_per_s=3, repeat_s=0)
    process = await live.sole_owner(rooms=LONG, policy=policy)
    rows = [send("a", f"u{number}", "hi", "c") for number in range(10)]
    await live.request(process.name, JoinRow("a", "u1", Role.VIEWER))  # so that one cut takes them all
    answers = await live.request(process.name, *rows)
    assert sum(isinstance(answer, Shown) for answer in answers) == 3
    assert sum(isinstance(answer, Shed) for answer in answers) == 7
    assert await live.request(process.name, *rows) == answers
    assert process.metric("danmaku_rooms_comments_total", outcome="shed") == 7


async def test_events_are_numbered_like_comments(live: Service) -> None:
    await live.sole_owner()
    watching = await live.watch("a")
    first = the(Shown, await live.ask(EventRow("a", "boss", Role.STREAMER, "g1", GIFT)))
    assert the(Shown, await live.ask(EventRow("a", "boss", Role.STREAMER, "g1", GIFT))) == first
    assert refusal(await live.ask(EventRow("a", "u1", Role.VIEWER, "g1", GIFT))) == "forbidden"
    await watching.until(1, OutKind.BATCH)
    assert watching.items[0][1]["gift"] == "rocket"


async def test_a_room_is_made_changed_read_and_closed(live: Service) -> None:
    await live.sole_owner(rooms=Rooms(window_ms=5, lease_ms=2000, auto_create=False))
    watching = await live.watch("a")
    for row in (JoinRow("a", "u", Role.VIEWER), send("a", "u", "x", "c"), GetRoomRow("a")):
        assert refusal(await live.ask(row)) == "room_not_found"
    assert refusal(await live.ask(PutRoomRow("a", "u", Role.MODERATOR))) == "room_not_found"
    made = the(Room, await live.ask(PutRoomRow("a", "boss", Role.STREAMER, title="Show")))
    assert (made.info.title, made.info.open) == ("Show", True)
    joined = the(Admitted, await live.ask(JoinRow("a", "u", Role.VIEWER)))
    assert board.decode(joined.view) == Board(title="Show")
    again = the(Admitted, await live.ask(JoinRow("a", "u", Role.VIEWER, joined.board)))
    assert (again.board, again.view) == (joined.board, b"")
    assert refusal(await live.ask(PutRoomRow("a", "u", Role.MODERATOR))) == "forbidden"
    bad = PutRoomRow("a", "boss", Role.STREAMER, settings=RoomSettings(max_length=0))
    assert refusal(await live.ask(bad)) == "bad_frame"
    for title in ("x" * 201, "\U0001d160" * 200):  # which is normalised to three characters each
        assert refusal(await live.ask(PutRoomRow("a", "boss", Role.STREAMER, title=title))) == "too_long"
    settings = RoomSettings(max_length=3)
    changed = await live.ask(PutRoomRow("a", "boss", Role.STREAMER, open=False, settings=settings))
    assert the(Room, changed).info == RoomInfo(
        "a", "Show", open=False, settings=settings, created_ms=made.info.created_ms
    )
    assert refusal(await live.ask(JoinRow("a", "u", Role.VIEWER))) == "room_closed"
    the(Room, await live.ask(PutRoomRow("a", "boss", Role.STREAMER, open=True)))
    assert refusal(await live.ask(send("a", "u", "long", "c"))) == "too_long"
    the(Shown, await live.ask(send("a", "u", "ok", "c")))
    assert the(Room, await live.ask(GetRoomRow("a"))).info.open
    assert refusal(await live.ask(DeleteRoomRow("a", "u", Role.MODERATOR))) == "forbidden"
    the(Done, await live.ask(DeleteRoomRow("a", "boss", Role.STREAMER)))
    await until(lambda: len(watching.items) == 8)
    said = ["title", "settings", "closed", "opened", "c", "title", "settings", "closed"]
    assert watching.kinds == said
    assert [watching.items[n][1]["title"] for n in (0, 5)] == ["Show", ""]
    assert watching.items[1][1]["settings"]["max_length"] == 3
    assert refusal(await live.ask(GetRoomRow("a"))) == "room_not_found"
    assert await (await live.open_store()).rooms.load("a") == closed_for_good("a")


async def test_a_room_that_is_closed_for_good_stays_so_until_it_is_put_again(live: Service) -> None:
    first = await live.sole_owner()
    watching = await live.watch("a")
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    the(Done, await live.ask(SanctionRow("a", "ban", "troll", "mod", Role.MODERATOR)))
    the(Done, await live.ask(DeleteRoomRow("a", "boss", Role.STREAMER)))

    async def is_closed() -> None:
        for row in (
            JoinRow("a", "u1", Role.VIEWER),
            LikeRow("a", "u1", Role.VIEWER, 1),
            send("a", "u1", "x", "c2"),
        ):
            assert refusal(await live.ask(row)) == "room_closed"
        assert refusal(await live.ask(GetRoomRow("a"))) == "room_not_found"
        assert refusal(await live.ask(PutRoomRow("a", "mod", Role.MODERATOR))) == "forbidden"
        the(Done, await live.ask(DeleteRoomRow("a", "boss", Role.STREAMER)))
        reply = await live.query(live.subjects.owner(live.owner("a") or ""), RoomsRequest(PATIENCE_MS, 10))
        assert envelope.decode_rooms_reply(reply).rooms == []

    await is_closed()
    await first.end()
    await live.sole_owner()
    await is_closed()
    made = the(Room, await live.ask(PutRoomRow("a", "boss", Role.STREAMER, title="Again")))
    assert (made.info.title, made.info.open) == ("Again", True)
    assert made.info.created_ms > 0
    assert refusal(await live.ask(JoinRow("a", "troll", Role.VIEWER))) == "banned"
    the(Shown, await live.ask(send("a", "u1", "two", "c2")))
    await until(lambda: len(watching.items) == 5)
    assert watching.kinds == ["c", "closed", "title", "opened", "c"]


async def test_a_room_in_which_nothing_was_said_is_kept_in_memory_only(live: Service) -> None:
    process = await live.sole_owner(rooms=Rooms(window_ms=5, lease_ms=2000, unsaved_rooms=3))
    the(Done, await live.ask(LikeRow("a", "u1", Role.GUEST, 5)))
    for room in ("b", "c"):
        the(Admitted, await live.ask(JoinRow(room, "u1", Role.GUEST)))
    assert refusal(await live.ask(JoinRow("d", "u1", Role.GUEST))) == "unavailable"
    store = await live.open_store()
    await asyncio.sleep(1.1)  # likes are stored once a second
    assert await _kept(store, "a", "b", "c") == []
    the(Shown, await live.ask(send("a", "u1", "hi", "c1")))
    the(Room, await live.ask(PutRoomRow("b", "boss", Role.STREAMER)))
    the(Done, await live.ask(SanctionRow("c", "mute", "u1", "mod", Role.MODERATOR)))
    assert await _kept(store, "a", "b", "c") == ["a", "b", "c"]
    for room in ("d", "e", "f"):
        the(Admitted, await live.ask(JoinRow(room, "u1", Role.GUEST)))
    assert refusal(await live.ask(JoinRow("g", "u1", Role.GUEST))) == "unavailable"
    await process.end()
    await live.sole_owner()
    assert the(Admitted, await live.ask(JoinRow("a", "u1", Role.VIEWER))).likes == 5
    assert refusal(await live.ask(GetRoomRow("d"))) == "room_not_found"


async def test_a_room_that_left_memory_unsaved_makes_space_for_another(live: Service) -> None:
    process = await live.sole_owner(rooms=Rooms(window_ms=5, lease_ms=2000, idle_s=1, unsaved_rooms=1))
    the(Done, await live.ask(LikeRow("a", "u1", Role.GUEST, 5)))
    assert refusal(await live.ask(JoinRow("b", "u1", Role.GUEST))) == "unavailable"
    await until(lambda: len(process.rooms) == 0)
    the(Admitted, await live.ask(JoinRow("b", "u1", Role.GUEST)))


async def test_viewers_of_a_room_in_which_nothing_was_said_are_told_after_a_take_over(live: Service) -> None:
    process = await live.sole_owner()
    watching = await live.watch("a")
    subject = live.subjects.counts(process.name)
    await live.bus.publish(subject, envelope.encode(Counts("e1", 1, {"a": 3})))
    await watching.until(1, OutKind.STATS)
    assert watching.frames(OutKind.STATS)[0]["viewers"] == 3


async def test_a_new_owner_knows_all_comments_of_the_promised_time(live: Service) -> None:
    """Also those beyond what it reads of the log at once."""
    first = await live.sole_owner()
    name, text = first.name, "x" * 100
    rows = [send("a", f"u{n}", text, "c1") for n in range(2500)]
    shown: list[Answer] = []
    for begin in range(0, len(rows), 500):
        shown += await live.request(name, *rows[begin : begin + 500])
    await first.end()
    await live.sole_owner()
    again = [await live.ask(row) for row in (rows[0], rows[1000], rows[-1])]
    assert again == [shown[0], shown[1000], shown[-1]]
    assert all(isinstance(answer, Shown) for answer in again)


async def test_sanctions_bind_at_once_and_are_kept(live: Service) -> None:
    process = await live.sole_owner()
    watching = await live.watch("a")
    the(Shown, await live.ask(send("a", "u1", "hi", "c1")))

    async def sanction(verb: str, seconds: int | None = None, role: Role = Role.MODERATOR) -> Answer:
        return await live.ask(SanctionRow("a", verb, "u1", "mod", role, seconds, "rude"))

    assert refusal(await sanction("mute", role=Role.VIEWER)) == "forbidden"
    assert refusal(await sanction("shoot")) == "bad_frame"
    assert refusal(await sanction("mute", 0)) == "bad_frame"
    the(Done, await sanction("mute", 60))
    muted = the(Refused, await live.ask(send("a", "u1", "hi", "c2")))
    assert muted.name == "muted"
    assert 50_000 < (muted.retry_ms or 0) <= 60_000
    the(Done, await sanction("unmute"))
    the(Shown, await live.ask(send("a", "u1", "hi", "c2")))
    the(Done, await sanction("kick"))
    the(Done, await sanction("ban", 3600))
    banned = the(Refused, await live.ask(JoinRow("a", "u1", Role.VIEWER)))
    assert (banned.name, banned.detail) == ("banned", "rude")
    assert 3_500_000 < (banned.retry_ms or 0) <= 3_600_000
    await watching.until(4, OutKind.NOTICE)
    notices = watching.frames(OutKind.NOTICE)
    assert [notice["kind"] for notice in notices] == ["muted", "unmuted", "kicked", "banned"]
    assert notices[0] == {"t": "notice", "kind": "muted", "room": "a", "reason": "rude", "retry_ms": 60_000}
    assert {out.uid for out in watching.outs if out.kind is OutKind.NOTICE} == {"u1"}
    await process.end()
    await live.sole_owner()
    assert refusal(await live.ask(JoinRow("a", "u1", Role.VIEWER))) == "banned"
    the(Done, await sanction("unban"))
    the(Admitted, await live.ask(JoinRow("a", "u1", Role.VIEWER)))
    assert refusal(await live.ask(SanctionRow("nowhere", "ban", "u1", "mod", Role.ADMIN))) == "room_not_found"


async def test_a_process_that_stops_hands_its_rooms_over_with_nothing_lost(live: Service) -> None:
    first = await live.sole_owner()
    watching = await live.watch("a")
    before = the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    the(Done, await live.ask(LikeRow("a", "u1", Role.VIEWER, 7)))
    await first.end()
    assert first.leases.partitions == {}
    await live.sole_owner()
    assert the(Shown, await live.ask(send("a", "u1", "one", "c1"))) == before
    after = the(Shown, await live.ask(send("a", "u1", "two", "c2")))
    assert after.epoch > before.epoch
    assert after.seq == 1
    await until(lambda: len(watching.items) == 2)
    assert watching.texts == ["one", "two"]
    newest = [out for out in watching.outs if out.kind is OutKind.BATCH][-1]
    assert newest.prev == (before.epoch, before.seq)
    assert the(Admitted, await live.ask(JoinRow("a", "u1", Role.VIEWER))).likes == 7


async def test_what_was_stored_but_never_published_reaches_everybody_after_a_take_over(live: Service) -> None:
    first = await live.sole_owner()
    shown = the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    watching = await live.watch("a")
    await first.kill()
    await live.sole_owner()
    the(Admitted, await live.ask(JoinRow("a", "u2", Role.VIEWER)))
    await watching.until(1, OutKind.BATCH)
    out = watching.outs[0]
    assert out.first == Position(shown.epoch, shown.seq)
    assert out.prev == (0, 0)
    assert out.lease > shown.epoch


async def test_partitions_are_shared_fairly_and_come_back(live: Service) -> None:
    first = await live.sole_owner()
    epochs = first.leases.partitions
    second = await live.start()
    third = await live.start()
    await live.owned(first, second, third)
    await until(lambda: sorted(_held(first, second, third)) == [20, 22, 22])
    kept = first.leases.partitions
    assert all(epochs[partition] == epoch for partition, epoch in kept.items())
    await second.kill()
    await third.end()
    await live.owned(first)
    assert len(first.leases.partitions) == PARTITIONS
    assert first.metric("danmaku_rooms_leases") == PARTITIONS


async def test_rows_for_somebody_elses_rooms_are_sent_on(live: Service) -> None:
    first = await live.sole_owner(rooms=Rooms(window_ms=5, lease_ms=4_000))
    second = await live.start(rooms=Rooms(window_ms=5, lease_ms=4_000))
    await live.owned(first, second)
    rows = [send(f"r{number}", "u1", "hi", "c1") for number in range(64)]
    mine = [live.owner(row.room) == first.name for row in rows]
    answers = await live.request(first.name, *rows)
    assert [isinstance(answer, Shown) for answer in answers] == mine
    assert [isinstance(answer, Elsewhere) for answer in answers] == [not own for own in mine]


async def test_viewers_are_summed_and_told(live: Service) -> None:
    process = await live.sole_owner()
    watching = await live.watch("a")
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    subject = live.subjects.counts(process.name)
    for edge, viewers in (("e1", 3), ("e2", 4)):
        await live.bus.publish(subject, envelope.encode(Counts(edge, 1, {"a": viewers, "nowhere": 1})))

    def told() -> list[tuple[int, int, int]]:
        return [(one["viewers"], one["seq"], one["likes"]) for one in watching.frames(OutKind.STATS)]

    await until(lambda: told()[-1:] == [(7, 1, 0)])  # of one edge alone may be told before
    assert the(Room, await live.ask(GetRoomRow("a"))).info.viewers == 7


async def test_idle_rooms_leave_memory_and_come_back_as_they_were(live: Service) -> None:
    process = await live.sole_owner(rooms=Rooms(window_ms=5, lease_ms=2000, idle_s=1))
    first = the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    the(Done, await live.ask(LikeRow("a", "u1", Role.VIEWER, 5)))
    await until(lambda: len(process.rooms) == 0)
    second = the(Shown, await live.ask(send("a", "u1", "two", "c2")))
    assert second.epoch == first.epoch
    assert second.seq == 2
    assert the(Admitted, await live.ask(JoinRow("a", "u1", Role.VIEWER))).likes == 5


async def test_rooms_are_listed_also_when_they_are_not_in_memory(live: Service) -> None:
    first = await live.sole_owner()
    for room in ("a", "b", "c"):
        the(Shown, await live.ask(send(room, "u1", "hi", "c1")))
    await first.end()
    second = await live.sole_owner()
    the(Admitted, await live.ask(JoinRow("c", "u1", Role.VIEWER)))
    subject = live.subjects.owner(second.name)

    async def listed(limit: int) -> list[str]:
        reply = await live.query(subject, RoomsRequest(PATIENCE_MS, limit))
        return [info.room for info in envelope.decode_rooms_reply(reply).rooms]

    assert await listed(10) == ["c", "a", "b"]
    assert await listed(2) == ["c", "a"]
    assert await listed(0) == []


async def test_history_answers_for_every_room(live: Service) -> None:
    await live.sole_owner()
    shown = [the(Shown, await live.ask(send("a", "u1", str(n), f"c{n}"))) for n in range(5)]
    epoch = shown[0].epoch
    newest = await live.history("a", limit=2)
    assert (newest.epoch, newest.seq, len(newest.frames), newest.complete) == (epoch, 5, 2, True)
    after = await live.history("a", Position(epoch, 1))
    assert (len(after.frames), after.complete) == (4, True)
    some = await live.history("a", Position(epoch, 1), limit=2)
    assert (len(some.frames), some.complete) == (2, False)
    nothing = await live.history("nowhere")
    assert (nothing.frames, nothing.epoch, nothing.seq) == ([], 0, 0)


async def test_history_is_no_larger_than_a_message_and_than_was_asked_for(live: Service) -> None:
    process = await live.sole_owner(rooms=LONG, policy=msgspec.structs.replace(LOOSE, max_length=10_000))
    text = "x" * 10_000
    for begin in range(0, 80, 20):
        rows = [send("a", f"u{number}", text, "c") for number in range(begin, begin + 20)]
        for answer in await live.request(process.name, *rows):
            the(Shown, answer)

    async def sizes(max_bytes: int, since: Position | None) -> tuple[int, int]:
        request = HistoryRequest("a", 1000, PATIENCE_MS, since, max_bytes)
        reply = await live.query(live.subjects.history, request)
        answer = envelope.decode_history_reply(reply)
        assert answer.complete is (since is None), "it does not reach the head"
        return len(reply), sum(len(frame) for frame in answer.frames)

    for since in (None, Position(0, 0)):
        message, frames = await sizes(MAX_MESSAGE_BYTES, since)
        assert MAX_MESSAGE_BYTES / 2 < frames <= message <= MAX_MESSAGE_BYTES
        _, frames = await sizes(100_000, since)
        assert 0 < frames <= 100_000


async def test_tokens_are_revoked_and_refreshed(live: Service) -> None:
    await live.sole_owner()
    assert await live.users(HelloRow("u1", 1000), HelloRow("u2", 0)) == [Done(), Done()]
    (pair,) = await live.users(RefreshRow("u1", "f1", 1, 1000))
    assert isinstance(pair, Refreshed)
    assert pair.n == 2
    assert await live.users(RefreshRow("u1", "f1", 1, 1000)) == [pair]
    (next_pair,) = await live.users(RefreshRow("u1", "f1", 2, pair.issued_ms))
    assert next_pair.n == 3
    (reused,) = await live.users(RefreshRow("u1", "f1", 1, 1000))
    assert reused.name == "unauthorized"
    assert await live.users(RevokeRow("u1")) == [Done()]
    answers = await live.users(HelloRow("u1", 1000), HelloRow("u2", 1000), RefreshRow("u1", "f2", 1, 1000))
    assert [type(answer) for answer in answers] == [Refused, Done, Refused]


async def test_a_refresh_and_a_revocation_at_the_same_time(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The revocation is written before what the refresh writes: there is no new pair."""
    store = await live.open_store()
    await live.sole_owner(store=store)
    spend = store.tokens.spend
    kept_until_ms = 0

    async def overtaken(*words: Any, **more: Any) -> Any:
        nonlocal kept_until_ms
        kept_until_ms = more["until_ms"]
        await store.tokens.revoke("u1", round(time() * 1000), 60_000)
        return await spend(*words, **more)

    monkeypatch.setattr(store.tokens, "spend", overtaken)
    expires_ms = round(time() * 1000) + MAX_LIFE_S * 1000
    (answer,) = await live.users(RefreshRow("u1", "f1", 1, 1000, expires_ms))
    assert refusal(answer) == "unauthorized"
    assert kept_until_ms > expires_ms, "it is remembered as long as the spent token lives"


async def test_the_newest_connection_of_a_device_stands(live: Service) -> None:
    """And every edge is told to close older ones."""
    first, second = await live.start(), await live.start()
    await live.owned(first, second)
    told: list[Replaced] = []
    await live.bus.subscribe(
        live.subjects.replaced, lambda payload, _: told.append(envelope.decode_replaced(payload))
    )
    one, two, three = (HelloRow("u1", 1000, "tv", n, f"edge-{n}", f"s{n}") for n in (1, 2, 3))
    assert (
        await live.users(one, HelloRow("u1", 1000), HelloRow("u2", 1000, "tv", 1, "edge", "s"))
        == [Done()] * 3
    )
    assert await live.users(two) == [Done()]
    assert await live.users(two) == [Done()]
    (stale,) = await live.users(one)
    assert (stale.name, stale.detail) == ("conflict", "replaced by a newer connection of this device")
    assert await live.users(three) == [Done()]
    await until(lambda: len(told) >= 2)
    assert told == [Replaced("u1", "tv", 2), Replaced("u1", "tv", 3)]


async def test_a_process_of_another_layout_does_not_start(live: Service) -> None:
    store = await live.open_store()
    await store.leases.check_layout(PARTITIONS + 1, BUCKETS)
    process = await live.start()
    with pytest.raises(LayoutMismatch):
        await process.task


async def test_a_process_that_is_stopped_before_its_store_answers_just_ends(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    monkeypatch.setattr(store.leases, "check_layout", away)
    process = await live.start(store=store)
    await asyncio.sleep(0)
    await process.end()


async def _kept(store: Store, *rooms: str) -> list[str]:
    return [room for room in rooms if await store.rooms.load(room) is not None]


def _held(*processes: Any) -> list[int]:
    return [len(running.leases.partitions) for running in processes]
