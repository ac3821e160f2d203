"""How soon comments are there after the viewer page was opened.

By hand: `python -m tests.pages.open_bench`. A whole service runs, in whose room somebody says 20 comments a
second; the page is opened by a browser that knows nothing of it, and once more with what that one kept.
Reported is when the first comment was in the list and when one was in the picture, in ms since the page was
asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.async_api import BrowserContext, async_playwright

from danmaku.client import Client
from tests.system.deployment import Deployment, serving

# In the list: a row. In the picture: anything that is painted with a colour.
LOOK: Final = """
globalThis.seen = new Promise((done) => {
    const times = [0, 0];
    const paint = new OffscreenCanvas(64, 36).getContext("2d", { willReadFrequently: true });
    const look = () => {
        times[0] ||= document.querySelector("#list .text") === null ? 0 : performance.now();
        const canvas = document.querySelector("#stage canvas");
        if (canvas !== null && canvas.width > 0) {
            paint.drawImage(canvas, 0, 0, 64, 36);
            const { data } = paint.getImageData(0, 0, 64, 36);
            if (data.some((value) => value > 0)) times[1] ||= performance.now();
        }
        if (times[0] && times[1]) done(times);
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
});
"""


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=9, help="that the page is opened")
    times: int = parser.parse_args().times
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    first, again = [], []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu"]
        )
        with tempfile.TemporaryDirectory() as folder:
            async with serving(Path(folder)) as service:
                talking = asyncio.create_task(_talk(service))
                for _ in range(times):
                    context = await browser.new_context(viewport={"width": 1280, "height": 720})
                    first.append(await _open(context, service))
                    again.append(await _open(context, service))
                    await context.close()
                talking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await talking
        await browser.close()
    print(f"{'':>10} {'in the list':>20} {'in the picture':>20}")
    for name, seen in (("first", first), ("again", again)):
        cells = [f"{statistics.median(one):.0f} ms, most {max(one):.0f}" for one in zip(*seen, strict=True)]
        print(f"{name:>10} {cells[0]:>20} {cells[1]:>20}")


async def _open(context: BrowserContext, service: Deployment) -> tuple[float, float]:
    page = await context.new_page()
    await page.add_init_script(LOOK)
    await page.goto(f"{service.url}/?room=demo")
    listed, painted = await page.evaluate("seen")
    await page.close()
    return listed, painted


async def _talk(service: Deployment) -> None:
    async with Client(service.url, token=service.token("ann", "viewer")) as client:
        room = await client.join("demo")
        for number in range(1_000_000):
            await room.send(f"comment {number}")
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
