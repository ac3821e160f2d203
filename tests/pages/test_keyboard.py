"""Whatever can be pressed in console and studio is reached by the Tab key, and pressed by Enter and Space.

Of tabs and choices Tab reaches one, and arrows the others. A page is walked once around in each of its
states. What there is to press is found by the browser: buttons, links, fields, and all else that listens for
clicks. So a new button that the keyboard does not reach fails here, without being named.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.pages.conftest import Visitors, becomes
from tests.pages.scene import ROOM, Scene, scene

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOST_STOPS: Final = 250
NOTHING: Final[list[list[str]]] = [[], []]
WATCH: Final = (Path(__file__).parent / "keyboard.js").read_text()
PANELS: Final = ["Waiting", "Sanctions", "Words", "Rules", "Record", "Abuse", "Moderators"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lively(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with scene(tmp_path_factory.mktemp("keyboard")) as made:
        await made.moderate()
        yield made


async def test_every_action_of_the_console(visitors: Visitors, lively: Scene) -> None:
    admin = lively.service.token("ann", "admin")
    status, _ = await lively.service.call("PUT", f"/v1/admin/rooms/{ROOM}/moderators/eve", {}, admin)
    assert status == 200
    page = await _open(visitors, lively, f"/console?room={ROOM}#token={admin}")
    await expect(page.locator(".entry").last).to_be_visible()
    await page.get_by_role("tab", name="Waiting").focus()
    for name in PANELS:
        await expect(page.get_by_role("tab", name=name)).to_be_focused()
        await expect(page.locator(".panel :is(button, .empty, .act):visible").first).to_be_visible()
        await _walk(page, f"panel {name}")
        await page.get_by_role("tab", name=name).focus()
        await page.keyboard.press("ArrowRight")
    await page.locator("#room-field").fill("pier")
    await page.locator("#room-field").press("Enter")
    await expect(page.locator(".column")).to_have_count(2)
    await page.locator(".entry", has_text="there is the train again").focus()
    await _walk(page, "a comment")  # with the acts beside it
    for key, dialog in {"c": "card", "?": "keys"}.items():
        await page.locator(".entry", has_text="there is the train again").focus()
        await page.keyboard.press(key)
        await _walk_dialog(page, f"{dialog}-dialog")
    await page.locator("#preferences-button").press("Enter")
    await _walk_dialog(page, "preferences-title")
    await page.locator("#clear-room").press("Enter")
    await _walk_dialog(page, "confirm-dialog")


async def test_every_action_of_the_studio(visitors: Visitors, lively: Scene) -> None:
    admin = lively.service.token("ann", "admin")
    await lively.call("PUT", "/v1/rooms/atelier", {"title": "Of somebody else"}, admin)
    await lively.call("PUT", "/v1/admin/rooms/atelier/moderators/mira", {}, admin)
    page = await _open(visitors, lively, f"/studio#token={lively.streamer}")
    await _walk(page, "which room")
    await page.locator("#choose-room").fill("atelier")
    await page.locator("#choose-room").press("Enter")
    await expect(page.locator("#room-hint")).to_contain_text("You are not the streamer")
    await _walk(page, "a poll to be asked")
    own = await _open(visitors, lively, f"/studio?room={ROOM}#token={lively.streamer}")
    await expect(own.locator("#poll-act")).to_be_visible()
    await expect(own.locator("#pinned")).to_be_visible()
    await own.locator("input[name=kind]").first.focus()
    await own.keyboard.press("ArrowRight")
    await expect(own.locator("#say-pin")).to_be_visible()
    await own.locator("#moderator").fill("zoe")
    await own.locator("#moderator").press("Enter")
    await expect(own.locator("#moderators li", has_text="zoe")).to_be_visible()
    await _walk(own, "a room in which much goes on")
    await own.locator("#preferences-button").press("Space")
    await _walk_dialog(own, "preferences-title")
    await own.locator("#room-switch").press("Enter")
    await _walk_dialog(own, "confirm-dialog")


async def test_signing_in(visitors: Visitors, lively: Scene) -> None:
    for path in ("/console", "/studio"):
        page = await _open(visitors, lively, path)
        await _walk(page, path)


async def test_a_button_that_is_not_reached_is_noticed(visitors: Visitors, lively: Scene) -> None:
    page = await _open(visitors, lively, "/studio")
    await page.evaluate(
        """() => {
            const [button, box, deaf] = ["button", "span", "button"].map((it) => document.createElement(it));
            Object.assign(button, { tabIndex: -1, textContent: "skipped" });
            box.textContent = "no button";
            deaf.textContent = "deaf";
            box.addEventListener("click", () => {});
            deaf.addEventListener("keydown", (event) => event.key === " " && event.preventDefault());
            document.querySelector("header").append(button, box, deaf);
        }"""
    )
    assert await _around(page) == (["skipped", "no button"], ["deaf"], False)


async def test_a_button_that_is_reached_only_the_second_time_is_noticed(
    visitors: Visitors, lively: Scene
) -> None:
    page = await _open(visitors, lively, "/studio")
    await page.evaluate(
        """() => {
            const [late, next] = ["button", "button"].map((it) => document.createElement(it));
            Object.assign(late, { tabIndex: -1, textContent: "late" });
            next.textContent = "next";
            next.addEventListener("focus", () => (late.tabIndex = 0));
            document.querySelector("header").append(late, next);
        }"""
    )
    with pytest.raises(AssertionError, match="late"):
        await _walk(page, "late")


async def test_a_button_that_comes_on_the_way_is_looked_for_once_more(
    visitors: Visitors, lively: Scene
) -> None:
    page = await _open(visitors, lively, "/studio")
    await page.evaluate(
        """() => {
            const [next, come] = ["button", "button"].map((it) => document.createElement(it));
            Object.assign(next, { textContent: "next" });
            come.textContent = "come";
            next.addEventListener("focus", () => next.before(come));
            document.querySelector("header").append(next);
        }"""
    )
    await _walk(page, "a button that came")


async def test_the_focus_stays_where_something_was_done(visitors: Visitors, lively: Scene) -> None:
    page = await _open(visitors, lively, f"/console?room={ROOM}#token={lively.moderator}")
    focused = page.locator(":focus")
    await expect(page.locator("#connection-text")).to_have_text("live")

    await page.get_by_role("tab", name="Sanctions").click()
    await page.get_by_role("button", name="Unmute casino_bot").press("Enter")
    await expect(page.locator("#panel-sanctions .sanction")).to_have_count(1)
    await expect(focused).to_have_accessible_name("Unmute grumble")

    await page.keyboard.press("Enter")
    await expect(page.locator("#panel-sanctions .sanction")).to_have_count(0)
    await expect(page.locator("#panel-sanctions ul")).to_be_focused()

    await page.get_by_role("tab", name="Words").click()
    await page.get_by_role("button", name="Remove casino").press("Space")
    await expect(page.locator("#panel-words li")).to_have_count(3)
    await expect(focused).to_have_accessible_name("Remove free coins")

    await page.get_by_role("tab", name="Rules").click()
    await page.locator("#setting-slow_s").fill("3")
    await page.locator("#settings-save").press("Enter")
    await expect(page.locator(".toast").last).to_contain_text("hold now")
    await becomes(page, "() => document.querySelector('#setting-slow_s').value === '3'")
    await expect(focused).to_have_attribute("id", "settings-save")

    await page.locator(".entry", has_text="there is the train again").focus()
    await page.keyboard.press("c")
    await page.locator("#card-mute").press("Enter")
    lift = page.locator("#card-facts button")
    await expect(lift).to_be_visible()
    await expect(focused).to_have_attribute("id", "card-mute")
    await lift.press("Enter")
    await expect(lift).to_have_count(0)
    assert await page.evaluate("document.activeElement.closest('#card-facts') !== null")
    removes = page.locator("#card-comments button")
    left = await removes.count()
    await removes.first.press("Enter")
    await expect(removes).to_have_count(left - 1)
    assert await page.evaluate("document.activeElement.closest('#card-comments') !== null")
    await page.keyboard.press("Escape")

    await page.keyboard.press("m")
    await expect(page.locator(".toast").last).to_contain_text("is muted")
    await page.locator(".toast button").last.press("Enter")
    await expect(page.locator(".toast").last).to_contain_text("may speak")
    await expect(page.locator(".entry:focus")).to_contain_text("there is the train again")

    await page.locator(".column button", has_text="✕").press("Enter")
    await expect(focused).to_have_attribute("id", "room-field")


async def _open(visitors: Visitors, scene: Scene, path: str) -> Page:
    return await visitors.open(f"{scene.url}{path}", width=1400, height=900, script=WATCH)


async def _walk(page: Page, state: str) -> None:
    """Once more where something came or went on the way: it may be what was missed, or had the focus."""
    *missed, has_changed = await _around(page)
    if missed != NOTHING and has_changed:
        *missed, _ = await _around(page)
    assert missed == NOTHING, state


async def _walk_dialog(page: Page, name: str) -> None:
    await expect(page.locator(f"dialog[open]:is(#{name}, [aria-labelledby={name}])")).to_be_visible()
    await _walk(page, name)
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)


async def _around(page: Page) -> tuple[list[str], list[str], bool]:
    """What the Tab key did not come by on one round, what Enter or Space did not press, and whether other
    things can be pressed than before it."""
    await page.evaluate("keyboard.begin()")
    for _ in range(MOST_STOPS):
        await page.keyboard.press("Tab")
        keys = await page.evaluate("keyboard.stop()")
        if keys is None:
            break
        for key in keys:
            await page.keyboard.press(key)
    unreached, unpressed, has_changed = await page.evaluate("keyboard.end()")
    return unreached, unpressed, has_changed
