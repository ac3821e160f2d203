"""One's stay in a room on the page: what one is told, who is sent out, and who is not let in."""

from __future__ import annotations

import asyncio
import time

import pytest
from playwright.async_api import expect

from danmaku import wire
from danmaku.auth import Authority
from danmaku.errors import BANNED, FORBIDDEN, RATE_LIMITED, ROOM_CLOSED
from danmaku.model import Identity, Position, Role
from danmaku.wire import At, Batch, Err, Hello, Join, Notice, Ok
from tests.pages.conftest import Visitors
from tests.pages.files import respond
from tests.pages.test_page import EPOCH, items, refused, say, shows, texts, welcome
from tests.system.scripted import Visit, scripted
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_notices(visitors: Visitors) -> None:
    go_on = asyncio.Event()

    async def script(visit: Visit) -> None:
        await welcome(visit)
        await visit.say(Notice("muted", "demo", "spam", 90_000))
        await go_on.wait()
        await visit.say(Notice("unmuted", "demo"), Notice("kicked", "elsewhere", "not us"))
        await visit.say(Notice("kicked", "demo", "rude"), visit.batch(EPOCH, 1, "not for us any more"))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#outcome")).to_contain_text("You are muted: spam – again in ")
        await expect(page.locator("#send")).to_be_disabled()
        go_on.set()
        await expect(page.locator("#send")).to_be_enabled()
        await expect(page.locator("#outcome")).to_have_text("You were sent out of the room: rude")
        assert await texts(page) == []
        await say(page, "why?")
        await expect(page.locator("#outcome")).to_have_text("You are out of this room")


async def test_rules_that_history_tells_are_not_those_of_now(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        changes = [wire.SettingsChanged(visit.codec.value({"slow_s": slow_s})) for slow_s in (0, 9)]
        past = [Batch("demo", EPOCH, 1, 99, [visit.codec.value(change) for change in changes])]
        await visit.admit(Position(EPOCH, 2), past)
        await asked.wait()
        change = visit.codec.value(wire.SettingsChanged(visit.codec.value({"slow_s": 5})))
        await visit.say(Batch("demo", EPOCH, 3, 99, [change]))  # by a clock that is behind

    asked = asyncio.Event()
    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        told = "New rules here: slow mode, 9 s between two comments"
        await expect(page.locator("#list .note")).to_have_text([told])  # what was before is not known
        box = page.get_by_label("Your comment")
        await expect(box).to_have_attribute("placeholder", "Slow mode, 3 s…")
        asked.set()
        later = "New rules here: slow mode, 5 s between two comments"
        await expect(page.locator("#list .note")).to_have_text([told, later])
        await expect(box).to_have_attribute("placeholder", "Slow mode, 5 s…")


async def test_who_is_banned_is_told_why_and_for_how_long(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await welcome(visit)
        await visit.say(Notice("banned", "demo", "spam", 90_000))
        await visit.say(visit.batch(EPOCH, 1, "not for us any more"))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#outcome")).to_contain_text("You are banned for ")
        await expect(page.locator("#outcome")).to_contain_text(": spam")
        assert await texts(page) == []


@pytest.mark.parametrize(("reason", "told"), [("spam", ": spam"), (BANNED.text, "")])
async def test_who_is_banned_is_told_so_when_he_comes(visitors: Visitors, reason: str, told: str) -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        join = await visit.expect(Join)
        await visit.say(Err(join.id, BANNED.code, BANNED.name, reason, 90_000))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#outcome")).to_have_text(f"You are banned for 90 s{told}")


async def test_that_nobody_has_said_anything_is_said_where_that_is_known(visitors: Visitors) -> None:
    let_in, speak, take_back = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.greet()
        await let_in.wait()
        await visit.admit(Position(0, 0))
        await speak.wait()
        await visit.say(items(visit, 1, wire.Comment("u2", "bob", "hello")))
        await take_back.wait()
        await visit.say(items(visit, 2, wire.Recall("moderator", uid="u2")))

    async def kept(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(Position(EPOCH, 7))

    async with scripted(script, kept, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        empty = page.get_by_text("Nobody has said anything yet")
        await expect(page.locator("#connection-text")).to_have_text("live")
        await expect(empty).to_be_hidden()  # one is not in: it may be full of comments
        let_in.set()
        await expect(empty).to_be_visible()
        speak.set()
        await shows(page, "hello")
        take_back.set()
        await shows(page)
        await expect(empty).to_be_hidden()  # somebody did say something
        await page.reload()
        await expect(page.locator("#viewers")).to_have_text("1")
        await expect(empty).to_be_hidden()  # of what was said nothing is kept


async def test_an_address_with_a_room_that_cannot_be_says_so(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        assert (await visit.expect(Join)).room == "lobby"

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=what%20is")
        told = "There is no usable room name in this address: this is lobby"
        await expect(page.locator("#list .note")).to_have_text(told)
        await expect(page.locator("#banners .banner")).to_have_text(told)


async def test_who_was_sent_out_comes_in_again_where_he_chooses_the_room(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await welcome(visit)
        await visit.say(Notice("kicked", "demo", "rude"))
        await visit.expect(wire.Leave)  # no like before
        await visit.admit(Position(EPOCH, 1), [visit.batch(EPOCH, 1, "hello again")])

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#outcome")).to_have_text("You were sent out of the room: rude")
        await expect(page.locator("#like")).to_be_disabled()
        await page.get_by_role("button", name="Room:").click()
        await page.locator("#rooms-list button", has_text="demo").click()
        await shows(page, "hello again")
        await expect(page.locator("#outcome")).to_have_text("")
        await expect(page.locator("#like")).to_be_enabled()


async def test_who_was_sent_out_comes_in_again_by_a_button(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(Position(EPOCH, 1), [visit.batch(EPOCH, 1, "hello")])
        await visit.say(Notice("kicked", "demo", "rude"))
        await visit.expect(wire.Leave)
        joins.append(await visit.expect(Join))
        await visit.say(Err(joins[0].id, BANNED.code, BANNED.name, "rude again", 90_000))
        await visit.expect(wire.Leave)
        joins.append(await visit.admit(Position(EPOCH, 2), [visit.batch(EPOCH, 2, "meanwhile")]))

    joins: list[Join] = []

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo", width=390, height=780)
        outcome, come_in = page.locator("#outcome"), page.get_by_role("button", name="Come back in")
        await expect(outcome).to_have_text("You were sent out of the room: rude")
        await expect(come_in).to_be_in_viewport(ratio=1)
        await come_in.press("Enter")
        await expect(outcome).to_have_text("You are banned for 90 s: rude again")
        await expect(page.get_by_label("Your comment")).to_be_focused()
        assert await texts(page) == ["hello"]  # what was said can still be read
        await come_in.click()
        await expect(come_in).to_be_hidden()
        await shows(page, "hello", "meanwhile")
        assert [join.since for join in joins] == [At(EPOCH, 1)] * 2
        await expect(outcome).to_have_text("")


async def test_viewers_are_told_when_they_are_counted(visitors: Visitors) -> None:
    counted = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.greet()
        join = await visit.expect(Join)
        await visit.say(Ok(join.id, room="demo", epoch=EPOCH, seq=1, viewers=0, likes=7))
        await counted.wait()
        await visit.say(wire.Stats("demo", EPOCH, 1, 12, 7))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#likes")).to_have_text("7")
        await expect(page.locator("#viewers")).to_have_text("–")
        counted.set()
        await expect(page.locator("#viewers")).to_have_text("12")


async def test_who_is_banned_waits_no_longer_for_the_room_to_open(visitors: Visitors) -> None:
    visits: list[Visit] = []

    async def script(visit: Visit) -> None:
        visits.append(visit)
        await visit.greet(heartbeat_ms=2000)
        await visit.say(refused(await visit.expect(Join), ROOM_CLOSED))
        await expect(page.locator("#banners")).to_contain_text("This page comes in when it opens")
        await visit.say(Notice("banned", "demo", "spam"))

    async with scripted(script, http=respond) as url:
        page = await visitors.open("about:blank", clocked=True)
        await page.goto(f"{url}/?room=demo")
        await expect(page.locator("#banners .banner")).to_have_text("You are banned: spam")
        pings = visits[0].pings
        await page.clock.fast_forward(60_000)
        await until(lambda: visits[0].pings > pings)  # later than it would have knocked
        assert visits[0].waiting == 0


async def test_who_waits_for_a_room_to_open_goes_on_where_he_was(visitors: Visitors) -> None:
    cut = asyncio.Event()
    joins: list[Join] = []

    async def first(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(Position(EPOCH, 1), [visit.batch(EPOCH, 1, "hello")], title="Friday")
        await cut.wait()
        visit.cut()

    async def again(visit: Visit) -> None:
        await visit.greet()
        await visit.say(refused(await visit.expect(Join), ROOM_CLOSED))
        history = [visit.batch(EPOCH, 1, "hello", "open again")]
        joins.append(await visit.admit(Position(EPOCH, 2), history, title="Saturday"))

    async with scripted(first, again, http=respond) as url:
        page = await visitors.open("about:blank", clocked=True)
        await page.goto(f"{url}/?room=demo")
        await expect(page.locator("#room-title")).to_have_text("Friday")
        cut.set()
        await expect(page.locator("#banners")).to_contain_text("This page comes in when it opens")
        await page.clock.fast_forward(60_000)
        await shows(page, "hello", "open again")
        await expect(page.locator("#room-title")).to_have_text("Saturday")
        assert [join.since for join in joins] == [At(EPOCH, 1)]


async def test_who_signs_in_as_another_comes_in_where_the_guest_was_not_let_in(visitors: Visitors) -> None:
    cut, returned = asyncio.Event(), asyncio.Event()
    visits: list[Visit] = []
    token = Authority(secret="s" * 32).issue(Identity("ann", "Ann", Role.VIEWER), time.time()).access

    async def guest(visit: Visit) -> None:
        await visit.greet()
        join = await visit.expect(Join)
        await visit.say(Err(join.id, BANNED.code, BANNED.name, BANNED.text, 90_000))
        await cut.wait()
        visit.cut()

    async def again(visit: Visit) -> None:
        visits.append(visit)
        await visit.greet()
        returned.set()

    async def ann(visit: Visit) -> None:
        hello = await visit.expect(Hello)
        greeting = Ok(hello.id, uid="ann", name="Ann", role="viewer", session="s2", heartbeat_ms=20_000)
        await visit.say(greeting)
        await visit.admit(Position(EPOCH, 1), [visit.batch(EPOCH, 1, "hello ann")])

    async with scripted(guest, again, ann, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#outcome")).to_contain_text("You are banned")
        cut.set()
        await asyncio.wait_for(returned.wait(), 30)
        await expect(page.locator("#connection-text")).to_have_text("live")
        await page.evaluate("location.hash = 'list'")  # leads nowhere else
        await expect(page.locator("#list .note")).to_have_count(1)  # it was said before
        await page.locator("#you-button").click()
        await page.locator("#token-field").fill(token)
        await page.locator("#you-form .primary").click()
        await shows(page, "hello ann")
        assert visits[0].waiting == 0  # as a guest he did not ask again
        await expect(page.locator("#outcome")).to_have_text("")


async def test_a_resync_joins_again_where_it_was(visitors: Visitors) -> None:
    joins: list[Join] = []

    async def script(visit: Visit) -> None:
        await welcome(visit, 2)
        await visit.say(visit.batch(EPOCH, 3, "three"), Notice("resync", "demo"))
        joins.append(await visit.admit(Position(EPOCH, 4), [visit.batch(EPOCH, 4, "four")]))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await shows(page, "three", "four")
        assert [join.since for join in joins] == [At(EPOCH, 3)]


async def test_a_room_that_cannot_be_entered_says_why(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.say(refused(await visit.expect(Join), RATE_LIMITED, 20))
        await visit.say(refused(await visit.expect(Join), FORBIDDEN))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#outcome")).to_have_text("Your role does not allow this")
        await expect(page.locator("#list .note")).to_have_text("Your role does not allow this")
