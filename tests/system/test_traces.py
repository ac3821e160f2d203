"""One comment and one message are followed from a socket to sockets, over edges and rooms processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from danmaku.client import Client
from tests.collector import Collector, Seen, collector
from tests.system.fleet import Edge, Fleet, fleet

_DEADLINE_S = 30.0


async def gathered(traces: Callable[[], list[Seen]], names: list[str]) -> list[Seen]:
    """A trace once all its spans have come; they do so each second."""
    deadline = time.monotonic() + _DEADLINE_S
    while sorted(one.name for one in traces()) != names:
        assert time.monotonic() < deadline, [(one.name, one.process, one.words) for one in traces()]
        await asyncio.sleep(0.05)
    return traces()


def children(spans: list[Seen], parent: Seen) -> dict[str, list[Seen]]:
    found: dict[str, list[Seen]] = {}
    for one in spans:
        if one.parent == parent.span:
            found.setdefault(one.name, []).append(one)
    return found


def only(found: dict[str, list[Seen]], name: str) -> Seen:
    (one,) = found[name]
    return one


async def say_and_follow(whole: Fleet, traces: Collector) -> None:
    here, there = whole.edges

    def client(edge: Edge, uid: str) -> Client:
        return Client(edge.url, token=whole.token(uid), device=f"{uid}-tv", chat=True)

    async with AsyncExitStack() as stack:
        ann = await stack.enter_async_context(client(here, "ann"))
        bob = await stack.enter_async_context(client(there, "bob"))
        room, other = await ann.join("lobby"), await bob.join("lobby")
        await room.send("hello", cid="c-1")
        async with asyncio.timeout(_DEADLINE_S):
            await anext(other)
        said = await ann.chat.send("bob", "psst", cid="m-1")

        spans = await gathered(
            lambda: traces.trace_of(room="lobby", cid="c-1"),
            ["append", "bus request", "comment", "fan out", "fan out", "gather", "judge", "publish"],
        )
        (root,) = [one for one in spans if not one.parent]
        assert (root.name, root.process, root.words["answer"]) == ("comment", "danmaku-edge", "shown")
        below = children(spans, root)
        assert {*below} == {"gather", "bus request"}
        at_owner = children(spans, only(below, "bus request"))
        assert {*at_owner} == {"judge", "append"}
        assert {one.process for (one,) in at_owner.values()} == {"danmaku-rooms"}
        published = children(spans, only(at_owner, "append"))
        shown = children(spans, only(published, "publish"))["fan out"]
        assert {(one.process, one.words["viewers"]) for one in shown} == {("danmaku-edge", 1)}
        assert len({one.words["edge"] for one in shown}) == 2
        assert all(root.begin_ns <= one.begin_ns <= one.end_ns for one in spans)

        message = await gathered(
            lambda: traces.trace_of(conv=said.conv, cid="m-1"),
            ["append", "bus request", "chat message", "gather", "hand out", "hand out", "publish"],
        )
        by_name = {one.name: one for one in message}
        handed = [one for one in message if one.name == "hand out"]
        assert by_name["append"].parent == by_name["bus request"].span
        assert by_name["publish"].parent == by_name["append"].span
        assert {one.parent for one in handed} == {by_name["publish"].span}
        assert len({one.words["edge"] for one in handed}) == 2


async def test_a_comment_and_a_message_are_one_tree_each(tmp_path: Path) -> None:
    """A collector that is away or refuses does no harm to what is said meanwhile, or to who stops."""
    with collector() as traces:
        where, ratio = traces.url, "1"
        async with fleet(tmp_path, rooms=1, DANMAKU_TRACING_URL=where, DANMAKU_TRACING_RATIO=ratio) as whole:
            await say_and_follow(whole, traces)
            traces.status = 400
            before = traces.requests
            token = whole.token("ann")
            async with Client(whole.edges[0].url, token=token) as ann:
                room = await ann.join("lobby")
                async with asyncio.timeout(_DEADLINE_S):
                    while traces.requests < before + 2 or "traces cannot be sent" not in whole.said:
                        assert await room.send("nobody hears of this") is not None
            for part in (*whole.edges, *whole.rooms):
                assert await asyncio.to_thread(part.stop) == 0, part.said
