"""The page that shows the HTTP API, before the API itself."""

from __future__ import annotations

import pytest
from playwright.async_api import Route, expect

from tests.pages.conftest import Visitors
from tests.unit.api_service import Service

HERE = "http://danmaku.test"

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_it_tells_calls_types_and_refusals(visitors: Visitors) -> None:
    service = Service()

    async def answer(route: Route) -> None:
        found = await service.call("GET", route.request.url)
        await route.fulfill(status=found.status, headers=found.headers, body=found.body)

    page = await visitors.open("about:blank")
    await page.route(f"{HERE}/**", answer)
    await page.goto(f"{HERE}/docs")
    call = page.locator("#post_rooms_room_messages")
    await call.locator("summary").click()
    await expect(call).to_contain_text("For a logged-in user.")
    await expect(call.get_by_role("link")).to_have_text(["Comment", "Announcement", "Gift", "Paid", "Posted"])
    await expect(call).to_contain_text("410: room_closed")
    await call.get_by_role("link", name="Gift").click()
    await expect(page.locator("#type-Gift")).to_be_in_viewport()
    await expect(page.locator("#type-Gift")).to_contain_text("from 1, to 1000000, 1 if left out")
    await expect(page.locator("#refusals")).to_contain_text("slow_mode")
    assert "undefined" not in await page.inner_text("main")
    refusals = page.locator("#refusals .scroll")
    await expect(refusals).not_to_have_attribute("tabindex", "0")
    await page.set_viewport_size({"width": 320, "height": 640})
    await expect(refusals).to_have_attribute("tabindex", "0")  # it is wider than that
