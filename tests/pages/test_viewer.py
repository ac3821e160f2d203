"""What is the viewer's own on the page: what he does not want to see, his vote, his language, his theme."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, Route, expect

from danmaku import wire
from danmaku.wire import Comment, Notice, Ok, OpenPoll, Stats, Vote
from tests.pages.conftest import Visitors
from tests.pages.files import respond
from tests.pages.test_events import enter, items, now_ms, say
from tests.system.scripted import Visit, scripted
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Each turns round what stands behind it, where nothing holds it in.
TRICKS = [
    "\u202egnihton",
    "\u2067right\u2066",
    "\u202d<b>&amp;",
    "<style>*{display:none}</style>",
    "a\u0300" * 40,
]


async def test_who_and_what_is_blocked_is_not_seen(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        paid = wire.Paid("rude", "Rude", "buy this", 100, "USD", now_ms() + 60_000)
        await enter(
            visit, [paid], None, items(visit, 1, Comment("rude", "Rude", "bad"), Comment("u2", "bob", "good"))
        )
        more = ["I SPOIL the end", "ｓｐｏｉｌ it", "fine"]
        send = await visit.expect(wire.Send)
        await visit.say(
            Ok(send.id, shown=True),
            items(
                visit, 3, Comment("rude", "Rude", "worse"), *[Comment("u2", "bob", text) for text in more],
                Comment("u1", "ann", "I may spoil"), wire.Gift("rude", "Rude", "rose"),
            ),
        )  # fmt: skip
        send = await visit.expect(wire.Send)
        await visit.say(Ok(send.id, shown=True), items(visit, 9, Comment("rude", "Rude", "back again")))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await _shows(page, "bad", "good")
        await expect(page.locator("#pins")).to_contain_text("buy this")
        await page.locator("#list li", has_text="bad").click()
        await expect(page.locator("#person-uid")).to_have_text("rude")
        await page.get_by_role("button", name="Block Rude").click()
        await _shows(page, "good")
        await expect(page.locator("#pins")).to_be_hidden()
        await page.get_by_role("button", name="Settings").press("Enter")
        await page.get_by_label("Block a word").fill(" Spoil ")
        await page.keyboard.press("Enter")
        await expect(page.locator("#blocked-words")).to_have_text("Spoil✕")
        await page.get_by_label("Block somebody, by user id").fill("bad id!")
        await page.keyboard.press("Enter")
        await expect(page.locator("#blocks-outcome")).to_have_text("1 to 64 letters, digits, - or _")
        await expect(page.locator("#blocked-users")).to_have_text("Rude✕")
        await page.get_by_role("button", name="Done").press("Enter")
        await say(page, "more")
        await _shows(page, "good", "fine", "I may spoil")
        await page.get_by_role("button", name="Settings").click()
        await page.get_by_role("button", name="Show again: Rude").click()
        await expect(page.locator("#blocked-users")).to_have_text("Nobody is blocked.")
        await page.keyboard.press("Escape")
        await say(page, "again")
        await expect(page.locator("#list .text").last).to_have_text("back again")


async def test_comments_are_walked_and_picked_by_the_keyboard(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        said = [Comment(f"u{n}", f"name {n}", f"text {n}") for n in range(60)]
        await enter(visit, [], None, items(visit, 1, *said), head=1)
        await visit.expect(wire.Like)
        await visit.say(items(visit, 61, Comment("u2", "bob", "newer")))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        rows, focused = page.locator("#list li"), page.locator(":focus")
        await expect(rows).to_have_count(60)
        await _begin_to_walk(page)
        await page.keyboard.press("End")
        await expect(focused).to_contain_text("text 59")
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("Enter")
        await expect(page.locator("#person-uid")).to_have_text("u58")
        await page.keyboard.press("Escape")
        await expect(focused).to_contain_text("text 58")
        place = await page.evaluate("list.scrollTop")
        await page.locator("#like").evaluate("button => button.click()")
        await expect(rows).to_have_count(61)
        assert await page.evaluate("list.scrollTop") == place  # what is read stays where it is
        ends = "[document.activeElement, list].map((one) => one.getBoundingClientRect().bottom)"
        row, whole = await page.evaluate(ends)
        assert row <= whole
        await focused.press("End")
        await expect(focused).to_contain_text("newer")


async def test_keys_that_are_pressed_while_what_carries_them_out_is_loaded_are_carried_out(
    visitors: Visitors,
) -> None:
    asked, loaded = asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        said = [Comment(f"u{n}", f"name {n}", f"text {n}") for n in range(60)]
        await enter(visit, [], None, items(visit, 1, *said), head=1)

    async def late(route: Route) -> None:
        asked.set()
        await loaded.wait()
        await route.continue_()

    async with scripted(script, http=respond) as url:
        page = await visitors.open("about:blank")
        await page.route("**/walking.js", late)
        await page.goto(f"{url}/?room=demo")
        await expect(page.locator("#list li")).to_have_count(60)
        await page.locator("#list").focus()
        await asked.wait()
        for key in ("ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "Enter"):
            await page.keyboard.press(key)
        loaded.set()
        await expect(page.locator("#person-uid")).to_have_text("u58")
        await page.keyboard.press("Escape")
        await expect(page.locator(":focus")).to_contain_text("text 58")


async def test_new_comments_are_not_told_of_while_all_are_in_view(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit, [], None, items(visit, 1, Comment("u2", "bob", "first")), head=1)
        for seq, count in ((2, 3), (5, 60)):
            await visit.expect(wire.Like)
            said = [Comment("u2", "bob", f"text {n}") for n in range(seq, seq + count)]
            await visit.say(items(visit, seq, *said))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        rows, more, newest = page.locator("#list li"), page.locator("#like"), page.locator("#newest")
        await expect(rows).to_have_count(1)
        await _begin_to_walk(page)
        await page.keyboard.press("Home")
        await more.evaluate("button => button.click()")
        await expect(rows).to_have_count(4)
        await expect(rows.last).to_be_in_viewport(ratio=1)
        await expect(newest).to_be_hidden()
        await more.evaluate("button => button.click()")
        await expect(rows).to_have_count(64)
        await expect(newest).to_have_text("60 new ↓")
        await page.set_viewport_size({"width": 1200, "height": 3000})
        await expect(rows.last).to_be_in_viewport(ratio=1)
        await expect(newest).to_be_hidden()


async def test_who_walks_the_comments_keeps_his_place_when_rows_go(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        said = [Comment(f"u{n}", f"name {n}", f"text {n}") for n in range(60)]
        await enter(visit, [], None, items(visit, 1, *said), head=1)
        for first in (61, 256, 451):
            await visit.expect(wire.Like)
            await visit.say(
                items(visit, first, *[Comment("bob", "bob", f"{n}") for n in range(first, first + 195)])
            )

    async with scripted(script, http=respond) as url:
        page = await visitors.open("about:blank")
        await page.route("**/walking.js", lambda route: route.abort("connectionrefused"), times=1)
        await page.goto(f"{url}/?room=demo")
        rows, focused = page.locator("#list li"), page.locator(":focus")
        more = page.locator("#like")
        await expect(rows).to_have_count(60)
        async with page.expect_event("requestfailed"):
            await page.locator("#list").focus()
        await _begin_to_walk(page)
        await page.keyboard.press("Home")
        await page.keyboard.press("Enter")
        await page.locator("#person-block").press("Enter")
        await expect(focused).to_have_text("name 1text 1")
        await page.keyboard.press("End")
        await page.keyboard.press("Enter")
        await page.locator("#person-block").press("Enter")
        await expect(focused).to_have_text("name 58text 58")
        await page.keyboard.press("Home")
        await more.evaluate("button => button.click()")
        await expect(rows.last).to_contain_text("255")
        await expect(rows).to_have_count(200)
        await expect(focused).to_have_text("name 54text 54")  # the oldest that is left
        await page.keyboard.press("Enter")
        await more.evaluate("button => button.click()")
        await expect(rows.last).to_contain_text("450")
        await page.keyboard.press("Escape")
        await expect(page.locator("#list")).to_be_focused()
        await rows.last.click()
        await page.locator("#person-dialog .close").click()
        await more.evaluate("button => button.click()")
        await expect(rows.last).to_contain_text("645")
        await expect(rows.last).to_be_in_viewport()  # a click is no walk


async def test_the_focus_moves_once_when_many_rows_go(visitors: Visitors) -> None:
    count = "list.addEventListener('focusin', () => (globalThis.moved = (globalThis.moved ?? 0) + 1))"

    async def script(visit: Visit) -> None:
        who = ["ann", *["bob"] * 20, "cat"]
        said = items(visit, 1, *[Comment(uid, uid, f"text {n}") for n, uid in enumerate(who)])
        await enter(visit, [], None, said, head=1)
        for seq, recall in ((23, wire.Recall("moderator", uid="bob")), (24, wire.Recall("moderator"))):
            await visit.expect(wire.Like)
            await visit.say(items(visit, seq, recall))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        rows, focused = page.locator("#list li"), page.locator(":focus")
        more = page.locator("#like")
        await expect(rows).to_have_count(22)
        await _begin_to_walk(page)
        await page.keyboard.press("Home")
        await page.keyboard.press("ArrowDown")
        await expect(focused).to_contain_text("text 1")
        await page.evaluate(count)
        await more.evaluate("button => button.click()")
        await expect(focused).to_contain_text("text 21")  # the nearest that stays
        assert await page.evaluate("moved") == 1
        await more.evaluate("button => button.click()")
        await expect(page.locator("#list")).to_be_focused()
        assert await page.evaluate("moved") == 2


async def _begin_to_walk(page: Page) -> None:
    """What listens to the keys is loaded as the list has the focus."""

    async def is_loaded() -> bool:
        await page.locator("#like").focus()
        await page.locator("#list").focus()
        await page.keyboard.press("Shift")  # an arrow would scroll
        return await page.locator("#list li").first.get_attribute("tabindex") is not None

    await until(is_loaded)


async def test_a_vote_is_remembered_and_the_card_is_folded(visitors: Visitors) -> None:
    visits: list[Visit] = []

    async def script(visit: Visit) -> None:
        visits.append(visit)
        await enter(visit, [], OpenPoll("p1", "Next song?", ["one", "two"], [3, 1], now_ms() + 600_000))
        if len(visits) == 1:
            vote = await visit.expect(Vote)
            await visit.say(Ok(vote.id), Stats("demo", 0, 0, 9, 0, "p1", [3, 2]))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo", width=390, height=780)
        two = page.get_by_role("button", name="two")
        await two.click()
        await expect(two).to_have_attribute("aria-pressed", "true")
        until = re.compile(r"^5 votes · until (\d+/\d+/\d+ )?\d\d:\d\d:\d\d$")
        await expect(page.locator("#poll .hint")).to_have_text(until)
        await page.reload()
        await expect(two).to_have_attribute("aria-pressed", "true")
        await expect(page.get_by_role("button", name="one")).to_be_disabled()
        head = page.get_by_role("button", name="Next song?")
        await head.press("Enter")
        await expect(two).to_be_hidden()
        await expect(head).to_be_focused()
        await expect(head).to_have_attribute("aria-expanded", "false")


async def test_it_speaks_chinese(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await enter(
            visit,
            [],
            None,
            items(visit, 1, wire.SettingsChanged(visit.codec.value({"slow_s": 10, "members_only": True}))),
        )
        send = await visit.expect(wire.Send)
        await visit.say(
            wire.Err(send.id, 4004, "blocked_words", "the text holds words"),
            Notice("muted", "demo", "刷屏", 90_000),
        )

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo", locale="zh-TW")
        await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        await expect(page.locator("#connection-text")).to_have_text("已连接")
        await expect(page.locator("#list .note")).to_have_text(
            "房间新规则：慢速模式，两条弹幕间隔 10 秒，仅限会员"
        )
        await page.get_by_label("你的弹幕").fill("你好")
        await page.get_by_role("button", name="发送").click()
        await expect(page.locator("#list .note").last).to_have_text("你已被禁言，时长 90 秒：刷屏")
        await page.get_by_role("button", name="设置").click()
        await page.get_by_label("语言").select_option("English")
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        await expect(page.get_by_role("button", name="Send")).to_be_visible()


async def test_light_or_dark_is_as_one_wants_it(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit, [], None)

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        ground = "getComputedStyle(document.body).backgroundColor"
        light = await page.evaluate(ground)
        await page.emulate_media(color_scheme="dark")
        dark = await page.evaluate(ground)
        assert light != dark
        await page.get_by_role("button", name="Settings").click()
        await page.get_by_label("Colours").select_option("Light")
        assert await page.evaluate(ground) == light
        await page.reload()
        assert await page.evaluate(ground) == light


async def test_what_is_loaded_when_it_is_wanted_may_be_wanted_while_the_service_is_gone(
    visitors: Visitors,
) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit, [], None)

    async with scripted(script, http=respond) as url:
        page = await visitors.open("about:blank")
        for name in ("rooms", "block-lists"):
            await page.route(f"**/{name}.js", lambda route: route.abort("connectionrefused"), times=1)
        await page.goto(f"{url}/?room=demo")
        await expect(page.locator("#connection-text")).to_have_text("live")
        settings, done = page.get_by_role("button", name="Settings"), page.get_by_role("button", name="Done")
        await settings.click()
        await expect(page.get_by_label("Opacity")).to_be_visible()
        await expect(page.get_by_label("Block a word")).to_be_hidden()  # nothing would come of it
        await done.click()
        await settings.click()
        await expect(page.get_by_label("Block a word")).to_be_visible()
        await expect(page.get_by_label("Colours")).to_be_visible()
        await done.click()
        rooms = page.get_by_role("button", name="Room:")
        await rooms.click()
        await expect(page.locator("#rooms-list")).to_have_text("The list of rooms cannot be had right now.")
        await page.keyboard.press("Escape")
        await rooms.click()
        await expect(page.locator("#rooms-list button")).to_have_count(2)


async def test_what_does_not_need_the_service_is_there_while_what_does_is_still_loaded(
    visitors: Visitors,
) -> None:
    async def script(visit: Visit) -> None:
        said = [Comment(f"u{n}", f"name {n}", f"text {n}") for n in range(60)]
        await enter(visit, [], None, items(visit, 1, *said), head=1)

    async with scripted(script, script, http=respond) as url:
        page = await visitors.open("about:blank")
        for name in ("rooms", "block-lists", "walking"):
            await page.route(f"**/{name}.js", lambda _: asyncio.Event().wait())
        await page.goto(f"{url}/?room=demo")
        settings, done = page.get_by_role("button", name="Settings"), page.get_by_role("button", name="Done")
        await settings.click()
        await expect(page.get_by_label("Opacity")).to_be_visible()
        await done.click()

        rows = page.locator("#list")
        await expect(rows.locator("li")).to_have_count(60)
        await rows.focus()

        async def is_scrolled() -> bool:
            await page.keyboard.press("Home")
            return bool(await rows.evaluate("list => list.scrollTop === 0"))

        await until(is_scrolled)
        await page.get_by_role("button", name="Room:").click()
        field = page.get_by_label("Go to a room")
        await expect(field).to_be_focused()
        await field.fill("quiet")
        await field.press("Enter")
        await expect(page).to_have_url(f"{url}/?room=quiet")


@pytest.mark.parametrize(("width", "height"), [(320, 568), (320, 640), (390, 844), (1200, 720)])
async def test_a_poll_is_all_in_view(visitors: Visitors, width: int, height: int) -> None:
    async def script(visit: Visit) -> None:
        later = now_ms() + 600_000
        text = "Second half starts at nine. Tonight: songs you asked for."
        pin = wire.Announce(text, "s", "Mira", until=later)
        await enter(visit, [pin], OpenPoll("p1", "Next song?", ["one", "two", "three"], [3, 1, 0], later))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo", width=width, height=height)
        await expect(page.locator("#poll .option")).to_have_count(3)
        seen = """all => all.map((one) => {
            const { left, right, top, bottom } = one.getBoundingClientRect();
            const corners = [[left + 9, top + 2], [right - 9, bottom - 2]];
            return corners.every(([x, y]) => one.contains(document.elementFromPoint(x, y)));
        })"""
        parts = page.locator("#poll :is(.question-button, .option, .hint)")
        assert await parts.evaluate_all(seen) == [True] * 5
        assert await page.locator("#pins li").evaluate_all(seen) == [True]


async def test_a_phone_on_its_side_has_the_comments_beside_the_picture(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit, [], None, items(visit, 1, Comment("u2", "bob", "good")))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo", width=844, height=390)
        await _shows(page, "good")
        picture, side = [await page.locator(one).bounding_box() for one in ("#theatre", ".side")]
        assert picture is not None
        assert side is not None
        assert picture["x"] + picture["width"] <= side["x"]
        assert min(picture["height"], side["height"]) > 200


async def test_tricks_in_names_and_texts_turn_nothing_round(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        later = now_ms() + 600_000
        pins: list[wire.Item] = [wire.Announce(TRICKS[0], "s", TRICKS[0], until=later)]
        pins += [wire.Paid(f"p{n}", trick, trick, 5, "USD", later) for n, trick in enumerate(TRICKS)]
        said = [Comment(f"u{n}", trick, trick) for n, trick in enumerate(TRICKS)]
        gifts = [wire.Gift(f"g{n}", trick, trick, 2, trick) for n, trick in enumerate(TRICKS)]
        poll = OpenPoll("p", TRICKS[0], TRICKS, [1] * len(TRICKS), later)
        await enter(
            visit, pins, poll, items(visit, 1, *said, *gifts, wire.Announce(TRICKS[0], name=TRICKS[1]))
        )

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo", locale="en-US")
        await expect(page.locator("#list li")).to_have_count(2 * len(TRICKS) + 1)
        assert await page.locator("#list .text").all_text_contents() == [
            *TRICKS, *[text for trick in TRICKS for text in (f"gives {trick} ", trick)], TRICKS[0],
        ]  # fmt: skip
        loose = """() => {
            const marks = /\\p{Bidi_Control}/u;
            const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            const found = [];
            while (walk.nextNode()) {
                const box = walk.currentNode.parentElement;
                const isHeld = getComputedStyle(box).unicodeBidi.includes("isolate") || box.dir === "auto";
                if (marks.test(walk.currentNode.data) && !isHeld) found.push(box.outerHTML);
            }
            return found;
        }"""
        assert await page.evaluate(loose) == []
        assert await page.locator("style, #list img").count() == 0


async def _shows(page: Page, *wanted: str) -> None:
    await expect(page.locator("#list .text")).to_have_text(list(wanted))
