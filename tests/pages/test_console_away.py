"""The console before a service that was away."""

from __future__ import annotations

import asyncio
import time

import pytest
from playwright.async_api import Route

from danmaku.auth import Authority
from danmaku.model import Identity, Role
from tests.pages.conftest import Visitors
from tests.pages.files import respond
from tests.system.scripted import Visit, scripted
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG = {"error": {"code": 5000, "error": "internal", "message": "no", "retry_ms": 600_000}}


async def test_it_asks_at_once_when_the_service_is_there_again(visitors: Visitors) -> None:
    token = Authority(secret="s" * 32).issue(Identity("mod", "Mod", Role.MODERATOR), time.time()).access
    asked: list[str] = []
    is_back = asyncio.Event()

    async def first(visit: Visit) -> None:
        await visit.greet()
        await until(lambda: len(asked) == 2)  # as it was opened, and as it was greeted
        visit.cut()

    async def again(visit: Visit) -> None:
        await visit.greet()
        await until(lambda: len(asked) == 3)
        is_back.set()

    async def audit(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(status=500, json=LONG)

    async with scripted(first, again, http=respond) as url:
        page = await visitors.open("about:blank")
        await page.route("**/v1/admin/rooms/demo/audit*", audit)
        await page.route("**/v1/admin/rooms/demo/held*", lambda route: route.fulfill(json={"held": []}))
        await page.route("**/v1/admin/rooms/demo/signs*", lambda route: route.fulfill(json={"signs": []}))
        await page.goto(f"{url}/console?room=demo#token={token}")
        await asyncio.wait_for(is_back.wait(), 60)
        await visitors.close()
    visitors.complaints.clear()  # the browser itself tells of each refusal
