"""Chat over two edges and two rooms processes: users with several devices, in private and in a group."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from danmaku.client import Client, Message, Messages, ReadBy, Refusal, Timing, TypingBy
from danmaku.wire import JSON, Hello, Ok
from danmaku.wire_chat import ChatSend, Text
from tests.system.fleet import Edge, Fleet, fleet
from tests.viewer import viewer

CONV = "p:ann:bob"
TEAM = "g:team"
QUICK = Timing(first_retry=0.05, most_retry=0.5, pull_jitter=0.05)


def client(whole: Fleet, edge: Edge, uid: str, device: str) -> Client:
    return Client(edge.url, token=whole.token(uid), device=f"{uid}-{device}", chat=True, timing=QUICK)


async def call(whole: Fleet, edge: Edge, uid: str, method: str, path: str, body: Any = None) -> Any:
    """One call of the HTTP API."""
    headers = {"Authorization": f"Bearer {whole.token(uid)}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = Request(edge.url + path, data, headers, method=method)  # noqa: S310  our own http

    def answer() -> Any:
        with urlopen(request, timeout=10) as response:  # noqa: S310  see above
            return json.load(response)

    return await asyncio.to_thread(answer)


async def read(stream: Messages, count: int) -> list[Message]:
    async with asyncio.timeout(30):
        return [await anext(stream) for _ in range(count)]


def numbered(messages: list[Message]) -> list[tuple[int, str, str]]:
    return [(one.seq, one.kind, one.text) for one in messages]


def of(conv: str, messages: list[Message]) -> list[Message]:
    return [one for one in messages if one.conv == conv]


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Fleet]:
    async with fleet(tmp_path) as running:
        yield running


@asynccontextmanager
async def four_devices(whole: Fleet) -> AsyncIterator[list[Client]]:
    """Of ann on both edges, of bob on both edges."""
    here, there = whole.edges
    async with AsyncExitStack() as stack:
        places = [(here, "ann", "tv"), (there, "ann", "phone"), (there, "bob", "tv"), (here, "bob", "phone")]
        yield [await stack.enter_async_context(client(whole, *place)) for place in places]


async def test_what_is_said_in_private_comes_to_all_devices_of_both(whole: Fleet) -> None:
    async with four_devices(whole) as devices:
        ann, _, bob, _ = devices
        streams = [one.chat.messages({}) for one in devices]
        heard = bob.events(), ann.events()
        for number in range(1, 22):
            speaker, other = (ann, "bob") if number % 2 else (bob, "ann")
            assert (await speaker.chat.send(other, f"{number}")).seq == number
        expected = [(number, "message", str(number)) for number in range(1, 22)]
        for stream in streams:
            assert numbered(await read(stream, 21)) == expected
        await ann.chat.typing(CONV)
        async with asyncio.timeout(30):
            assert await anext(heard[0]) == TypingBy(CONV, "ann")
        assert await bob.chat.read(CONV, 21) == 21
        assert await bob.chat.read(CONV, 3) == 21
        async with asyncio.timeout(30):
            assert await anext(heard[1]) == ReadBy(CONV, "bob", 21)
        [place] = await bob.chat.sync()
        assert (place.conv, place.last_seq, place.read_seq, place.unread) == (CONV, 21, 21, 0)


async def test_a_group_is_told_who_comes_and_goes_and_only_members_hear_it(whole: Fleet) -> None:
    here, there = whole.edges
    async with four_devices(whole) as devices, client(whole, there, "eve", "tv") as eve:
        ann, _, bob, _ = devices
        streams = [one.chat.messages({}) for one in devices]
        others = eve.chat.messages()
        made = await call(whole, here, "ann", "POST", "/v1/groups", {"gid": "team", "name": "Team"})
        assert (made["conv"], [one["uid"] for one in made["members"]]) == (TEAM, ["ann"])
        with pytest.raises(Refusal, match="not_a_member"):
            await eve.chat.send(TEAM, "let me in")
        await call(whole, there, "ann", "PUT", "/v1/groups/team/members/bob")
        for number in range(3, 23):
            speaker = ann if number % 2 else bob
            assert (await speaker.chat.send(TEAM, f"{number}", mention=["ann", "bob"])).seq == number
        said = [(number, "message", str(number)) for number in range(3, 23)]
        for stream in streams[:2]:
            came = await read(stream, 22)
            assert [one.kind for one in came[:2]] == ["member", "member"]
            assert numbered(came[2:]) == said
        for stream in streams[2:]:
            came = await read(stream, 21)
            assert numbered(came[1:]) == said  # and before that: that he was invited
            assert came[0].change == {"verb": "invite", "uids": ["bob"]}
        await call(whole, here, "ann", "DELETE", "/v1/groups/team/members/bob")
        await ann.chat.send(TEAM, "he is gone")
        for stream in streams[:2]:
            assert [one.kind for one in await read(stream, 2)] == ["member", "message"]
        for stream in streams[2:]:
            [last] = await read(stream, 1)
            assert last.change == {"verb": "kick", "uid": "bob"}
        with pytest.raises(Refusal, match="not_a_member"):
            await bob.chat.send(TEAM, "let me back")
        await ann.chat.send("eve", "hello")
        assert [one.conv for one in await read(others, 1)] == ["p:ann:eve"]
        assert len(await read(streams[0], 1)) == 1
        await bob.chat.send("ann", "why?")
        assert [one.conv for one in await read(streams[2], 1)] == [CONV]


async def test_who_was_away_catches_up_and_what_was_recalled_is_gone(whole: Fleet) -> None:
    here, there = whole.edges
    async with client(whole, here, "ann", "tv") as ann:
        async with client(whole, there, "bob", "tv") as bob:
            stream = bob.chat.messages({})
            await ann.chat.send("bob", "1")
            assert numbered(await read(stream, 1)) == [(1, "message", "1")]
            positions = stream.positions
        await call(whole, here, "ann", "POST", "/v1/groups", {"gid": "team", "name": "T", "members": ["bob"]})
        for number in range(2, 302):
            await ann.chat.send("bob", f"{number}")
        await ann.chat.send(TEAM, "hello")
        assert (await ann.chat.recall(CONV, 5)).seq == 302
        async with client(whole, here, "bob", "tv") as bob:
            caught = await read(bob.chat.messages(positions), 303)
            private = of(CONV, caught)
            assert [one.seq for one in private] == list(range(2, 303))
            assert [one.kind for one in private if one.seq in (5, 302)] == ["gone", "recall"]
            assert private[-1].of == 5
            assert private[3].body == []
            assert [(one.seq, one.kind) for one in of(TEAM, caught)] == [(1, "member"), (2, "message")]
            unread = {one.conv: one.unread for one in await bob.chat.sync()}
            assert unread.keys() == {CONV, TEAM}
            assert unread[CONV] > 0


async def test_one_cid_said_ten_times_at_once_from_two_devices_is_one_message(whole: Fleet) -> None:
    here, there = whole.edges
    async with viewer(here.port) as one, viewer(there.port, JSON) as other:
        for device, name in ((one, "tv"), (other, "phone")):
            await device.ok(Hello(0, token=whole.token("ann"), device=f"ann-{name}", n=1, chat=True))
        frames = [ChatSend(number, [Text("hello")], "c-1", to="bob") for number in range(101, 106)]
        await asyncio.gather(one.say(*frames), other.say(*frames))
        answers = [await device.answer(frame.id) for device in (one, other) for frame in frames]
        oks = [answer for answer in answers if isinstance(answer, Ok)]
        assert len(oks) == 10
        assert len({(ok.conv, ok.seq, ok.at) for ok in oks}) == 1
        assert sorted(ok.duplicate is True for ok in oks) == [False] + [True] * 9
    page = await call(whole, there, "ann", "GET", f"/v1/chat/conversations/{CONV}/messages")
    assert [message["seq"] for message in page["messages"]] == [1]
    assert page["last_seq"] == 1


async def test_a_device_is_signed_out_from_another_one(whole: Fleet) -> None:
    here, there = whole.edges
    async with client(whole, here, "ann", "tv") as tv, client(whole, there, "ann", "phone") as phone:
        listed = (await call(whole, here, "ann", "GET", "/v1/chat/sessions"))["sessions"]
        assert [one["device"] for one in listed] == ["ann-phone", "ann-tv"]
        assert len({one["edge"] for one in listed}) == 2
        stream = tv.chat.messages({})
        left = await call(whole, there, "ann", "DELETE", "/v1/chat/sessions/ann-tv")
        assert [one["device"] for one in left["sessions"]] == ["ann-phone"]
        with pytest.raises(Refusal, match="unauthorized: the session of this device was ended"):
            await read(stream, 1)
        assert (await phone.chat.send("bob", "still here")).seq == 1
        presence = await call(whole, here, "bob", "GET", "/v1/chat/presence/ann")
        assert presence["online"]

    async def is_gone() -> bool:
        return not (await call(whole, here, "bob", "GET", "/v1/chat/presence/ann"))["online"]

    async with asyncio.timeout(30):
        while not await is_gone():  # noqa: ASYNC110  what happens in another process sets no event here
            await asyncio.sleep(0.05)
    async with client(whole, there, "ann", "tv") as again:  # with a token of its own
        assert [one.conv for one in await again.chat.sync()] == [CONV]


async def test_of_too_many_devices_the_oldest_goes_or_the_newest_is_refused(tmp_path: Path) -> None:
    async with fleet(tmp_path, DANMAKU_AUTH_DEVICES="1") as whole:
        here, there = whole.edges
        async with client(whole, here, "ann", "tv") as tv:
            stream = tv.chat.messages({})
            async with client(whole, there, "ann", "phone") as phone:
                with pytest.raises(Refusal, match="conflict: too many devices"):
                    await read(stream, 1)
                assert (await phone.chat.send("bob", "hello")).seq == 1
    refusing = tmp_path / "refusing"
    async with fleet(refusing, DANMAKU_AUTH_DEVICES="1", DANMAKU_AUTH_DEVICES_FULL="refuse") as whole:
        here, there = whole.edges
        async with client(whole, here, "ann", "tv") as tv:
            with pytest.raises(Refusal, match="too_many_devices"):
                await client(whole, there, "ann", "phone").__aenter__()
            assert (await tv.chat.send("bob", "hello")).seq == 1


async def test_when_an_edge_and_a_rooms_process_die_nothing_said_is_lost(whole: Fleet) -> None:
    here, there = whole.edges
    async with client(whole, there, "ann", "tv") as ann, client(whole, here, "bob", "tv") as bob:
        mine, his = ann.chat.messages({}), bob.chat.messages({})

        async def talk() -> list[int]:
            return [(await ann.chat.send("bob", f"{n}", timeout_s=60)).seq for n in range(1, 101)]

        talking = asyncio.create_task(talk())
        await read(his, 10)
        here.kill()
        whole.rooms[0].kill()
        here.start()
        seqs = await talking
        assert seqs == list(range(1, 101))
        expected = [(number, "message", str(number)) for number in range(1, 101)]
        assert numbered(await read(mine, 100)) == expected
        assert numbered(await read(his, 90)) == expected[10:]


async def test_after_the_bus_was_away_all_devices_have_everything(whole: Fleet) -> None:
    async with four_devices(whole) as devices:
        ann, _, bob, _ = devices
        streams = [one.chat.messages({}) for one in devices]
        await ann.chat.send("bob", "1", timeout_s=30)
        whole.nats.kill()
        sending = asyncio.gather(
            ann.chat.send("bob", "x", timeout_s=60), bob.chat.send("ann", "x", timeout_s=60)
        )
        await whole.start_server(whole.nats)
        await sending
        for stream in streams:
            assert [one.seq for one in await read(stream, 3)] == [1, 2, 3]
