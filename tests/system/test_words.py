"""Lists of words over two edges and two rooms processes: a long one is replaced in one call."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from secrets import token_hex

from danmaku import wire
from danmaku.model import Role
from tests.system.deployment import call
from tests.system.fleet import fleet
from tests.viewer import Viewer, viewer

ROOMS = [f"r{number}" for number in range(8)]  # of both rooms processes
MANY = [f"word{token_hex(6)}" for _ in range(49_998)]


async def refusals(one: Viewer, text: str) -> set[str]:
    answers = [await one.ask(wire.Send(0, room, f"{text} {token_hex(2)}", token_hex(8))) for room in ROOMS]
    return {answer.error if isinstance(answer, wire.Err) else "shown" for answer in answers}


async def test_fifty_thousand_words_are_in_force_in_every_room(tmp_path: Path) -> None:
    async with fleet(tmp_path) as whole, AsyncExitStack() as stack:
        here, there = whole.edges
        root = whole.token("root", Role.ADMIN)
        ann = await stack.enter_async_context(viewer(there.port))
        await ann.ok(wire.Hello(0, token=whole.token("ann")))
        for room in ROOMS:
            await ann.ok(wire.Join(0, room))
        assert await refusals(ann, "a badword") == {"shown"}
        body = {"refuse": ["badword", *MANY], "mask": ["masked"]}
        status, put = await asyncio.to_thread(call, "PUT", f"{here.url}/v1/admin/words", body, root)
        assert status == 200, put
        async with asyncio.timeout(30):
            while await refusals(ann, "a b.4.d.w.0.r.d") != {"blocked_words"}:  # noqa: ASYNC110  elsewhere
                await asyncio.sleep(0.1)
        assert await refusals(ann, "good words") == {"shown"}
        status, found = await asyncio.to_thread(call, "GET", f"{there.url}/v1/admin/words", None, root)
        assert (status, found) == (200, {**body, "hold": [], "shadow": [], **put})
        tried = f"{there.url}/v1/admin/rooms/r1/words/test"
        status, answer = await asyncio.to_thread(call, "POST", tried, {"text": "m@sked"}, root)
        assert (status, answer) == (200, {"action": "mask", "entry": "masked", "text": "******"})
