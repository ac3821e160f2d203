"""What a browser shows where nothing is."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Route, expect

from tests.pages.conftest import Visitors
from tests.unit.api_service import Service

HERE = "http://danmaku.test"

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("path", ["/nothing", "/nothing/at//all/"])
@pytest.mark.parametrize("below", ["", "/ours"])
async def test_it_leads_to_what_there_is(visitors: Visitors, path: str, below: str) -> None:
    service = Service()
    missing: list[str] = []

    async def answer(route: Route) -> None:
        asked = urlsplit(route.request.url).path.removeprefix(below)
        found = await service.call("GET", asked, accept=route.request.headers.get("accept", ""))
        if found.status != 200:
            missing.append(asked)
        await route.fulfill(status=found.status, headers=found.headers, body=found.body)

    page = await visitors.open("about:blank", locale="zh-CN")
    await page.route(f"{HERE}{below}/**", answer)
    await page.goto(f"{HERE}{below}{path}")
    await expect(page.get_by_role("heading")).to_have_text("这个地址没有内容")
    await expect(page).to_have_title("这里没有内容 · Danmaku")
    await expect(page.locator(".card")).to_have_css("display", "grid")
    assert missing == [path]
    (complaint,) = visitors.complaints  # of the browser itself
    assert "404" in complaint
    visitors.complaints.clear()
    await page.get_by_role("link", name="HTTP 接口说明").click()
    await expect(page).to_have_url(f"{HERE}{below}/docs")
