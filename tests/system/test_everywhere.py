"""What admins decide for all rooms, over two edges and two rooms processes: mutes, bans, revocations."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from secrets import token_hex
from typing import Any

from danmaku import wire
from danmaku.model import Role
from danmaku.servers import NatsServer
from danmaku.subjects import Subjects
from tests.system.deployment import call
from tests.system.fleet import Edge, Fleet, fleet
from tests.system.lateness import Lateness
from tests.system.nats_proxy import nats_proxy
from tests.viewer import Viewer, viewer

ROOMS = [f"r{number}" for number in range(12)]  # of both rooms processes


async def decide(whole: Fleet, edge: Edge, method: str, path: str, body: Any = None) -> Any:
    root = whole.token("root", Role.ADMIN)
    status, answer = await asyncio.to_thread(call, method, f"{edge.url}/v1{path}", body, root)
    assert status == 200, answer
    return answer


async def come(stack: AsyncExitStack, whole: Fleet, edge: Edge, uid: str, *rooms: str) -> Viewer:
    one = await stack.enter_async_context(viewer(edge.port))
    await one.ok(wire.Hello(0, token=whole.token(uid)))
    for room in rooms:
        await one.ok(wire.Join(0, room))
    return one


async def refusals(one: Viewer) -> set[str]:
    """What the rooms say to a comment."""
    answers = await asyncio.gather(*(one.ask(wire.Send(0, room, "hi", token_hex(8))) for room in ROOMS))
    return {answer.error if isinstance(answer, wire.Err) else "shown" for answer in answers}


def rooms_told(one: Viewer) -> set[str]:
    """Where new settings were shown."""
    batches = one.all(wire.Batch)
    return {
        batch.room for batch in batches for item in batch.items if one.codec.read(item)["k"] == "settings"
    }


async def until_refused(one: Viewer, name: str, deadline_s: float = 60.0) -> None:
    async with asyncio.timeout(deadline_s):
        while await refusals(one) != {name}:  # noqa: ASYNC110  what is waited for is in other processes
            await asyncio.sleep(0.1)


async def until_not_greeted(edge: Edge, token: str) -> None:
    """By no rooms process, once each has read of the ban; who is greeted before that is sent away as well."""
    async with asyncio.timeout(30):
        while True:
            async with viewer(edge.port) as back:
                await back.say(wire.Hello(1, token=token))
                assert await back.ended() == 4403, "by its answer, or before that by the ban itself"
            if refused := back.all(wire.Err):
                assert [answer.error for answer in refused] == ["banned"]
                return


async def test_a_mute_and_a_ban_reach_every_room_and_every_edge(tmp_path: Path) -> None:
    async with fleet(tmp_path) as whole, AsyncExitStack() as stack:
        here, there = whole.edges
        ann = await come(stack, whole, there, "ann", *ROOMS)
        bob = await come(stack, whole, there, "bob", *ROOMS)
        mute = {"uid": "ann", "reason": "spam"}
        muted = await decide(whole, here, "POST", "/admin/mutes", mute)
        assert muted == {"uid": "ann", "changed": True}
        [notice] = await ann.until(wire.Notice, 1)
        assert (notice.kind, notice.reason, notice.room) == ("muted", "spam", None)
        await until_refused(ann, "muted")
        assert await refusals(bob) == {"shown"}
        await decide(whole, here, "POST", "/admin/bans", {"uid": "ann", "seconds": 3600, "reason": "spam"})
        assert await ann.ended() == 4403
        listed = await decide(whole, there, "GET", "/admin/sanctions")
        assert [(one["uid"], one["kind"], one["by"]) for one in listed["sanctions"]] == [
            ("ann", "ban", "root"),
            ("ann", "mute", "root"),
        ]
        for edge in whole.edges:
            await until_not_greeted(edge, whole.token("ann"))
        await decide(whole, here, "DELETE", "/admin/bans/ann")
        await decide(whole, here, "DELETE", "/admin/mutes/ann")
        assert await decide(whole, there, "GET", "/admin/sanctions") == {"sanctions": [], "after": None}


async def test_settings_reach_every_room_and_its_viewers(tmp_path: Path) -> None:
    async with fleet(tmp_path) as whole, AsyncExitStack() as stack:
        here, there = whole.edges
        ann = await come(stack, whole, there, "ann", *ROOMS)
        assert await refusals(ann) == {"shown"}
        answer = await decide(whole, here, "PUT", "/admin/settings", {"settings": {"staff_only": True}})
        assert answer["settings"] == {"staff_only": True}
        assert answer == await decide(whole, there, "GET", "/admin/settings")
        await until_refused(ann, "forbidden")
        while rooms_told(ann) != set(ROOMS):
            await ann.more()
        await decide(whole, here, "PUT", "/admin/settings", {"settings": {}})
        await until_refused(ann, "shown")


async def test_what_was_decided_outlives_every_process(tmp_path: Path) -> None:
    async with fleet(tmp_path) as whole, AsyncExitStack() as stack:
        here, there = whole.edges
        ann = await come(stack, whole, there, "ann", *ROOMS)
        await decide(whole, here, "POST", "/admin/mutes", {"uid": "ann"})
        for part in list(whole.rooms):
            part.kill()
        await asyncio.to_thread(whole.valkey.kill)
        await whole.start_server(whole.valkey)
        for part in whole.rooms:
            part.start()
        await until_refused(ann, "muted")
        await decide(whole, here, "POST", "/admin/bans", {"uid": "ann"})
        assert await ann.ended() == 4403


async def test_an_edge_that_hears_no_hint_closes_whom_it_must_within_5_s(tmp_path: Path) -> None:
    async with fleet(tmp_path, edges=1, rooms=1) as whole, AsyncExitStack() as stack:
        server = whole.nats.server
        assert isinstance(server, NatsServer)
        proxy = await stack.enter_async_context(nats_proxy(server.port))
        deaf = whole.add_edge(DANMAKU_NATS_URL=proxy.url)
        await whole.until_ready(deaf)
        proxy.deaf = frozenset({Subjects().changed})
        ann = await come(stack, whole, deaf, "ann")
        bob = await come(stack, whole, deaf, "bob")
        lateness = Lateness()
        watching = asyncio.create_task(lateness.watch())
        await decide(whole, whole.edges[0], "DELETE", "/tokens/ann")
        await decide(whole, whole.edges[0], "POST", "/admin/bans", {"uid": "bob"})
        decided_s = time.monotonic()
        assert await ann.ended() == 4401
        assert await bob.ended() == 4403
        assert time.monotonic() - decided_s < 6 + 2 * lateness.worst_s
        watching.cancel()
