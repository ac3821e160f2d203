"""The console before a service that was away, or refuses."""

from __future__ import annotations

import asyncio
import time

import pytest
from playwright.async_api import Page, Route, expect

from danmaku.auth import Authority
from danmaku.errors import ROOM_CLOSED, ROOM_NOT_FOUND
from danmaku.model import Identity, Position, Role
from danmaku.wire import At, Hello, Join, Notice, Ok
from tests.pages.conftest import Visitors
from tests.pages.files import respond
from tests.pages.test_page import EPOCH, refused
from tests.system.scripted import Visit, scripted
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTHING: dict[str, object] = {"entries": [], "after": "1-0", "before": None}
REFUSED = {"error": {"code": 4030, "error": "forbidden", "message": "no", "retry_ms": None}}


def _token(role: Role) -> str:
    return Authority(secret="s" * 32).issue(Identity("mod", "Mod", role), time.time()).access


async def _answered(page: Page) -> None:
    """What the page asks for by itself was asked for before this."""
    for _ in range(3):
        await page.evaluate("fetch('v1/rooms').then((answer) => answer.text())")


async def test_it_asks_once_as_it_is_opened_and_at_once_when_the_service_is_there_again(
    visitors: Visitors,
) -> None:
    asked: list[str] = []
    cut = asyncio.Event()

    async def first(visit: Visit) -> None:
        await visit.greet()
        await cut.wait()
        visit.cut()

    async def again(visit: Visit) -> None:
        await visit.greet()

    async def audit(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(json=NOTHING)

    async with scripted(first, again, http=respond) as url:
        page = await visitors.open("about:blank")
        await page.clock.install(time=0)
        await page.clock.pause_at(1000)  # nothing is asked for because it is time
        await page.route("**/v1/admin/rooms/demo/audit*", audit)
        await page.route("**/v1/admin/rooms/demo/held*", lambda route: route.fulfill(json={"held": []}))
        await page.route("**/v1/admin/rooms/demo/signs*", lambda route: route.fulfill(json={"signs": []}))
        await page.route("**/v1/admin/rooms/demo/settings*", lambda route: route.fulfill(json={}))
        await page.goto(f"{url}/console?room=demo#token={_token(Role.MODERATOR)}")
        await expect(page.locator("#connection-text")).to_have_text("live")
        await until(lambda: len(asked) > 0)
        await _answered(page)
        assert len(asked) == 1
        cut.set()
        await expect(page.locator("#connection-text")).not_to_have_text("live")
        await page.clock.run_for(600)  # it comes back, and it is not time yet
        await until(lambda: len(asked) == 2)
        await expect(page.locator("#connection-text")).to_have_text("live")


async def test_who_may_not_read_the_record_of_all_rooms_any_more_asks_for_it_no_longer(
    visitors: Visitors,
) -> None:
    asked: list[str] = []

    async def audit(route: Route) -> None:
        if "after=" not in route.request.url:
            await route.fulfill(json=NOTHING)
            return
        asked.append(route.request.url)
        await route.fulfill(status=403, json=REFUSED)

    async def script(visit: Visit) -> None:
        await visit.greet()

    async with scripted(script, http=respond) as url:
        page = await visitors.open("about:blank", clocked=True)
        await page.route("**/v1/admin/audit*", audit)
        await page.goto(f"{url}/console#token={_token(Role.ADMIN)}")
        await page.locator("#tab-audit").click()
        await until(lambda: len(asked) > 0)
        await expect(page.locator("#panel-audit > .outcome")).to_have_text(
            "This record is followed no longer: No"
        )
        for _ in range(3):
            await _answered(page)
            await page.clock.fast_forward(3000)
        await _answered(page)
        assert len(asked) == 1
    await visitors.close()
    visitors.complaints.clear()  # the browser itself tells of the refusal


async def test_a_call_that_nobody_answers_is_a_doubt_about_the_connection(visitors: Visitors) -> None:
    visits: list[Visit] = []

    async def script(visit: Visit) -> None:
        visits.append(visit)
        await visit.greet()
        visit.silent = True

    async with scripted(script, http=respond) as url:
        page = await visitors.open("about:blank")
        await page.route("**/v1/admin/**", lambda route: route.abort("connectionrefused"))
        await page.goto(f"{url}/console?room=demo#token={_token(Role.MODERATOR)}")
        await expect(page.locator("#connection-text")).to_have_text("no answer")
        await until(lambda: visits[0].pings == 1)


async def test_it_joins_its_rooms_along_with_the_greeting(visitors: Visitors) -> None:
    added = asyncio.Event()

    async def script(visit: Visit) -> None:
        hello = await visit.expect(Hello)
        joins = [await visit.expect(Join)]  # nobody was greeted yet
        added.set()
        joins.append(await visit.expect(Join))
        assert [join.room for join in joins] == ["demo", "quiet"]
        await visit.say(Ok(hello.id, uid="mod", name="Mod", role="moderator", session="s1"))
        await visit.say(*(Ok(join.id, room=join.room, viewers=7) for join in joins))

    async with scripted(script, http=respond) as url:
        page = await visitors.open("about:blank")
        await page.route("**/v1/admin/**", lambda route: route.fulfill(status=403, json=REFUSED))
        await page.goto(f"{url}/console?room=demo#token={_token(Role.MODERATOR)}")
        await asyncio.wait_for(added.wait(), 30)
        await page.locator("#room-field").fill("quiet")
        await page.locator("#room-field").press("Enter")
        await expect(page.locator(".column .figure")).to_have_text(["7 viewers", "7 viewers"])
    await visitors.close()
    visitors.complaints.clear()  # the browser itself tells of the refusals


async def _tab(visitors: Visitors) -> Page:
    """Where nothing can be followed, and time goes on as told."""
    page = await visitors.open("about:blank", clocked=True)
    await page.route("**/v1/admin/**", lambda route: route.fulfill(status=403, json=REFUSED))
    return page


async def _open(page: Page, url: str) -> None:
    await page.goto(f"{url}/console?room=demo#token={_token(Role.VIEWER)}")


async def test_it_comes_in_when_the_room_is_there(visitors: Visitors) -> None:
    knocks: list[Join] = []

    async def script(visit: Visit) -> None:
        await visit.greet()
        for _ in range(3):
            knocks.append(await visit.expect(Join))
            await visit.say(refused(knocks[-1], ROOM_NOT_FOUND))
        await visit.admit(Position(EPOCH, 1), [visit.batch(EPOCH, 1, "hello")])

    async def knocked(times: int) -> None:
        await until(lambda: len(knocks) == times)
        await _answered(page)

    async with scripted(script, http=respond) as url:
        page = await _tab(visitors)
        await _open(page, url)
        await expect(page.locator(".column .outcome")).to_contain_text("Nothing was said in this room yet")
        for times in (1, 2, 3):
            await knocked(times)
            await page.clock.fast_forward(60_000)
        await expect(page.locator(".entry .text")).to_have_text(["hello"])
        await expect(page.locator(".column .outcome")).not_to_contain_text("Nothing was said")
    await visitors.close()
    visitors.complaints.clear()  # the browser itself tells of the refusals


async def test_it_knocks_over_a_new_connection_and_goes_on_where_it_was(visitors: Visitors) -> None:
    joins: list[Join] = []

    async def first(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(Position(EPOCH, 1), [visit.batch(EPOCH, 1, "one")])
        await expect(page.locator(".entry .text")).to_have_text(["one"])
        visit.cut()

    async def closed(visit: Visit) -> None:
        await visit.greet()
        await visit.say(refused(await visit.expect(Join), ROOM_CLOSED))
        await expect(page.locator(".column .figure")).to_have_text("")
        visit.cut()

    async def again(visit: Visit) -> None:
        await visit.greet()
        joins.append(await visit.admit(Position(EPOCH, 2), [visit.batch(EPOCH, 2, "two")]))

    page = await _tab(visitors)
    async with scripted(first, closed, closed, again, http=respond) as url:
        await _open(page, url)
        await expect(page.locator(".entry .text")).to_have_text(["one", "two"])
        assert [join.since for join in joins] == [At(EPOCH, 1)]
    await visitors.close()
    visitors.complaints.clear()  # the browser itself tells of the refusals


async def test_who_is_banned_does_not_knock_any_more(visitors: Visitors) -> None:
    visits: list[Visit] = []

    async def script(visit: Visit) -> None:
        visits.append(visit)
        await visit.greet(heartbeat_ms=2000)
        await visit.say(refused(await visit.expect(Join), ROOM_NOT_FOUND))
        await visit.say(Notice("banned", "demo", "spam"))

    async with scripted(script, http=respond) as url:
        page = await _tab(visitors)
        await _open(page, url)
        await expect(page.locator(".column .outcome")).to_contain_text("You are banned: spam")
        pings = visits[0].pings
        await page.clock.fast_forward(60_000)
        await until(lambda: visits[0].pings > pings)  # later than it would have knocked
        assert visits[0].waiting == 0
    await visitors.close()
    visitors.complaints.clear()  # the browser itself tells of the refusals
