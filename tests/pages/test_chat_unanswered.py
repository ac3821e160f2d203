"""The chat page before a service that does not answer, and delivers what it was told."""

from __future__ import annotations

import asyncio
import time

import pytest
from playwright.async_api import Page, expect

from danmaku.auth import Authority
from danmaku.errors import BLOCKED, MUTED
from danmaku.model import Identity, Role
from danmaku.wire import Err, Hello, Ok
from danmaku.wire_chat import Chat, ChatPull, ChatSend, ChatSync, Pulled, Synced
from tests.pages.conftest import Visitors
from tests.pages.files import respond
from tests.system.scripted import Visit, scripted

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONV, OTHER = "g:crew", "g:club"


async def test_what_came_after_all_need_not_be_said_again_and_may_be(visitors: Visitors) -> None:
    cids: list[str] = []

    async def script(visit: Visit) -> None:
        await _welcome(visit)
        first = await _sent(visit)
        await expect(page.locator("#outcome")).to_have_text("No answer came: press Send to try again")
        await page.locator("#image-button").click()
        await page.locator("#image").fill("https://")
        await visit.say(_message(visit, first, 1))
        second = await _sent(visit)
        await visit.say(Ok(second.id, conv=CONV, seq=2, at=2))
        cids.extend([first.cid, second.cid])

    async with scripted(script, http=respond) as url:
        page = await _open(visitors, url)
        box = page.get_by_label("Your message")
        await box.fill("ok")
        await box.press("Enter")
        words = page.locator("#messages .words")
        await expect(words).to_have_text(["ok"])
        await expect(box).to_have_value("")
        await expect(page.locator("#outcome")).to_have_text("")
        await expect(page.locator("#image")).to_have_value("https://")  # it was no part of that
        await page.locator("#image-button").click()
        await box.fill("ok")
        await box.press("Enter")
        await expect(words).to_have_text(["ok", "ok"])
        await expect(box).to_have_value("")
        assert len(set(cids)) == 2


async def test_what_came_before_its_answer_is_said_and_the_same_may_follow_it(visitors: Visitors) -> None:
    cids: list[str] = []

    async def script(visit: Visit) -> None:
        await _welcome(visit)
        first = await _sent(visit)
        await visit.say(_message(visit, first, 1))
        second = await _sent(visit)
        await visit.say(Ok(second.id, conv=CONV, seq=2, at=2))
        cids.extend([first.cid, second.cid])

    async with scripted(script, http=respond) as url:
        page = await _open(visitors, url)
        box, words = page.get_by_label("Your message"), page.locator("#messages .words")
        await box.fill("ok")
        await box.press("Enter")
        await expect(words).to_have_text(["ok"])
        await expect(box).to_have_value("")
        await box.fill("ok")
        await box.press("Enter")
        await expect(words).to_have_text(["ok", "ok"])
        await expect(box).to_have_value("")
        assert len(set(cids)) == 2


async def test_who_is_not_connected_is_told_of_what_and_no_more_of_what_was_before(
    visitors: Visitors,
) -> None:
    back, gone = asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        await _welcome(visit)
        said = await _sent(visit)
        await visit.say(Err(said.id, BLOCKED.code, BLOCKED.name, BLOCKED.text))
        await gone.wait()
        visit.cut()

    async def again(visit: Visit) -> None:
        await back.wait()
        await _greet(visit)
        for seq in (1, 2):
            said = await _sent(visit)
            await visit.say(Ok(said.id, conv=CONV, seq=seq, at=seq))

    async with scripted(script, again, http=respond) as url:
        page = await _open(visitors, url)
        box, outcome = page.get_by_label("Your message"), page.locator("#outcome")
        await box.fill("one")
        await box.press("Enter")
        await expect(outcome).to_have_class("outcome bad")
        await expect(box).to_have_value("one")
        gone.set()
        await expect(page.locator("#connection-text")).not_to_have_text("live")
        await box.press("Enter")
        await expect(outcome).to_have_text("Not connected: sent if that ends within 10 s")
        await expect(outcome).not_to_have_class("outcome bad")
        await expect(box).to_have_value("")
        await expect(box).to_have_attribute("placeholder", "one")
        await box.fill("two")
        await expect(outcome).to_have_text("Not connected: sent if that ends within 10 s: one")
        await box.press("Enter")
        await expect(box).to_have_value("two")
        back.set()
        await expect(page.locator("#messages .words")).to_have_text(["one", "two"])
        await expect(box).to_have_value("")
        await expect(outcome).to_have_text("")


async def test_what_nobody_answered_is_said_again_before_what_is_written(visitors: Visitors) -> None:
    cids: list[str] = []

    async def script(visit: Visit) -> None:
        await _welcome(visit)
        first = await _sent(visit)
        second = await _sent(visit)
        await visit.say(Ok(second.id, conv=CONV, seq=1, at=1))
        cids.extend([first.cid, second.cid])

    async with scripted(script, http=respond) as url:
        page = await _open(visitors, url)
        box, outcome = page.get_by_label("Your message"), page.locator("#outcome")
        await box.fill("one")
        await box.press("Enter")
        await box.fill("two")
        await expect(outcome).to_have_text("No answer came: press Send to try again: one")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("#messages .words")).to_have_text(["one"])
        await expect(outcome).to_have_text("")
        await expect(box).to_have_value("two")
        assert cids[0] == cids[1]


async def test_what_is_written_while_a_message_waits_is_neither_lost_nor_part_of_it(
    visitors: Visitors,
) -> None:
    waits = asyncio.Event()

    async def script(visit: Visit) -> None:
        await _welcome(visit, OTHER)
        said = await _sent(visit)
        await waits.wait()
        await visit.say(Ok(said.id, conv=CONV, seq=1, at=1))

    async with scripted(script, http=respond) as url:
        page = await _open(visitors, url)
        box = page.get_by_label("Your message")
        await box.fill("one")
        await box.press("Enter")
        await expect(box).to_have_value("")
        await box.press_sequentially("two")
        waits.set()
        await expect(page.locator("#messages .words")).to_have_text(["one"])
        await expect(box).to_have_value("two")


async def test_what_waits_in_a_conversation_is_of_no_concern_in_another_one(visitors: Visitors) -> None:
    waits = asyncio.Event()

    async def script(visit: Visit) -> None:
        await _welcome(visit, OTHER)
        said = await _sent(visit)
        other = await _sent(visit)
        await visit.say(Ok(other.id, conv=OTHER, seq=1, at=1))
        await waits.wait()
        await visit.say(Err(said.id, BLOCKED.code, BLOCKED.name, BLOCKED.text))

    async with scripted(script, http=respond) as url:
        page = await _open(visitors, url)
        box, outcome = page.get_by_label("Your message"), page.locator("#outcome")
        await box.fill("for the crew")
        await box.press("Enter")
        await page.locator("#conversations button", has_text="club").click()
        await expect(box).to_have_value("")
        await box.fill("for the club")
        await box.press("Enter")
        await expect(page.locator("#messages .words")).to_have_text(["for the club"])
        await box.fill("half a sen")
        waits.set()
        await page.locator("#conversations button", has_text="crew").click()
        await expect(box).to_have_value("for the crew")
        await expect(outcome).to_contain_text("does not take private messages from you")
        await page.locator("#conversations button", has_text="club").click()
        await expect(box).to_have_value("half a sen")
        await expect(outcome).to_have_text("")


async def test_who_adds_an_image_while_a_message_waits_is_not_disturbed(visitors: Visitors) -> None:
    waits = asyncio.Event()

    async def script(visit: Visit) -> None:
        await _welcome(visit)
        said = await _sent(visit)
        await waits.wait()
        await visit.say(Ok(said.id, conv=CONV, seq=1, at=1))

    async with scripted(script, http=respond) as url:
        page = await _open(visitors, url)
        box, image = page.get_by_label("Your message"), page.locator("#image")
        await box.fill("ok")
        await page.get_by_role("button", name="Send").click()
        await expect(box).to_be_focused()
        await page.locator("#image-button").click()  # the address is empty yet
        waits.set()
        await expect(page.locator("#messages .words")).to_have_text(["ok"])
        await page.keyboard.type("https://")
        await expect(image).to_have_value("https://")
        await expect(box).to_have_value("")


async def test_coming_back_to_a_draft_an_old_mute_is_not_told_again(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await _welcome(visit, OTHER)
        said = await _sent(visit)
        await visit.say(Err(said.id, MUTED.code, MUTED.name, MUTED.text, retry_ms=60_000))

    async with scripted(script, http=respond) as url:
        page = await _open(visitors, url)
        box, outcome = page.get_by_label("Your message"), page.locator("#outcome")
        await box.fill("may I?")
        await box.press("Enter")
        await expect(outcome).to_contain_text("You are muted for another 60 s")
        await page.locator("#conversations button", has_text="club").click()
        await expect(box).to_have_value("")
        await page.locator("#conversations button", has_text="crew").click()
        await expect(box).to_have_value("may I?")
        await expect(outcome).to_have_text("")


async def test_a_group_that_is_gone_at_the_next_connect_stays_to_be_read(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await _greet(visit)
        sync = await visit.expect(ChatSync)
        crew = Synced(CONV, 1, 1, 0, name="The crew")
        await visit.say(Ok(sync.id, convs=visit.codec.value([crew]), more=False))
        pull = await visit.expect(ChatPull)
        hello = Chat(conv=CONV, seq=1, from_="bob", at=1, kind="message", cid="c1")
        hello.body = visit.codec.value([{"type": "text", "text": "hello"}])
        pulled = Pulled(CONV, [hello], 1, more=False)
        await visit.say(Ok(pull.id, results=visit.codec.value([pulled])))
        await expect(words).to_have_text(["hello"])
        await box.fill("half a sen")
        visit.cut()

    async def again(visit: Visit) -> None:
        await _greet(visit)
        sync = await visit.expect(ChatSync)
        await visit.say(Ok(sync.id, convs=visit.codec.value([]), more=False))

    async with scripted(script, again, http=respond) as url:
        page = await visitors.open("about:blank")
        box, words = page.get_by_label("Your message"), page.locator("#messages .words")
        await _go(page, url)
        await expect(page.locator("#over")).to_have_text("You are no longer a member of The crew")
        await expect(box).to_have_value("half a sen")
        await expect(box).not_to_be_editable()
        await expect(words).to_have_text(["hello"])


async def _open(visitors: Visitors, url: str) -> Page:
    page = await visitors.open("about:blank")
    await _go(page, url)
    return page


async def _go(page: Page, url: str) -> None:
    token = Authority(secret="s" * 32).issue(Identity("ann", "Ann", Role.VIEWER), time.time()).access
    await page.route("**/v1/groups/**", lambda route: route.fulfill(json={"members": []}))
    await page.goto(f"{url}/chat?conv={CONV}#token={token}")


async def _greet(visit: Visit) -> None:
    hello = await visit.expect(Hello)
    await visit.say(Ok(hello.id, uid="ann", role="viewer", session="s1", heartbeat_ms=20_000, server_time=1))


async def _welcome(visit: Visit, *others: str) -> None:
    await _greet(visit)
    sync = await visit.expect(ChatSync)
    convs = [Synced(conv, 0, 0, 0) for conv in (CONV, *others)]
    await visit.say(Ok(sync.id, convs=visit.codec.value(convs), more=False))


def _message(visit: Visit, said: ChatSend, seq: int) -> Chat:
    message = Chat(conv=CONV, seq=seq, from_="ann", at=seq, kind="message", cid=said.cid)
    message.body = visit.codec.value(said.body)
    return message


async def _sent(visit: Visit) -> ChatSend:
    """The next thing that is said; that one writes or has read does not matter."""
    while not isinstance(frame := await visit.hear(), ChatSend):
        pass
    return frame
