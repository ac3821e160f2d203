"""An edge worker with real sockets, over the bus and its twin, before an owner that does what it is told."""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession
from websockets.asyncio.client import connect as connect_socket
from websockets.exceptions import InvalidStatus

from danmaku import envelope, wire
from danmaku.calls import CLOSE_GAP
from danmaku.client import Client, Refusal
from danmaku.envelope import Replaced, Row
from danmaku.model import Position, Role
from danmaku.rows import Delayed, Done, HelloRow, JoinRow, LikeRow, Open, Refused, SendRow, Shadowed, Shed
from edge.welcome import Welcome
from tests.contract.edge_worker import AUTH, Connect, Start, token
from tests.viewer import Viewer, viewer
from tests.waiting import until

CODECS = pytest.mark.parametrize("codec", [wire.MSGPACK, wire.JSON], ids=["msgpack", "json"])


async def joined(one: Viewer, room: str = "r") -> wire.Ok:
    await one.ok(wire.Hello(0))
    return await one.ok(wire.Join(0, room))


# Coming in.


@CODECS
async def test_a_guest_is_greeted_and_joins_with_history(start: Start, codec: wire.Codec) -> None:
    async with start() as worker:
        await worker.owner.show("r", "one", "two")
        async with viewer(worker.port, codec) as ann:
            hello = await ann.ok(wire.Hello(0))
            assert hello.uid is not None
            assert (hello.role, hello.heartbeat_ms) == ("guest", 25_000)
            assert hello.session
            assert (hello.server_time or 0) > 1_600_000_000_000
            ok = await ann.ok(wire.Join(0, "r"))
            assert (ok.room, ok.epoch, ok.seq, ok.viewers, ok.likes) == ("r", 100, 2, 7, 3)
            assert ok.complete
            assert codec.read(ok.settings) == {"slow_s": 2}
            assert ann.read_history(ok) == ["one", "two"]


async def test_hello_and_join_may_come_in_one_message(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as guest, viewer(worker.port) as member:
        await guest.say(wire.Hello(1), wire.Join(2, "r"))
        await member.say(wire.Hello(1, token=token("ann")), wire.Join(2, "r"))
        for one in (guest, member):
            assert isinstance(await one.answer(2), wire.Ok)
            assert [ok.id for ok in one.all(wire.Ok)] == [1, 2]


async def test_a_hello_is_answered_also_where_the_join_behind_it_takes_long(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as guest, viewer(worker.port) as member:
        worker.owner.judge = lambda _: Open()
        await guest.say(wire.Hello(1), wire.Join(2, "r"))
        await member.say(wire.Hello(1, token=token("ann")), wire.Join(2, "r"))
        for one in (guest, member):
            assert isinstance(await one.answer(1), wire.Ok)
            assert [ok.id for ok in one.all(wire.Ok)] == [1], "while its join is asked about again and again"


async def test_a_token_says_who_somebody_is(start: Start) -> None:
    async with start() as worker:
        async with viewer(worker.port) as ann:
            hello = await ann.ok(wire.Hello(0, token=token("ann", Role.MODERATOR)))
            assert (hello.uid, hello.name, hello.role) == ("ann", "Ann", "moderator")
        async with viewer(worker.port, headers={"Authorization": f"Bearer {token('bob')}"}) as bob:
            assert (await bob.ok(wire.Hello(0))).uid == "bob"


async def test_a_bad_token_is_told_and_closed(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as one:
        assert await one.err(wire.Hello(0, token="bad")) == "unauthorized"
        assert await one.ended() == 4401


async def test_a_revoked_token_is_told_and_closed(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as one:
        worker.owner.judge_user = lambda _: Refused("unauthorized")
        assert await one.err(wire.Hello(0, token=token("ann"))) == "unauthorized"
        assert await one.ended() == 4401


async def test_without_a_check_nobody_is_let_in(start: Start) -> None:
    async with start(request_s=0.4) as worker, viewer(worker.port) as one:
        worker.owner.silent = True
        assert await one.err(wire.Hello(0, token=token("ann"))) == "unavailable"
        assert await one.ended() == 4105


@pytest.mark.parametrize(
    ("refused", "counts"),
    [("unavailable", ["became_viewer", "came_for_nothing"]), ("unauthorized", ["came_for_nothing"])],
)
async def test_who_cannot_be_greeted_is_no_flood(
    start: Start, monkeypatch: pytest.MonkeyPatch, refused: str, counts: list[str]
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(Welcome, "became_viewer", lambda *_: counted.append("became_viewer"))
    monkeypatch.setattr(Welcome, "came_for_nothing", lambda *_: counted.append("came_for_nothing"))
    async with start(request_s=0.4) as worker, viewer(worker.port) as one:
        worker.owner.silent = refused == "unavailable"
        worker.owner.judge_user = lambda _: Refused("unauthorized")
        assert await one.err(wire.Hello(0, token=token("ann"))) == refused
        await one.ended()
        await until(lambda: counted == counts)


async def test_guests_can_be_turned_away(start: Start) -> None:
    async with start(msgspec.structs.replace(AUTH, guests=False)) as worker, viewer(worker.port) as one:
        assert await one.err(wire.Hello(0)) == "unauthorized"
        assert await one.ended() == 4401


async def test_who_says_no_hello_is_closed(start: Start) -> None:
    async with start(hello_s=2) as worker, viewer(worker.port) as silent, viewer(worker.port) as other:
        await other.ok(wire.Hello(0))
        assert await silent.ended() == 4101
        await other.ok(wire.Ping(0))


@pytest.mark.parametrize(
    ("settings", "headers", "status"),
    [
        ({"origins": ["https://live.example"]}, {"Origin": "https://evil.example"}, 403),
        ({"connections": 1}, {}, 503),
        ({"connections_per_address": 1}, {}, 429),
        ({}, {"Authorization": "Bearer bad"}, 401),
        ({}, {"Authorization": "Basic YTpi"}, 401),
    ],
)
async def test_upgrades_are_refused(
    start: Start, settings: dict[str, object], headers: dict[str, str], status: int
) -> None:
    async with start(**settings) as worker, viewer(worker.port):
        with pytest.raises(InvalidStatus) as caught:
            async with viewer(worker.port, headers=headers):
                pass
        assert caught.value.response.status_code == status


async def test_an_unknown_subprotocol_is_refused(start: Start) -> None:
    class Other(wire.MsgpackCodec):
        protocol = "chat.v9"

    async with start() as worker:
        with pytest.raises(InvalidStatus) as caught:
            async with viewer(worker.port, Other()):
                pass
        assert caught.value.response.status_code == 400


async def test_who_offers_no_subprotocol_is_told_none(start: Start) -> None:
    async with (
        start() as worker,
        connect_socket(f"ws://127.0.0.1:{worker.port}/v1/ws", compression=None, proxy=None) as socket,
    ):
        assert socket.subprotocol is None
        await socket.send(wire.MSGPACK.encode(wire.Hello(1)))
        (hello,) = wire.MSGPACK.decode_server(await socket.recv(decode=False))
        assert isinstance(hello, wire.Ok)


# In a room.


async def test_both_subprotocols_see_the_same_once_and_in_order(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann, viewer(worker.port, wire.JSON) as bob:
        await joined(ann)
        await joined(bob)
        sent = [f"text {number}" for number in range(30)]
        for number, text in enumerate(sent):
            ok = await ann.ok(wire.Send(0, "r", text, f"c{number}"))
            assert (ok.shown, ok.seq) == (True, number + 1)
        assert await ann.texts(30) == await bob.texts(30) == sent
        worker.owner.epoch = 200
        await worker.owner.stats("r", 1)  # waits for a batch that does not come,
        await worker.owner.stats("r", 2)  # or for these
        for one in (ann, bob):
            (stats,) = await one.until(wire.Stats)
            assert (stats.room, stats.seq, stats.viewers) == ("r", 30, 2)
        assert worker.metric("deliveries_total") == 60


@CODECS
async def test_who_asks_for_it_gets_what_is_shown_compressed(start: Start, codec: wire.Codec) -> None:
    long, short = "弹幕" * 300, "short"
    async with start() as worker, viewer(worker.port, codec) as ann, viewer(worker.port, codec) as bob:
        assert (await ann.ok(wire.Hello(0, deflate=True))).deflate
        assert (await bob.ok(wire.Hello(0))).deflate is None
        for one in (ann, bob):
            await one.ok(wire.Join(0, "r"))
        for number, text in enumerate((long, short, long), 1):
            await worker.owner.show("r", text)
            assert (await ann.texts(number))[-1] == (await bob.texts(number))[-1] == text
        assert (ann.compressed, bob.compressed) == (2, 0)
        assert await ann.ok(wire.Leave(0, "r"))


async def test_where_nothing_is_compressed_nobody_is_told_otherwise(start: Start) -> None:
    async with start(deflate_bytes=0) as worker, viewer(worker.port) as ann:
        assert (await ann.ok(wire.Hello(0, deflate=True))).deflate is None
        await ann.ok(wire.Join(0, "r"))
        await worker.owner.show("r", "x" * 2000)
        assert await ann.texts(1) == ["x" * 2000]
        assert ann.compressed == 0


async def test_answers_of_the_owner_reach_the_sender(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann:
        await joined(ann)
        answers: dict[str, envelope.Answer] = {
            "shed": Shed(),
            "delayed": Delayed(3000),
            "slow": Refused("slow_mode", retry_ms=700),
            "odd": Done(),
        }
        worker.owner.judge = lambda row: answers[row.text] if isinstance(row, SendRow) else Done()
        assert (await ann.ok(wire.Send(0, "r", "shed", "c1"))).shown is False
        later = await ann.ok(wire.Send(0, "r", "delayed", "c0"))
        assert (later.shown, later.delay_ms) == (False, 3000)
        slow = await ann.ask(wire.Send(0, "r", "slow", "c2"))
        assert isinstance(slow, wire.Err)
        assert (slow.error, slow.retry_ms) == ("slow_mode", 700)
        assert await ann.err(wire.Send(0, "r", "odd", "c3")) == "internal"
        await ann.ok(wire.Like(0, "r", 5))
        assert worker.metric("refusals_total", name="slow_mode") == 1


async def test_who_speaks_is_what_the_token_says(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0, token=token("ann", Role.STREAMER)))
        await ann.ok(wire.Join(0, "r"))
        await ann.ok(wire.Send(0, "r", "hi", "c1", mode="top", color=255, size=30))
        await ann.ok(wire.Like(0, "r", 3))
        rows: list[Row] = [row for request in worker.owner.requests for row in request.rows]
        like = rows[-1]
        assert isinstance(like, LikeRow)
        assert like.id
        assert rows == [
            JoinRow("r", "ann", Role.STREAMER),
            JoinRow("r", "ann", Role.STREAMER),  # once more when the room was opened
            SendRow("r", "ann", "Ann", Role.STREAMER, "hi", "c1", "top", 255, 30),
            LikeRow("r", "ann", Role.STREAMER, 3, like.id),
        ]


async def test_a_refused_join_is_no_join(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann:
        worker.owner.judge = lambda _: Refused("banned")
        await ann.ok(wire.Hello(0))
        assert await ann.err(wire.Join(0, "r")) == "banned"
        assert await ann.err(wire.Leave(0, "r")) == "not_joined"


async def test_joining_twice_gives_a_fresh_answer_and_no_second_place(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann:
        await joined(ann)
        await worker.owner.show("r", "one")
        await ann.texts(1)
        again = await ann.ok(wire.Join(0, "r"))
        assert ann.read_history(again) == ["one"]
        await worker.owner.show("r", "two")
        assert await ann.texts(2) == ["one", "two"]
        await ann.ok(wire.Leave(0, "r"))
        await worker.owner.show("r", "three")
        await worker.owner.stats("r")
        await ann.ok(wire.Ping(0))
        assert await ann.texts(2) == ["one", "two"]


async def test_a_joiner_with_a_position_gets_what_came_after_it(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann, viewer(worker.port, wire.JSON) as bob:
        await worker.owner.show("r", "one")
        await worker.owner.show("r", "two", "three")
        await joined(ann)
        await bob.ok(wire.Hello(0))
        since = await bob.ok(wire.Join(0, "r", wire.At(100, 1)))
        assert (bob.read_history(since), since.complete) == (["two", "three"], True)
        head = await bob.ok(wire.Join(0, "r", wire.At(100, 3)))
        assert (bob.read_history(head), head.complete) == ([], True)


async def test_a_joiner_from_before_the_ring_gets_the_rest_from_the_store(start: Start) -> None:
    async with start(ring_batches=3) as worker, viewer(worker.port) as ann, viewer(worker.port) as bob:
        await joined(ann)
        for number in range(8):
            await worker.owner.show("r", f"{number}")
        await ann.texts(8)
        await bob.ok(wire.Hello(0))
        ok = await bob.ok(wire.Join(0, "r", wire.At(100, 2)))
        assert (bob.read_history(ok), ok.complete) == (["2", "3", "4", "5", "6", "7"], True)
        del worker.owner.logs["r"][:4]
        ok = await bob.ok(wire.Join(0, "r", wire.At(100, 2)))
        assert (bob.read_history(ok), ok.complete) == (["4", "5", "6", "7"], False), "all that is kept"


async def test_history_that_does_not_answer_is_not_a_loss(start: Start) -> None:
    async with start(ring_batches=3, request_s=2) as worker, viewer(worker.port) as ann:
        await joined(ann)
        for number in range(8):
            await worker.owner.show("r", f"{number}")
        await ann.texts(8)
        worker.owner.history_silent = True
        asked = [ann.ask(wire.Join(0, "r", wire.At(100, 2))), ann.ask(wire.History(0, "r", wire.At(100, 1)))]
        for refused in await asyncio.gather(*asked):
            assert isinstance(refused, wire.Err)
            assert (refused.error, refused.retry_ms) == ("unavailable", 1000)
        worker.owner.history_silent = False
        ok = await ann.ok(wire.Join(0, "r", wire.At(100, 2)))
        assert (ann.read_history(ok), ok.complete) == (["2", "3", "4", "5", "6", "7"], True)


async def test_history_that_cannot_be_read_is_refused(start: Start) -> None:
    async with start(ring_batches=3) as worker, viewer(worker.port) as ann:
        await joined(ann)
        for number in range(8):
            await worker.owner.show("r", f"{number}")
        await ann.texts(8)
        worker.owner.logs["r"][1] = (Position(100, 2), b"\xc1")
        assert await ann.err(wire.Join(0, "r", wire.At(100, 1))) == "unavailable"
        assert await ann.err(wire.History(0, "r", wire.At(100, 1))) == "unavailable"


async def test_who_leaves_while_joining_is_not_in(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann, viewer(worker.port) as bob:
        await joined(ann)
        await bob.ok(wire.Hello(0))
        await bob.say(wire.Join(20, "r"), wire.Leave(21, "r"))
        assert isinstance(await bob.answer(21), wire.Ok)
        join = await bob.answer(20)
        assert isinstance(join, wire.Err)
        assert join.error == "conflict"
        await worker.owner.show("r", "one")
        assert await ann.texts(1) == ["one"]
        await bob.ok(wire.Ping(0))
        assert not bob.all(wire.Batch)
        assert worker.metric("joins_total") == 1


async def test_pipelined_joins_are_bounded_too(start: Start) -> None:
    async with start(rooms_per_connection=2) as worker, viewer(worker.port) as ann:
        await ann.say(wire.Hello(1), *(wire.Join(number, f"r{number}") for number in (2, 3, 4)))
        answers = [await ann.answer(number) for number in (2, 3, 4)]
        assert [isinstance(answer, wire.Err) and answer.error for answer in answers] == [
            False,
            False,
            "conflict",
        ]


@CODECS
async def test_history_comes_from_the_ring_or_the_store(start: Start, codec: wire.Codec) -> None:
    async with start(ring_batches=3) as worker, viewer(worker.port, codec) as ann:
        await joined(ann)
        for number in range(8):
            await worker.owner.show("r", f"{number}")
        await ann.texts(8)
        asked = worker.owner.history_asked
        near = await ann.ok(wire.History(0, "r", wire.At(100, 6)))
        assert (ann.read_history(near), near.complete, near.seq) == (["6", "7"], True, 8)
        some = await ann.ok(wire.History(0, "r", wire.At(100, 5), limit=1))
        assert (ann.read_history(some), some.complete) == (["5"], False)
        assert worker.owner.history_asked == asked
        far = await ann.ok(wire.History(0, "r", wire.At(100, 1)))
        assert ann.read_history(far) == ["1", "2", "3", "4", "5", "6", "7"]
        assert worker.owner.history_asked == asked + 1


async def test_equal_questions_to_history_are_one(start: Start) -> None:
    async with start(ring_batches=3) as worker, viewer(worker.port) as ann:
        await joined(ann)
        for number in range(8):
            await worker.owner.show("r", f"{number}")
        await ann.texts(8)
        asked = worker.owner.history_asked
        await ann.say(*(wire.History(100 + number, "r", wire.At(100, 1)) for number in range(10)))
        for number in range(10):
            answer = await ann.answer(100 + number)
            assert isinstance(answer, wire.Ok)
        assert worker.owner.history_asked == asked + 1


async def test_a_lost_batch_is_fetched_once_for_all(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = replace(CLOSE_GAP, most_s=20, in_all_s=20)  # a late answer is none that gets lost
    monkeypatch.setattr("edge.mending.CLOSE_GAP", patient)
    async with start() as worker, viewer(worker.port) as ann, viewer(worker.port, wire.JSON) as bob:
        await joined(ann)
        await joined(bob)
        owner = worker.owner
        await owner.show("r", "one")
        asked = owner.history_asked
        owner.append("r", "lost")
        await owner.show("r", "three")
        assert await ann.texts(3) == await bob.texts(3) == ["one", "lost", "three"]
        owner.append("r", "lost too")
        await owner.stats("r")
        assert (await ann.texts(4))[3] == (await bob.texts(4))[3] == "lost too"
        assert owner.history_asked == asked + 2


async def test_when_history_is_away_what_there_is_is_shown(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann:
        await joined(ann)
        owner = worker.owner
        await owner.show("r", "one")
        await ann.texts(1)
        owner.history_silent = True
        owner.append("r", "lost")
        await owner.show("r", "three")
        assert await ann.texts(2) == ["one", "three"]
        owner.history_silent = False
        owner.append("r", "lost too")
        await owner.stats("r")
        assert await ann.texts(3) == ["one", "three", "lost too"]


async def test_rooms_do_not_wait_long_for_a_history_that_is_away(start: Start) -> None:
    """However many there are, and however long one request may take."""
    rooms = [f"r{number}" for number in range(40)]
    async with start(request_s=60, rooms_per_connection=40) as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0))
        await ann.say(*(wire.Join(100 + number, room) for number, room in enumerate(rooms)))
        for number in range(len(rooms)):
            assert isinstance(await ann.answer(100 + number), wire.Ok)
        worker.owner.history_silent = True
        worker.node.feeds.check()
        for room in rooms:
            await worker.owner.show(room, room)
        assert sorted(await ann.texts(len(rooms))) == sorted(rooms)


async def test_a_room_that_cannot_be_opened_is_refused(start: Start) -> None:
    async with start(request_s=2) as worker, viewer(worker.port) as ann:
        worker.owner.history_silent = True
        await ann.ok(wire.Hello(0))
        assert await ann.err(wire.Join(0, "r")) == "unavailable"
        worker.owner.history_silent = False
        assert (await ann.ok(wire.Join(0, "r"))).room == "r"


async def test_all_who_join_a_new_room_at_once_share_its_history(start: Start) -> None:
    async with start() as worker, AsyncExitStack() as stack:
        await worker.owner.show("r", "one")
        people = [await stack.enter_async_context(viewer(worker.port)) for _ in range(5)]
        for one in people:
            await one.ok(wire.Hello(0))
        answers = await asyncio.gather(*(one.ok(wire.Join(0, "r")) for one in people))
        assert [one.read_history(ok) for one, ok in zip(people, answers, strict=True)] == [["one"]] * 5
        assert worker.owner.history_asked == 1


async def test_what_cannot_be_read_is_ignored(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann:
        await joined(ann)
        bus, subjects = worker.owner.bus, worker.owner.subjects
        for subject in (subjects.room_out("r"), subjects.owners, subjects.replaced, subjects.edge_report):
            await bus.publish(subject, b"\xc1")
        await worker.owner.show("r", "one")
        assert await ann.texts(1) == ["one"]


@pytest.mark.parametrize("why", ["kicked", "banned"])
async def test_who_is_put_out_leaves_the_room_but_may_stay_connected(start: Start, why: str) -> None:
    async with start() as worker, viewer(worker.port) as ann, viewer(worker.port, wire.JSON) as bob:
        await bob.ok(wire.Hello(0, token=token("bob")))
        await bob.ok(wire.Join(0, "r"))
        await joined(ann)
        await worker.owner.notice("r", "bob", "muted")
        await worker.owner.notice("r", "bob", why)
        assert [notice.kind for notice in await bob.until(wire.Notice, 2)] == ["muted", why]
        await worker.owner.show("r", "after")
        assert await ann.texts(1) == ["after"]
        assert await bob.err(wire.Send(0, "r", "hi", "c")) == "not_joined"
        assert not bob.all(wire.Batch)
        assert not ann.all(wire.Notice)


async def test_what_is_shadowed_reaches_every_device_of_its_sender_and_nobody_else(start: Start) -> None:
    async with (
        start() as worker,
        viewer(worker.port) as ann,
        viewer(worker.port, wire.JSON) as bob,
        viewer(worker.port) as phone,
    ):
        await joined(ann)
        for device in (bob, phone):
            await device.ok(wire.Hello(0, token=token("bob")))
            await device.ok(wire.Join(0, "r"))
        worker.owner.judge = lambda _: Shadowed(77)
        ok = await bob.ok(wire.Send(0, "r", "hi", "c"))
        assert (ok.shown, ok.at, ok.epoch, ok.seq) == (True, 77, None, None)
        await worker.owner.aside("r", "bob", "hi")
        await worker.owner.show("r", "after")
        for device in (bob, phone):
            [aside] = await device.until(wire.Aside, 1)
            assert [device.codec.read(item)["text"] for item in aside.items] == ["hi"]
        assert await ann.texts(1) == ["after"]
        assert not ann.all(wire.Aside)


async def test_who_is_kicked_while_joining_does_not_get_in(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann, viewer(worker.port) as bob:
        await joined(ann)
        owner = worker.owner

        def admit_and_kick(row: Row) -> envelope.Answer:
            owner.spawn(owner.notice("r", "bob", "kicked"))
            return owner.admit_all(row)

        owner.judge = admit_and_kick
        await bob.ok(wire.Hello(0, token=token("bob")))
        assert await bob.err(wire.Join(0, "r")) == "conflict"
        assert await bob.err(wire.Leave(0, "r")) == "not_joined"


async def test_who_is_banned_while_the_room_opens_does_not_get_in(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as bob:
        owner = worker.owner

        def admit_and_ban(row: Row) -> envelope.Answer:
            owner.judge = lambda _: Refused("banned")
            return owner.admit_all(row)

        owner.judge = admit_and_ban
        await bob.ok(wire.Hello(0, token=token("bob")))
        assert await bob.err(wire.Join(0, "r")) == "banned"


async def test_only_older_connections_of_a_device_are_replaced(start: Start) -> None:
    """Not those that are newer, of another device or user, or of none that counts: tabs of one browser."""

    def hello(uid: str, device: str | None, n: int | None) -> wire.Hello:
        return wire.Hello(0, token=token(uid), device=device, n=n)

    stay = [
        hello("ann", "tv", 7),
        hello("ann", "tv", 8),
        hello("ann", "phone", 1),
        hello("ann", "tv", None),
        hello("ann", "tv", None),
        hello("ann", None, 1),
        hello("bob", "tv", 1),
        wire.Hello(0, device="tv", n=1),
    ]
    async with start() as worker, AsyncExitStack() as stack:
        owner = worker.owner
        older = await stack.enter_async_context(viewer(worker.port))
        await older.ok(hello("ann", "tv", 6))
        others = [await stack.enter_async_context(viewer(worker.port)) for _ in stay]
        for one, said in zip(others, stay, strict=True):
            await one.ok(said)
        replaced = envelope.encode(Replaced("ann", "tv", 7))
        await owner.bus.publish(owner.subjects.replaced, replaced)
        assert await older.ended() == 4409
        for one in others:
            await one.ok(wire.Ping(0))


async def test_where_a_session_was_ended_its_connections_are_closed_and_no_newer_ones(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ended, viewer(worker.port) as newer:
        await ended.ok(wire.Hello(0, token=token("ann"), device="tv", n=6))
        await newer.ok(wire.Hello(0, token=token("ann"), device="tv", n=7))
        word = envelope.encode(Replaced("ann", "tv", 7, why="ended"))
        await worker.owner.bus.publish(worker.owner.subjects.replaced, word)
        assert await ended.ended() == 4401
        await newer.ok(wire.Ping(0))


async def test_too_many_devices_are_told_so_and_do_not_come_back(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as oldest, viewer(worker.port) as further:
        await oldest.ok(wire.Hello(0, token=token("ann"), device="tv", n=6))
        word = envelope.encode(Replaced("ann", "tv", 7, why="displaced"))
        await worker.owner.bus.publish(worker.owner.subjects.replaced, word)
        assert await oldest.ended() == 4409
        worker.owner.judge_user = lambda _: Refused("too_many_devices")
        assert await further.err(wire.Hello(0, token=token("ann"), device="f", n=1)) == "too_many_devices"
        assert await further.ended() == 4409


async def test_a_hello_that_is_not_the_newest_is_told_and_closed(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as one:
        worker.owner.judge_user = lambda _: Refused("conflict", "replaced")
        assert await one.err(wire.Hello(0, token=token("ann"), device="tv", n=1)) == "conflict"
        assert await one.ended() == 4409


async def test_who_was_replaced_without_notice_is_found_out(start: Start) -> None:
    """Counted connections are asked about again and again; an outage meanwhile closes nobody."""
    rows: list[HelloRow] = []
    answer: Done | Refused = Done()

    def judge(row: object) -> Done | Refused:
        assert isinstance(row, HelloRow)
        rows.append(row)
        return answer if row.n is not None else Done()

    async with (
        start(recheck_s=0.1) as worker,
        viewer(worker.port) as ann,
        viewer(worker.port) as tab,
        viewer(worker.port) as gone,
    ):
        worker.owner.judge_user = judge
        hello = await ann.ok(wire.Hello(0, token=token("ann"), device="tv", n=5))
        await tab.ok(wire.Hello(0, token=token("ann"), device="tv"))
        await gone.ok(wire.Hello(0, token=token("eve"), device="tv", n=1))
        await gone.close()
        await until(lambda: [row.uid for row in rows].count("ann") >= 4)
        assert {(row.device, row.n, row.edge, row.session) for row in rows if row.uid == "ann"} == {
            ("tv", 5, "edge", hello.session),
            (None, None, "", ""),
        }
        assert sum(row.n is None for row in rows) == 1, "only what counts is asked about again"
        answer = Refused("unavailable")
        before = len(rows)
        await until(lambda: len(rows) >= before + 2)
        await ann.ok(wire.Ping(0))
        answer = Refused("conflict")
        assert await ann.ended() == 4409
        told = len(rows)
        await tab.ok(wire.Ping(0))
        await asyncio.sleep(0.4)
        assert len(rows) == told, "nobody asks about those that are gone"


async def test_pulls_have_a_limit_of_their_own(start: Start) -> None:
    async with (
        start(pulls_per_s=0.1, pulls_burst=3, rooms_per_connection=3) as worker,
        viewer(worker.port) as ann,
    ):
        await joined(ann)
        answers = [await ann.ask(wire.History(0, "r", wire.At(0, 0))) for _ in range(3)]
        assert [type(answer) for answer in answers] == [wire.Ok, wire.Ok, wire.Err]
        refused = answers[-1]
        assert isinstance(refused, wire.Err)
        assert refused.error == "rate_limited"
        assert 0 < (refused.retry_ms or 0) <= 10_000
        await ann.ok(wire.Send(0, "r", "hi", "c1"))


async def test_the_client_learns_how_much_a_message_may_hold(start: Start) -> None:
    async with start(frame_bytes=64 * 1024) as worker:
        async with viewer(worker.port) as one:
            assert (await one.ok(wire.Hello(0))).frame_bytes == 64 * 1024
        async with Client(f"http://127.0.0.1:{worker.port}") as ann:
            room = await ann.join("r")
            assert (await room.send("弹" * 6000)).shown


async def test_the_client_keeps_to_a_service_that_takes_less(start: Start) -> None:
    async with start(frame_bytes=2048) as worker, Client(f"http://127.0.0.1:{worker.port}") as ann:
        room = await ann.join("r")
        with pytest.raises(Refusal, match="too_large"):
            await room.send("x" * 2048)
        assert (await room.send("x")).shown


async def test_too_many_frames_are_refused_and_then_closed(start: Start) -> None:
    async with start(frames_per_s=5, frames_burst=5) as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0))
        for _ in range(3):
            await ann.say(*(wire.Ping(number) for number in range(10, 40)))
        assert await ann.ended() == 4103
        assert any(err.error == "rate_limited" and err.retry_ms for err in ann.all(wire.Err))


async def test_a_message_that_is_too_large_is_closed_with_the_reason(start: Start) -> None:
    async with start(frame_bytes=2048) as worker, viewer(worker.port) as ann:
        await joined(ann)
        await ann.ok(wire.Send(0, "r", "x" * 1900, "c1"))
        await ann.say(wire.Send(9, "r", "x" * 2048, "c2"))
        assert await ann.ended() == 4413


@pytest.mark.parametrize("protocol", ["msgpack", "json"])
async def test_the_client_refuses_what_is_too_large_and_stays(start: Start, protocol: Any) -> None:
    async with start() as worker, Client(f"http://127.0.0.1:{worker.port}", protocol=protocol) as ann:
        room = await ann.join("r")
        session = ann.session
        with pytest.raises(Refusal, match="too_large"):
            await room.send("弹" * 6000, timeout_s=30)
        assert (await room.send("弹" * 600)).shown
        assert ann.session == session


async def test_frames_that_cannot_be_read_are_answered(start: Start) -> None:
    async with start() as worker, viewer(worker.port, wire.JSON) as ann:
        await ann.ok(wire.Hello(0))
        await ann.shout('{"t": "dance", "id": 77}\nnothing')
        first, second = await ann.until(wire.Err, 2)
        assert (first.id, first.error, second.id, second.error) == (77, "bad_frame", None, "bad_frame")


# Who is here.


async def test_owners_are_told_how_many_watch(start: Start) -> None:
    async with start() as worker:
        owner = worker.owner

        def told() -> dict[str, int] | None:
            return owner.counts[-1].rooms if owner.counts else None

        async with viewer(worker.port) as ann, viewer(worker.port) as bob:
            await joined(ann)
            await until(lambda: told() == {"r": 1})
            await joined(bob)
            await ann.ok(wire.Join(0, "s"))
            await until(lambda: told() == {"r": 2, "s": 1})
        await until(lambda: told() == {})
        assert len({(counts.edge, counts.incarnation) for counts in owner.counts}) == 1


async def test_who_comes_back_at_once_finds_the_same_ring(start: Start) -> None:
    async with start(linger_s=60) as worker, viewer(worker.port) as ann:
        asked = worker.owner.history_asked
        await joined(ann)
        await ann.ok(wire.Leave(0, "r"))
        await ann.ok(wire.Join(0, "r"))
        assert worker.owner.history_asked == asked + 1


async def test_a_room_nobody_watches_is_no_longer_followed(start: Start) -> None:
    async with start(linger_s=0.1) as worker, viewer(worker.port) as ann:
        await joined(ann)
        await ann.ok(wire.Leave(0, "r"))
        await until(lambda: len(worker.node.feeds) == 0)
        await worker.owner.show("r", "meanwhile")
        assert ann.read_history(await ann.ok(wire.Join(0, "r"))) == ["meanwhile"]


async def test_a_room_nobody_watches_is_freed_at_once(start: Start) -> None:
    """And not when the garbage collector looks at the oldest things: rings are large."""
    gc.collect()
    gc.disable()
    try:
        async with start(linger_s=0.1) as worker, viewer(worker.port) as ann:
            await joined(ann)
            await worker.owner.show("r", "seen")
            assert await ann.texts(1) == ["seen"]
            stage = worker.node.feeds.get("r")
            assert stage is not None
            left = weakref.ref(stage)
            del stage
            await ann.ok(wire.Leave(0, "r"))
            await until(lambda: len(worker.node.feeds) == 0)
            await until(lambda: left() is None)
    finally:
        gc.enable()


async def test_closed_connections_leave_nothing_behind(start: Start) -> None:
    async with start() as worker:
        for _ in range(3):
            async with viewer(worker.port) as ann:
                await ann.say(wire.Hello(1, token=token("ann")), wire.Join(2, "r"))
                await ann.say(wire.Join(3, "s"), wire.Send(4, "r", "x", "c"))
        await until(lambda: worker.metric("connections") == 0)
        await until(lambda: len(worker.node.feeds) == 0)


# The end.


async def test_a_stopping_worker_sends_its_viewers_elsewhere(start: Start) -> None:
    async with start(drain_s=1.0) as worker, AsyncExitStack() as stack:
        people = [
            await stack.enter_async_context(viewer(worker.port, codec))
            for codec in (wire.MSGPACK, wire.JSON) * 5
        ]
        for one in people:
            await joined(one)
        worker.stop.set()
        assert [await one.ended() for one in people] == [4000] * 10
        for one in people:
            (notice,) = one.all(wire.Notice)
            assert notice.kind == "reconnect"
            assert 0 <= (notice.retry_ms or 0) < 600
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", worker.port)


async def test_a_worker_that_drains_sends_its_viewers_elsewhere_and_may_come_back(
    start: Start, connect: Connect
) -> None:
    async with start(drain_s=60) as worker:
        admin, orders = await connect(), worker.owner.subjects.orders("edge")

        async def order(*words: Any) -> envelope.EdgeReport:
            return envelope.decode_edge_report(
                await admin.request(orders, envelope.encode(envelope.Drain(*words)), 20)
            )

        for _ in range(2):
            async with (
                viewer(worker.port) as ann,
                viewer(worker.port, wire.JSON) as bob,
                ClientSession() as kept,
            ):
                for one in (ann, bob):
                    await joined(one)
                assert (await kept.get(f"http://127.0.0.1:{worker.port}/healthz")).status == 200
                assert (await order(True, 3600)).draining
                report = await order(True, 0.3)  # the later order counts
                assert report.draining
                assert [await one.ended() for one in (ann, bob)] == [4000, 4000]
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection("127.0.0.1", worker.port)
                ready = await kept.get(f"http://127.0.0.1:{worker.port}/readyz")
                assert (ready.status, (await ready.json())["newcomers"]) == (503, False)
                assert not (await order(False)).draining
                assert not (await order(False)).draining
        async with viewer(worker.port) as ann, viewer(worker.port) as bob:
            await joined(ann)
            await joined(bob)
            assert (await order(True, 3600)).draining
            await until(lambda: worker.metric("connections") == 1)
            await admin.publish(orders, b"\xc1")  # not an order
            assert not (await order(False)).draining  # in the middle of it: one of them stays
            async with viewer(worker.port) as eve:
                await joined(eve)
                assert worker.metric("connections") == 2
                worker.stop.set()
                await until(lambda: worker.metric("connections") == 1)
                assert (await order(False)).draining  # who stops does not come back
                worker.force.set()


async def test_guests_of_one_address_share_what_it_may_say(start: Start) -> None:
    """So another `device` for each comment is of no use."""
    async with start(address_per_s=0.01, address_burst=4) as worker, viewer(worker.port) as ann:
        await joined(ann)
        async with viewer(worker.port) as guest:
            await joined(guest)
            assert isinstance(await guest.ask(wire.Send(0, "r", "one", "c1")), wire.Ok)
            assert isinstance(await ann.ask(wire.Send(0, "r", "two", "c2")), wire.Ok)
            refused = await guest.ask(wire.Send(0, "r", "three", "c3"))
            assert isinstance(refused, wire.Err)
            assert refused.error == "rate_limited"
            assert (refused.retry_ms or 0) > 90_000
        with pytest.raises(InvalidStatus) as caught:
            async with viewer(worker.port):
                pass
        assert caught.value.response.status_code == 429
        async with viewer(worker.port, headers={"X-Forwarded-For": "9.9.9.9"}) as member:
            await member.ok(wire.Hello(0, token=token("bob")))
            await member.ok(wire.Join(0, "r"))
            for number in range(10):
                assert isinstance(await member.ask(wire.Send(0, "r", "hi", f"m{number}")), wire.Ok)


async def test_a_frame_that_cannot_be_acted_on_is_answered_all_the_same(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as worker, viewer(worker.port) as ann:
        await joined(ann)

        def fails(*_: object) -> None:
            raise RuntimeError("as the test wants it")

        monkeypatch.setattr(worker.node._client, "submit", fails)
        assert await ann.err(wire.Send(0, "r", "one", "c1")) == "internal"
        await ann.ok(wire.Ping(0))


async def test_a_join_whose_time_is_up_begins_nothing_more(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start(request_s=10) as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0))
        viewing = worker.node._gateway._acts[wire.Join].__self__  # type: ignore[attr-defined]  # a bound method
        times = iter([0.0, 11.0])
        monkeypatch.setattr(viewing, "_monotonic", lambda: next(times, 100.0))
        assert await ann.err(wire.Join(0, "r")) == "unavailable"
        assert worker.owner.history_asked == 0
        monkeypatch.undo()
        await ann.ok(wire.Join(0, "r"))


async def test_an_operator_is_told_once_of_a_proxy_that_is_not_believed(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    limits: dict[str, object] = {"address_per_s": 0.001, "address_burst": 1, "trusted_proxies": ["10.0.0.1"]}
    async with start(**limits) as worker, viewer(worker.port):
        for headers in ({}, {"X-Forwarded-For": "9.9.9.9"}, {"X-Forwarded-For": "8.8.8.8"}):
            with pytest.raises(InvalidStatus):
                async with viewer(worker.port, headers=headers):
                    pass
    assert [line.getMessage() for line in caplog.records if "trusted_proxies" in line.getMessage()] == [
        "127.0.0.1 asks for others and has too many connections: is it a proxy? see edge.trusted_proxies"
    ]
