"""A real Chromium, and the page's files as any server would give them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Route, async_playwright

HERE = Path(__file__).parent
FOLDERS = {"modules": HERE / "modules", "golden": HERE.parent / "golden"}
PAGES = HERE.parent.parent / "edge" / "pages"
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Debian's Chromium is. Without one these tests are left out, but never by the CI."""
    found = shutil.which("chromium")
    if found is None:
        reason = "chromium is not installed: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        await browser.close()


class Visitors:
    """Opens pages, each in a browser profile of its own, and hears what they complain about."""

    def __init__(self, browser: Browser) -> None:
        self.complaints: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    async def open(
        self,
        url: str,
        *,
        served: bool = True,
        width: int = 1200,
        height: int = 720,
        reduced_motion: bool = False,
    ) -> Page:
        """A page at `url`; with `served` its files come from this tree, whoever answers there otherwise."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            reduced_motion="reduce" if reduced_motion else "no-preference",
        )
        self._contexts.append(context)
        if served:
            await context.route("**/*", _serve)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)
        await page.goto(url)
        return page

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        # that a socket could not be opened is told by the browser itself, whatever a page does
        if message.type in ("error", "warning") and not message.text.startswith("WebSocket connection to"):
            self.complaints.append(message.text)


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(browser: Browser) -> AsyncIterator[Visitors]:
    """At the end no page may have complained in its console: no error, no breach of the policy."""
    visitors = Visitors(browser)
    yield visitors
    await visitors.close()
    assert visitors.complaints == []


async def _serve(route: Route) -> None:
    path = urlsplit(route.request.url).path
    if path == "/v1/rooms":
        rooms = [{"room": "quiet"}, {"room": "demo", "title": "<b>Demo</b>", "viewers": 12}]
        await route.fulfill(body=json.dumps({"rooms": rooms}), content_type="application/json")
        return
    file = _file(path)
    if file is None or not file.is_file():
        await route.fulfill(status=404)
        return
    await route.fulfill(
        body=file.read_bytes(),
        content_type=KINDS.get(file.suffix, "application/json"),
        headers={"Content-Security-Policy": POLICY},
    )


def _file(path: str) -> Path | None:
    _, first, *rest = path.split("/")
    if first in FOLDERS and len(rest) == 1:
        return FOLDERS[first] / rest[0]
    if not rest:
        return PAGES / (first or "index.html")
    return None
