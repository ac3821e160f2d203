"""What opening the viewer page costs, and what many comments do to it; its speed is measured elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Route, expect

from danmaku.wire import Comment
from tests.pages.conftest import Visitors
from tests.pages.files import respond
from tests.pages.test_events import enter, items
from tests.system.deployment import serving
from tests.system.scripted import Visit, scripted
from tests.unit.api_service import Service

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOST_BYTES = 100_000
MOST_ROWS = 200  # in the list
MOST_NODES = 2_500
# How many modules were loaded, and which of them the page had not named.
MODULES = """() => {
    const named = document.querySelectorAll("link[rel=modulepreload], script[src]");
    const addresses = new Set([...named].map((one) => one.href || one.src));
    const loaded = performance.getEntriesByType("resource").map((one) => one.name);
    const modules = loaded.filter((one) => one.endsWith(".js"));
    return [modules.length, modules.filter((one) => !addresses.has(one))];
}"""
FRAMES = """() => new Promise((done) => {
    let left = 5;
    const next = () => ((left -= 1) > 0 ? requestAnimationFrame(next) : done());
    requestAnimationFrame(next);
})"""


async def test_the_first_load_is_small_and_the_second_smaller(visitors: Visitors, tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        page = await visitors.open("about:blank")
        first = await _load(page, f"{service.url}/?room=demo")
        assert sum(first.values()) <= MOST_BYTES, sorted(first.items(), key=lambda one: -one[1])[:10]
        again = await _load(page, f"{service.url}/?room=demo")
        assert again.keys() == first.keys()
        assert sum(again.values()) <= MOST_BYTES / 4


@pytest.mark.parametrize("path", ["", "chat", "console", "docs", "overlay", "studio"])
async def test_modules_are_asked_for_before_they_are_imported(visitors: Visitors, path: str) -> None:
    service = Service()

    async def answer(route: Route) -> None:
        found = await service.call("GET", urlsplit(route.request.url).path)
        await route.fulfill(status=found.status, headers=found.headers, body=found.body)

    page = await visitors.open("about:blank")
    await page.route("http://danmaku.test/**", answer)
    await page.goto(f"http://danmaku.test/{path}")
    count, unnamed = await page.evaluate(MODULES)
    assert count > 5
    assert unnamed == []


async def test_many_comments_do_not_pile_up(visitors: Visitors) -> None:
    """More than can be shown: rows, what flies and what waits stay within their bounds."""
    batches, each = 25, 200

    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        for number in range(batches):
            said = [Comment(f"u{n % 50}", f"name {n % 50}", f"comment {number}-{n}") for n in range(each)]
            await visit.say(items(visit, 1 + number * each, *said))
            await asyncio.sleep(0)

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#list .text").last).to_have_text(f"comment {batches - 1}-{each - 1}")
        await page.evaluate(FRAMES)
        assert await page.locator("#list li").count() == MOST_ROWS
        assert await page.evaluate("document.querySelectorAll('*').length") <= MOST_NODES


async def _load(page: Page, url: str) -> dict[str, int]:
    """Bytes over the wire by address, with their headers, until the room is there."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    addresses: dict[str, str] = {}
    sizes: dict[str, int] = {}

    def asked(event: dict[str, Any]) -> None:
        addresses[event["requestId"]] = event["request"]["url"]

    def ended(event: dict[str, Any]) -> None:
        sizes[addresses[event["requestId"]]] = int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", asked)
    session.on("Network.loadingFinished", ended)
    await page.goto(url, wait_until="networkidle")
    await expect(page.locator("#connection-text")).to_have_text("live")
    await session.detach()
    return sizes
