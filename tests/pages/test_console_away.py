"""The console before a service that was away, or refuses."""

from __future__ import annotations

import asyncio
import time

import pytest
from playwright.async_api import Page, Route, expect

from danmaku.auth import Authority
from danmaku.model import Identity, Role
from danmaku.wire import Hello, Join, Ok
from tests.pages.conftest import Visitors
from tests.pages.files import respond
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
        page = await visitors.open("about:blank")
        await page.clock.install()
        await page.route("**/v1/admin/audit*", audit)
        await page.goto(f"{url}/console#token={_token(Role.ADMIN)}")
        await page.locator("#tab-audit").click()
        await until(lambda: len(asked) > 0)
        for _ in range(3):
            await _answered(page)
            await page.clock.fast_forward(3000)
        await _answered(page)
        assert len(asked) == 1
    visitors.complaints.clear()  # the browser itself tells of the refusal


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
    visitors.complaints.clear()  # the browser itself tells of the refusals
