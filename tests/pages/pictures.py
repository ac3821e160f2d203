"""The pictures of the README: `make pictures`. A whole service runs, and in its room much goes on."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, async_playwright

from tests.pages.scene import MORE, SAID, Scene, scene
from tests.pages.test_looks import LOOKS, WINDOWS, Look

FOLDER: Final = Path(__file__).parent.parent.parent / "docs" / "pictures"
# Of which pages, in which window and theme; those that are not there yet are left out.
WANTED: Final[list[tuple[str, str, Literal["light", "dark"]]]] = [
    ("viewer", "desktop", "dark"),
    ("viewer", "phone", "light"),
    ("chat", "desktop", "light"),
    ("overlay", "desktop", "dark"),
    ("console", "desktop", "dark"),
    ("studio", "desktop", "light"),
]
TURNS: Final = [MORE[:6], SAID[:6], MORE[6:]]  # of what people say, until it is all over the picture
TURN_S: Final = 1.8


async def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    looks = {look.name: look for look in LOOKS}
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder:
        async with scene(Path(folder)) as made, async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--disable-gpu"]
            )
            for name, window, theme in WANTED:
                if name in looks:
                    await _take(browser, made, looks[name], window, theme)
            await browser.close()


async def _take(
    browser: Browser, scene: Scene, look: Look, window: str, theme: Literal["light", "dark"]
) -> None:
    width, height, _ = WINDOWS[window]
    page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    await page.goto(f"{scene.url}{look.path}")
    await look.ready(page, scene)
    for lines in TURNS:
        await scene.say(lines)
        await asyncio.sleep(TURN_S)
    file = FOLDER / f"{look.name}-{window}.png"
    await page.screenshot(path=file)
    await page.close()
    print(f"{file.relative_to(FOLDER.parent.parent)}: {file.stat().st_size // 1000} kB", flush=True)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
