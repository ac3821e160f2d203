"""What pages say where HTTP reaches the service and no WebSocket does, as behind a proxy without Upgrade."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from playwright.async_api import Route, WebSocket, expect
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from danmaku.errors import RATE_LIMITED, UPGRADE_REQUIRED, Kind
from tests.pages.conftest import Visitors
from tests.pages.files import respond
from tests.pages.test_page import welcome
from tests.system.deployment import serving
from tests.system.plain_proxy import without_upgrade
from tests.system.scripted import scripted
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOLD = (
    "HTTP reaches the service, but no WebSocket does: "
    "a proxy in between may not pass on Upgrade, or edge.origins lacks this page's"
)
IN_CHINESE = (
    "可以访问服务，但 WebSocket 不通：中间的代理可能没有转发 Upgrade，或 edge.origins 中没有本页的来源"
)


class Barrier:
    """Before a service: no WebSocket comes through while it is `down`; who asks why is told `kind`."""

    def __init__(self, kind: Kind = UPGRADE_REQUIRED) -> None:
        error = {"code": kind.code, "error": kind.name, "message": kind.text}
        self.why = json.dumps({"error": error}).encode()
        self.status = kind.status
        self.down = True
        self.stopped = self.asked = 0

    def __call__(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/v1/ws" and "Upgrade" not in request.headers:
            self.asked += 1
            return Response(self.status, "No", Headers({"Content-Length": str(len(self.why))}), self.why)
        if request.path == "/v1/ws" and self.down:
            self.stopped += 1
            return Response(426, "Upgrade Required", Headers({"Content-Length": "0"}), b"")
        return respond(connection, request)


async def test_each_page_says_that_a_proxy_lets_no_websocket_through(
    visitors: Visitors, tmp_path: Path
) -> None:
    async with serving(tmp_path) as service, without_upgrade(service.port) as port:
        token = service.token("root", "admin")
        assert (await service.call("PUT", "/v1/rooms/demo", {}, token))[0] == 200
        where = ["?room=demo", "studio?room=demo", "console?room=demo", "chat"]
        pages = [await visitors.open(f"http://127.0.0.1:{port}/{path}#token={token}") for path in where]
        for page in pages:
            await expect(page.get_by_role("alert").filter(has_text="proxy")).to_have_text(TOLD)
        overlay = await visitors.open(f"http://127.0.0.1:{port}/overlay?room=demo")
        await expect(overlay.locator("#complaint")).to_have_text(f"The room “demo” cannot be shown: {TOLD}")


async def test_it_is_asked_seldom_and_said_until_a_connection_is_made(visitors: Visitors) -> None:
    barrier = Barrier()
    async with scripted(welcome, http=barrier) as url:
        page = await visitors.open(f"{url}/?room=demo", locale="zh-CN")
        told = page.get_by_role("alert").filter(has_text="Upgrade")
        await expect(told).to_have_text(IN_CHINESE)
        stopped = barrier.stopped
        assert stopped > 3
        await page.locator("#connection-button").click()
        await until(lambda: barrier.stopped > stopped)
        await expect(page.locator("#connection-text")).to_contain_text("正在重连")
        await expect(told).to_be_visible()
        assert barrier.asked == 1
        barrier.down = False
        await expect(page.locator("#connection-text")).to_have_text("已连接", timeout=30_000)
        await expect(told).to_be_hidden()


@pytest.mark.parametrize("refuses", [False, True], ids=["is_down", "has_another_reason"])
async def test_a_proxy_is_not_named_where_the_service(visitors: Visitors, *, refuses: bool) -> None:
    barrier = Barrier(RATE_LIMITED)
    asked = asyncio.Event()

    async def answer(route: Route) -> None:
        asked.set()
        await (route.continue_() if refuses else route.abort("connectionrefused"))

    attempts: list[WebSocket] = []
    async with scripted(welcome, http=barrier) as url:
        page = await visitors.open("about:blank")
        page.on("websocket", lambda attempt: attempts.append(attempt))
        await page.route("**/v1/ws", answer)
        await page.goto(f"{url}/?room=demo")
        await asyncio.wait_for(asked.wait(), 30)
        begun = len(attempts)
        await page.locator("#connection-button").click()
        await until(lambda: len(attempts) > begun + 1, 40)
        await expect(page.locator("#connection-text")).to_contain_text("reconnecting")
        await expect(page.get_by_role("alert").filter(has_text="proxy")).to_be_hidden()
