"""What drawing comments costs: on a canvas, and as elements that the browser moves by itself.

By hand: `python -m tests.pages.overlay_bench`. Windows of the ways take turns, so that a busy minute of the
machine hits all. Reported are medians: frames a second, the share that came late, milliseconds of ours per
frame, CPU seconds per second of all of Chromium's processes, and by how many megabytes their memory grew.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright
from websockets.asyncio.server import ServerConnection, serve

from tests.pages.files import respond

WAYS = ("nothing", "canvas", "elements")


async def main() -> None:
    options = _options()
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    async with (
        serve(_hang_up, "127.0.0.1", 0, process_request=respond) as server,
        async_playwright() as playwright,
    ):
        port = next(iter(server.sockets)).getsockname()[1]
        browser = await playwright.chromium.launch(executable_path=found, args=options.flags.split())
        context = await browser.new_context(
            viewport={"width": options.width, "height": options.height},
            device_scale_factor=options.ratio,
        )
        page = await context.new_page()
        await page.goto(f"http://127.0.0.1:{port}/bench/index.html")
        await _compare(page, options)
        await browser.close()


async def _compare(page: Page, options: argparse.Namespace) -> None:
    print(f"{options.width}x{options.height} at {options.ratio}, {options.flags or 'no flags'}")
    heads = {"a second": 9, "drawn as": 9, "shown": 6, "fps": 6, "late": 6, "our ms": 7, "CPU": 6, "MB": 6}
    print(" ".join(f"{head:>{width}}" for head, width in heads.items()))
    for rate in options.rates:
        windows: dict[str, list[dict[str, float]]] = {way: [] for way in options.ways}
        for _ in range(options.rounds):
            for way in options.ways:
                windows[way].append(await _window(page, way, rate, options))
        for way in options.ways:
            middle = {name: statistics.median(one[name] for one in windows[way]) for name in windows[way][0]}
            print(
                f"{rate:>9} {way:>9} {middle['shown']:>6.0f} {middle['fps']:>6.1f} {middle['late']:>6.1%}"
                f" {middle['busy_ms']:>7.2f} {middle['cpu']:>6.2f} {middle['mb']:>+6.0f}",
                flush=True,
            )


async def _window(page: Page, way: str, rate: int, options: argparse.Namespace) -> dict[str, float]:
    load = {"rate": rate, "seconds": options.seconds, "most": options.most}
    call = "async ([way, load]) => (await import('/bench/bench.js')).measure(way, load)"
    measuring = asyncio.ensure_future(page.evaluate(call, [way, load]))
    await asyncio.sleep(10)  # until the picture is full
    cpu_s, mb = _spent()
    await asyncio.sleep(options.seconds)
    later_s, later_mb = _spent()
    figures: dict[str, Any] = await measuring
    return {**figures, "cpu": (later_s - cpu_s) / options.seconds, "mb": later_mb - mb}


def _spent() -> tuple[float, float]:
    """CPU seconds and resident megabytes of all processes below this one."""
    ticks, pages = 0, 0
    below = {os.getpid()}
    rows = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        rows.append(
            (int(path.parent.name), int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[21]))
        )
    for pid, parent, spent, resident in sorted(rows):
        if parent in below:
            below.add(pid)
            ticks += spent
            pages += resident
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=[20, 200, 1000], help="comments a second")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--rounds", type=int, default=3, help="windows of each way")
    parser.add_argument("--seconds", type=int, default=8, help="of a window, after ten to fill the picture")
    parser.add_argument("--most", type=int, default=240, help="comments in the picture at once")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--ratio", type=float, default=1, help="device pixels per CSS pixel")
    parser.add_argument("--flags", default="--no-sandbox --disable-gpu", help="of Chromium")
    return parser.parse_args()


async def _hang_up(connection: ServerConnection) -> None:
    await connection.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
