"""What stays in view on the page: pinned announcements, paid comments, the poll."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from danmaku import wire
from danmaku.errors import CONFLICT, MUTED
from danmaku.wire import At, Batch, Err, Join, Ok, OpenPoll, Pinned, Stats, Vote
from tests.pages.conftest import Visitors
from tests.pages.files import respond
from tests.system.scripted import Visit, scripted
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

_CLAIMS = base64.urlsafe_b64encode(json.dumps({"sub": "ann", "exp": 2**33}).encode()).decode().rstrip("=")
ANN = f"x.{_CLAIMS}.x"
EPOCH = 1_767_225_600_000
WAITS = "Not connected: sent if that ends within 10 s"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def items(visit: Visit, seq: int, *items: wire.Item) -> Batch:
    before = At(0, 0) if seq == 1 else None
    return Batch("demo", EPOCH, seq, now_ms(), [visit.codec.value(item) for item in items], before)


async def enter(
    visit: Visit,
    pinned: list[wire.Item],
    poll: OpenPoll | None,
    *meanwhile: Batch,
    head: int = 0,
    complete: bool = True,
    role: str = "viewer",
    rules: dict[str, Any] | None = None,
) -> None:
    hello = await visit.expect(wire.Hello)
    who: dict[str, Any] = {"uid": "u1", "name": "ann", "role": role, "session": "s"}
    await visit.say(Ok(hello.id, **who, heartbeat_ms=20_000, server_time=now_ms()))
    join = await visit.expect(Join)
    codec = visit.codec
    pins = [Pinned(EPOCH - 1, seq + 1, 1, codec.value(item)) for seq, item in enumerate(pinned)]
    view: dict[str, Any] = {"pinned": codec.value(pins)} if pins else {}
    if poll is not None:
        view["poll"] = codec.value(poll)
    settings, history = codec.value(rules or {}), codec.value(list(meanwhile))
    about: dict[str, Any] = {"viewers": 1, "likes": 0, "settings": settings, "history": history}
    epoch = EPOCH if head else 0
    await visit.say(Ok(join.id, room="demo", epoch=epoch, seq=head, complete=complete, **about, **view))


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Your comment").fill(text)
    await page.get_by_role("button", name="Send").click()


async def test_what_is_pinned_stays_until_its_time_is_over(visitors: Visitors) -> None:
    evil = "<b>Back in five</b>"

    async def script(visit: Visit) -> None:
        soon, later = now_ms() + 6000, now_ms() + 600_000
        await enter(
            visit, [wire.Announce(evil, "boss", "Boss", until=later), wire.Announce("over", until=1)], None
        )
        paid = wire.Paid("u2", "bob", "go!", 5000, "USD", soon)
        await visit.say(items(visit, 1, paid, wire.Paid("u3", "cat", "yay", 500, "JPY")))
        send = await visit.expect(wire.Send)
        newer = wire.Announce("newer", "boss", "Boss", until=later)
        await visit.say(Ok(send.id, shown=True), items(visit, 3, newer))
        send = await visit.expect(wire.Send)
        await visit.say(Ok(send.id, shown=True), items(visit, 4, wire.Unpinned()))
        send = await visit.expect(wire.Send)
        two = [wire.Paid(uid, uid, "hi", 500, "USD", later) for uid in ("bob", "cat")]
        await visit.say(Ok(send.id, shown=True), items(visit, 5, *two))
        send = await visit.expect(wire.Send)
        recall = wire.Recall("moderator", At(EPOCH, 5))
        await visit.say(Ok(send.id, shown=True), items(visit, 7, recall))
        send = await visit.expect(wire.Send)
        recall = wire.Recall("moderator", uid="cat")
        await visit.say(Ok(send.id, shown=True), items(visit, 8, recall))
        send = await visit.expect(wire.Send)
        rocket = wire.Gift("dan", "dan", "rocket", 2, "for you", 20_000, "JPY", later + 1000)
        rose = wire.Gift("eve", "", "rose", amount=999, currency="USD", until=later)
        plain = wire.Gift("fred", "fred", "rose", 3)
        await visit.say(Ok(send.id, shown=True), items(visit, 9, rocket, rose, plain))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        pins = page.locator("#pins li")
        await expect(pins).to_have_text([f"Boss{evil}", "bob$50.00go!"])
        await expect(page.locator("#list .paid")).to_have_text(["bob$50.00go!", "cat¥500yay"])
        await expect(pins).to_have_count(1)
        await say(page, "next")
        await expect(pins).to_have_text(["Bossnewer"])
        await say(page, "down")
        await expect(pins).to_have_count(0)
        await say(page, "pay")
        await expect(pins).to_have_text(["bob$5.00hi", "cat$5.00hi"])
        await say(page, "recall")
        await expect(pins).to_have_text(["cat$5.00hi"])
        await say(page, "recall all of a user")
        await expect(page.locator("#pins")).to_be_hidden()
        await say(page, "give")
        await expect(pins).to_have_text(["dan¥20,000rocket × 2for you", "eve$9.99rose × 1"])
        given = ["dangives rocket × 2 ¥20,000 for you", "evegives rose × 1 $9.99", "fredgives rose × 3"]
        await expect(page.locator("#list .gift")).to_have_text(given)


async def test_a_poll_is_voted_in_and_closed(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit, [], OpenPoll("p1", "Next song?", ["one", "two"], [3, 1]))
        vote = await visit.expect(Vote)
        assert (vote.room, vote.poll, vote.option) == ("demo", "p1", 1)
        await visit.say(Err(vote.id, CONFLICT.code, "conflict", "you have voted for something else"))
        vote = await visit.expect(Vote)
        assert vote.option == 0
        await visit.say(Ok(vote.id), Stats("demo", 0, 0, 9, 0, "p1", [4, 1]))
        send = await visit.expect(wire.Send)
        await visit.say(Ok(send.id, shown=True), items(visit, 1, wire.PollClosed("p1", [6, 2])))
        await visit.expect(wire.Like)
        await visit.say(items(visit, 2, wire.Poll("p2", "Who?", ["a", "b", "c"])))
        await visit.expect(wire.Like)
        await visit.say(Stats("demo", 0, 2, 9, 2, "p2", [1, 0, 0]))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo", width=390, height=780)
        card = page.get_by_role("region", name="Poll")
        one, two = card.get_by_role("button", name="one"), card.get_by_role("button", name="two")
        await expect(card.get_by_role("heading")).to_have_text("Next song?")
        await expect(one).to_have_text("one75 %")
        ground = await card.evaluate("card => getComputedStyle(card).backgroundColor")
        assert ground.startswith("rgb(")  # nothing that flies is seen through it
        await two.click()
        await expect(card.locator(".hint")).to_have_text("You have voted for something else")
        await one.focus()
        await page.keyboard.press("Enter")
        await expect(one).to_have_attribute("aria-pressed", "true")
        await expect(one).to_have_text("one80 %")
        ground = await one.evaluate("button => getComputedStyle(button).backgroundImage")
        assert "gradient" in ground  # that of all options, in both themes
        await expect(two).to_be_disabled()
        await expect(card.locator(".hint")).to_have_text("5 votes")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await say(page, "close it")
        await expect(card.locator(".hint")).to_have_text("8 votes · closed")
        await expect(one).to_be_disabled()
        await page.locator("#like").click()
        await expect(card.get_by_role("heading")).to_have_text("Who?")
        options = card.locator("button.option")
        await expect(options).to_have_text(["a0 %", "b0 %", "c0 %"])
        await options.first.evaluate("button => (button.isTheSame = true)")
        await page.locator("#like").click()
        await expect(options.first).to_have_text("a100 %")
        assert await options.first.evaluate("button => button.isTheSame")  # no press is lost to votes


async def test_ones_own_vote_is_counted_at_once_and_once(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit, [], OpenPoll("p1", "Next song?", ["one", "two"], [0, 0]))
        vote = await visit.expect(Vote)
        await visit.say(Ok(vote.id))
        again = await visit.expect(Vote)
        await visit.say(Ok(again.id))
        send = await visit.expect(wire.Send)
        await visit.say(Ok(send.id, shown=True), items(visit, 1, wire.Poll("p2", "Who?", ["a", "b"])))
        vote = await visit.expect(Vote)
        await visit.say(Stats("demo", 0, 1, 9, 0, "p2", [1, 2]), Ok(vote.id))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        card = page.get_by_role("region", name="Poll")
        options = card.locator("button.option")
        await options.first.click()
        await expect(options).to_have_text(["one100 %", "two0 %"])
        await options.first.click()  # again
        await expect(card.locator(".hint")).to_have_text("1 vote")
        await say(page, "and now?")
        await expect(card.get_by_role("heading")).to_have_text("Who?")
        await options.first.click()
        await expect(options.first).to_have_attribute("aria-pressed", "true")
        await expect(card.locator(".hint")).to_have_text("3 votes")


async def test_who_votes_while_not_connected_is_told_and_what_was_told_goes_when_he_is(
    visitors: Visitors,
) -> None:
    back = asyncio.Event()
    poll = OpenPoll("p1", "Next song?", ["one", "two"], [0, 3])

    async def script(visit: Visit) -> None:
        await enter(visit, [], poll)
        await visit.expect(wire.Like)
        visit.cut()

    async def again(visit: Visit) -> None:
        await back.wait()
        await enter(visit, [], poll)
        vote = await visit.expect(Vote)
        await visit.say(Err(vote.id, MUTED.code, "muted", MUTED.text))
        await visit.expect(wire.Like)
        await visit.close(4000, "draining")

    async def at_last(visit: Visit) -> None:
        await enter(visit, [], poll)

    async with scripted(script, again, at_last, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        hint = page.locator("#poll .hint")
        await expect(hint).to_have_text("3 votes")
        await page.locator("#like").click()
        await expect(page.locator("#connection-text")).not_to_have_text("live")
        await page.locator("#poll-option-0").click()
        await expect(hint).to_have_text(WAITS)
        await expect(page.locator("#voice")).to_have_text(WAITS)
        back.set()
        await expect(hint).to_have_text("You are muted")
        await expect(page.locator("#voice")).to_have_text("You are muted")
        await page.locator("#like").click()
        await expect(hint).to_have_text("3 votes")


async def test_what_is_read_aloud_of_a_vote_that_waits_goes_when_it_comes_through(
    visitors: Visitors,
) -> None:
    back = asyncio.Event()
    poll = OpenPoll("p1", "Next song?", ["one", "two"], [0, 3])

    async def script(visit: Visit) -> None:
        await enter(visit, [], poll)
        await visit.expect(wire.Like)
        visit.cut()

    async def again(visit: Visit) -> None:
        await back.wait()
        await enter(visit, [], poll)
        vote = await visit.expect(Vote)
        await visit.say(Ok(vote.id))

    async with scripted(script, again, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        option, voice = page.locator("#poll-option-0"), page.locator("#voice")
        await page.locator("#like").click()
        await expect(page.locator("#connection-text")).not_to_have_text("live")
        await option.click()
        await expect(voice).to_have_text(WAITS)
        back.set()
        await expect(page.locator("#poll .hint")).to_have_text("4 votes")
        await expect(voice).to_have_text("")
        await expect(option).to_be_focused()  # which tells that it is pressed
        await expect(option).to_have_attribute("aria-pressed", "true")


async def test_who_was_sent_out_and_is_not_connected_is_not_told_that_his_vote_waits(
    visitors: Visitors,
) -> None:
    collect = """() => {
      globalThis.said = [];
      const texts = ({ addedNodes }) => [...addedNodes].map((node) => node.textContent);
      const collect = (records) => said.push(...records.flatMap(texts));
      new MutationObserver(collect).observe(poll, { childList: true, subtree: true });
    }"""

    async def script(visit: Visit) -> None:
        await enter(visit, [], OpenPoll("p1", "Next song?", ["one", "two"], [0, 3]))
        await visit.say(wire.Notice("kicked", "demo", "rude"))
        await expect(page.locator("#like")).to_be_disabled()
        visit.cut()

    async def again(_: Visit) -> None:
        await asyncio.Event().wait()

    async with scripted(script, again, http=respond) as url:
        page = await visitors.open("about:blank")
        await page.goto(f"{url}/?room=demo")
        await expect(page.locator("#like")).to_be_disabled()
        await expect(page.locator("#connection-text")).not_to_have_text("live")
        await page.evaluate(collect)
        await page.locator("#poll-option-0").click()
        out = "You are out of this room"
        await expect(page.locator("#poll .hint")).to_have_text(out)
        said = await page.evaluate("said.join()")
        assert out in said
        assert WAITS not in said


async def test_a_guest_sees_how_a_poll_stands_and_has_nothing_to_press(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        poll = OpenPoll("p1", "Next song?", ["one", "two"], [3, 1])
        await enter(visit, [], poll, role="guest")
        send = await visit.expect(wire.Send)
        await visit.say(Ok(send.id, shown=True), Stats("demo", 0, 0, 9, 0, "p1", [4, 1]))
        send = await visit.expect(wire.Send)
        await visit.say(Ok(send.id, shown=True), items(visit, 1, wire.PollClosed("p1", [6, 2])))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo", width=390, height=780)
        card = page.get_by_role("region", name="Poll")
        await expect(card.get_by_role("listitem")).to_have_text(["one75 %", "two25 %"])
        await expect(card.locator(".hint")).to_have_text("4 votes · log in to vote")
        await expect(card.locator("button.option")).to_have_count(0)
        await say(page, "count")
        await expect(card.get_by_role("listitem")).to_have_text(["one80 %", "two20 %"])
        await say(page, "close")
        await expect(card.locator(".hint")).to_have_text("8 votes · closed")
        await expect(card.locator("button.option")).to_have_count(0)


async def test_a_guest_who_wants_to_vote_logs_in(visitors: Visitors) -> None:
    poll = OpenPoll("p1", "Next song?", ["one", "two"], [3, 1])

    async def guest(visit: Visit) -> None:
        await enter(visit, [], poll, role="guest")

    async def ann(visit: Visit) -> None:
        await enter(visit, [], poll)
        vote = await visit.expect(Vote)
        await visit.say(Ok(vote.id))

    async with scripted(guest, ann, http=respond) as url:
        page = await visitors.open("about:blank")
        await page.route("**/v1/rooms/demo/polls/p1", lambda route: route.fulfill(json={"voted": None}))
        await page.goto(f"{url}/?room=demo")
        await page.get_by_role("button", name="log in to vote").press("Enter")
        await expect(page.get_by_label("Login token")).to_be_focused()
        await page.keyboard.type(ANN)
        await page.keyboard.press("Enter")
        two = page.get_by_role("button", name="two")
        await expect(two).to_be_visible()
        await expect(page.locator("#poll-head")).to_be_focused()
        await expect(page.locator("#poll .hint")).to_have_text("4 votes")
        await two.press("Enter")
        await expect(two).to_have_attribute("aria-pressed", "true")


async def test_a_pinned_announcement_has_three_lines_on_a_small_screen(visitors: Visitors) -> None:
    lines_of = "(box) => Math.round(box.clientHeight / parseFloat(getComputedStyle(box).lineHeight))"

    async def script(visit: Visit) -> None:
        later = now_ms() + 600_000
        await enter(
            visit, [wire.Announce("We go on in five minutes. " * 20, "boss", "Boss", until=later)], None
        )
        send = await visit.expect(wire.Send)
        short = wire.Announce("We go on in five minutes, so stay, please", "boss", "Boss", until=later)
        await visit.say(Ok(send.id, shown=True), items(visit, 1, short))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo", width=390, height=780)
        lines = page.locator("#pins .lines")
        await expect(lines).to_contain_text("We go on")
        assert await lines.evaluate(lines_of) == 3
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await say(page, "shorter")
        await expect(lines).to_contain_text("stay, please")
        assert await lines.evaluate(lines_of) in (2, 3)  # as fonts are
        assert await lines.evaluate("(box) => box.scrollHeight <= box.clientHeight")


@pytest.mark.parametrize(("width", "height"), [(320, 568), (390, 844), (844, 390)])
async def test_banners_lie_over_nothing_to_press_on_a_small_screen(
    visitors: Visitors, width: int, height: int
) -> None:
    async def script(visit: Visit) -> None:
        later = now_ms() + 600_000
        pin = wire.Announce("Second half starts at nine. Tonight: songs you asked for.", "s", until=later)
        poll = OpenPoll("p1", "Next song?", ["one", "two", "three"], [3, 1, 0], later)
        long = "A rather long announcement of what comes next, so that it needs some lines on a phone"
        said = [wire.Announce(f"{long} {n}", "s", "mira") for n in range(3)]
        await enter(visit, [pin], poll, items(visit, 1, *said), head=1)

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo", width=width, height=height)
        await expect(page.locator("#banners .banner")).to_have_count(3)
        await expect(page.locator("#poll-head")).to_be_visible()
        hidden = """() => {
            const box = (one) => one.getBoundingClientRect();
            const over = (one, other) => one.left < other.right && one.right > other.left
                && one.top < other.bottom && one.bottom > other.top;
            const banners = [...document.querySelectorAll(".banner")].map(box);
            return [...document.querySelectorAll("button, input")].filter((one) => one.checkVisibility())
                .filter((one) => !one.closest(".options"))
                .filter((one) => banners.some((banner) => over(banner, box(one)))).map((one) => one.id);
        }"""
        assert await page.evaluate(hidden) == []
        bottoms = "all => all.map((one) => one.getBoundingClientRect().bottom)"
        last, tools = await page.locator(".banner:last-child, #like").evaluate_all(bottoms)
        assert last < tools
        if height > 500:
            first = page.get_by_role("button", name="one")
            await first.click(trial=True)


async def test_what_came_after_the_board_counts(visitors: Visitors) -> None:
    """An owner tells what is in view a moment before the history that a joiner is shown."""

    async def script(visit: Visit) -> None:
        later = now_ms() + 600_000
        pins: list[wire.Item] = [
            wire.Announce("old", "boss", "Boss", until=later),
            wire.Paid("u2", "bob", "bad words", 5000, "USD", later),
        ]
        new = wire.Announce("new", "boss", "Boss", until=later)
        history = items(
            visit, 1, new, wire.Recall("moderator", At(EPOCH - 1, 2)), wire.PollClosed("p1", [6, 2])
        )
        poll = OpenPoll("p1", "Next song?", ["one", "two"], [3, 1])
        await enter(visit, pins, poll, history, head=3)

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#pins li")).to_have_text(["Bossnew"])
        await expect(page.locator("#poll .hint")).to_have_text("8 votes · closed")


async def test_what_came_of_a_poll_long_ago_is_not_told_again(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        poll, closed = wire.Poll("p1", "Next song?", ["one", "two"]), wire.PollClosed("p1", [6, 2])
        long_ago = items(visit, 1, poll, closed, wire.Comment("u4", "dan", "hello"))
        long_ago.at -= 480_000
        await enter(visit, [], None, long_ago, head=3)

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#list .text")).to_have_text(["hello"])
        await expect(page.locator("#poll")).to_be_hidden()


@pytest.mark.parametrize("ahead_ms", [-60_000, 60_000])
async def test_what_came_of_a_poll_is_told_as_long_whatever_the_owners_clock_says(
    visitors: Visitors, ahead_ms: int
) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        await visit.expect(wire.Like)
        poll, closed = wire.Poll("p1", "Next song?", ["one", "two"]), wire.PollClosed("p1", [6, 2])
        batch = items(visit, 1, poll, closed)
        batch.at += ahead_ms
        await visit.say(batch)

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo", clocked=True)
        await page.locator("#like").click()
        await page.clock.run_for(2_000)  # likes are gathered
        await expect(page.locator("#poll .hint")).to_have_text("8 votes · closed")
        await page.clock.run_for(21_000)
        await expect(page.locator("#poll")).to_be_hidden()


async def test_after_a_long_absence_nothing_old_is_left(visitors: Visitors) -> None:
    """What was taken back or closed meanwhile is told no more."""

    async def before(visit: Visit) -> None:
        await enter(visit, [], OpenPoll("p1", "Next song?", ["one", "two"], [3, 1]))
        paid = wire.Paid("u2", "bob", "bad words", 5000, "USD", now_ms() + 600_000)
        await visit.say(items(visit, 1, paid, wire.Comment("u3", "cat", "worse words")))
        await visit.expect(wire.Like)
        await visit.close(4000, "draining")

    async def after(visit: Visit) -> None:
        newest = items(visit, 50, wire.Comment("u4", "dan", "hello"))
        await enter(visit, [], None, newest, head=50, complete=False)

    async with scripted(before, after, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        rows = page.locator("#list li")
        await expect(page.locator("#pins li")).to_have_count(1)
        await expect(rows).to_have_count(2)
        await page.locator("#like").click()
        await expect(rows).to_have_text(["47 or more comments cannot be had any more", "danhello"])
        await expect(page.locator("#pins")).to_be_hidden()
        await expect(page.locator("#poll")).to_be_hidden()


async def test_nor_is_it_in_the_studio(visitors: Visitors) -> None:
    async def before(visit: Visit) -> None:
        pins: list[wire.Item] = [wire.Announce("old", "boss", "Boss", until=now_ms() + 600_000)]
        await enter(visit, pins, OpenPoll("p1", "Next song?", ["one", "two"], [3, 1]))
        await visit.expect(wire.Send)
        await visit.close(4000, "draining")

    async def after(visit: Visit) -> None:
        newest = items(visit, 50, wire.Comment("u4", "dan", "hello"))
        await enter(visit, [], None, newest, head=50, complete=False)
        send = await visit.expect(wire.Send)
        await visit.say(Ok(send.id, shown=True))

    async with scripted(before, after, http=respond) as url:
        page = await visitors.open(f"{url}/studio?room=demo#token={ANN}")
        await expect(page.locator("#pinned-text")).to_have_text("old")
        await expect(page.locator("#poll")).to_contain_text("4 votes so far")
        await page.locator("#say-text").fill("still here")
        await page.locator("#say-text").press("Enter")
        await expect(page.locator("#say-text")).to_have_value("")
        await expect(page.locator("#poll")).to_contain_text("Over, with 4 votes")
        await expect(page.locator("#pinned")).to_be_hidden()
    visitors.complaints.clear()  # nobody answers the API here


async def test_after_a_long_absence_the_studio_says_what_is_new_against_the_rules_it_found(
    visitors: Visitors,
) -> None:
    async def before(visit: Visit) -> None:
        await enter(visit, [], None)
        await visit.expect(wire.Send)
        await visit.close(4000, "draining")

    async def after(visit: Visit) -> None:
        rules: dict[str, Any] = {"slow_s": 7}
        newest = items(visit, 50, wire.Comment("u4", "dan", "hello"))
        await enter(visit, [], None, newest, head=50, complete=False, rules=rules)
        send = await visit.expect(wire.Send)
        changed = wire.SettingsChanged(visit.codec.value(rules | {"links": "refuse"}))
        await visit.say(Ok(send.id, shown=True), items(visit, 51, changed))

    async with scripted(before, after, http=respond) as url:
        page = await visitors.open(f"{url}/studio?room=demo#token={ANN}")
        await expect(page.locator("#connection-text")).to_have_text("live")
        await page.locator("#say-text").fill("still here")
        await page.locator("#say-text").press("Enter")
        await expect(page.locator(".entry.note .text").last).to_have_text("New rules here: no links")
    visitors.complaints.clear()  # nobody answers the API here


async def test_who_says_something_in_the_studio_while_not_connected_is_told_at_once(
    visitors: Visitors,
) -> None:
    back, gone = asyncio.Event(), asyncio.Event()

    async def before(visit: Visit) -> None:
        await enter(visit, [], None)
        await gone.wait()
        visit.cut()

    async def after(visit: Visit) -> None:
        await back.wait()
        await enter(visit, [], None)
        send = await visit.expect(wire.Send)
        await visit.say(Ok(send.id, shown=True))

    async with scripted(before, after, http=respond) as url:
        page = await visitors.open(f"{url}/studio?room=demo#token={ANN}")
        await expect(page.locator("#connection-text")).to_have_text("live")
        gone.set()
        await expect(page.locator("#connection-text")).not_to_have_text("live")
        await page.locator("#say-text").fill("still here")
        await page.locator("#say-text").press("Enter")
        await expect(page.locator("#say-outcome")).to_have_text(WAITS)
        await expect(page.locator("#say-text")).to_have_attribute("placeholder", "still here")
        back.set()
        await expect(page.locator("#say-outcome")).to_be_empty()
        await expect(page.locator("#say-text")).to_have_value("")
    visitors.complaints.clear()  # nobody answers the API here


async def test_what_waits_in_the_studio_goes_out_where_only_another_token_was_needed(
    visitors: Visitors,
) -> None:
    renewing, renewed = asyncio.Event(), asyncio.Event()

    async def expired(visit: Visit) -> None:
        await enter(visit, [], None)
        await visit.close(4401, "the token has expired")

    async def again(visit: Visit) -> None:
        await enter(visit, [], None)
        send = await visit.expect(wire.Send)
        await visit.say(Ok(send.id, shown=True))

    async def renew(route: Route) -> None:
        renewing.set()
        await renewed.wait()
        await route.fulfill(json={"access_token": ANN, "refresh_token": "next"})

    async with scripted(expired, again, http=respond) as url:
        page = await visitors.open("about:blank")
        await page.route("**/v1/tokens/refresh", renew)
        await page.goto(f"{url}/studio?room=demo#token={ANN}&refresh=first")
        await renewing.wait()
        await expect(page.locator("#connection-text")).to_contain_text("refused: ")
        await page.locator("#say-text").fill("still here")
        await page.locator("#say-text").press("Enter")
        await expect(page.locator("#say-outcome")).to_have_text(WAITS)
        await expect(page.locator("#say-text")).to_have_attribute("placeholder", "still here")
        renewed.set()
        await expect(page.locator("#say-outcome")).to_be_empty()
        await expect(page.locator("#say-text")).to_have_value("")
    visitors.complaints.clear()  # nobody answers the API here


async def test_who_says_something_in_the_studio_that_will_not_be_connected_again_is_not_told_to_wait(
    visitors: Visitors,
) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        await visit.close(4409, "replaced")

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/studio?room=demo#token={ANN}")
        await expect(page.locator("#connection-text")).to_contain_text("refused: ")
        await page.locator("#say-text").fill("is anybody there?")
        await page.locator("#say-text").press("Enter")
        await expect(page.locator("#say-outcome")).to_have_text("Replaced")
        await expect(page.locator("#say-text")).to_have_value("is anybody there?")
    visitors.complaints.clear()  # nobody answers the API here


async def test_who_was_never_in_the_studios_room_waits_no_longer_than_he_is_told(visitors: Visitors) -> None:
    over = asyncio.Event()

    async def silent(visit: Visit) -> None:
        await visit.expect(wire.Hello)
        await over.wait()

    async with scripted(silent, silent, http=respond) as url:
        page = await visitors.open(f"{url}/studio?room=demo#token={ANN}")
        await expect(page.locator("#connection-text")).to_have_text("connecting…")
        await page.locator("#say-text").fill("anybody?")
        await page.locator("#say-text").press("Enter")
        await expect(page.locator("#say-outcome")).to_have_text(WAITS)
        await expect(page.locator("#say-outcome")).to_have_text("No answer came: press Send to try again")
        await expect(page.locator("#say-text")).to_have_value("anybody?")
        over.set()
    visitors.complaints.clear()  # nobody answers the API here


async def test_the_studio_looks_into_a_lost_network_at_once(visitors: Visitors) -> None:
    visits: list[Visit] = []
    over = asyncio.Event()

    async def script(visit: Visit) -> None:
        visits.append(visit)
        await enter(visit, [], None)
        await over.wait()

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/studio?room=demo#token={ANN}")
        await expect(page.locator("#connection-text")).to_have_text("live")
        await page.evaluate("dispatchEvent(new Event('offline'))")
        await until(lambda: visits[0].pings == 1, 10)  # before the next heartbeat
        over.set()
    visitors.complaints.clear()  # nobody answers the API here


async def test_who_is_sent_out_of_the_studios_room_as_he_comes_in_is_told_that(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        hello = await visit.expect(wire.Hello)
        who: dict[str, Any] = {"uid": "u1", "name": "ann", "role": "viewer", "session": "s"}
        await visit.say(Ok(hello.id, **who, heartbeat_ms=20_000, server_time=now_ms()))
        join = await visit.expect(Join)
        kicked = wire.Notice(kind="kicked", room="demo", reason="rest")
        await visit.say(kicked, Ok(join.id, room="demo", epoch=EPOCH, seq=1))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/studio?room=demo#token={ANN}")
        await expect(page.locator("#room-outcome")).to_have_text("You were sent out of the room: rest")
    visitors.complaints.clear()  # nobody answers the API here


async def test_who_was_sent_out_is_told_that_in_the_studio_and_not_to_wait_where_the_connection_is_lost(
    visitors: Visitors,
) -> None:
    gone, back = asyncio.Event(), asyncio.Event()

    async def before(visit: Visit) -> None:
        await enter(visit, [], None)
        await visit.say(wire.Notice(kind="kicked", room="demo", reason="rest"))
        await gone.wait()
        visit.cut()

    async def after(visit: Visit) -> None:
        await back.wait()

    async with scripted(before, after, http=respond) as url:
        page = await visitors.open(f"{url}/studio?room=demo#token={ANN}")
        await expect(page.locator("#room-outcome")).to_have_text("You were sent out of the room: rest")
        gone.set()
        await expect(page.locator("#connection-text")).not_to_have_text("live")
        await page.locator("#say-text").fill("still here")
        await page.locator("#say-text").press("Enter")
        await expect(page.locator("#say-outcome")).to_have_text("You were sent out of the room: rest")
        await expect(page.locator("#say-text")).to_have_value("still here")
        back.set()
    visitors.complaints.clear()  # nobody answers the API here
