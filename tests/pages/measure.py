"""How fast the viewer page is: `python -m tests.pages.measure`.

First the page before a whole service: how long from opening it until a comment is there, the first time
and with what the browser kept. Then before a server that only says comments, at each rate for some seconds:
frames per second by `requestAnimationFrame`, the longest frame, and what JavaScript holds after collection.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import statistics
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from danmaku.client import Client
from danmaku.wire import Comment
from tests.pages.conftest import ARGUMENTS
from tests.pages.files import respond
from tests.pages.test_events import enter, items
from tests.system.deployment import Deployment, serving
from tests.system.scripted import Visit, scripted

BATCH_S = 0.05  # as the service's window
SIZE = {"width": 1280, "height": 800}
# When the first comment was in the list, in ms since the page was asked for.
FIRST = """
const look = new MutationObserver(() => {
    if (document.querySelector("#list .text") === null) return;
    look.disconnect();
    globalThis.firstComment = performance.now();
});
look.observe(document, { childList: true, subtree: true });
"""
# Times between frames in ms, for so many seconds.
WATCH = """(seconds) => new Promise((done) => {
    const frames = [];
    let last = performance.now();
    const end = last + seconds * 1000;
    const next = (now) => {
        frames.push(now - last);
        last = now;
        if (now < end) requestAnimationFrame(next);
        else done(frames.slice(1));
    };
    requestAnimationFrame(next);
})"""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        await browser.close()


async def say_for_ever(service: Deployment, per_s: float) -> None:
    async with Client(service.url, token=service.token("ann", "viewer")) as client:
        room = await client.join("demo")
        number = 0
        while True:
            number += 1
            await room.send(f"comment {number}")
            await asyncio.sleep(1 / per_s)


async def measure_opening(browser: Browser, times: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with serving(Path(folder)) as service:
            talking = asyncio.create_task(say_for_ever(service, 20))
            first, again = [], []
            for _ in range(times):
                context = await browser.new_context(viewport=SIZE)  # type: ignore[arg-type]  # the shape it wants
                first.append(await _opened(context, service))
                again.append(await _opened(context, service))
                await context.close()
            talking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await talking
    for name, found in (("first load", first), ("again", again)):
        print(f"{name:12} comment there after {statistics.median(found):.0f} ms, at most {max(found):.0f} ms")


async def _opened(context: BrowserContext, service: Deployment) -> float:
    page = await context.new_page()
    await page.add_init_script(FIRST)
    await page.goto(f"{service.url}/?room=demo")
    await page.wait_for_function("globalThis.firstComment !== undefined")
    found = float(await page.evaluate("firstComment"))
    await page.close()
    return found


async def measure_rate(browser: Browser, per_s: int, seconds: float) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        clock = asyncio.get_running_loop().time
        begun, said = clock(), 0
        while True:
            due = max(1, int((clock() - begun + BATCH_S) * per_s))
            if due > said:
                comments = [_comment(number) for number in range(said, due)]
                await visit.say(items(visit, said + 1, *comments))
                said = due
            await asyncio.sleep(BATCH_S)

    async with scripted(script, http=respond) as url:
        page = await browser.new_page(viewport=SIZE)  # type: ignore[arg-type]  # the shape it wants
        await page.goto(f"{url}/?room=demo")
        await page.wait_for_selector("#list .text")
        await page.wait_for_timeout(3000)
        before = await _held(page)
        frames: list[float] = await page.evaluate(WATCH, seconds)
        after = await _held(page)
        rows = await page.locator("#list li").count()
        await page.close()
    fps = 1000 * len(frames) / sum(frames)
    late = sorted(frames)[int(len(frames) * 0.99)]
    print(
        f"{per_s:5} comments/s {seconds:3.0f} s: {fps:4.1f} frames/s, 99 % within {late:.0f} ms, longest "
        f"{max(frames):.0f} ms; {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after, {rows} rows"
    )


def _comment(number: int) -> Comment:
    mode = "top" if number % 50 == 0 else "scroll"
    words = "a comment as long as people write them"[: 8 + number * 7 % 31]
    return Comment(
        f"u{number % 500}",
        f"name {number % 500}",
        f"{words} {number}",
        mode=mode,
        color=number * 7919 % 0xFFFFFF,
    )


async def _held(page: Page) -> float:
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.collectGarbage")
    await session.send("Performance.enable")
    found: dict[str, Any] = await session.send("Performance.getMetrics")
    await session.detach()
    return float(next(one["value"] for one in found["metrics"] if one["name"] == "JSHeapUsedSize"))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=5, help="how often the page is opened")
    parser.add_argument("--rates", type=int, nargs="*", default=[0, 200, 1000], help="comments per second")
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    async with chromium() as browser:
        if given.open:
            await measure_opening(browser, given.open)
        for per_s in given.rates:
            await measure_rate(browser, per_s, given.seconds)


if __name__ == "__main__":
    asyncio.run(main())
