"""The console before the real service: what a moderator does takes effect in other browsers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from config.settings import Settings
from danmaku.auth import from_settings
from danmaku.model import SETTING_BOUNDS, Identity, Role, RoomSettings
from tests.pages.conftest import Visitors, becomes
from tests.system.deployment import Deployment, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

FULL_BADGES = """() => document.querySelectorAll("#tabs .badge").forEach((badge) => {
    badge.hidden = false;
    badge.textContent = "100";
})"""
# In how many lines the tabs stand, and whether the tools end before them.
TABS = """() => {
    const seen = (where) => [...document.querySelectorAll(where)].filter((one) => one.checkVisibility());
    const tabs = seen("#tabs [role=tab]").map((one) => one.getBoundingClientRect());
    const tools = seen("#tools > *").map((one) => one.getBoundingClientRect().right);
    const first = Math.min(...tabs.map(({ left }) => left));
    return [new Set(tabs.map(({ top }) => top)).size, Math.max(...tools) < first];
}"""
# Whether a press in the middle of an element falls on what lies under it.
LETS_THROUGH = """(element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return !element.parentElement.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""
# What is pressed and lies under what is told.
COVERED = """() => {
    const box = (one) => one.getBoundingClientRect();
    const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    const toasts = [...document.querySelectorAll(".toast")].map(box);
    const isCovered = (one) => one.checkVisibility() && toasts.some((toast) => meets(toast, box(one)));
    const pressed = [...document.querySelectorAll("button, input, select")];
    return pressed.filter(isCovered).map((one) => one.textContent || one.id);
}"""
EVIL = "<img src=x onerror=\"document.title='pwned'\">"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    async with serving(tmp_path_factory.mktemp("console")) as service:
        yield service


async def test_a_mute_takes_effect_in_the_muted_browser_and_can_be_undone(
    visitors: Visitors, service: Deployment
) -> None:
    bob = await _watch(visitors, service, "mute", "bob")
    await _say(bob, "buy followers")
    mod = await _console(visitors, service, "mute")
    assert "token" not in mod.url
    await _focus(mod, "buy followers")
    await mod.keyboard.press("m")
    await expect(_toast(mod)).to_contain_text("bob is muted in mute for 10 min")
    await expect(bob.locator("#list .note").last).to_contain_text("You are muted")

    await mod.get_by_role("tab", name="Sanctions").click()
    await expect(mod.locator("#panel-sanctions .sanction")).to_contain_text("bob")
    assert await mod.locator(".toast span").last.evaluate(LETS_THROUGH)
    await mod.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(_toast(mod)).to_contain_text("bob may speak in mute again")
    await mod.locator(".entry .name").click()
    await expect(mod.locator("#card-comments .text")).to_have_text(["buy followers"])
    await expect(mod.locator("#card-facts")).to_contain_text("2 entries of the record of mute")
    await mod.keyboard.press("Escape")
    await mod.mouse.move(1, 1)  # the feed stands still under the pointer, and while the focus is in it
    await mod.keyboard.press("Escape")
    await expect(mod.locator("#panel-sanctions .empty")).to_have_text("Nobody is muted or banned.")
    await expect(bob.locator("#list .note").last).to_have_text("You may write again")
    await _say(bob, "sorry")
    await expect(mod.locator(".entry .text", has_text="sorry")).to_be_visible()


async def test_what_was_not_done_to_whom_is_said_until_one_puts_it_away_and_can_be_done_then(
    visitors: Visitors, service: Deployment
) -> None:
    bob = await _watch(visitors, service, "outage", "bob")
    await _say(bob, "buy followers")
    where = f"{service.url}/console?room=outage#token={service.token('mod', 'moderator')}"
    mod = await visitors.open(where, clocked=True)
    refusal = {"error": "unavailable", "message": "the service cannot do this right now", "retry_ms": 1}

    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, json={"error": refusal})

    await _focus(mod, "buy followers")
    await mod.route("**/mutes*", refuse)
    await mod.keyboard.press("1")
    kept = mod.locator(".toast.bad", has_text="Mute – bob, outage: The service cannot do this right now")
    await expect(kept).to_be_visible()
    await mod.clock.fast_forward(60_000)
    await mod.keyboard.press("z")
    await expect(_toast(mod)).to_have_text("There is nothing to undo.")
    await kept.get_by_role("button", name="Close").click()
    await expect(kept).to_have_count(0)
    await mod.unroute("**/mutes*")
    await mod.keyboard.press("1")
    await expect(_toast(mod)).to_contain_text("bob is muted in outage for 60 s")
    await mod.route("**/mutes/bob", refuse)
    await mod.keyboard.press("z")
    await expect(_toast(mod)).to_contain_text("Unmute – bob, outage: The service cannot do this right now")
    await mod.unroute("**/mutes/bob")
    await mod.keyboard.press("z")
    await expect(_toast(mod)).to_contain_text("bob may speak in outage again")
    await mod.keyboard.press("1")
    await expect(_toast(mod)).to_contain_text("bob is muted in outage for 60 s")
    await mod.route("**/kicks", refuse)
    await mod.keyboard.press("k")
    await expect(_toast(mod)).to_contain_text("Kick – bob, outage: The service")
    await mod.get_by_role("button", name="Sign out").click()
    for who, count in (("mod", 1), ("ann", 0)):
        token = service.token(who, "moderator")
        await mod.evaluate("token => (location.hash = `#token=${token}`)", token)
        await expect(mod.locator("#me")).to_have_text(who)
        await expect(mod.locator(".toast", has_text="Kick – bob")).to_have_count(count)
    await mod.keyboard.press("z")
    await expect(_toast(mod)).to_have_text("There is nothing to undo.")
    gone_on = asyncio.Event()

    async def late(route: Route) -> None:
        await gone_on.wait()
        await route.continue_()

    await mod.route("**/mutes", late)
    await mod.keyboard.press("l")
    async with mod.expect_response("**/mutes"):
        await mod.keyboard.press("1")
        token = service.token("mod", "moderator")
        await mod.evaluate("token => (location.hash = `#token=${token}`)", token)
        await expect(mod.locator("#me")).to_have_text("mod")
        gone_on.set()
    await mod.evaluate("() => fetch('/v1/edges').then((answer) => answer.json())")  # that one is read by then
    await mod.keyboard.press("z")
    await expect(_toast(mod)).to_have_text("There is nothing to undo.")
    visitors.complaints.clear()  # the browser itself tells of what is refused


async def test_a_deleted_comment_vanishes_for_viewers_and_moderators_see_who_did_it(
    visitors: Visitors, service: Deployment
) -> None:
    bob = await _watch(visitors, service, "recall", "bob")
    await _say(bob, "fine")
    await _say(bob, EVIL)
    ann = await _console(visitors, service, "recall", "ann")
    mod = await _console(visitors, service, "recall")
    await _focus(mod, EVIL)
    await mod.keyboard.press("d")
    await expect(bob.locator("#list .text")).to_have_text(["fine"])
    for page in (mod, ann):
        entry = page.locator(".entry.recalled")
        await expect(entry.locator(".text")).to_have_text(EVIL)
        await expect(entry.locator(".fate")).to_have_text("deleted by mod")
        assert await page.locator("#console img").count() == 0
    await ann.get_by_role("tab", name="Record").click()
    await expect(ann.locator("#panel-audit .act").first).to_contain_text("mod deleted a comment")


async def test_a_held_comment_appears_after_approval(visitors: Visitors, service: Deployment) -> None:
    admin = service.token("root", "admin")
    assert (await service.call("PUT", "/v1/rooms/held", {"title": "Tea", "open": True}, admin))[0] == 200
    bob = await _watch(visitors, service, "held", "bob")
    await _say(bob, "hello")
    mod = await _console(visitors, service, "held")
    assert (await service.call("PUT", "/v1/rooms/held", {"title": "Coffee"}, admin))[0] == 200
    await expect(mod.locator(".entry.note .text").last).to_have_text("The title is now “Coffee”.")
    await mod.get_by_role("tab", name="Rules").click()
    await mod.get_by_label("Review").select_option(label="on")
    await mod.get_by_label("Slow mode").fill("-1")
    await mod.get_by_role("button", name="Apply").click()
    await expect(mod.get_by_label("Slow mode")).to_have_attribute("aria-invalid", "true")
    await mod.get_by_label("Slow mode").fill("")
    await mod.get_by_role("button", name="Apply").click()
    await expect(_toast(mod)).to_contain_text("The rules of held hold now")
    await expect(mod.locator(".entry.note .text").last).to_have_text(
        "New rules here: a moderator looks at each comment first"
    )
    for text in ("one", "two"):
        await bob.get_by_label("Your comment").fill(text)
        await bob.get_by_label("Your comment").press("Enter")
        await expect(bob.locator("#outcome")).to_contain_text("moderator")
    await mod.keyboard.press("Escape")
    await mod.get_by_role("tab", name="Waiting").click()
    await expect(mod.locator("#panel-held .text")).to_have_text(["one", "two"])
    await expect(mod.locator("#panel-held .held .hint:has-text('Waits')").first).to_have_text(
        "Waits because of: all is reviewed here"
    )
    await expect(mod).to_have_title("(2) Console · Danmaku")
    await mod.keyboard.press("h")
    await mod.keyboard.press("a")
    await expect(bob.locator("#list .text")).to_have_text(["hello", "one"])
    await expect(mod.locator("#panel-held .text")).to_have_text(["two"])
    await mod.keyboard.press("x")
    denied = "did not let your comment “\u2068two\u2069” through"
    await expect(bob.locator("#list .note").last).to_contain_text(denied)
    await expect(mod.locator("#panel-held .empty")).to_be_visible()
    await mod.get_by_role("tab", name="Record").click()
    said = [
        "mod denied a comment of bob: two",
        "mod approved a comment of bob: one",
        "mod changed the rules: Review: on",
        "root set the room up: Title: Coffee",
        "root set the room up: Title: Tea, Door: open",
    ]
    await expect(mod.locator("#panel-audit .act .text")).to_have_text(said)


async def test_a_key_decides_about_the_comment_one_looks_at_and_about_no_other(
    visitors: Visitors, service: Deployment
) -> None:
    admin = service.token("root", "admin")
    base = "/v1/admin/rooms/decided"
    assert (await service.call("PUT", "/v1/rooms/decided", {}, admin))[0] == 200
    assert (await service.call("PATCH", f"{base}/settings", {"review": True}, admin))[0] == 200
    bob = await _watch(visitors, service, "decided", "bob")
    for text in ("one", "two", "three"):
        await bob.get_by_label("Your comment").fill(text)
        await bob.get_by_label("Your comment").press("Enter")
        await expect(bob.locator("#outcome")).to_contain_text("moderator")
    mod = await _console(visitors, service, "decided")
    shown = mod.locator("#panel-held .text")
    await expect(shown).to_have_text(["one", "two", "three"])
    await mod.keyboard.press("h")
    for _ in range(2):  # the second time it is held down
        await mod.keyboard.down("a")
    await mod.keyboard.up("a")
    await expect(mod.locator(".held", has_text="two")).to_be_focused()
    await expect(_toast(mod)).to_have_text("The comment is shown.")
    await expect(shown).to_have_text(["two", "three"])

    _, waiting = await service.call("GET", f"{base}/held", None, admin)
    held = waiting["held"][0]["id"]
    assert (await service.call("POST", f"{base}/held/{held}", {"decision": "approve"}, admin))[0] == 200
    await expect(shown).to_have_text(["three"])
    await expect(mod.locator("#panel-held .rows")).to_be_focused()
    await mod.keyboard.press("x")  # too late
    await mod.keyboard.press("ArrowDown")
    await expect(mod.locator(".held", has_text="three")).to_be_focused()


async def test_on_a_phone_what_is_told_leaves_place_for_what_is_pressed_next(
    visitors: Visitors, service: Deployment
) -> None:
    await _say(await _watch(visitors, service, "small", "bob"), "hello")  # then there is such a room
    page = await _console(visitors, service, "small")
    await page.locator("#columns").focus()
    for shown in (1, 2, 3):
        await page.keyboard.press("z")  # there is nothing to undo
        await expect(page.locator(".toast")).to_have_count(shown)
    await page.set_viewport_size({"width": 390, "height": 844})
    await expect(page.locator(".toast:visible")).to_have_count(2)


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
async def test_on_a_desk_what_is_told_covers_nothing_that_is_pressed(
    visitors: Visitors, service: Deployment, locale: str
) -> None:
    where = f"{service.url}/console#token={service.token('mod', 'moderator')}"
    page = await visitors.open(where, width=1280, locale=locale)
    await expect(page.locator("#tab-held")).to_be_visible()
    for shown in (1, 2):
        await page.keyboard.press("z")  # there is nothing to undo
        await expect(page.locator(".toast")).to_have_count(shown)
    for width in (1200, 1280, 1920):
        await page.set_viewport_size({"width": width, "height": 720})
        assert await page.evaluate(COVERED) == []


async def test_on_a_phone_one_sees_that_there_is_another_room(
    visitors: Visitors, service: Deployment
) -> None:
    token = service.token("mod", "moderator")
    page = await visitors.open(f"{service.url}/console?room=one-1#token={token}", width=390, height=844)
    columns, rooms = page.locator("#columns"), page.locator(".column")
    right = "it => it.getBoundingClientRect().right"
    await expect(rooms).to_have_count(1)
    assert abs(await rooms.evaluate(right) - await columns.evaluate(right)) < 1
    await page.locator("#room-field").fill("two-2")
    await page.locator("#room-field").press("Enter")
    await expect(rooms).to_have_count(2)
    edge = await columns.evaluate(right)
    second = await rooms.last.bounding_box()
    assert second is not None
    assert second["x"] + 24 < edge < second["x"] + second["width"]
    visitors.complaints.clear()  # the browser itself tells of rooms that are not there yet


async def test_what_can_be_done_about_the_newest_comment_is_in_sight(
    visitors: Visitors, service: Deployment
) -> None:
    bob = await _watch(visitors, service, "last", "bob")
    page = await _console(visitors, service, "last")
    for number in range(40):
        await _say(bob, f"number {number}")
    last = page.locator(".entry", has_text="number 39")
    await expect(last).to_be_visible()
    await last.focus()
    await expect(last.get_by_role("button", name="Delete")).to_be_visible()
    bottom = "it => it.getBoundingClientRect().bottom"
    acts, feed = last.locator(".acts"), page.locator(".feed")
    assert await acts.evaluate(bottom) <= await feed.evaluate(bottom) + 1


@pytest.mark.parametrize("key", ["l", "End", "ArrowDown"])
async def test_the_newest_comment_is_reached_while_the_feed_stands_still(
    visitors: Visitors, service: Deployment, key: str
) -> None:
    room = f"still-{key}"
    bob = await _watch(visitors, service, room, "bob")
    await _say(bob, "before")
    page = await _console(visitors, service, room)
    await _focus(page, "before")
    await _say(bob, "meanwhile")
    await expect(page.locator("button.newest")).to_have_text("1 new")
    await page.keyboard.press(key)
    await expect(page.locator(".entry", has_text="meanwhile")).to_be_focused()
    await expect(page.locator("button.newest")).to_be_hidden()


async def test_what_one_has_not_seen_is_chosen_by_going_onward_alone(
    visitors: Visitors, service: Deployment
) -> None:
    bob = await _watch(visitors, service, "onward", "bob")
    await _say(bob, "before")
    page = await _console(visitors, service, "onward")
    await expect(_texts(page)).to_have_text(["before"])
    await page.keyboard.press("p")
    waiting = page.locator("button.newest")
    for number, key in enumerate(("PageDown", "End", "ArrowDown", "PageUp")):
        await _say(bob, f"meanwhile {number}")
        await expect(waiting).to_have_text("1 new")
        await page.locator("#columns").focus()
        await page.keyboard.press("ArrowUp")
        await expect(page.locator(".entry").last).to_be_focused()
        await page.keyboard.press("Control+End")
        await expect(waiting).to_have_text("1 new")
        await expect(_texts(page)).to_have_count(number + 1)
        if key == "PageUp":
            continue
        await page.keyboard.press(key)
        await expect(page.locator(".entry", has_text=f"meanwhile {number}")).to_be_focused()
        await expect(waiting).to_be_hidden()
    await page.keyboard.press("Escape")
    await expect(_texts(page)).to_have_count(5)
    for key in ("ArrowDown", "ArrowUp", "PageDown", "l"):
        await page.locator(".feed").focus()
        await page.keyboard.press(key)
        await expect(page.locator(".entry").last).to_be_focused()


async def test_the_newest_comment_is_not_what_else_is_last(visitors: Visitors, service: Deployment) -> None:
    bob = await _watch(visitors, service, "rules-last", "bob")
    await _say(bob, "said")
    page = await _console(visitors, service, "rules-last")
    body = {"slow_s": 5}
    admin = service.token("root", "admin")
    assert (await service.call("PATCH", "/v1/admin/rooms/rules-last/settings", body, admin))[0] == 200
    await expect(page.locator(".entry.note")).to_be_visible()
    await page.keyboard.press("l")
    await expect(page.locator(".entry", has_text="said")).to_be_focused()


async def test_the_pointer_that_passes_by_moves_nothing(visitors: Visitors, service: Deployment) -> None:
    bob = await _watch(visitors, service, "pass-1", "bob")
    for number in range(30):
        await _say(bob, f"number {number}")
    page = await _console(visitors, service, "pass-1")
    await expect(page.locator(".entry", has_text="number 29")).to_be_visible()
    feed = page.locator(".feed")
    await feed.evaluate("it => { it.scrollTop = 100; }")
    box = await feed.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 60, box["y"] + box["height"] - 4)
    await expect(feed.locator(".acts")).to_be_attached()
    assert await feed.evaluate("it => it.scrollTop") == 100


async def test_the_pointer_over_a_room_that_is_cut_off_moves_no_room(
    visitors: Visitors, service: Deployment
) -> None:
    rooms = ("cut-1", "cut-2", "cut-3")
    for room in rooms:
        await _say(await _watch(visitors, service, room, "bob"), f"in {room}")
    token = service.token("mod", "moderator")
    where = "&".join(f"room={room}" for room in rooms)
    page = await visitors.open(f"{service.url}/console?{where}#token={token}", width=1200)
    last = page.locator(".entry", has_text="in cut-3")
    await expect(last).to_be_attached()
    columns = page.locator("#columns")
    edge = await columns.evaluate("it => it.getBoundingClientRect().right")
    box = await last.bounding_box()
    assert box is not None
    assert box["x"] < edge - 2 < box["x"] + box["width"]
    await page.mouse.move(edge - 2, box["y"] + box["height"] / 2)
    await expect(last.locator(".acts")).to_be_attached()
    assert await columns.evaluate("it => it.scrollLeft") == 0


async def test_a_room_that_was_set_up_with_nothing_was_set_up(
    visitors: Visitors, service: Deployment
) -> None:
    admin = service.token("root", "admin")
    assert (await service.call("PUT", "/v1/rooms/bare", {}, admin))[0] == 200
    page = await visitors.open(f"{service.url}/console?room=bare#token={admin}")
    await page.get_by_role("tab", name="Record").click()
    await expect(page.locator("#panel-audit .act .text")).to_have_text("root set the room up")


async def test_all_of_it_by_the_keyboard(visitors: Visitors, service: Deployment) -> None:
    bob = await _watch(visitors, service, "keys", "bob")
    for text in ("one", "two", "three"):
        await _say(bob, text)
    side = await _watch(visitors, service, "side", "eve")
    await _say(side, "beside")
    mod = await _console(visitors, service, "keys")
    await expect(_texts(mod)).to_have_text(["one", "two", "three"])
    press = mod.keyboard.press
    await press("d")
    await expect(_toast(mod)).to_contain_text("Choose a comment first")
    await press("ArrowDown")
    await expect(mod.locator(".entry").last).to_be_focused()

    await mod.get_by_label("Add a room", exact=True).focus()
    await mod.keyboard.type("side")
    await press("Enter")
    await expect(_texts(mod)).to_have_text(["one", "two", "three", "beside"])
    assert mod.url.endswith("?room=keys&room=side")
    await press("Tab")
    await press("l")
    await press("ArrowLeft")
    await press("ArrowUp")
    await press("c")
    await expect(mod.locator("#card-dialog")).to_be_visible()
    await expect(mod.locator("#card-comments .text")).to_have_text(["three", "two", "one"])
    await press("Escape")
    await expect(mod.locator("#card-dialog")).to_be_hidden()
    await press("1")
    await expect(_toast(mod)).to_contain_text("bob is muted in keys for 60 s")
    await press("z")
    await expect(_toast(mod)).to_contain_text("bob may speak in keys again")
    await press("k")
    await expect(bob.locator("#list .note").last).to_contain_text("sent out of the room")
    await press("b")
    await expect(_toast(mod)).to_contain_text("bob is banned from keys until it is lifted")
    await press("ArrowRight")
    await press("d")
    await expect(side.locator("#list .text")).to_have_count(0)
    await press("?")
    await expect(mod.locator("#keys-dialog")).to_be_visible()
    await press("Escape")

    await mod.locator("#tab-held").focus()
    for _ in range(2):
        await press("ArrowRight")
    await expect(mod.locator("#panel-words")).to_be_visible()
    await mod.get_by_label("A word, or /a pattern/").focus()
    await mod.keyboard.type("casino")
    await press("Enter")
    await expect(mod.locator("#panel-words .mono")).to_have_text(["casino"])
    await mod.get_by_label("Try a text").focus()
    await mod.keyboard.type("best c a s i n o")
    await press("Enter")
    await expect(mod.locator("#panel-words .outcome")).to_contain_text("refuse, because of “casino”")


async def test_who_it_was_done_to_is_named_as_he_speaks(visitors: Visitors, service: Deployment) -> None:
    authority = from_settings(service.data.with_secret(Settings()).auth)
    token = authority.issue(Identity("u17", "Bob Ross", Role.VIEWER), time.time()).access
    said = {"kind": "comment", "text": "happy trees", "cid": "trees"}
    assert (await service.call("POST", "/v1/rooms/named/messages", said, token))[0] == 200
    mod = await _console(visitors, service, "named")
    await _focus(mod, "happy trees")
    await mod.keyboard.press("1")
    await expect(_toast(mod)).to_contain_text("\u2068Bob Ross\u2069 (u17) is muted in named for 60 s")
    await mod.keyboard.press("d")
    await expect(_toast(mod)).to_contain_text("\u2068Bob Ross\u2069 (u17)")
    await expect(mod.locator(".toast")).to_have_count(2)


async def test_who_has_another_name_elsewhere_is_named_as_in_the_room(
    visitors: Visitors, service: Deployment
) -> None:
    authority = from_settings(service.data.with_secret(Settings()).auth)
    for room, name in (("first", "Bob"), ("second", "Rob")):
        token = authority.issue(Identity("u18", name, Role.VIEWER), time.time()).access
        said = {"kind": "comment", "text": f"in {room}", "cid": room}
        assert (await service.call("POST", f"/v1/rooms/{room}/messages", said, token))[0] == 200
    staff = service.token("root", "admin")
    where = f"{service.url}/console?room=first&room=second#token={staff}"
    mod = await visitors.open(where, width=1280, locale="zh-CN")
    await expect(_texts(mod)).to_have_text(["in first", "in second"])
    await _focus(mod, "in second")
    await mod.keyboard.press("1")
    await expect(_toast(mod)).to_contain_text("禁言 \u2068Rob\u2069（u18）")


async def test_a_key_for_a_comment_says_that_none_is_chosen_to_who_may_press_it(
    visitors: Visitors, service: Deployment
) -> None:
    bob = await _watch(visitors, service, "unchosen", "bob")
    for text in ("one", "two"):
        await _say(bob, text)
    mod = await _console(visitors, service, "unchosen")
    await expect(_texts(mod)).to_have_text(["one", "two"])
    await mod.get_by_role("button", name="Pause").click()
    await mod.keyboard.press("d")
    await expect(_toast(mod)).to_have_text("Choose a comment first: ↑, ↓ or l leads to the newest one.")
    await mod.keyboard.press("Home")
    await expect(mod.locator(".entry:focus")).to_have_count(0)
    await mod.keyboard.press("ArrowUp")
    await expect(mod.locator(".entry:focus .text")).to_have_text("two")

    tab = mod.locator("#tab-held")
    await tab.focus()
    for key in ("ArrowUp", "ArrowDown", "End"):
        await mod.keyboard.press(key)
        await expect(tab).to_be_focused()
    await mod.keyboard.press("d")
    await expect(_toast(mod)).to_have_text("Choose a comment first: l leads to the newest one.")
    await mod.keyboard.press("l")
    await expect(mod.locator(".entry:focus .text")).to_have_text("two")

    eve = await visitors.open(f"{service.url}/console?room=unchosen#token={service.token('eve')}", width=1280)
    await expect(_texts(eve)).to_have_text(["one", "two"])
    for key in ("d", "1", "c"):
        await eve.keyboard.press(key)
    await expect(_toast(eve)).to_contain_text("Choose a comment first")
    await expect(eve.locator(".toast")).to_have_count(1)
    visitors.complaints.clear()  # the browser itself tells of what eve may not read


async def test_the_record_of_all_rooms_is_followed_and_which_one_is_kept(
    visitors: Visitors, service: Deployment
) -> None:
    admin = service.token("root", "admin")
    page = await visitors.open(f"{service.url}/console?room=what%20is#token={admin}")
    await expect(_toast(page)).to_contain_text("There is no usable room name in this address")
    await expect(page.locator("#panel-held .empty")).to_have_text("No room is open")
    await page.get_by_role("tab", name="Record").click()
    await expect(page.locator("#audit-scope")).to_have_value("all")  # there is no room
    gone = {"uid": "troll", "reason": "rude"}
    assert (await service.call("POST", "/v1/admin/bans", gone, admin))[0] == 200
    await expect(page.locator("#panel-audit .act").first).to_contain_text("root banned troll")
    await _say(await _watch(visitors, service, "record", "bob"), "hello")
    await page.locator("#room-field").fill("record")
    await page.locator("#room-field").press("Enter")
    await expect(page.locator("#audit-scope")).to_have_value("room")
    await page.locator("#audit-scope").select_option("all")
    await page.reload()
    await page.get_by_role("tab", name="Record").click()
    await expect(page.locator("#panel-room")).to_have_text("record")
    await expect(page.locator("#audit-scope")).to_have_value("all")
    assert (await service.call("DELETE", "/v1/admin/bans/troll", None, admin))[0] == 200
    await expect(page.locator("#panel-audit .act").first).to_contain_text("root unbanned troll")


async def test_words_of_one_room_are_not_offered_for_another(visitors: Visitors, service: Deployment) -> None:
    admin = service.token("root", "admin")
    for room, word in (("alpha", "casino"), ("beta", "lottery")):
        assert (await service.call("PUT", f"/v1/rooms/{room}", {}, admin))[0] == 200
        status, _ = await service.call("PUT", f"/v1/admin/rooms/{room}/words", {"refuse": [word]}, admin)
        assert status == 200
    page = await visitors.open(f"{service.url}/console?room=alpha&room=beta#token={admin}", width=1280)
    await page.get_by_role("tab", name="Words").click()
    shown = page.locator("#panel-words .mono")
    await expect(shown).to_have_text(["casino"])
    answered = asyncio.Event()

    async def slowly(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    await page.route("**/rooms/beta/words", slowly)
    await page.get_by_role("heading", name="beta").click()
    await expect(page.locator("#panel-room")).to_have_text("beta")
    await expect(shown).to_have_count(0)
    answered.set()
    await expect(shown).to_have_text(["lottery"])


async def test_a_feed_stands_still_while_one_reads(visitors: Visitors, service: Deployment) -> None:
    bob = await _watch(visitors, service, "read", "bob")
    await _say(bob, "one")
    mod = await _console(visitors, service, "read")
    await _focus(mod, "one")
    await _say(bob, "two")
    newest = mod.get_by_role("button", name="1 new")
    await expect(newest).to_be_visible()
    await expect(_texts(mod)).to_have_text(["one"])
    await mod.keyboard.press("Escape")
    await expect(_texts(mod)).to_have_text(["one", "two"])
    await expect(newest).to_be_hidden()
    await mod.get_by_role("button", name="Pause").click()
    await expect(mod.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")
    await _say(bob, "three")
    await newest.click()
    await expect(_texts(mod)).to_have_text(["one", "two", "three"])
    await expect(mod.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "false")
    await expect(mod.locator(".feed")).to_be_focused()
    await mod.keyboard.press("ArrowDown")
    await expect(mod.locator(".entry", has_text="three")).to_be_focused()


async def test_raid_mode_is_one_press_and_another_moderator_sees_it(
    visitors: Visitors, service: Deployment
) -> None:
    bob = await _watch(visitors, service, "raid", "bob")
    await _say(bob, "hello")
    mod = await _console(visitors, service, "raid")
    ann = await _console(visitors, service, "raid", "ann")
    await mod.get_by_role("button", name="Raid mode").click()
    await expect(mod.locator(".raid-until")).to_contain_text("raid mode until")
    await expect(ann.locator(".raid-until")).to_contain_text("raid mode until")
    await ann.get_by_role("button", name="End raid mode").click()
    await expect(mod.locator(".raid-until")).to_be_hidden()


async def test_what_one_may_not_do_is_not_offered(visitors: Visitors, service: Deployment) -> None:
    bob = await _watch(visitors, service, "roles", "bob")
    await _say(bob, "hello")
    page = await visitors.open(f"{service.url}/console?room=roles#token={service.token('eve')}")
    await expect(page.locator(".column .outcome")).to_contain_text(
        "not moderate: This needs a moderator of the room"
    )
    await _focus(page, "hello")
    await expect(page.locator(".acts button:visible")).to_have_text(["Card"])
    await expect(page.locator("#clear-room")).to_be_hidden()
    await expect(page.locator("#panel-held .empty")).to_be_hidden()
    visitors.complaints.clear()  # the browser itself tells of each refusal

    streamer = service.token("ann", "streamer", "roles")
    status, _ = await service.call("PUT", "/v1/admin/rooms/roles/moderators/eve", {}, streamer)
    assert status == 200
    await page.reload()
    await _focus(page, "hello")
    await expect(page.locator(".acts button:visible")).to_have_text(["Delete", "Mute", "Ban", "Kick", "Card"])
    await expect(page.locator("#clear-room")).to_be_visible()
    await expect(page.locator("#panel-held .empty")).to_be_visible()
    await page.get_by_role("tab", name="Moderators").click()
    await expect(page.locator("#panel-moderators li")).to_contain_text("eve")
    await expect(page.get_by_role("button", name="Make a moderator")).to_be_hidden()


async def test_who_is_put_out_reads_why_and_comes_in_again(visitors: Visitors, service: Deployment) -> None:
    bob = await _watch(visitors, service, "out", "bob")
    await _say(bob, "hello")
    mod = await _console(visitors, service, "out")
    await expect(mod.locator(".entry .text")).to_have_text(["hello"])
    outcome = mod.locator(".column .outcome")
    admin = service.token("root", "admin")
    gone = {"uid": "mod", "reason": "rest"}
    assert (await service.call("POST", "/v1/admin/rooms/out/kicks", gone, admin))[0] == 200
    await expect(outcome).to_have_text("You were sent out of the room: rest. Add it again to come back.")
    await _say(bob, "not for the moderator")
    await mod.get_by_role("tab", name="Record").click()
    await expect(mod.locator("#panel-audit .act")).to_contain_text(["root kicked mod"])
    await expect(outcome).to_contain_text("Add it again")
    await mod.locator("#room-field").fill("out")
    await mod.locator("#room-field").press("Enter")
    await expect(mod.locator(".entry .text")).to_have_text(["hello", "not for the moderator"])
    await expect(outcome).to_be_empty()
    assert (await service.call("POST", "/v1/admin/rooms/out/bans", gone | {"seconds": 90}, admin))[0] == 200
    await expect(outcome).to_contain_text("You are banned for ")
    await expect(outcome).to_contain_text(": rest.")


async def test_a_login_is_renewed_and_one_that_expired_is_said(
    visitors: Visitors, service: Deployment
) -> None:
    authority = from_settings(service.data.with_secret(Settings()).auth)
    who = Identity("mod", "mod", Role.VIEWER, {"login": Role.MODERATOR})
    pair = authority.issue(who, time.time(), ttl_s=14)
    page = await visitors.open(f"{service.url}/console?room=login#token={pair.access}&refresh={pair.refresh}")
    await expect(page.locator("#connection-text")).to_have_text("live")
    await becomes(page, "token => sessionStorage['danmaku.token'] !== token", pair.access)
    assert await page.evaluate("sessionStorage['danmaku.refresh']") != pair.refresh
    await expect(page.locator("#console")).to_be_visible()

    short = authority.issue(who, time.time(), ttl_s=2).access
    await page.evaluate("token => (location.hash = `#token=${token}`)", short)
    await expect(page.locator("#sign-in-outcome")).to_contain_text("Your login expired at")
    visitors.complaints.clear()  # the browser itself tells of the refusal
    await page.get_by_label("Login token").fill(service.token("mod", "moderator", "login"))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("#connection-text")).to_have_text("live")


async def test_a_breach_of_the_policy_is_noticed_by_every_test_of_a_page(
    visitors: Visitors, service: Deployment
) -> None:
    page = await visitors.open(f"{service.url}/console")
    heard = page.wait_for_event("console", lambda message: "Content Security Policy" in message.text)
    script = "document.body.append(Object.assign(document.createElement('script'), { textContent: '1' }))"
    await asyncio.gather(heard, page.evaluate(script))
    [complaint] = visitors.complaints
    assert "Content Security Policy" in complaint
    visitors.complaints.clear()


async def test_the_form_has_all_settings_and_their_bounds(visitors: Visitors, service: Deployment) -> None:
    page = await visitors.open(f"{service.url}/console")
    rows = await page.evaluate("async () => (await import('/console/settings-table.js')).SETTINGS")
    assert {row["key"] for row in rows} == set(RoomSettings.__struct_fields__)
    bounds = {row["key"]: (row["least"], row["most"]) for row in rows if row["kind"] == "number"}
    assert bounds == SETTING_BOUNDS


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
async def test_the_tabs_stand_in_one_line_beside_the_tools(
    visitors: Visitors, service: Deployment, locale: str
) -> None:
    token = service.token("mod", "moderator")
    page = await visitors.open(f"{service.url}/console#token={token}", locale=locale)
    await expect(page.locator("#tab-held")).to_be_visible()
    await page.evaluate(FULL_BADGES)
    for width in (1200, 1280, 1501, 1920):
        await page.set_viewport_size({"width": width, "height": 720})
        assert await page.evaluate(TABS) == [1, True], width
    await page.locator("#tab-sanctions").click()
    await expect(page.locator("#panel-sanctions")).to_be_visible()


async def _watch(visitors: Visitors, service: Deployment, room: str, uid: str) -> Page:
    page = await visitors.open(f"{service.url}/?room={room}#token={service.token(uid)}")
    await expect(page.locator("#connection-text")).to_have_text("live")
    await expect(page.locator("#viewers")).not_to_have_text("–")
    return page


async def _console(visitors: Visitors, service: Deployment, room: str, uid: str = "mod") -> Page:
    token = service.token(uid, "moderator")
    page = await visitors.open(f"{service.url}/console?room={room}#token={token}", width=1400, height=900)
    await expect(page.locator("#connection-text")).to_have_text("live")
    return page


async def _say(page: Page, text: str) -> None:
    box = page.get_by_label("Your comment")
    await box.fill(text)
    await box.press("Enter")
    await expect(box).to_have_value("")
    await expect(page.locator("#list .text").last).to_have_text(text)


async def _focus(page: Page, text: str) -> None:
    """Walk to a comment."""
    entry = page.locator(".entry", has_text=text)
    await expect(entry).to_be_visible()
    await entry.focus()


def _texts(page: Page) -> Locator:
    return page.locator(".entry .text")


def _toast(page: Page) -> Locator:
    return page.locator(".toast").last
