"""Comments that somebody else decides about, as their senders see it: a whole service and a webhook."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from danmaku.client import Client, Comment, Notice, Room
from danmaku.client.inbox import Inbox
from danmaku.errors import Refusal
from tests.system.deployment import Deployment, serving

HELD = "/v1/admin/rooms/stage/held"


@pytest_asyncio.fixture
async def hook() -> AsyncIterator[str]:
    """A webhook that wants advertisements seen by nobody else, and a second look at links."""

    async def handle(request: web.Request) -> web.Response:
        text = (await request.json())["text"]
        decision = "shadow" if "buy" in text else "hold" if "http" in text else "allow"
        return web.json_response({"decision": decision, "reason": "a link"})

    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest_asyncio.fixture
async def service(tmp_path: Path, hook: str) -> AsyncIterator[Deployment]:
    more = {"URL": hook, "SECRET": "shared", "TIMEOUT_MS": "3000"}
    settings = {f"DANMAKU_REVIEW_{key}": value for key, value in more.items()}
    async with serving(tmp_path, "--workers", "2", **settings) as started:
        yield started


async def comments(room: Room, count: int) -> list[str]:
    """The texts of the next comments."""
    found: list[str] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            item = await anext(room)
            if isinstance(item, Comment):
                found.append(item.text)
    return found


async def noticed(events: Inbox[Any]) -> Notice:
    async with asyncio.timeout(20):
        while True:
            event = await anext(events)
            if isinstance(event, Notice):
                return event


async def test_what_is_shadowed_and_what_is_held_as_all_sides_see_it(service: Deployment) -> None:
    moderator = service.token("mod", "moderator", "stage")

    async def call(method: str, path: str, body: Any = None) -> Any:
        status, answer = await service.call(method, path, body, moderator)
        assert status == 200, answer
        return answer

    url = service.url
    async with (
        Client(url, token=service.token("bob", "viewer")) as bob,
        Client(url, token=service.token("bob", "viewer")) as phone,
        Client(url, token=service.token("ann", "viewer")) as ann,
    ):
        bobs, phones, anns = [await client.join("stage") for client in (bob, phone, ann)]
        events = bob.events()
        sent = await bobs.send("buy followers")
        assert (sent.shown, sent.position) == (True, None)
        for text in ("see http://a", "see http://b"):
            with pytest.raises(Refusal, match="held_for_review"):
                await bobs.send(text, cid=text[-1])
        assert (await anns.send("hello")).shown
        first, second = (await call("GET", f"{HELD}?wait_s=5"))["held"]
        assert (first["text"], first["why"], first["uid"]) == ("see http://a", "a link", "bob")
        assert (await call("POST", f"{HELD}/{first['id']}", {"decision": "approve"}))["seq"] == 2
        assert (await noticed(events)).kind == "approved"
        await call("POST", f"{HELD}/{second['id']}", {"decision": "deny", "reason": "no links"})
        notice = await noticed(events)
        assert (notice.kind, notice.room, notice.reason) == ("denied", "stage", "no links")
        assert notice.text == "see http://b"
        again = f"{HELD}/{second['id']}"
        status, answer = await service.call("POST", again, {"decision": "approve"}, moderator)
        assert (status, answer["error"]["error"]) == (409, "conflict")
        assert (await bobs.send("see http://a", cid="a")).seq == 2
        assert await comments(anns, 2) == ["hello", "see http://a"]
        for room in (bobs, phones):
            assert await comments(room, 3) == ["buy followers", "hello", "see http://a"]
        assert (await call("GET", HELD))["held"] == []
