"""The examples of docs/SDK.md run as they stand there, before the real service."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import expect

from danmaku.errors import EMPTY
from tests.pages.conftest import Visitors
from tests.pages.node import PACKAGES, run
from tests.system.deployment import Deployment, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).parents[2]
SDK = ROOT / "edge" / "pages" / "sdk"
HERE = "http://127.0.0.1:8080"
README = (
    (ROOT / "README.md")
    .read_text(encoding="utf-8")
    .replace("http://localhost:8080/sdk/index.js", "danmaku-client")  # no page here
    .replace("http://localhost:8080", HERE)
)
TEXT = (ROOT / "docs" / "SDK.md").read_text(encoding="utf-8")
ABOUT = (SDK / "README.md").read_text(encoding="utf-8").replace("https://live.example.com", HERE)


async def test_the_examples_work(visitors: Visitors, tmp_path: Path) -> None:
    (page,) = _blocks("html", TEXT)
    join, events, refusals, losing, tokens, chat, msgpack = _blocks("js", TEXT)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "danmaku-client").symlink_to(SDK)
    (tmp_path / "node_modules" / "@msgpack").symlink_to(PACKAGES / "@msgpack")
    async with serving(tmp_path) as service:
        await _on_another_site(visitors, page.replace(HERE, service.url))

        async def said(script: str, *, ends: bool = True) -> list[str]:
            assert HERE in script
            return await asyncio.to_thread(_run, script.replace(HERE, service.url), service, tmp_path, ends)

        assert "ann says hello" in await said(join)
        for text in (ABOUT, README):
            assert (await said(*_blocks("js", text), ends=False))[0].endswith(" hello")
        assert await said(events) == ["Next song? one or two", "3 likes, votes: 0 and 1", "bye"]
        assert await said(refusals) == ["empty do not repeat it", "too_long do not repeat it", "shown"]
        assert await said(losing) == ["one", "two", "three", "3 true"]
        assert await said(tokens) == ["dan DAN viewer", "eve"]
        heard, unread, kinds = await said(chat)
        assert heard == "ann: are you there?"
        assert sorted(unread.split(", ")) == ["Lunch: 1 unread", "p:ann:bob: 0 unread"]
        assert kinds == "member gone recall"
        assert await said(msgpack) == ["true"]


def _blocks(language: str, text: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)
    assert found
    return found


def _run(script: str, service: Deployment, folder: Path, ends: bool) -> list[str]:
    """What it prints; one that has no end is ended once it has shown a comment."""
    if not ends:
        script = script.replace("item.text);", "item.text), process.exit();")
    (folder / "main.mjs").write_text(script, encoding="utf-8")
    tokens = {"ANN": service.token("ann", "streamer", "demo"), "BOB": service.token("bob")}
    more = {**tokens, "ADMIN": service.token("boss", "admin")}
    return run("node", "--no-warnings", "main.mjs", cwd=folder, **more).splitlines()


async def _on_another_site(visitors: Visitors, page: str) -> None:
    async def respond(_request: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", respond)
    runner = web.AppRunner(app)  # it closes what a browser opened and said nothing on
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        ann, bob = [await visitors.open(f"http://127.0.0.1:{port}/") for _ in range(2)]
        await ann.get_by_role("button").click()
        await expect(ann.get_by_role("status")).to_have_text(EMPTY.text)  # an output is a status
        for visitor, text in ((ann, "hello"), (bob, "<b>hi</b>")):
            await visitor.locator("input").fill(text)
            await visitor.get_by_role("button").click()
            for each in (ann, bob):
                await expect(each.locator("#comments li").last).to_have_text(f"ann: {text}")
            await expect(visitor.get_by_role("status")).to_be_empty()
        await visitors.close()  # first: the server waits for the connections that Chromium opened in advance
    finally:
        await runner.cleanup()
