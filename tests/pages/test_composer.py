"""The box to write comments: what it says of a text, and what it does about one that nobody answered."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, Route, expect
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from danmaku import wire
from danmaku.errors import BLOCKED_WORDS, FORBIDDEN, HELD_FOR_REVIEW, MUTED, SLOW_MODE, UNAUTHORIZED
from danmaku.model import Position
from danmaku.wire import Comment, Err, Leave, Like, Ok, Send
from tests.pages.conftest import Visitors
from tests.pages.files import respond
from tests.pages.test_events import ANN, enter, items, say
from tests.pages.test_page import EPOCH, refused, welcome
from tests.system.scripted import Visit, scripted
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

BEFORE_ANSWERS_ARE_LATE_MS = 8_000
UNANSWERED = "No answer came: press Send to try again"
WAITS = "Not connected: sent if that ends within 10 s"
_COLLECT_OUTCOMES = """() => {
  globalThis.outcomes = [];
  const collect = (records) => {
    for (const { addedNodes } of records) for (const { data } of addedNodes) outcomes.push(data);
  };
  new MutationObserver(collect).observe(document.getElementById("outcome"), { childList: true });
}"""


async def go(page: Page, room: str) -> None:
    await page.get_by_role("button", name="Room:").click()
    await page.get_by_label("Go to a room").fill(room)
    await page.get_by_role("button", name="Go", exact=True).click()


async def test_what_is_said_of_a_text_goes_with_it(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        await visit.say(refused(await visit.expect(Send), BLOCKED_WORDS))
        await visit.say(refused(await visit.expect(Send), HELD_FOR_REVIEW))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        box = page.get_by_label("Your comment")
        outcome, send = page.locator("#outcome"), page.locator("#send")
        await say(page, "casino")
        await expect(outcome).to_contain_text("not allowed here")
        await box.press("Backspace")
        await expect(outcome).to_have_text("")
        await say(page, "see example.com")
        await expect(outcome).to_have_text("A moderator looks at it first")
        await box.fill("x" * 101)
        await expect(outcome).to_have_text("At most 100 characters")
        await expect(send).to_be_disabled()
        await box.press("Backspace")
        await expect(outcome).to_have_text("")
        await expect(send).to_be_enabled()


async def test_what_nobody_answered_is_said_again_by_the_same_id(visitors: Visitors) -> None:
    sent: list[Send] = []

    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        sent.append(await visit.expect(Send))
        sent.append(await visit.expect(Send))
        await visit.say(Ok(sent[-1].id, shown=True, epoch=1, seq=1, at=1))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await say(page, "hello")
        await expect(page.locator("#outcome")).to_have_text(UNANSWERED)
        box = page.get_by_label("Your comment")
        await expect(box).to_have_value("hello")
        await box.press("Enter")
        await expect(box).to_have_value("")
        await until(lambda: len(sent) == 2)
        await expect(page.locator("#outcome")).to_have_text("")
        first, second = sent
        assert (first.cid, first.text) == (second.cid, second.text)


async def test_who_is_not_connected_is_told_at_once_and_what_he_said_goes_out_when_he_is(
    visitors: Visitors,
) -> None:
    back = asyncio.Event()

    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        await visit.expect(Like)
        visit.cut()

    async def again(visit: Visit) -> None:
        await back.wait()
        await enter(visit, [], None)
        send = await visit.expect(Send)
        await visit.say(Ok(send.id, shown=True, epoch=1, seq=1, at=1))

    async with scripted(script, again, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#connection-text")).to_have_text("live")
        await page.locator("#like").click()
        await expect(page.locator("#connection-text")).not_to_have_text("live")
        await say(page, "hello")
        await expect(page.locator("#outcome")).to_have_text(WAITS)
        box = page.get_by_label("Your comment")
        await expect(box).to_have_attribute("placeholder", "hello")
        await page.keyboard.type("world")
        back.set()
        await expect(box).to_have_attribute("placeholder", "Say something…")
        await expect(box).to_have_value("world")
        await expect(page.locator("#outcome")).to_have_text("")


async def test_what_is_not_answered_soon_is_said_to_be_still_on_its_way(visitors: Visitors) -> None:
    go_on = asyncio.Event()

    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        send = await visit.expect(Send)
        await go_on.wait()
        await visit.say(Ok(send.id, shown=True, epoch=1, seq=1, at=1))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await say(page, "hello")
        outcome, box = page.locator("#outcome"), page.get_by_label("Your comment")
        await expect(outcome).to_have_text("Still sending…")
        await expect(box).to_have_attribute("placeholder", "hello")
        go_on.set()
        await expect(outcome).to_have_text("")
        await expect(box).to_have_attribute("placeholder", "Say something…")


async def test_what_was_written_while_a_comment_waited_is_not_joined_to_it_where_nobody_answered(
    visitors: Visitors,
) -> None:
    sent: list[Send] = []
    shown = asyncio.Event()

    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        sent.append(await visit.expect(Send))
        sent.append(await visit.expect(Send))
        await shown.wait()
        await visit.say(items(visit, 1, Comment("u1", "ann", "hello")))
        await visit.say(refused(await visit.expect(Send), SLOW_MODE, 60_000))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        box = page.get_by_label("Your comment")
        await say(page, "hello")
        await page.keyboard.type("world")
        await expect(page.locator("#outcome")).to_have_text(f"{UNANSWERED}: hello")
        await page.keyboard.type("s")
        await expect(page.locator("#outcome")).to_have_text(f"{UNANSWERED}: hello")
        await box.press("Enter")
        await until(lambda: len(sent) == 2)
        await expect(page.locator("#outcome")).to_have_text(f"{UNANSWERED}: hello")
        shown.set()
        await expect(page.locator("#outcome")).to_have_text("")
        await expect(box).to_have_value("worlds")
        first, second = sent
        assert (first.cid, first.text) == (second.cid, second.text) == (first.cid, "hello")
        await box.press("Enter")
        await expect(page.locator("#outcome")).to_contain_text("Slow mode")
        await expect(box).to_have_value("worlds")


async def test_what_has_come_was_taken_also_where_nobody_answers(visitors: Visitors) -> None:
    sent: list[str] = []

    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        sent.append((await visit.expect(Send)).text)
        await visit.expect(Like)
        await visit.say(items(visit, 1, Comment("u1", "ann", "hello")))
        world = await visit.expect(Send)
        sent.append(world.text)
        await visit.say(Ok(world.id, shown=True, epoch=1, seq=2, at=1))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await page.clock.install()
        await say(page, "hello")
        await page.keyboard.type("world")
        await page.locator("#like").click()
        await expect(page.locator("#list .text")).to_have_text(["hello"])
        box = page.get_by_label("Your comment")
        await expect(box).to_have_value("world")
        await box.press("Enter")
        await page.clock.run_for(11_000)  # of two waits of ten seconds only the first is over
        await expect(page.locator("#outcome")).to_have_text("")
        await expect(box).to_have_value("")
        await until(lambda: sent == ["hello", "world"])


async def test_what_is_sent_while_another_waits_follows_it(visitors: Visitors) -> None:
    both = asyncio.Event()

    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        first = await visit.expect(Send)
        await both.wait()
        await visit.say(Ok(first.id, shown=True, epoch=1, seq=1, at=1))
        second = await visit.expect(Send)
        await visit.say(items(visit, 1, Comment("u2", "bob", f"he said {first.text} and {second.text}")))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        box = page.get_by_label("Your comment")
        for text in ("one", "two"):
            await box.fill(text)
            await box.press("Enter")
        both.set()
        await expect(page.locator("#list .text")).to_have_text("he said one and two")
        await expect(box).to_have_value("")


async def test_who_writes_on_while_a_comment_comes_back_is_not_disturbed(visitors: Visitors) -> None:
    written = asyncio.Event()

    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        send = await visit.expect(Send)
        await written.wait()
        await visit.say(refused(send, SLOW_MODE, 60_000))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await say(page, "hello")
        await page.keyboard.type("good world ")
        await page.keyboard.press("Home")
        written.set()
        box = page.get_by_label("Your comment")
        await expect(box).to_have_value("hello good world ")
        await page.keyboard.type("my ")
        await expect(box).to_have_value("hello my good world ")


async def test_a_comment_that_waits_does_not_trouble_the_room_one_goes_to(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        await visit.expect(Like)
        visit.cut()

    async def silent(_visit: Visit) -> None:
        await asyncio.Event().wait()

    async with scripted(script, silent, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#connection-text")).to_have_text("live")
        await page.locator("#like").click()
        await expect(page.locator("#connection-text")).not_to_have_text("live")
        await page.evaluate(_COLLECT_OUTCOMES)
        await say(page, "for demo only")
        await expect(page.locator("#outcome")).to_have_text(WAITS)
        await go(page, "quiet")
        await expect(page.locator("#room-name")).to_contain_text("quiet")
        await expect(page.get_by_label("Your comment")).to_have_value("")
        await page.evaluate("new Promise((done) => setTimeout(done))")  # what was refused was told by now
        told = set(await page.evaluate("outcomes"))
        assert told <= {WAITS, UNANSWERED}  # this one, too, where all that took long
        await page.go_back()
        await expect(page.get_by_label("Your comment")).to_have_value("for demo only")


async def test_what_is_written_and_said_stays_with_its_room(visitors: Visitors) -> None:
    sent: list[tuple[str, str]] = []

    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        first = await visit.expect(Send)
        await visit.expect(Leave)
        await visit.say(Ok(first.id, shown=True, epoch=1, seq=1, at=1))
        await visit.admit(Position(0, 0))
        second = await visit.expect(Send)
        sent.extend((one.room, one.text) for one in (first, second))
        await visit.expect(Leave)
        await visit.admit(Position(0, 0))
        await visit.say(refused(second, BLOCKED_WORDS))
        await visit.say(items(visit, 1, Comment("u2", "bob", "he said casino")))
        await visit.expect(Leave)
        await visit.admit(Position(0, 0))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        box, outcome = page.get_by_label("Your comment"), page.locator("#outcome")
        await say(page, "secret of demo")
        await page.keyboard.type("written in demo")
        await go(page, "quiet")
        await expect(box).to_have_value("")
        await say(page, "casino")
        await until(lambda: sent == [("demo", "secret of demo"), ("quiet", "casino")])
        await page.go_back()
        await expect(box).to_have_value("written in demo")
        await expect(page.locator("#list .text")).to_have_text("he said casino")
        await expect(outcome).to_have_text("")
        await page.go_forward()
        await expect(box).to_have_value("casino")
        await expect(outcome).to_have_text("")


async def test_what_may_have_been_heard_is_said_again_by_the_same_id_where_one_was_elsewhere(
    visitors: Visitors,
) -> None:
    sent: list[Send] = []
    left = asyncio.Event()

    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        sent.append(await visit.expect(Send))
        visit.cut()

    async def again(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(Position(0, 0))
        await visit.expect(Leave)
        await visit.admit(Position(0, 0))
        sent.append(await visit.expect(Send))

    def away(connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/v1/ws" and sent and not left.is_set():
            return Response(503, "Away", Headers({"Content-Length": "0"}), b"")
        return respond(connection, request)

    async with scripted(script, again, http=away) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await say(page, "hello")
        await expect(page.locator("#connection-text")).not_to_have_text("live")
        await go(page, "quiet")
        left.set()
        await expect(page.get_by_text("Nobody has said anything yet")).to_be_visible()  # one is in
        await page.go_back()
        box = page.get_by_label("Your comment")
        await expect(box).to_have_value("hello")
        await box.press("Enter")
        await until(lambda: len(sent) == 2)
        first, second = sent
        assert (first.cid, first.room, first.text) == (second.cid, "demo", "hello")


async def test_what_a_guest_said_is_not_repeated_as_another_user(visitors: Visitors) -> None:
    sent: list[str] = []

    async def guest(visit: Visit) -> None:
        await enter(visit, [], None, role="guest")
        await visit.expect(Send)
        await asyncio.Event().wait()

    async def greeted(visit: Visit, uid: str) -> None:
        hello = await visit.expect(wire.Hello)
        await visit.say(Ok(hello.id, uid=uid, role="viewer", session="s", heartbeat_ms=20_000))
        await visit.admit(Position(0, 0))

    async def ann(visit: Visit) -> None:
        await greeted(visit, "ann")
        send = await visit.expect(Send)
        sent.append(send.text)
        await visit.say(Ok(send.id, shown=True, epoch=1, seq=1, at=1))
        sent.append((await visit.expect(Send)).text)
        await asyncio.Event().wait()

    async def bob(visit: Visit) -> None:
        await greeted(visit, "bob")
        sent.append((await visit.expect(Send)).text)
        await asyncio.Event().wait()

    async with scripted(guest, ann, bob, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        box, outcome = page.get_by_label("Your comment"), page.locator("#outcome")
        await say(page, "hello")
        await page.keyboard.type("mine")
        await expect(outcome).to_have_text(f"{UNANSWERED}: hello")
        await page.evaluate("token => (location.hash = `#token=${token}`)", ANN)
        await expect(outcome).to_have_text("")
        await expect(box).to_have_value("mine")
        await box.press("Enter")
        await until(lambda: sent == ["mine"])
        await page.clock.install()
        await say(page, "of ann")
        await page.keyboard.type("ann's own")
        await until(lambda: sent == ["mine", "of ann"])
        await page.evaluate("token => (location.hash = `#token=${token}`)", ANN.replace(".x", ".y"))
        await expect(box).to_have_value("")
        await expect(page.locator("#connection-text")).to_have_text("live")
        await page.clock.run_for(1000)  # it would be said again by now
        await say(page, "of bob")
        await until(lambda: len(sent) == 3)
        assert sent[-1] == "of bob"  # what ann said waits for its answer no more


async def test_where_one_is_when_a_comment_is_answered_one_stays(visitors: Visitors) -> None:
    gone = asyncio.Event()

    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        sends = []
        for _ in range(2):
            sends.append(await visit.expect(Send))
            await gone.wait()
            await visit.say(Ok(sends[-1].id, shown=True, epoch=1, seq=1, at=1))
        await visit.say(items(visit, 1, Comment("u2", "bob", " ".join(send.text for send in sends))))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        box = page.get_by_label("Your comment")
        for text in ("one", "two"):
            await box.fill(text)
            await box.press("Enter")
        await page.locator("#list").focus()
        gone.set()
        await expect(page.locator("#list .text")).to_have_text("one two")
        await expect(page.locator("#list")).to_be_focused()


async def test_who_will_not_be_connected_again_is_not_told_to_wait(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        await visit.close(4409, "replaced")

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#connection-text")).to_contain_text("refused: ")
        await page.evaluate(_COLLECT_OUTCOMES)
        await say(page, "hello")
        await expect(page.locator("#outcome")).to_have_text("Replaced", timeout=BEFORE_ANSWERS_ARE_LATE_MS)
        await expect(page.get_by_label("Your comment")).to_have_value("hello")
        assert WAITS not in await page.evaluate("outcomes.join()")


async def test_what_waits_goes_out_where_the_connection_only_needed_another_token(visitors: Visitors) -> None:
    cut, said, renewing, renewed = (asyncio.Event() for _ in range(4))

    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        visit.cut()
        cut.set()

    async def expired(visit: Visit) -> None:
        hello = await visit.expect(wire.Hello)
        await said.wait()
        await visit.say(Err(hello.id, UNAUTHORIZED.code, "unauthorized", "the token has expired"))

    async def again(visit: Visit) -> None:
        await enter(visit, [], None)
        send = await visit.expect(Send)
        await visit.say(Ok(send.id, shown=True, epoch=1, seq=1, at=1))

    async def renew(route: Route) -> None:
        renewing.set()
        await renewed.wait()
        await route.fulfill(json={"access_token": ANN, "refresh_token": "next"})

    async with scripted(script, expired, again, http=respond) as url:
        page = await visitors.open("about:blank")
        await page.route("**/v1/tokens/refresh", renew)
        await page.goto(f"{url}/?room=demo#token={ANN}&refresh=first")
        await cut.wait()
        await expect(page.locator("#connection-text")).not_to_have_text("live")
        await say(page, "hello")
        await expect(page.locator("#outcome")).to_have_text(WAITS)
        said.set()
        await renewing.wait()
        await expect(page.locator("#connection-text")).to_contain_text("refused: ")
        await expect(page.locator("#outcome")).to_have_text(WAITS)
        renewed.set()
        await expect(page.get_by_label("Your comment")).to_have_value("")
        await expect(page.locator("#outcome")).to_have_text("")


async def test_what_is_shown_after_all_need_not_be_said_again(visitors: Visitors) -> None:
    go_on = asyncio.Event()

    async def script(visit: Visit) -> None:
        await enter(visit, [], None)
        await visit.expect(Send)
        await go_on.wait()
        await visit.say(items(visit, 1, Comment("u2", "bob", "hello")))
        await visit.expect(Like)
        await visit.say(items(visit, 2, Comment("u1", "ann", "hello")))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        box = page.get_by_label("Your comment")
        await say(page, "hello")
        await expect(page.locator("#outcome")).to_have_text(UNANSWERED)
        go_on.set()
        await expect(page.locator("#list .text")).to_have_count(1)
        await expect(box).to_have_value("hello")  # somebody else said the same
        await page.locator("#like").click()
        await expect(box).to_have_value("")
        await expect(page.locator("#outcome")).to_have_text("")


async def test_a_comment_goes_out_as_it_was_styled(visitors: Visitors) -> None:
    sent: list[Send] = []

    async def script(visit: Visit) -> None:
        await welcome(visit)
        for number in (1, 2):
            frame = await visit.expect(Send)
            sent.append(frame)
            await visit.say(Ok(frame.id, shown=number == 1, epoch=EPOCH, seq=1, at=1))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await say(page, "  plain  ")
        await expect(page.get_by_label("Your comment")).to_have_value("")
        await page.get_by_role("radio", name="bottom").check()
        await page.get_by_role("radio", name="small").check()
        await page.get_by_role("radio", name="gold").check()
        await say(page, "弹幕 🎉")
        await expect(page.locator("#outcome")).to_contain_text("too busy")
        plain, styled = sent
        assert (plain.room, plain.text, plain.mode, plain.color, plain.size) == (
            "demo",
            "plain",
            None,
            None,
            None,
        )
        assert (styled.text, styled.mode, styled.color, styled.size) == ("弹幕 🎉", "bottom", 0xFFD166, 18)
        assert plain.cid != styled.cid


async def test_a_refusal_stands_next_to_the_box_and_counts_down(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await welcome(visit)
        await visit.say(refused(await visit.expect(Send), SLOW_MODE, 4800))
        again = await visit.expect(Send)
        await visit.say(Ok(again.id, shown=True, epoch=EPOCH, seq=1, at=1))
        await visit.say(refused(await visit.expect(Send), FORBIDDEN))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await say(page, "too soon")
        told = re.compile(r"^Slow mode: one comment at a time – again in [1-5] s$")
        await expect(page.locator("#outcome")).to_have_text(told)
        await expect(page.locator("#send")).to_be_disabled()
        await expect(page.get_by_label("Your comment")).to_have_value("too soon")
        await expect(page.locator("#send")).to_be_enabled()
        await expect(page.locator("#outcome")).to_have_text("")
        await page.get_by_label("Your comment").press("Enter")
        await expect(page.get_by_label("Your comment")).to_have_value("")
        await say(page, "no")
        await expect(page.locator("#outcome")).to_have_text("Your role does not allow this")
        await expect(page.locator("#send")).to_be_enabled()


async def test_who_is_muted_reads_why_and_for_how_long(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await welcome(visit)
        send = await visit.expect(Send)
        await visit.say(Err(send.id, MUTED.code, MUTED.name, "spam", 90_000))
        await visit.expect(Like)
        await visit.say(wire.Notice("unmuted", "demo"))
        await visit.say(refused(await visit.expect(Send), MUTED, 90_000))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        outcome = page.locator("#outcome")
        await say(page, "me too")
        await expect(outcome).to_have_text(re.compile(r"^You are muted: spam – again in \d+ s$"))
        await page.locator("#like").click()
        await expect(outcome).to_have_text("")
        await say(page, "and now?")
        await expect(outcome).to_have_text(re.compile(r"^You are muted – again in \d+ s$"))


async def test_what_is_held_was_taken_and_need_not_be_said_again(visitors: Visitors) -> None:
    decided = asyncio.Event()

    async def script(visit: Visit) -> None:
        await welcome(visit)
        await visit.say(refused(await visit.expect(Send), HELD_FOR_REVIEW))
        await decided.wait()
        await visit.say(wire.Notice("approved", "demo"))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await say(page, "see example.com")
        await expect(page.locator("#outcome")).to_have_text("A moderator looks at it first")
        await expect(page.locator("#outcome")).not_to_have_class("outcome bad")
        await expect(page.get_by_label("Your comment")).to_have_value("")
        decided.set()
        await expect(page.locator("#list .note")).to_have_text("A moderator let your comment through")
        await expect(page.locator("#outcome")).to_have_text("")


async def test_which_comment_a_moderator_decided_about_is_said(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await welcome(visit)
        await visit.say(wire.Notice("denied", "demo", "no links", text="see http://b"))
        await visit.say(wire.Notice("denied", "demo", text="\u202e" + "x" * 40))
        await visit.say(wire.Notice("approved", "demo", text="see http://a"))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#list .note")).to_have_text(
            [
                "A moderator did not let your comment “\u2068see http://b\u2069” through: no links",
                f"A moderator did not let your comment “\u2068\u202e{'x' * 29}…\u2069” through",
                "A moderator let your comment “\u2068see http://a\u2069” through",
            ]
        )


async def test_one_decision_is_enough_where_more_were_held_since_others_may_be_lost(
    visitors: Visitors,
) -> None:
    decided = asyncio.Event()

    async def script(visit: Visit) -> None:
        await welcome(visit)
        for _ in range(2):
            await visit.say(refused(await visit.expect(Send), HELD_FOR_REVIEW))
        await decided.wait()
        await visit.say(wire.Notice("approved", "demo"))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        outcome = page.locator("#outcome")
        for text in ("one.example", "two.example"):
            await say(page, text)
            await expect(outcome).to_have_text("A moderator looks at it first")
        decided.set()
        await expect(outcome).to_have_text("")


async def test_what_a_rule_refused_may_be_tried_when_the_rules_change(visitors: Visitors) -> None:
    go_on = asyncio.Event()

    async def script(visit: Visit) -> None:
        await welcome(visit)
        await visit.say(refused(await visit.expect(Send), SLOW_MODE, 90_000))
        await go_on.wait()
        await visit.say(items(visit, 1, wire.SettingsChanged(visit.codec.value({"followers_only": True}))))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await say(page, "too soon")
        await expect(page.locator("#send")).to_be_disabled()
        go_on.set()
        await expect(page.locator("#send")).to_be_enabled()
        await expect(page.locator("#outcome")).to_have_text("")
        await expect(page.get_by_label("Your comment")).to_have_value("too soon")
