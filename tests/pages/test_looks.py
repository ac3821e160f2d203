"""Every page on a desk and on a phone, light and dark: pictures, and what can be checked without eyes.

`LOOKS_FOLDER=somewhere pytest tests/pages/test_looks.py` keeps the pictures there.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Route, expect

from tests.pages.conftest import Visitors, becomes
from tests.pages.scene import ROOM, Scene, scene

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.long]

THEMES: Final[list[Literal["light", "dark"]]] = ["light", "dark"]
# Width, height, language.
WINDOWS: Final = {
    "desktop": (1280, 800, "en-US"),
    "phone": (390, 844, "en-US"),
    "narrow": (320, 640, "zh-CN"),
}
# What axe calls so; the rest is advice.
SERIOUS: Final = {"moderate", "serious", "critical"}
# The overlay is a picture: nobody reads it by its headings.
MEANT: Final = {("overlay", "page-has-heading-one")}
# How much wider the page is than its window, and what sticks out of it, in pixels.
OVERFLOW: Final = """() => {
    const width = document.documentElement.clientWidth;
    const wider = document.documentElement.scrollWidth - width;
    const out = [...document.body.querySelectorAll("button, input, select, textarea, h1, h2, dialog[open]")]
        .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden, .scroll, .tabs, .pins"))
        .filter((one) => one.getBoundingClientRect().right > width + 1)
        .map((one) => one.id || one.className || one.textContent);
    return [wider, out];
}"""


# What is pressed and is smaller than a finger finds; links stand in texts.
SMALL: Final = """() => {
    const pressed = "button, select, summary, input:not([type=radio], [type=checkbox])";
    const isSmall = ({ width, height }) => Math.min(width, height) < 24;
    return [...document.body.querySelectorAll(pressed)]
        .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden"))
        .filter((one) => isSmall(one.getBoundingClientRect()))
        .map((one) => one.id || one.className || one.textContent);
}"""


@dataclass(frozen=True)
class Look:
    """A page, and how it comes into the state that is looked at."""

    name: str
    path: str
    ready: Callable[[Page, Scene], Awaitable[None]]


async def _viewer(page: Page, scene: Scene) -> None:
    await expect(page.locator("#connection")).to_have_attribute("data-phase", "live")
    await expect(page.locator("#poll .option").first).to_be_visible()
    await scene.say()
    await expect(page.locator("#list .text").last).to_have_text("subtitles look great today")


async def _viewer_voted(page: Page, scene: Scene) -> None:
    await page.goto(f"{scene.url}/?room={ROOM}#token={scene.service.token('visitor', 'viewer')}")
    option = page.locator("#poll .option").first
    await expect(option).to_be_enabled()
    if await option.get_attribute("aria-pressed") == "false":
        await option.click()
    await expect(option).to_have_attribute("aria-pressed", "true")
    await page.mouse.move(0, 0)
    await page.locator("#text").fill("x" * 101)
    await expect(page.locator("#outcome")).not_to_be_empty()


async def _viewer_settings(page: Page, scene: Scene) -> None:
    await _viewer(page, scene)
    await page.locator("#look-button").click()
    await expect(page.locator("#preference-language")).to_be_visible()


async def _alone(page: Page, scene: Scene) -> None:
    await expect(page.locator("#connection")).to_have_attribute("data-phase", "live")
    await expect(page.locator("#viewers")).not_to_have_text("–")


async def _sign_in(page: Page, scene: Scene) -> None:
    await expect(page.locator("#sign-in-form")).to_be_visible()


async def _chat(page: Page, scene: Scene) -> None:
    await page.goto(f"{scene.url}/chat#token={scene.service.token('kenji', 'viewer')}")
    await page.locator("#conversations button", has_text="Crew").click()
    await expect(page.locator("#messages .words")).to_have_count(2)


async def _studio(page: Page, scene: Scene) -> None:
    await page.goto(f"{scene.url}/studio?room={ROOM}#token={scene.streamer}")
    await expect(page.locator("#poll .option").first).to_be_visible()
    await scene.say()
    await expect(page.locator(".entry .text").last).to_have_text("subtitles look great today")


async def _docs(page: Page, scene: Scene) -> None:
    await page.locator("#post_rooms_room_messages summary").click()


async def _lost(page: Page, scene: Scene) -> None:
    """With another status: of a 404 the browser itself complains."""

    async def found(route: Route) -> None:
        await route.fulfill(response=await route.fetch(), status=200)

    await page.route("**/nothing/here", found)
    await page.goto(f"{scene.url}/nothing/here")
    await expect(page.get_by_role("heading")).to_be_visible()


async def _overlay(page: Page, scene: Scene) -> None:
    """It has no background: here is one of a picture that nobody has."""
    squares = "repeating-conic-gradient(#5b6478 0 25%, #6c768c 0 50%) 0 0 / 48px 48px"
    await page.evaluate("squares => { document.documentElement.style.background = squares; }", squares)
    await expect(page.locator(".card")).to_have_count(3)
    await scene.say()
    await becomes(
        page,
        """() => {
            globalThis.copy ??= new OffscreenCanvas(32, 18).getContext("2d", { willReadFrequently: true });
            copy.clearRect(0, 0, 32, 18);
            copy.drawImage(document.querySelector("canvas"), 0, 0, 32, 18);
            return copy.getImageData(0, 4, 16, 9).data.some((value) => value > 0);  // at the left
        }""",
    )


async def _console(page: Page, scene: Scene, token: str = "") -> None:
    """Two rooms side by side, in the first much goes on: one is taken back, two wait, somebody is muted."""
    await scene.moderate()
    await _calm(scene)
    gold = await scene.advertise()
    await page.goto(f"{scene.url}/console?room={ROOM}&room=pier#token={token or scene.moderator}")
    await _feed(page)
    await page.locator(".entry", has_text=gold).focus()
    await page.keyboard.press("d")
    await expect(page.locator(".entry.recalled .fate").last).to_contain_text("mod" if token == "" else "ann")
    await page.keyboard.press("ArrowUp")


async def _calm(scene: Scene) -> None:
    """The raid of another picture is over."""
    await scene.call("DELETE", f"/v1/admin/rooms/{ROOM}/raid", {}, scene.moderator)


async def _feed(page: Page) -> None:
    """On a phone it is a tab like the others."""
    if await page.locator("#tab-live").is_visible():
        await page.locator("#tab-live").click()


def _panel(name: str, shown: str, role: str = "") -> Callable[[Page, Scene], Awaitable[None]]:
    """The console with this panel, in which `shown` is to be seen."""

    async def ready(page: Page, scene: Scene) -> None:
        await _console(page, scene, scene.service.token("ann", role) if role else "")
        await page.locator(f"#tab-{name}").click()
        await expect(page.locator(f"#panel-{name} {shown}").first).to_be_visible()

    return ready


async def _console_abuse(page: Page, scene: Scene) -> None:
    """As it looks when there is something: the rest of this scene is peaceful."""
    signs = [
        {
            "at": 1_780_000_000_000 + number,
            "kind": kind,
            "count": 12,
            "sample": "join my channel for free coins",
        }
        for number, kind in enumerate(("same_text", "new_accounts"))
    ]
    await page.route("**/signs?*", lambda route: route.fulfill(json={"signs": signs}))
    await _panel("signs", ".card")(page, scene)


async def _console_words(page: Page, scene: Scene) -> None:
    await _panel("words", "li button")(page, scene)
    await page.locator("#words-text").fill("best c a s i n o in town")
    await page.locator("#words-text").press("Enter")
    await expect(page.locator("#panel-words .outcome")).to_contain_text("casino")


async def _console_raid(page: Page, scene: Scene) -> None:
    await _console(page, scene)
    begin = page.locator(".column-bar button").first
    await begin.click()
    await expect(page.locator(".raid-until").first).to_be_visible()


async def _console_card(page: Page, scene: Scene) -> None:
    await _calm(scene)
    await scene.say()  # what was said for other pictures may be too long ago
    await _console(page, scene)
    await page.locator(".entry", has_text="there is the train again").last.focus()
    await page.keyboard.press("c")
    await expect(page.locator("#card-comments .text").first).to_be_visible()


async def _console_keys(page: Page, scene: Scene) -> None:
    await _console(page, scene)
    await page.locator("#keys-button").click()


async def _console_empty(page: Page, scene: Scene) -> None:
    await page.goto(f"{scene.url}/console#token={scene.moderator}")
    await _feed(page)
    await expect(page.locator("#no-rooms")).to_be_visible()


async def _studio_room(page: Page, scene: Scene) -> None:
    await page.goto(f"{scene.url}/studio#token={scene.streamer}")
    await expect(page.locator("#choose-room")).to_be_visible()


async def _studio_new(page: Page, scene: Scene) -> None:
    """A room in which nothing was said yet, by the longest name."""
    room = "quiet-" + "r" * 58
    token = scene.service.token("mira", "streamer", room)
    await page.goto(f"{scene.url}/studio?room={room}#token={token}")
    await expect(page.locator("#poll-question")).to_be_visible()
    await expect(page.locator("#room-state")).to_be_visible()


async def _viewer_closed(page: Page, scene: Scene) -> None:
    token = scene.service.token("mira", "streamer", "shut")
    await scene.call("PUT", "/v1/rooms/shut", {"open": False}, token)
    await page.reload()
    await expect(page.locator("#banners .banner")).to_be_visible()


LOOKS: Final = [
    Look("viewer", f"/?room={ROOM}", _viewer),
    Look("viewer-voted", "/docs", _viewer_voted),
    Look("viewer-settings", f"/?room={ROOM}", _viewer_settings),
    Look("chat-sign-in", "/chat", _sign_in),
    Look("chat", "/docs", _chat),
    Look("studio", "/docs", _studio),
    Look("docs", "/docs", _docs),
    Look("lost", "/docs", _lost),
    Look("overlay", f"/overlay?room={ROOM}", _overlay),
    Look("console", "/docs", _console),
    Look("console-waiting", "/docs", _panel("held", ".held")),
    Look("console-sanctions", "/docs", _panel("sanctions", ".sanction", "admin")),
    Look("console-words", "/docs", _console_words),
    Look("console-rules", "/docs", _panel("settings", "#setting-slow_s")),
    Look("console-record", "/docs", _panel("audit", ".act")),
    Look("console-abuse", "/docs", _console_abuse),
    Look("console-moderators", "/docs", _panel("moderators", ".empty", "admin")),
    Look("console-raid", "/docs", _console_raid),
    Look("console-card", "/docs", _console_card),
    Look("console-keys", "/docs", _console_keys),
    Look("console-empty", "/docs", _console_empty),
    Look("console-sign-in", "/console", _sign_in),
    Look("studio-room", "/docs", _studio_room),
    Look("studio-new", "/docs", _studio_new),
    Look("viewer-closed", "/?room=shut", _viewer_closed),
    Look("viewer-empty", "/?room=nobody-is-here", _alone),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lively(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with scene(tmp_path_factory.mktemp("scene")) as made:
        yield made


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = os.environ.get("LOOKS_FOLDER")
    made = Path(folder) if folder else tmp_path_factory.mktemp("looks")
    made.mkdir(parents=True, exist_ok=True)
    return made


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
async def test_it_can_be_looked_at(
    visitors: Visitors, lively: Scene, pictures: Path, look: Look, window: str
) -> None:
    width, height, locale = WINDOWS[window]
    page = await visitors.open(f"{lively.url}{look.path}", width=width, height=height, locale=locale)
    await look.ready(page, lively)
    for theme in THEMES:
        await page.emulate_media(color_scheme=theme)
        await page.screenshot(path=pictures / f"{look.name}-{window}-{theme}.png")
        found = (await Axe().run(page)).response["violations"]
        serious = [
            (one["id"], node["target"], node["failureSummary"])
            for one in found
            if one["impact"] in SERIOUS and (look.name, one["id"]) not in MEANT
            for node in one["nodes"]
        ]
        assert serious == [], theme
    wider, outside = await page.evaluate(OVERFLOW)
    assert (wider, outside) == (0, [])
    assert await page.evaluate(SMALL) == []
