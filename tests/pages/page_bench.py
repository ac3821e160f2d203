"""How smooth the viewer page and the overlay page stay while very much is said.

By hand: `python -m tests.pages.page_bench`. A scripted server says so many comments a second, and the page
counts its own frames. Reported are frames a second, the share that came late, the longest gap of two, and by
how many megabytes the page's objects grew between the halves of the time, after garbage was collected.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import time
from typing import Final

from playwright.async_api import Browser, CDPSession, async_playwright

from danmaku import wire
from danmaku.wire import At, Batch, Comment
from tests.pages.files import respond
from tests.pages.test_overlay import enter
from tests.system.scripted import Visit, scripted

PAGES: Final = {"viewer": "/?room=demo", "overlay": "/overlay?room=demo"}
EPOCH: Final = 1_767_225_600_000
TICKS: Final = 20  # batches a second, as a room has them
WARM_S: Final = 10  # until the picture is full
TEXTS: Final = [
    "666",
    "what a goal!!",
    "前方高能预警",
    "this is the best stream of the year so far",
    "🎉🎉🎉",
]
COUNT: Final = """(seconds) => new Promise((done) => {
    const begin = performance.now();
    const gaps = [];
    let last = begin;
    const next = (now) => {
        gaps.push(now - last);
        last = now;
        if (now - begin < seconds * 1000) requestAnimationFrame(next);
        else {
            const late = gaps.filter((gap) => gap > 25).length;
            done([gaps.length / seconds, late / gaps.length, Math.max(...gaps)]);
        }
    };
    requestAnimationFrame(next);
})"""


async def main() -> None:
    options = _options()
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    print(f"{'page':>8} {'a second':>9} {'fps':>6} {'late':>6} {'longest':>8} {'MB':>6}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=options.flags.split())
        for rate in options.rates:
            for name in options.pages:
                fps, late, longest, grown = await _watch(browser, PAGES[name], rate, options.seconds)
                print(
                    f"{name:>8} {rate:>9} {fps:>6.1f} {late:>6.1%} {longest:>5.0f} ms {grown:>+6.1f}",
                    flush=True,
                )
        await browser.close()


async def _watch(browser: Browser, path: str, rate: int, seconds: int) -> tuple[float, float, float, float]:
    async def talk(visit: Visit) -> None:
        await enter(visit)
        begin, said = time.monotonic(), 0
        while True:
            await asyncio.sleep(1 / TICKS)
            due = int((time.monotonic() - begin) * rate)
            items: list[wire.Item] = [
                Comment(f"u{one % 500}", "somebody", f"{TEXTS[one % len(TEXTS)]} {one}")
                for one in range(said, due)
            ]
            if items:
                at = time.time_ns() // 1_000_000
                before = At(0, 0) if said == 0 else None
                values = [visit.codec.value(item) for item in items]
                await visit.say(Batch("demo", EPOCH, said + 1, at, values, before))
            said = due

    async with scripted(talk, http=respond) as url:
        context = await browser.new_context(viewport={"width": 1280, "height": 720})
        page = await context.new_page()
        cdp = await context.new_cdp_session(page)
        await page.goto(url + path)
        await asyncio.sleep(WARM_S)
        halves, heaps = [], []
        for _ in range(2):
            halves.append(await page.evaluate(COUNT, seconds / 2))
            heaps.append(await _heap_mb(cdp))
        await context.close()
    fps, late = (sum(half[place] for half in halves) / 2 for place in (0, 1))
    return fps, late, max(half[2] for half in halves), heaps[1] - heaps[0]


async def _heap_mb(cdp: CDPSession) -> float:
    await cdp.send("HeapProfiler.collectGarbage")
    used: float = (await cdp.send("Runtime.getHeapUsage"))["usedSize"]
    return used / 1e6


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=[200, 1000], help="comments a second")
    parser.add_argument("--pages", nargs="+", choices=list(PAGES), default=list(PAGES))
    parser.add_argument(
        "--seconds", type=int, default=20, help="that are counted, after ten to fill the picture"
    )
    parser.add_argument("--flags", default="--no-sandbox --disable-gpu", help="of Chromium")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
