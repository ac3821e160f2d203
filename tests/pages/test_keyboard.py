"""Console and studio without a pointer: all that can be pressed is reached, and keeps the focus then."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.pages.conftest import Visitors
from tests.system.deployment import Deployment, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What listens for clicks, from before the page's own scripts run.
LISTEN = """
window.clicked = new Set();
const listen = EventTarget.prototype.addEventListener;
EventTarget.prototype.addEventListener = function (kind, ...more) {
  if (kind === "click" && this instanceof Element) window.clicked.add(this);
  return listen.call(this, kind, ...more);
};
"""

# Controls that are seen and may be used: of a dialog that is open only its own.
CONTROLS = """() => {
  const top = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  const all = [...top.querySelectorAll("button, input, select, textarea, a[href], summary, [tabindex]")];
  const isSeen = (one) => one.checkVisibility({ visibilityProperty: true });
  window.controls = all.filter((one) => isSeen(one) && !one.matches(":disabled"));
  return window.controls.length;
}"""
REACHED = "() => window.controls.indexOf(document.activeElement)"

# Those that the Tab key passes by stand in a row of which it reaches one, and arrows the others.
NAMES = """(left) => left.map((at) => window.controls[at]).filter((one) => {
  const row = one.closest("[role=tablist], [role=feed], [role=group]");
  const hasStop = row !== null && (row.tabIndex === 0 || row.querySelector("[tabindex='0']") !== null);
  const isWalked = one.tabIndex < 0 && hasStop;
  const isOneOfRadios = one.type === "radio" && !one.checked;
  const isTarget = one.tabIndex < 0 && one.matches("section, div, main, aside");
  return !isWalked && !isOneOfRadios && !isTarget;
}).map((one) => one.outerHTML.slice(0, 200))"""

# What is clicked is a control; the others only widen what a control inside of them does.
FREE = """() => [...window.clicked].filter((one) => one.isConnected && one.checkVisibility()
  && !one.matches("button, input, select, a[href], summary, label, dialog, section.column"))
  .map((one) => one.outerHTML.slice(0, 200))"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    async with serving(tmp_path_factory.mktemp("keyboard")) as running:
        yield running


async def test_every_control_of_the_console_is_reached(visitors: Visitors, service: Deployment) -> None:
    admin = service.token("root", "admin")
    base = "/v1/admin/rooms/keys"
    await put(service, "/v1/rooms/keys", {})
    for number in range(2):
        body = {"kind": "comment", "text": f"number {number}", "cid": f"c{number}"}
        assert (await service.call("POST", "/v1/rooms/keys/messages", body, admin))[0] == 200
    await put(service, f"{base}/words", {"refuse": ["casino", "lottery"]})
    await put(service, f"{base}/moderators/eve", {})
    for uid in ("bob", "kim"):
        assert (await service.call("POST", f"{base}/mutes", {"uid": uid}, admin))[0] == 200
    page = await opened(visitors, f"{service.url}/console?room=keys#token={admin}")
    await expect(page.locator("#connection-text")).to_have_text("live")
    await expect(page.locator(".entry")).to_have_count(2)
    loaded = {
        "Sanctions": (".sanction", 2),
        "Words": ("#panel-words .mono", 2),
        "Record": ("#panel-audit .act", 5),
        "Moderators": ("#panel-moderators li", 1),
    }
    for name in ("Waiting", "Sanctions", "Words", "Rules", "Record", "Abuse", "Moderators"):
        tab = page.get_by_role("tab", name=name)
        await tab.click()
        await expect(page.get_by_role("tabpanel", name=name)).to_be_visible()
        if name in loaded:
            row, rows = loaded[name]
            await expect(page.locator(f"{row}:visible")).to_have_count(rows)
        await every_control_is_reached(page)
    for key, dialog in (("?", "#keys-dialog"), ("c", "#card-dialog")):
        await page.locator(".entry").first.focus()
        await page.keyboard.press(key)
        await expect(page.locator(dialog)).to_be_visible()
        if key == "c":
            await expect(page.locator("#card-comments .text")).to_have_count(2)
        await every_control_is_reached(page)
        await page.keyboard.press("Escape")


async def test_the_focus_stays_where_something_was_done(visitors: Visitors, service: Deployment) -> None:
    admin = service.token("root", "admin")
    base = "/v1/admin/rooms/focus"
    await put(service, "/v1/rooms/focus", {})
    await put(service, f"{base}/words", {"refuse": ["casino", "lottery"]})
    for uid in ("bob", "kim"):
        assert (await service.call("POST", f"{base}/mutes", {"uid": uid}, admin))[0] == 200
    page = await opened(visitors, f"{service.url}/console?room=focus#token={admin}")
    for name, row, box in (
        ("Sanctions", ".sanction", "#panel-sanctions ul"),
        ("Words", "#panel-words li:has(.mono)", "#panel-words ul"),
    ):
        await page.get_by_role("tab", name=name).click()
        for left in (1, 0):
            await expect(page.locator(row)).to_have_count(left + 1)
            await page.locator(row).first.get_by_role("button").first.focus()
            await page.keyboard.press("Enter")
            await expect(page.locator(row)).to_have_count(left)
            assert await page.locator(box).evaluate("one => one.contains(document.activeElement)")


async def test_every_control_of_the_studio_is_reached(visitors: Visitors, service: Deployment) -> None:
    token = service.token("mira", "streamer", "deck")
    page = await opened(visitors, f"{service.url}/studio?room=deck#token={token}")
    await expect(page.locator("#connection-text")).to_have_text("live")
    await page.locator("#say-text").fill("hello")
    await page.keyboard.press("Enter")
    await expect(page.locator(".entry")).to_have_count(1)
    await put(service, "/v1/admin/rooms/deck/moderators/eve", {})
    await every_control_is_reached(page)
    poll = {"question": "Which?", "options": ["one", "two"], "cid": "p"}
    assert (await service.call("POST", "/v1/rooms/deck/polls", poll, token))[0] == 200
    await expect(page.locator("#poll .option")).to_have_count(2)
    await page.get_by_role("radio", name="Announcement").check()
    await every_control_is_reached(page)
    await page.locator("#preferences-button").press("Enter")
    await every_control_is_reached(page)


async def test_every_control_of_the_sign_in_is_reached(visitors: Visitors, service: Deployment) -> None:
    for name in ("console", "studio"):
        page = await opened(visitors, f"{service.url}/{name}")
        await expect(page.locator("#sign-in form")).to_be_visible()
        await every_control_is_reached(page)


async def put(service: Deployment, path: str, body: object) -> None:
    status, answer = await service.call("PUT", path, body, service.token("root", "admin"))
    assert status == 200, answer


async def opened(visitors: Visitors, url: str) -> Page:
    page = await visitors.open("about:blank", width=1400, height=900)
    await page.add_init_script(LISTEN)
    await page.goto(url)
    return page


async def every_control_is_reached(page: Page) -> None:
    assert await page.evaluate(FREE) == []
    count = await page.evaluate(CONTROLS)
    reached: set[int] = set()
    for _ in range(2 * count + 3):  # from where the focus is, once round and back
        if len(reached - {-1}) == count:
            break
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate(REACHED))
    left = sorted(set(range(count)) - reached)
    assert await page.evaluate(NAMES, left) == []
    assert reached - {-1}
