"""The SDK against a server that drops, refuses and repeats on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Literal, TypeVar

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from danmaku import wire
from danmaku.client import (
    Client,
    Comment,
    ConnectionChange,
    Gift,
    Notice,
    Position,
    Refusal,
    Room,
    Sent,
    Stats,
    Timing,
)
from danmaku.client.inbox import Inbox
from danmaku.errors import ROOM_CLOSED, UNAUTHORIZED, UNAVAILABLE, Kind
from danmaku.wire import Aside, At, Err, Hello, History, Join, Like, Ok, Send, Skip
from danmaku.wire import Notice as NoticeFrame
from danmaku.wire import Stats as StatsFrame
from tests.system.scripted import Visit, scripted

T = TypeVar("T")
Protocol = Literal["msgpack", "json"]

QUICK = Timing(
    connect=5, answer=10, pong=0.05, close=0.5, first_retry=0.01, most_retry=0.05, pull_jitter=0.001
)
HEAD = Position(5, 10)
BOTH = pytest.mark.parametrize("protocol", ["msgpack", "json"])


def err(number: int, kind: Kind, retry_ms: int | None = None) -> Err:
    return Err(number, kind.code, kind.name, kind.text, retry_ms)


async def soon(iterator: AsyncIterator[T]) -> T:
    return await asyncio.wait_for(anext(iterator), 30)


async def comments(room: Room, count: int) -> list[tuple[Position, str]]:
    """The next comments, passing over stats."""
    found: list[tuple[Position, str]] = []
    while len(found) < count:
        item = await soon(room)
        if isinstance(item, Comment):
            found.append((item.position, item.text))
    return found


async def not_opened(socket: ServerConnection) -> None:
    raise AssertionError("the upgrade was refused")


async def greet_and_admit(visit: Visit) -> None:
    await visit.greet()
    await visit.admit(HEAD)


@BOTH
async def test_watching_a_room(protocol: Protocol) -> None:
    async def script(visit: Visit) -> None:
        hello = await visit.greet()
        assert (hello.token, hello.device, hello.name) == (None, "d1", "ann")
        gift = visit.codec.value({"k": "gift", "uid": "u3", "name": "cat", "gift": "rose", "count": 2})
        live = visit.batch(5, 11, "three")
        live.items.append(gift)
        join = await visit.admit(HEAD, [visit.batch(5, 9, "one", "two")], then=[live])
        assert join.since is None
        await visit.say(StatsFrame("demo", 5, 12, 7, 30))

    async with scripted(script) as url, Client(url, device="d1", name="ann", protocol=protocol) as client:
        assert (client.uid, client.name, client.role, client.session) == ("u1", "ann", "guest", "s1")
        room = await client.join("demo")
        assert room.settings == {"slow_s": 3}
        assert await comments(room, 3) == [((5, 9), "one"), ((5, 10), "two"), ((5, 11), "three")]
        gift = await soon(room)
        assert isinstance(gift, Gift)
        assert (gift.position, gift.at, gift.uid, gift.gift, gift.count) == ((5, 12), 99, "u3", "rose", 2)
        await client.ping()
        assert room.stats == Stats("demo", Position(5, 12), 7, 30)
        assert (room.position, room.missed) == ((5, 12), 0)
        assert await client.ping() == 1234


@BOTH
async def test_sending_liking_and_reading_back(protocol: Protocol) -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD)
        send = await visit.expect(Send)
        assert (send.text, send.mode, send.color, send.size) == ("hi", "top", 0xFF0000, None)
        await visit.say(Ok(send.id, shown=True, epoch=5, seq=11, at=77))
        again = await visit.expect(Send)
        assert again.cid != send.cid
        await visit.say(Ok(again.id, shown=False))
        like = await visit.expect(Like)
        assert like.n == 3
        await visit.say(Ok(like.id))
        history = await visit.expect(History)
        assert (history.since, history.limit) == (At(5, 9), 20)
        page = visit.batches([visit.batch(5, 8, "seen", "seen", "new")])
        await visit.say(Ok(history.id, history=page, complete=False))
        await visit.let_go()

    async with scripted(script) as url, Client(url, protocol=protocol) as client:
        room = await client.join("demo")
        assert await room.send("hi", mode="top", color=0xFF0000) == Sent(True, 5, 11, 77)
        assert await room.send("hi") == Sent(False)
        await room.like(3)
        page = await room.history(Position(5, 9), 20)
        assert [item.position for item in page.items] == [(5, 10)]
        assert not page.complete
        await room.leave()
        await room.leave()
        assert [item async for item in room if not isinstance(item, Stats)] == []
        with pytest.raises(Refusal, match="not_joined"):
            await room.send("too late")


async def test_a_refusal_is_an_exception() -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD)
        send = await visit.expect(Send)
        await visit.say(Err(send.id, 4290, "slow_mode", "wait a little", 1500))

    async with scripted(script) as url, Client(url) as client:
        room = await client.join("demo")
        with pytest.raises(Refusal) as caught:
            await room.send("hi")
        refusal = caught.value
        assert (refusal.code, refusal.name, refusal.message, refusal.retry_ms) == (
            4290,
            "slow_mode",
            "wait a little",
            1500,
        )


async def test_a_room_that_is_refused_can_be_asked_for_again() -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        join = await visit.expect(Join)
        await visit.say(err(join.id, ROOM_CLOSED))
        await visit.admit(HEAD)

    async with scripted(script) as url, Client(url) as client:
        with pytest.raises(Refusal, match="room_closed"):
            await client.join("demo")
        await client.join("demo")
        with pytest.raises(Refusal, match="conflict"):
            await client.join("demo")


@BOTH
@pytest.mark.parametrize("ending", ["cut", 4000, 4101, 1011])
async def test_a_lost_connection_comes_back_where_it_stood(protocol: Protocol, ending: str | int) -> None:
    numbers: list[int] = []
    devices: list[str] = []

    async def first(visit: Visit) -> None:
        hello = await visit.greet()
        numbers.append(hello.n or 0)
        devices.append(hello.device or "")
        await visit.admit(HEAD)
        await visit.say(visit.batch(5, 11, "before"))
        if isinstance(ending, int):
            await visit.close(ending)
        else:
            visit.cut()

    async def second(visit: Visit) -> None:
        hello = await visit.greet()
        numbers.append(hello.n or 0)
        devices.append(hello.device or "")
        join = await visit.admit(
            Position(8, 1),
            [visit.batch(5, 11, "before", "missed"), visit.batch(8, 1, "new owner", prev=Position(5, 12))],
            then=[visit.batch(8, 2, "after")],
        )
        assert join.since == At(5, 11)

    async with scripted(first, second) as url, Client(url, protocol=protocol, timing=QUICK) as client:
        events = client.events()
        room = await client.join("demo")
        assert await comments(room, 4) == [
            ((5, 11), "before"),
            ((5, 12), "missed"),
            ((8, 1), "new owner"),
            ((8, 2), "after"),
        ]
        lost, connected = await soon(events), await soon(events)
        assert isinstance(lost, ConnectionChange)
        assert lost.code == (ending if isinstance(ending, int) else 1006)
        assert (lost.state, connected) == ("lost", ConnectionChange("connected"))
        assert room.missed == 0
    assert numbers[1] > numbers[0] > 0
    assert devices[0] == devices[1] != ""
    assert await soon(events) == ConnectionChange("closed", reason="the client is closed")
    with pytest.raises(StopAsyncIteration):
        await soon(events)


@BOTH
async def test_rooms_are_joined_again_right_behind_the_hello(protocol: Protocol) -> None:
    async def first(visit: Visit) -> None:
        await greet_and_admit(visit)
        visit.cut()

    async def second(visit: Visit) -> None:
        hello, join = await visit.expect(Hello), await visit.expect(Join)
        joined = Ok(join.id, room="demo", epoch=5, seq=10, history=visit.batches([]), complete=True)
        await visit.say(visit.welcome(hello), joined, visit.batch(5, 11, "there again"))

    async with scripted(first, second) as url, Client(url, protocol=protocol, timing=QUICK) as client:
        room = await client.join("demo")
        assert await comments(room, 1) == [((5, 11), "there again")]
        assert await client.ping() == 1234


async def test_a_hello_that_is_refused_ends_no_room_that_was_to_be_joined_behind_it() -> None:
    async def first(visit: Visit) -> None:
        await greet_and_admit(visit)
        visit.cut()

    async def busy(visit: Visit) -> None:
        hello = await visit.expect(Hello)
        await visit.expect(Join)
        await visit.say(err(hello.id, UNAVAILABLE, 1))

    async def back(visit: Visit) -> None:
        await greet_and_admit(visit)
        await visit.say(visit.batch(5, 11, "there again"))
        visit.cut()

    async def refuse(visit: Visit) -> None:
        hello = await visit.expect(Hello)
        await visit.expect(Join)
        await visit.say(err(hello.id, UNAUTHORIZED))

    async with scripted(first, busy, back, refuse) as url, Client(url, timing=QUICK) as client:
        room = await client.join("demo")
        assert await comments(room, 1) == [((5, 11), "there again")]
        with pytest.raises(Refusal, match="unauthorized"):
            await comments(room, 1)
        with pytest.raises(Refusal, match="unauthorized"):
            await client.ping()


@BOTH
async def test_a_send_cut_short_is_repeated_under_its_cid(protocol: Protocol) -> None:
    sends: list[Send] = []

    async def cut(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD)
        sends.append(await visit.expect(Send))
        visit.cut()

    async def answer(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD)
        sends.append(await visit.expect(Send))
        await visit.say(err(sends[-1].id, UNAVAILABLE, 10))
        sends.append(await visit.expect(Send))
        await visit.say(Ok(sends[-1].id, shown=True, epoch=5, seq=11, at=1))

    async with scripted(cut, cut, answer) as url, Client(url, protocol=protocol, timing=QUICK) as client:
        room = await client.join("demo")
        assert (await room.send("hi")).position == (5, 11)
    assert len({send.cid for send in sends}) == 1
    assert len(sends) == 4


async def test_a_send_gives_up_when_its_time_is_over() -> None:
    async def refuse(visit: Visit) -> None:
        await greet_and_admit(visit)
        while True:
            send = await visit.expect(Send)
            if send.text == "refused":
                await visit.say(err(send.id, UNAVAILABLE, 10))

    async with scripted(refuse) as url, Client(url) as client:
        room = await client.join("demo")
        with pytest.raises(Refusal, match="unavailable"):
            await room.send("refused", timeout_s=0.1)
        with pytest.raises(Refusal, match="timeout"):
            await room.send("ignored", timeout_s=0.1)


async def test_likes_are_not_repeated() -> None:
    async def cut(visit: Visit) -> None:
        await greet_and_admit(visit)
        await visit.expect(Like)
        visit.cut()

    async def again(visit: Visit) -> None:
        await greet_and_admit(visit)
        send = await visit.expect(Send)
        await visit.say(Ok(send.id, shown=False))
        await visit.expect(Like)

    async with scripted(cut, again) as url, Client(url, timing=QUICK) as client:
        room = await client.join("demo")
        with pytest.raises(Refusal, match="unavailable"):
            await room.like()
        assert await room.send("the first thing said after the reconnect") == Sent(False)
        with pytest.raises(Refusal, match="timeout"):
            await room.like(timeout_s=0.05)


@BOTH
async def test_a_gap_is_pulled_once(protocol: Protocol) -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD)
        await visit.say(visit.batch(5, 13, "thirteen"))
        pull = await visit.expect(History)
        assert pull.since == At(5, 10)
        await visit.say(visit.batch(5, 14, "fourteen"), StatsFrame("demo", 5, 14, 1, 0))
        some = visit.batches([visit.batch(5, 11, "eleven")])
        await visit.say(Ok(pull.id, history=some, complete=False))
        rest = await visit.expect(History)
        assert (rest.since, visit.waiting) == (At(5, 11), 0)
        await visit.say(
            Ok(rest.id, history=visit.batches([visit.batch(5, 12, "twelve", "thirteen")]), complete=True)
        )
        await visit.say(visit.batch(5, 15, "fifteen"))

    async with scripted(script) as url, Client(url, protocol=protocol, timing=QUICK) as client:
        room = await client.join("demo")
        assert [text for _, text in await comments(room, 5)] == [
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
        ]
        assert room.missed == 0


async def test_stats_reveal_a_lost_last_batch_and_a_skip_is_no_gap() -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD)
        await visit.say(Skip("demo", 5, 11, 12), StatsFrame("demo", 5, 13, 1, 0))
        pull = await visit.expect(History)
        assert pull.since == At(5, 12)
        await visit.say(Ok(pull.id, history=visit.batches([visit.batch(5, 13, "x")]), complete=True))

    async with scripted(script) as url, Client(url, timing=QUICK) as client:
        room = await client.join("demo")
        assert await comments(room, 1) == [((5, 13), "x")]
        assert (room.skipped, room.missed) == (2, 0)


@BOTH
async def test_what_nobody_else_is_shown_comes_like_a_comment(protocol: Protocol) -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD)
        sent = await visit.expect(Send)
        item = visit.codec.value(wire.Comment("u1", "ann", sent.text))
        await visit.say(Ok(sent.id, shown=True, at=5), Aside("demo", 5, [item]), visit.batch(5, 11, "eleven"))

    async with scripted(script) as url, Client(url, protocol=protocol, timing=QUICK) as client:
        room = await client.join("demo")
        sent = await room.send("psst")
        assert (sent.shown, sent.position) == (True, None)
        assert await comments(room, 2) == [((5, 10), "psst"), ((5, 11), "eleven")]


async def test_a_pull_that_is_refused_waits_and_one_refused_for_good_gives_up() -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD)
        await visit.say(visit.batch(5, 13, "thirteen"))
        pull = await visit.expect(History)
        await visit.say(Err(pull.id, 4291, "rate_limited", "slowly", 5))
        pull = await visit.expect(History)
        await visit.say(Err(pull.id, 4030, "forbidden", "no"))

    async with scripted(script) as url, Client(url, timing=QUICK) as client:
        room = await client.join("demo")
        assert await comments(room, 1) == [((5, 13), "thirteen")]
        assert room.missed == 2


async def test_a_pull_that_came_too_soon_is_not_made_again_before_its_time() -> None:
    refused = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD)
        await visit.say(visit.batch(5, 13, "thirteen"))
        pull = await visit.expect(History)
        await visit.say(Err(pull.id, 4291, "rate_limited", "slowly", 60_000))
        refused.set()
        await visit.hear()
        raise AssertionError("it asked again")

    async with scripted(script) as url, Client(url, timing=QUICK) as client:
        await client.join("demo")
        await asyncio.wait_for(refused.wait(), 30)
        for _ in range(50):
            await client.ping()  # it had every chance


async def test_a_dead_connection_is_noticed() -> None:
    async def dead(visit: Visit) -> None:
        visit.silent = True
        await visit.greet(heartbeat_ms=20)
        await visit.admit(HEAD)

    async def alive(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(Position(5, 11), [visit.batch(5, 11, "back")])

    async with scripted(dead, alive) as url, Client(url, timing=QUICK) as client:
        room = await client.join("demo")
        assert await comments(room, 1) == [((5, 11), "back")]


async def test_who_hears_something_need_not_ask_for_a_sign_of_life() -> None:
    pinged = asyncio.Event()

    async def talkative(visit: Visit) -> None:
        await visit.greet(heartbeat_ms=300)
        await visit.admit(HEAD)
        for _ in range(200):
            await visit.say(StatsFrame("demo", *HEAD, 1, 0))
            await asyncio.sleep(0.005)
        assert visit.pings == 0
        while not visit.pings:  # noqa: ASYNC110  now that it is quiet
            await asyncio.sleep(0.01)
        pinged.set()
        await asyncio.Event().wait()

    async with scripted(talkative) as url, Client(url, timing=QUICK) as client:
        await client.join("demo")
        await asyncio.wait_for(pinged.wait(), 30)


async def test_a_server_that_talks_nonsense_is_left() -> None:
    async def nonsense(visit: Visit) -> None:
        await greet_and_admit(visit)
        await visit.say_bytes(b"\xc1")

    async def sense(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(Position(5, 11), [visit.batch(5, 11, "back")])

    async with scripted(nonsense, sense) as url, Client(url, timing=QUICK) as client:
        room = await client.join("demo")
        assert await comments(room, 1) == [((5, 11), "back")]


@pytest.mark.parametrize("hangs_up", [True, False])
async def test_a_reconnect_notice_is_obeyed(hangs_up: bool) -> None:
    async def draining(visit: Visit) -> None:
        await greet_and_admit(visit)
        await visit.say(NoticeFrame("reconnect", retry_ms=50))
        if hangs_up:
            await visit.close(4000, "going away")

    async def other(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(Position(5, 11), [visit.batch(5, 11, "moved")])

    async with scripted(draining, other) as url, Client(url, timing=QUICK) as client:
        events = client.events()
        room = await client.join("demo")
        assert await comments(room, 1) == [((5, 11), "moved")]
        assert await soon(events) == Notice("reconnect", retry_ms=50)


@pytest.mark.parametrize(
    ("code", "name"), [(4401, "unauthorized"), (4403, "banned"), (4409, "conflict"), (4413, "too_large")]
)
async def test_a_close_for_good_ends_the_client(code: int, name: str) -> None:
    async def script(visit: Visit) -> None:
        await greet_and_admit(visit)
        await visit.expect(Send)
        await visit.close(code, "because")

    async def never(visit: Visit) -> None:
        raise AssertionError("it came back")

    async with scripted(script, never) as url, Client(url, timing=QUICK) as client:
        events = client.events()
        room = await client.join("demo")
        with pytest.raises(Refusal, match="because") as caught:
            await room.send("hi")
        assert caught.value.name == name
        with pytest.raises(Refusal, match=name):
            [item async for item in room]
        with pytest.raises(Refusal, match=name):
            await client.ping()
        with pytest.raises(Refusal, match=name):
            await client.join("other")
        assert await soon(events) == ConnectionChange("closed", reason="because")


async def test_the_first_connection_fails_at_once() -> None:
    async def refuse(visit: Visit) -> None:
        await visit.close(4101)

    async with scripted(refuse) as url:
        with pytest.raises(Refusal, match="unavailable"):
            async with Client(url):
                pass
    with pytest.raises(Refusal, match="cannot be reached"):
        async with Client(url):
            pass
    with pytest.raises(Refusal, match="cannot be reached"):
        async with Client("ftp://nowhere"):
            pass


async def test_hello_can_be_refused() -> None:
    async def refuse(visit: Visit) -> None:
        hello = await visit.expect(Hello)
        await visit.say(err(hello.id, UNAUTHORIZED))

    async def busy(visit: Visit) -> None:
        hello = await visit.expect(Hello)
        await visit.say(err(hello.id, UNAVAILABLE, 1))

    async def silent(visit: Visit) -> None:
        await visit.expect(Hello)

    async def cut(visit: Visit) -> None:
        await visit.greet()
        visit.cut()

    for script, name in ((refuse, "unauthorized"), (busy, "unavailable"), (silent, "unavailable")):
        async with scripted(script) as url:
            with pytest.raises(Refusal, match=name):
                async with Client(url, timing=Timing(connect=0.2)):
                    pass
    async with scripted(cut, busy, busy, refuse) as url, Client(url, timing=QUICK) as client:
        with pytest.raises(Refusal, match="unauthorized"):
            await client.ping()


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "unavailable"),
        (426, "unavailable"),
        (503, "unavailable"),
    ],
)
async def test_an_upgrade_can_be_refused(status: int, name: str) -> None:
    def no(socket: ServerConnection, request: Request) -> Response:
        return socket.respond(HTTPStatus(status), "no")

    async with serve(not_opened, "127.0.0.1", 0, process_request=no) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(Refusal, match=f"{name}: .*answered {status}"):
            async with Client(f"127.0.0.1:{port}"):
                pass


async def test_without_a_first_token_there_is_no_client() -> None:
    async def broken() -> str:
        raise LookupError("no such user")

    async def hanging() -> str:
        await asyncio.Event().wait()
        return "never"

    for token, why in ((broken, "no such user"), (hanging, "TimeoutError")):
        async with scripted(greet_and_admit) as url:
            with pytest.raises(Refusal, match=f"unavailable: .*{why}"):
                async with asyncio.timeout(30), Client(url, token=token, timing=Timing(connect=0.05)):
                    pass


async def test_a_token_that_cannot_be_had_later_is_asked_for_again() -> None:
    asked = 0

    async def token() -> str:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise LookupError("out of order")
        if asked == 3:
            await asyncio.Event().wait()
        if asked == 5:
            raise Refusal(UNAUTHORIZED, "logged out")
        return str(asked)

    async def cut(visit: Visit) -> None:
        hello = await visit.greet()
        greeted.append(hello.token)
        visit.cut()

    greeted: list[str | None] = []
    timing = Timing(connect=0.2, first_retry=0.01, most_retry=0.05)
    async with scripted(cut) as url, Client(url, token=token, timing=timing) as client:
        async with asyncio.timeout(30):
            events = [event async for event in client.events()]
        assert events[-1] == ConnectionChange("closed", reason="logged out")
        assert greeted == ["1", "4"]


async def test_a_kick_and_a_refused_return_end_the_room_but_not_the_client() -> None:
    async def first(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD)
        await visit.say(NoticeFrame("kicked", room="demo", reason="rude"))
        await visit.admit(HEAD)
        await visit.say(NoticeFrame("banned", room="demo", reason="spam", retry_ms=60_000))
        await visit.admit(HEAD)
        visit.cut()

    async def second(visit: Visit) -> None:
        await visit.greet()
        join = await visit.expect(Join)
        await visit.say(Err(join.id, 4291, "rate_limited", "slowly", 1))
        join = await visit.expect(Join)
        await visit.say(err(join.id, ROOM_CLOSED))

    async with scripted(first, second) as url, Client(url, timing=QUICK) as client:
        for why, retry_ms in (("forbidden: rude", None), ("banned: spam", 60_000), ("room_closed", None)):
            room = await client.join("demo")
            with pytest.raises(Refusal, match=why) as caught:
                [item async for item in room]
            assert caught.value.retry_ms == retry_ms
            with pytest.raises(Refusal, match=why):
                await room.send("hi")
        assert await client.ping() == 1234


async def test_resync_joins_again() -> None:
    async def script(visit: Visit) -> None:
        await greet_and_admit(visit)
        await visit.say(NoticeFrame("resync", room="demo"))
        join = await visit.admit(Position(5, 11), [visit.batch(5, 11, "again")])
        assert join.since == At(5, 10)

    async with scripted(script) as url, Client(url, timing=QUICK) as client:
        room = await client.join("demo")
        assert await comments(room, 1) == [((5, 11), "again")]


async def test_resuming_and_leaving_out_the_past() -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        assert (await visit.admit(HEAD, [visit.batch(5, 9, "a", "b")])).since == At(5, 9)
        await visit.let_go()
        past = visit.batch(5, 9, "a", "b")
        assert (await visit.admit(HEAD, [past], then=[visit.batch(5, 11, "c")])).since is None

    async with scripted(script) as url, Client(url) as client:
        room = await client.join("demo", since=Position(5, 9))
        assert await comments(room, 1) == [((5, 10), "b")]
        await room.leave()
        room = await client.join("demo", history=False)
        assert await comments(room, 1) == [((5, 11), "c")]


async def test_settings_follow_their_event() -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD)
        changed = visit.batch(5, 11)
        changed.items.append(visit.codec.value({"k": "settings", "settings": {"slow_s": 9}}))
        await visit.say(changed, visit.batch(5, 12, "then"))

    async with scripted(script) as url, Client(url) as client:
        room = await client.join("demo")
        await comments(room, 1)
        assert room.settings == {"slow_s": 9}


async def test_the_title_is_the_one_told_last_and_that_of_a_join_where_it_joined_since() -> None:
    async def first(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD, title="Thursday")
        titled = visit.batch(5, 11)
        titled.items.append(visit.codec.value({"k": "title", "title": "Friday"}))
        await visit.say(titled, visit.batch(5, 12, "then"))
        await told.wait()
        visit.cut()

    async def second(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD, then=[visit.batch(5, 13, "back")])

    told = asyncio.Event()
    async with scripted(first, second) as url, Client(url) as client:
        room = await client.join("demo")
        await comments(room, 1)
        assert room.title == "Friday"
        told.set()
        await comments(room, 1)
        assert room.title == ""


async def test_a_slow_reader_loses_the_oldest_and_can_tell() -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD, then=[visit.batch(5, 11, *(str(number) for number in range(100)))])

    async with scripted(script) as url, Client(url) as client:
        room = await client.join("demo", buffer=10)
        await client.ping()
        assert [text for _, text in await comments(room, 10)] == [str(number) for number in range(90, 100)]
        assert room.missed == 90


async def test_stats_take_no_room_from_comments() -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(HEAD, then=[visit.batch(5, 11, "a", "b")])
        send = await visit.expect(Send)
        await visit.say(*(StatsFrame("demo", 5, 12, viewers, 0) for viewers in range(10)))
        await visit.say(Ok(send.id, shown=False))
        await visit.let_go()

    async with scripted(script) as url, Client(url) as client:
        room = await client.join("demo", buffer=2)
        await room.send("hi")
        await room.leave()
        left = [item async for item in room]
        assert [item for item in left if isinstance(item, Stats)] == [Stats("demo", Position(5, 12), 9, 0)]
        assert [item.text for item in left if isinstance(item, Comment)] == ["a", "b"]
        assert room.missed == 0


@BOTH
async def test_what_cannot_be_encoded_is_refused_and_forgotten(protocol: Protocol) -> None:
    async with scripted(greet_and_admit) as url, Client(url, protocol=protocol) as client:
        room = await client.join("demo")
        with pytest.raises(Refusal, match="bad_frame"):
            await room.send("\ud800")
        link = client._connection.link
        assert link is not None
        assert link._asked == {}


async def test_a_number_that_msgpack_has_no_place_for_is_refused() -> None:
    async with scripted(greet_and_admit) as url, Client(url) as client:
        room = await client.join("demo")
        with pytest.raises(Refusal, match="bad_frame"):
            await room.like(2**70)


async def test_a_cancelled_call_leaves_nothing_behind() -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.expect(Join)
        await visit.let_go()
        await visit.admit(HEAD)
        await visit.expect(Send)
        send = await visit.expect(Send)
        await visit.say(Ok(send.id, shown=False))

    async with scripted(script) as url, Client(url) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.join("demo"), 0.05)
        room = await client.join("demo")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(room.send("never answered"), 0.05)
        assert await room.send("answered") == Sent(False)


async def test_closing_twice_and_from_many_sides() -> None:
    async with scripted(greet_and_admit) as url:
        client = Client(url)
        async with client:
            room = await client.join("demo")
            reading = asyncio.create_task(comments(room, 1))
            sending = asyncio.create_task(room.send("unanswered"))
            await client.ping()
            await asyncio.gather(client.close(), client.close())
            with pytest.raises(StopAsyncIteration):
                await reading
            with pytest.raises(Refusal, match="the client is closed"):
                await sending
        await client.close()
        with pytest.raises(StopAsyncIteration):
            await soon(client.events())
        with pytest.raises(Refusal, match="the client is closed"):
            await client.ping()


async def test_a_token_is_asked_for_each_connection() -> None:
    given = iter(["first", "second"])

    async def token() -> str:
        return next(given)

    async def first(visit: Visit) -> None:
        assert (await visit.greet()).token == "first"
        visit.cut()

    async def second(visit: Visit) -> None:
        assert (await visit.greet()).token == "second"

    async with scripted(first, second) as url, Client(url, token=token, timing=QUICK) as client:
        events = client.events()
        assert isinstance(await soon(events), ConnectionChange)
        assert await soon(events) == ConnectionChange("connected")


async def test_an_inbox_drops_the_oldest_and_ends_once() -> None:
    inbox: Inbox[int] = Inbox(2)
    for number in range(3):
        inbox.put(number)
    inbox.end(ValueError("why"))
    inbox.end()
    inbox.put(9)
    assert (await anext(inbox), await anext(inbox), inbox.dropped) == (1, 2, 1)
    with pytest.raises(ValueError, match="why"):
        await anext(inbox)
