"""The page before a service that says exactly what a test wants."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from playwright.async_api import Page, expect

from danmaku import wire
from danmaku.auth import Authority
from danmaku.errors import Kind
from danmaku.model import Identity, Position, Role
from danmaku.wire import At, Batch, Comment, Err, Hello, Join, Like, Notice, Ok, Send, Skip, Stats
from tests.pages.conftest import Visitors
from tests.pages.files import respond
from tests.system.scripted import Visit, scripted
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

EPOCH = 1_767_225_600_000
FRAMES = """() => new Promise((done) => {
    let left = 30;
    const next = () => ((left -= 1) > 0 ? requestAnimationFrame(next) : done());
    requestAnimationFrame(next);
})"""

# What of the head begins before that which is in front of it has ended, with all that is in both.
ABOVE_ANOTHER = """() => {
    const shown = (parts) => [...parts].filter((one) => one.checkVisibility());
    const ends = (one, end) => shown([one, ...one.querySelectorAll("svg, bdi, .dot, button, #viewers")])
        .map((part) => part.getBoundingClientRect()[end]);
    const head = shown(document.querySelectorAll(".bar > :not(.spring)"));
    return head.slice(1).filter((one, place) => (
        Math.min(...ends(one, "left")) < Math.max(...ends(head[place], "right")) - 0.5
    )).map((one) => one.id || one.className);
}"""

SCROLL_BACK = """(list) => new Promise((done) => {
    list.addEventListener("scroll", () => done(), { once: true });
    list.scrollTop = 2000;
})"""


async def texts(page: Page) -> list[str]:
    return await page.locator("#list .text").all_text_contents()


async def shows(page: Page, *wanted: str) -> None:
    """The side list shows just these comments, in this order."""
    await expect(page.locator("#list .text")).to_have_text(list(wanted))


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Your comment").fill(text)
    await page.get_by_role("button", name="Send").click()


def items(visit: Visit, seq: int, *items: wire.Item) -> Batch:
    now = int(time.time() * 1000)
    before = At(0, 0) if seq == 1 else None
    return Batch("demo", EPOCH, seq, now, [visit.codec.value(item) for item in items], before)


def refused(frame: Send | Join, kind: Kind, retry_ms: int | None = None) -> Err:
    return Err(frame.id, kind.code, kind.name, kind.text, retry_ms)


async def welcome(visit: Visit, head: int = 0) -> Hello:
    """Greet, and admit to an empty room (or one of which nothing is kept)."""
    hello = await visit.greet()
    await visit.admit(Position(EPOCH if head else 0, head))
    return hello


async def test_it_says_hello_joins_and_shows_each_comment_once(visitors: Visitors) -> None:
    seen: dict[str, Any] = {}

    async def script(visit: Visit) -> None:
        seen["hello"] = await visit.greet()
        past = [visit.batch(EPOCH, 1, "one", "two")]
        now = [visit.batch(EPOCH, 2, "two", "three"), visit.batch(EPOCH, 3, "three")]
        seen["join"] = await visit.admit(Position(EPOCH, 2), past, then=now)

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await shows(page, "one", "two", "three")
        await expect(page.locator("#connection-text")).to_have_text("live")
        await expect(page.locator("#viewers")).to_have_text("1")
        assert (seen["join"].room, seen["join"].since) == ("demo", None)
        hello: Hello = seen["hello"]
        assert (hello.token, hello.name, hello.n) == (None, None, None)
        assert hello.device is not None
        assert len(hello.device) >= 32
        await page.reload()
        await expect(page.locator("#connection-text")).to_have_text("live")
        assert seen["hello"].device == hello.device


async def test_text_is_only_ever_text(visitors: Visitors) -> None:
    evil = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"

    async def script(visit: Visit) -> None:
        await welcome(visit)
        await visit.say(
            items(
                visit,
                1,
                Comment(evil, evil, evil, role=evil),
                wire.Announce(evil, name=evil),
                wire.Gift(evil, evil, evil, 3, evil),
                wire.Closed(evil),
            ),
            Notice("kicked", "demo", evil),
        )

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#list li")).to_have_count(5)
        assert await page.locator("#list img, #list script, #banners img, #banners script").count() == 0
        assert (await texts(page))[0] == evil
        await expect(page.locator("#banners")).to_contain_text(evil)
        assert await page.title() == "demo · Danmaku"


async def test_a_gap_is_pulled_and_shown_in_order(visitors: Visitors) -> None:
    asked: list[wire.History] = []

    async def script(visit: Visit) -> None:
        await welcome(visit, 2)
        await visit.say(visit.batch(EPOCH, 3, "three"), visit.batch(EPOCH, 6, "six"))
        pull = await visit.expect(wire.History)
        asked.append(pull)
        await visit.say(visit.batch(EPOCH, 7, "seven"))
        missing = visit.batches([visit.batch(EPOCH, 4, "four", "five")])
        await visit.say(Ok(pull.id, history=missing, complete=True))
        await visit.say(Stats("demo", EPOCH, 8, 70_000, 5))
        pull = await visit.expect(wire.History)
        asked.append(pull)
        await visit.say(Ok(pull.id, history=visit.batches([visit.batch(EPOCH, 8, "eight")]), complete=True))
        await visit.say(Skip("demo", EPOCH, 9, 99), visit.batch(EPOCH, 100, "hundred"))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await shows(page, "three", "four", "five", "six", "seven", "eight", "hundred")
        assert [pull.since for pull in asked] == [At(EPOCH, 3), At(EPOCH, 7)]
        await expect(page.locator("#viewers")).to_have_text("70K")


async def test_what_nobody_keeps_any_more_is_said(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await welcome(visit, 2)
        await visit.say(visit.batch(EPOCH, 9, "nine"))
        pull = await visit.expect(wire.History)
        await visit.say(
            Ok(pull.id, history=visit.batches([visit.batch(EPOCH, 7, "seven", "eight")]), complete=False)
        )

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await shows(page, "seven", "eight", "nine")
        await expect(page.locator("#list .note")).to_have_text("4 or more comments cannot be had any more")


async def test_a_lost_connection_comes_back_where_it_was(visitors: Visitors) -> None:
    joins: list[Join] = []
    go_on = asyncio.Event()

    async def first(visit: Visit) -> None:
        await welcome(visit, 2)
        await visit.say(visit.batch(EPOCH, 3, "three"))
        unanswered = await visit.expect(Send)
        cids.append(unanswered.cid)
        visit.cut()

    async def second(visit: Visit) -> None:
        await go_on.wait()
        await visit.greet()
        joins.append(await visit.admit(Position(EPOCH, 4), [visit.batch(EPOCH, 4, "four")]))
        repeated = await visit.expect(Send)
        cids.append(repeated.cid)
        await visit.say(Ok(repeated.id, shown=True, epoch=EPOCH, seq=5, at=1), visit.batch(EPOCH, 5, "mine"))

    cids: list[str] = []
    async with scripted(first, second, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await shows(page, "three")
        await say(page, "mine")
        await expect(page.locator("#connection-text")).to_have_text("connecting…")
        go_on.set()
        await shows(page, "three", "four", "mine")
        await expect(page.locator("#connection-text")).to_have_text("live")
        assert [join.since for join in joins] == [At(EPOCH, 3)]
        assert len(cids) == 2
        assert cids[0] == cids[1]


async def test_it_waits_as_long_as_it_is_asked_to_and_can_be_hurried(visitors: Visitors) -> None:
    async def first(visit: Visit) -> None:
        await welcome(visit)
        await visit.say(Notice("reconnect", retry_ms=30_000))
        await visit.close(4000, "draining")

    async def second(visit: Visit) -> None:
        await welcome(visit)

    async with scripted(first, second, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        state = page.locator("#connection-text")
        await expect(state).to_contain_text("reconnecting in 2")
        await state.evaluate("state => (state.firstChild.isTheSame = true)")
        await expect(state).not_to_contain_text(await state.inner_text())
        assert await state.evaluate("state => state.firstChild.isTheSame")  # it is not read aloud each second
        await page.get_by_role("button", name="now").click()
        await expect(page.locator("#connection-text")).to_have_text("live")


async def test_when_it_is_sent_away_it_stays_away(visitors: Visitors) -> None:
    visits = 0

    async def script(visit: Visit) -> None:
        nonlocal visits
        visits += 1
        await welcome(visit)
        if visits == 1:
            await visit.close(4403, "spam")

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#connection-text")).to_have_text("refused: You are banned: spam")
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(page.locator("#connection")).to_have_attribute("data-phase", "refused")
        assert visits == 1
        await page.get_by_role("button", name="try again").click()
        await expect(page.locator("#connection-text")).to_have_text("live")


async def test_a_name_and_a_token_go_in_the_hello_and_nowhere_else(visitors: Visitors) -> None:
    hellos: list[Hello] = []
    token = Authority(secret="s" * 32).issue(Identity("ann", "Ann", Role.VIEWER), time.time()).access

    async def script(visit: Visit) -> None:
        hellos.append(await welcome(visit))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        await expect(page.locator("#connection-text")).to_have_text("live")
        await page.get_by_role("button", name="You:").click()
        await page.get_by_label("Name, as a guest").fill("小明")
        await page.get_by_label("Login token").fill("secret")
        await page.get_by_label("Login token").press("Enter")
        await expect(page.locator("#you-outcome")).to_have_text("This is not a token.")
        await page.get_by_label("Login token").fill(token)
        await page.get_by_label("Login token").press("Enter")
        await expect(page.locator("#you-dialog")).to_be_hidden()
        await _until(lambda: len(hellos) == 2)
        await expect(page.locator("#connection-text")).to_have_text("live")
        assert (hellos[1].token, hellos[1].name) == (token, "小明")
        assert hellos[1].device == hellos[0].device
        kept = await page.evaluate("[JSON.stringify(localStorage), JSON.stringify(sessionStorage)]")
        assert token not in kept[0]
        assert token in kept[1]
        assert len(asked) > 0
        assert not [url for url in [*asked, page.url] if token in url]


async def test_events_have_a_face_of_their_own(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await welcome(visit)
        await visit.say(
            items(
                visit,
                1,
                wire.Announce("Back in five", name="ann"),
                wire.Gift("u2", "cat", "rose", 99),
                wire.SettingsChanged(visit.codec.value({"slow_s": 7, "max_length": 5})),
                wire.Closed("see you tomorrow"),
                wire.Opened(),
                wire.Gone(),
            )
        )

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#list .announce")).to_have_text("annBack in five")
        await expect(page.locator("#list .gift")).to_have_text("catgives rose × 99")
        await expect(page.locator("#list .note")).to_have_text(
            [
                "New rules here: slow mode, 7 s between two comments, at most 5 characters",
                "The room was closed: see you tomorrow",
                "The room is open",
            ]
        )
        await expect(page.locator("#banners .banner")).to_have_text(["annBack in five"])
        box = page.get_by_label("Your comment")
        await expect(box).to_have_attribute("placeholder", "Slow mode, 7 s…")
        await box.fill("sixsix")
        await expect(page.locator("#length")).to_have_text("6/5")
        await expect(page.locator("#send")).to_be_disabled()


async def test_what_lasts_is_not_pushed_out_of_the_picture(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await welcome(visit)
        news = (wire.Announce(text, name="ann") for text in ("one", "two", "three"))
        await visit.say(items(visit, 1, wire.Closed("see you tomorrow"), *news))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        closed = "The room was closed: see you tomorrow"
        await expect(page.locator("#banners .banner")).to_have_text([closed, "anntwo", "annthree"])


async def test_likes_are_counted_at_once_and_told_together(visitors: Visitors) -> None:
    likes: list[Like] = []
    counted = asyncio.Event()

    async def script(visit: Visit) -> None:
        await welcome(visit)
        like = await visit.expect(Like)
        likes.append(like)
        await counted.wait()
        await visit.say(Ok(like.id), Stats("demo", 0, 0, 3, 1240))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#connection-text")).to_have_text("live")
        button = page.get_by_role("button", name="Like")
        await button.evaluate("button => { for (let n = 0; n < 7; n += 1) button.click(); }")
        await expect(page.locator("#likes")).to_have_text("7")
        counted.set()
        await expect(page.locator("#likes")).to_have_text("1.2K")
        assert [like.n for like in likes] == [7]


async def test_likes_wait_for_a_connection_and_are_told_over_the_next(visitors: Visitors) -> None:
    gone = asyncio.Event()
    likes: list[int] = []

    async def script(visit: Visit) -> None:
        await welcome(visit)
        await gone.wait()
        await visit.say(Notice("reconnect", retry_ms=60_000))
        await visit.close(4000, "draining")

    async def again(visit: Visit) -> None:
        await welcome(visit)
        likes.append((await visit.expect(Like)).n)
        await visit.say(Stats("demo", 0, 0, 3, 40))

    async with scripted(script, again, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#connection-text")).to_have_text("live")
        gone.set()
        await expect(page.locator("#connection-text")).not_to_have_text("live")
        button = page.get_by_role("button", name="Like")
        await button.evaluate("button => { for (let n = 0; n < 7; n += 1) button.click(); }")
        await page.evaluate("new Promise((done) => setTimeout(done, 500))")  # behind that which gathers
        await expect(page.locator("#likes")).to_have_text("7")
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(page.locator("#likes")).to_have_text("40")
        assert likes == [7]


async def test_likes_wait_for_the_room_where_there_is_a_connection_already(visitors: Visitors) -> None:
    admitted = asyncio.Event()
    likes: list[int] = []

    async def script(visit: Visit) -> None:
        await visit.greet()
        await admitted.wait()
        assert visit.waiting == 1  # the join
        await visit.admit(Position(0, 0))
        likes.append((await visit.expect(Like)).n)
        await visit.say(Stats("demo", 0, 0, 3, 40))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#connection-text")).to_have_text("live")
        await page.locator("#like").click()
        await page.evaluate("new Promise((done) => setTimeout(done, 500))")  # behind that which gathers
        admitted.set()
        await expect(page.locator("#likes")).to_have_text("40")
        assert likes == [1]


async def test_a_page_whose_network_is_gone_looks_at_once_whether_its_connection_is_alive(
    visitors: Visitors,
) -> None:
    visits: list[Visit] = []

    async def script(visit: Visit) -> None:
        visits.append(visit)
        await visit.greet(heartbeat_ms=600_000)
        await visit.admit(Position(0, 0))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#connection-text")).to_have_text("live")
        await page.evaluate("dispatchEvent(new Event('offline'))")
        await until(lambda: visits[0].pings == 1)


async def test_another_room_without_loading_anew(visitors: Visitors) -> None:
    said: list[str] = []

    async def script(visit: Visit) -> None:
        await visit.greet()
        here = [visit.batch(EPOCH, 1, "here")]
        said.append((await visit.admit(Position(EPOCH, 1), here, title="<b>Demo</b>")).room)
        for title in (None, "Again", None):
            said.append((await visit.expect(wire.Leave)).room)
            said.append((await visit.admit(Position(0, 0), title=title)).room)

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await shows(page, "here")
        title = page.locator("#room-title")
        await expect(title).to_have_text("<b>Demo</b>")
        await page.get_by_role("button", name="Room:").click()
        await expect(page.locator("#rooms-list button")).to_have_text(
            ["demo<b>Demo</b>12 watching", "quiet0 watching"]
        )
        field = page.get_by_label("Go to a room")
        await field.fill("no spaces allowed")
        await field.press("Enter")
        await expect(page.locator("#rooms-dialog")).to_be_visible()
        await field.fill("late-night")
        await field.press("Enter")
        await expect(page).to_have_url(f"{url}/?room=late-night")
        await expect(title).to_have_text("")
        await expect(page.locator("#viewers")).to_have_text("1")
        await shows(page)
        await page.go_back()
        await expect(page.locator("#room-name")).to_have_text("demo")
        await expect(title).to_have_text("Again")
        await expect(page.locator("#viewers")).to_have_text("1")
        await page.get_by_role("button", name="Room:").click()
        await page.locator("#rooms-list button", has_text="quiet").click()
        await expect(page).to_have_url(f"{url}/?room=quiet")
        await _until(lambda: len(said) == 7)
        assert said == ["demo", "demo", "late-night", "late-night", "demo", "demo", "quiet"]


async def test_the_list_is_bounded_and_leaves_a_reader_in_peace(visitors: Visitors) -> None:
    go_on = asyncio.Event()

    async def script(visit: Visit) -> None:
        await welcome(visit, 1)
        for seq in range(2, 502, 50):
            await visit.say(visit.batch(EPOCH, seq, *(f"comment {seq + index}" for index in range(50))))
        await go_on.wait()
        await visit.say(visit.batch(EPOCH, 502, *(f"late {index}" for index in range(20))))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        rows = page.locator("#list li")
        await expect(rows.last).to_contain_text("comment 501")
        await expect(rows).to_have_count(200)
        await expect(rows.last).to_be_in_viewport()
        place = "list => [list.scrollTop, list.scrollHeight]"
        await page.locator("#list").evaluate(SCROLL_BACK)
        reading = page.locator("#list li", has_text="comment 400").locator(".text")
        before = await reading.bounding_box()
        go_on.set()
        await expect(page.get_by_role("button", name="20 new")).to_be_visible()
        await expect(rows).to_have_count(200)
        assert await reading.bounding_box() == before, await page.locator("#list").evaluate(place)
        await page.get_by_role("button", name="20 new").click()
        await expect(rows.last).to_be_in_viewport()
        await expect(page.locator("#newest")).to_be_hidden()


async def test_comments_fly_over_a_moving_picture(visitors: Visitors) -> None:
    await _watch(visitors, reduced_motion=False)


async def test_who_wants_no_motion_gets_none(visitors: Visitors) -> None:
    await _watch(visitors, reduced_motion=True)


async def _watch(visitors: Visitors, *, reduced_motion: bool) -> None:
    async def script(visit: Visit) -> None:
        await visit.say(Ok((await visit.expect(Hello)).id, uid="u1", role="guest", server_time=_now()))
        await visit.admit(Position(EPOCH, 1), [Batch("demo", EPOCH, 1, 1000, [_comment(visit, "of old")])])
        await visit.say(items(visit, 2, Comment("u2", "bob", "hello")))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo", reduced_motion=reduced_motion)
        await shows(page, "of old", "hello")
        first = [await _picture(page, name) for name in ("#scene", "#stage canvas")]
        if reduced_motion:
            await page.evaluate(FRAMES)
            assert await _picture(page, "#scene") == first[0]
        else:
            async with asyncio.timeout(30):
                for name, was in zip(("#scene", "#stage canvas"), first, strict=True):
                    while await _picture(page, name) == was:
                        pass


async def _picture(page: Page, canvas: str) -> str:
    drawn: str = await page.locator(canvas).evaluate("canvas => canvas.toDataURL()")
    return drawn


@pytest.mark.parametrize("width", [320, 390, 700, 1400])
async def test_it_fits_any_width(visitors: Visitors, width: int) -> None:
    async with scripted(welcome, http=respond) as url:
        page = await visitors.open(
            f"{url}/?room=a-room-with-quite-a-long-name-as-names-go", width=width, height=640
        )
        await expect(page.locator("#connection-text")).to_have_text("live")
        if width < 860:
            await page.get_by_role("button", name="Mode, size and colour").click()
        wide = await page.evaluate(
            """() => [...document.querySelectorAll("button, input, label, canvas, #list, .figure")]
                .filter((part) => part.checkVisibility() && !part.closest("dialog, .visually-hidden"))
                .map((part) => [part.id || part.textContent, part.getBoundingClientRect()])
                .filter(([, { left, right, bottom }]) => (
                    left < -0.5 || right > innerWidth + 0.5 || bottom > innerHeight + 0.5
                ))
                .map(([name]) => name)"""
        )
        assert wide == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 390])
async def test_nothing_in_the_head_lies_over_another_where_the_title_is_long(
    visitors: Visitors, width: int
) -> None:
    asked = asyncio.Event()
    title = "Night at the harbour, with Mira and a rather long evening of songs"

    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(Position(0, 0), title=title)
        await asked.wait()
        await visit.say(Notice("reconnect", retry_ms=30_000))
        await visit.close(4000, "draining")

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo", width=width, height=640)
        await expect(page.locator("#room-title")).to_have_text(title)
        await expect(page.get_by_role("button", name="Room:")).to_have_attribute("title", title)
        assert await page.evaluate(ABOVE_ANOTHER) == []
        asked.set()
        await expect(page.get_by_role("button", name="now")).to_be_visible()
        assert await page.evaluate(ABOVE_ANOTHER) == []


async def test_everything_one_can_use_has_a_name(visitors: Visitors) -> None:
    async with scripted(welcome, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        nameless = await page.evaluate(
            """() => [...document.querySelectorAll("button, input, dialog, ol, canvas:not([aria-hidden])")]
                .filter((part) => !part.hidden && ![
                    part.textContent, part.getAttribute("aria-label"), part.getAttribute("aria-labelledby"),
                    ...[...(part.labels ?? [])].map((label) => label.textContent),
                ].some((name) => name?.trim()))
                .map((part) => part.id)"""
        )
        assert nameless == []


async def test_one_can_do_everything_by_keyboard(visitors: Visitors) -> None:
    sent: list[Send] = []

    async def script(visit: Visit) -> None:
        await welcome(visit)
        sent.append(await visit.expect(Send))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await expect(page.locator("#connection-text")).to_have_text("live")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the comment box")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.get_by_role("radio", name="scroll").focus()
        await page.keyboard.press("ArrowRight")
        await page.get_by_label("Your comment").focus()
        await page.keyboard.type("typed")
        await page.keyboard.press("Enter")
        await _until(lambda: len(sent) == 1)
        assert (sent[0].text, sent[0].mode) == ("typed", "top")


def _comment(visit: Visit, text: str) -> msgspec.Raw:
    return visit.codec.value(Comment("u2", "bob", text))


def _now() -> int:
    return int(time.time() * 1000)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  what is waited for happens in several places
            await asyncio.sleep(0.02)


async def test_what_is_taken_back_disappears_at_once(visitors: Visitors) -> None:
    say_so = [asyncio.Event() for _ in range(3)]

    async def script(visit: Visit) -> None:
        await welcome(visit)
        said = [Comment("ann", "ann", "one"), Comment("bob", "bob", "two"), Comment("ann", "ann", "three")]
        boss = Comment("boss", "boss", "four", role="streamer")
        await visit.say(items(visit, 1, *said, boss, wire.Announce("five", "mod", "mod", "moderator")))
        await say_so[0].wait()
        await visit.say(items(visit, 6, wire.Recall("moderator", of=At(EPOCH, 2))))
        await say_so[1].wait()
        await visit.say(items(visit, 7, wire.Recall("moderator", uid="ann"), Comment("ann", "ann", "six")))
        await say_so[2].wait()
        await visit.say(items(visit, 9, wire.Recall("moderator"), Comment("bob", "bob", "seven")))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/?room=demo")
        await shows(page, "one", "two", "three", "four", "five")
        await expect(page.locator("#banners")).to_contain_text("five")
        say_so[0].set()
        await shows(page, "one", "three", "four", "five")
        say_so[1].set()
        await shows(page, "four", "five", "six")
        say_so[2].set()
        await shows(page, "four", "seven")
        await expect(page.locator("#banners")).not_to_contain_text("five")
