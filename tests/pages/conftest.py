"""A real Chromium, whose pages must not complain."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests.waiting import until

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

GONE = (
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "ERR_SOCKET_NOT_CONNECTED",
)  # also in the middle of it

expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the system's Chromium is. Without one these tests are left out, but never by the CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
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


async def becomes(page: Page, condition: str, given: object = None) -> None:
    """Wait until a function of the page says so. Playwright's own waiting for one only looks once where the
    page may not evaluate strings, as ours may not."""
    await until(lambda: page.evaluate(condition, given))


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
        width: int = 1200,
        height: int = 720,
        reduced_motion: bool = False,
        locale: str = "en-US",
        script: str = "",
        clocked: bool = False,
    ) -> Page:
        """A page at `url`; `script` runs before its own. clocked: `page.clock` puts time forward."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            locale=locale,
            reduced_motion="reduce" if reduced_motion else "no-preference",
        )
        self._contexts.append(context)
        page = await context.new_page()
        if script:
            await page.add_init_script(script)
        if clocked:
            await page.clock.install()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)
        await page.goto(url)
        return page

    async def close(self) -> None:
        while self._contexts:
            await self._contexts.pop().close()

    def _heard(self, message: ConsoleMessage) -> None:
        # That a server is gone, or takes no WebSocket, is told by the browser itself, whatever a page does.
        gone = message.text.startswith("WebSocket connection to") or any(how in message.text for how in GONE)
        asked = message.location["url"].endswith("/v1/ws")
        if message.type in ("error", "warning") and not gone and not asked:
            self.complaints.append(message.text)


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(browser: Browser) -> AsyncIterator[Visitors]:
    """At the end no page may have complained in its console: no error, no breach of the policy."""
    visitors = Visitors(browser)
    yield visitors
    await visitors.close()
    assert visitors.complaints == []
