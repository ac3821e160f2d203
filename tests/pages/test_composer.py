"""The box to write comments: what it says of a text, and what it does about one that nobody answered."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from danmaku.errors import BLOCKED_WORDS, HELD_FOR_REVIEW
from danmaku.wire import Comment, Like, Ok, Send
from tests.pages.conftest import Visitors
from tests.pages.files import respond
from tests.pages.test_events import enter, items, say
from tests.pages.test_page import refused
from tests.system.scripted import Visit, scripted

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNANSWERED = "No answer came; your comment is still here"


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
        await expect(page.locator("#outcome")).to_have_text("")
        first, second = sent
        assert (first.cid, first.text) == (second.cid, second.text)


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
