"""What the SDK makes of polls and of what is kept in view, before a scripted server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from danmaku import wire
from danmaku.client import Client, Paid, Poll, PollClosed, PollOpened, Position, Refusal, Stats
from danmaku.errors import CONFLICT
from danmaku.wire import Batch, Err, Join, OpenPoll, Pinned, Vote
from tests.system.scripted import Visit, scripted

OPEN = OpenPoll("p1", "Which?", ["one", "two"], [3, 0], 9000)
PAID = wire.Paid("u2", "bob", "go", 500, "CNY", 9000)


async def join(visit: Visit) -> None:
    await visit.greet()
    asked = await visit.expect(Join)
    codec = visit.codec
    pinned = codec.value([Pinned(5, 3, 99, codec.value(PAID))])
    view: dict[str, Any] = {"pinned": pinned, "poll": codec.value(OPEN)}
    await visit.say(wire.Ok(asked.id, room="demo", epoch=5, seq=9, viewers=1, likes=0, complete=True, **view))


@pytest.mark.parametrize("protocol", ["msgpack", "json"])
async def test_a_poll_is_followed_and_voted_in(protocol: Any) -> None:
    async def script(visit: Visit) -> None:
        await join(visit)
        vote = await visit.expect(Vote)
        assert (vote.room, vote.poll, vote.option) == ("demo", "p1", 1)
        await visit.say(wire.Ok(vote.id))
        vote = await visit.expect(Vote)
        await visit.say(Err(vote.id, CONFLICT.code, "conflict", "you have voted for something else"))
        await visit.say(wire.Stats("demo", 5, 9, 7, 30, "p1", [3, 1]))
        closed, opened = wire.PollClosed("p1", [3, 1]), wire.Poll("p2", "Who?", ["a", "b"])
        items = [visit.codec.value(closed), visit.codec.value(opened)]
        await visit.say(Batch("demo", 5, 10, 99, items))

    async with scripted(script) as url, Client(url, protocol=protocol) as client:
        room = await client.join("demo")
        assert room.poll == Poll("p1", "Which?", ["one", "two"], [3, 0], 9000)
        [paid] = room.pinned
        assert isinstance(paid, Paid)
        assert (paid.position, paid.name, paid.amount, paid.until) == ((5, 3), "bob", 500, 9000)
        await room.vote("p1", 1)
        with pytest.raises(Refusal, match="conflict"):
            await room.vote("p1", 0)
        seen: list[Any] = []
        while len(seen) < 2:
            item = await asyncio.wait_for(anext(room), 30)
            if not isinstance(item, Stats):
                seen.append(item)
        closed, opened = seen
        assert isinstance(closed, PollClosed)
        assert (closed.position, closed.id, closed.counts) == (Position(5, 10), "p1", [3, 1])
        assert isinstance(opened, PollOpened)
        assert room.poll == Poll("p2", "Who?", ["a", "b"], [0, 0])
        assert room.stats == Stats("demo", Position(5, 9), 7, 30, "p1", [3, 1])


@pytest.mark.parametrize("has_second", [True, False])
async def test_history_may_be_a_moment_ahead_of_what_is_in_view(*, has_second: bool) -> None:
    """The owner tells what is in view, and the edge what was shown until the answer left."""
    later: list[wire.Item] = [wire.PollClosed("p1", [3, 1]), wire.Poll("p2", "Who?", ["a", "b"])]

    async def script(visit: Visit) -> None:
        await visit.greet()
        asked = await visit.expect(Join)
        items = [visit.codec.value(item) for item in later]
        history = visit.codec.value([Batch("demo", 5, 1, 99, items, wire.At(0, 0))])
        view: dict[str, Any] = {
            "poll": visit.codec.value(OpenPoll("p2", "Who?", ["a", "b"], [7, 0]) if has_second else OPEN)
        }
        head: dict[str, Any] = {"room": "demo", "epoch": 5, "seq": 2, "complete": True, "history": history}
        await visit.say(wire.Ok(asked.id, viewers=1, likes=0, **head, **view))

    async with scripted(script) as url, Client(url) as client:
        room = await client.join("demo", history=True)
        assert room.poll == Poll("p2", "Who?", ["a", "b"], [7, 0] if has_second else [0, 0])
