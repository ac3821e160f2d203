"""The overlay for a streamer's picture: `/overlay`, before scripted servers and before a real service."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import time
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest
from playwright.async_api import Page, expect
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from danmaku import wire
from danmaku.errors import MEMBERS_ONLY, ROOM_CLOSED, Kind
from danmaku.model import Position
from danmaku.wire import At, Batch, Comment, Err, Hello, Join, Notice, Ok, OpenPoll, Pinned, Stats
from tests.pages.conftest import Visitors, becomes
from tests.pages.files import respond
from tests.system.deployment import Deployment, serving
from tests.system.scripted import Visit, scripted

pytestmark = pytest.mark.asyncio(loop_scope="session")

EPOCH = 1_767_225_600_000
EVIL = "<img src=x onerror=\"document.title='pwned'\">\u202e"
# how many little pictures the last frame was made of
COUNTING = """
    const draw = CanvasRenderingContext2D.prototype.drawImage;
    const clear = CanvasRenderingContext2D.prototype.clearRect;
    globalThis.drawn = { now: 0, most: 0, frames: 0 };
    CanvasRenderingContext2D.prototype.clearRect = function (...given) {
        drawn.now = 0;
        drawn.frames += 1;
        return clear.apply(this, given);
    };
    CanvasRenderingContext2D.prototype.drawImage = function (...given) {
        drawn.now += 1;
        drawn.most = Math.max(drawn.most, drawn.now);
        return draw.apply(this, given);
    };
"""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def items(visit: Visit, seq: int, *items: wire.Item) -> Batch:
    before = At(0, 0) if seq == 1 else None
    return Batch("demo", EPOCH, seq, now_ms(), [visit.codec.value(item) for item in items], before)


async def enter(visit: Visit, pinned: tuple[wire.Item, ...] = (), poll: OpenPoll | None = None) -> Hello:
    hello = await visit.expect(Hello)
    who: dict[str, Any] = {"uid": "u1", "name": "ann", "role": "guest", "session": "s"}
    await visit.say(Ok(hello.id, **who, heartbeat_ms=20_000, server_time=now_ms()))
    join = await visit.expect(Join)
    codec = visit.codec
    pins = [Pinned(EPOCH - 1, seq + 1, 1, codec.value(item)) for seq, item in enumerate(pinned)]
    view: dict[str, Any] = {"pinned": codec.value(pins)} if pins else {}
    if poll is not None:
        view["poll"] = codec.value(poll)
    about: dict[str, Any] = {
        "viewers": 1,
        "likes": 0,
        "settings": codec.value({}),
        "history": codec.value([]),
    }
    await visit.say(Ok(join.id, room="demo", epoch=0, seq=0, complete=True, **about, **view))
    return hello


async def opened(visitors: Visitors, url: str) -> Page:
    """The page, that counts what it draws."""
    page = await visitors.open("about:blank", width=1280, height=720)
    await page.add_init_script(COUNTING)
    await page.goto(url)
    return page


# What it complains of from now on.
TOLD = """() => {
    const told = [];
    const complaint = document.getElementById("complaint");
    const hear = () => complaint.textContent !== "" && !complaint.hidden && told.push(complaint.textContent);
    new MutationObserver(hear).observe(complaint, { childList: true, characterData: true, subtree: true });
    return told;
}"""


async def drawn(page: Page, least: int) -> None:
    await becomes(page, "least => drawn.now >= least", least)


async def test_comments_fly_and_what_is_pinned_stands_beside_them(visitors: Visitors) -> None:
    go_on = asyncio.Event()

    async def script(visit: Visit) -> None:
        later = now_ms() + 600_000
        poll = OpenPoll("p1", "Next song?", ["one", EVIL], [3, 1], later)
        await enter(visit, (wire.Announce(EVIL, "boss", "Boss", until=later),), poll)
        said: list[wire.Item] = [
            Comment("u2", EVIL, EVIL),
            Comment("u2", "bob", "top", mode="top"),
            wire.Gift("u3", "cat", "rocket", 3, "go"),
        ]
        paid = wire.Paid("u2", "bob", "hello!", 5000, "USD", later)
        await visit.say(items(visit, 1, *said, paid), Stats("demo", EPOCH, 4, 9, 0, "p1", [3, 2]))
        await go_on.wait()
        recall = wire.Recall("moderator", uid="u2")
        await visit.say(items(visit, 5, recall, wire.Unpinned(), wire.PollClosed("p1", [3, 5])))

    async with scripted(script, http=respond) as url:
        page = await opened(visitors, f"{url}/overlay?room=demo")
        cards = page.locator(".card")
        await expect(cards).to_have_count(3)
        await expect(cards.nth(0)).to_have_text(f"Boss{EVIL}")
        await expect(cards.nth(1)).to_have_text(f"Next song?one60 %{EVIL}40 %5 votes")
        await expect(cards.nth(2)).to_have_text("bob$50.00hello!")
        await drawn(page, 4)
        shown = matplotlib.image.imread(io.BytesIO(await page.screenshot(omit_background=True)), "png")
        assert shown[..., 3].max() > 0.9
        assert (shown[..., 3] == 0).mean() > 0.7, "what lies behind it is seen"
        go_on.set()
        await expect(cards).to_have_text([f"Next song?one38 %{EVIL}63 %8 votes · closed"])
        await expect(page.locator(".best")).to_have_text(f"{EVIL}63 %")
        await becomes(page, "() => drawn.now <= 1")
        assert await page.title() == "demo · Danmaku"
        assert (
            await page.locator("img, script:not([src]), button, a, input, [tabindex], audio, video").count()
            == 0
        )
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement === document.body")
        assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight")


async def test_the_address_says_what_is_shown(visitors: Visitors) -> None:
    tokens: list[str | None] = []

    async def script(visit: Visit) -> None:
        later = now_ms() + 600_000
        hello = await enter(
            visit, (wire.Announce("pinned", until=later),), OpenPoll("p1", "?", ["a", "b"], [0, 0])
        )
        tokens.append(hello.token)
        await visit.say(
            items(visit, 1, wire.Gift("u3", "cat", "rocket"), Comment("u2", "bob", "in the middle"))
        )
        await visit.say(items(visit, 3, Comment("u2", "bob", "above", mode="top")))

    async with scripted(script, http=respond) as url:
        query = "room=demo&gifts=0&polls=0&pins=no&modes=top&theme=light&corner=top-right&size=200&area=x"
        page = await opened(visitors, f"{url}/overlay?{query}#token=secret")
        await drawn(page, 1)
        assert await page.evaluate("drawn.most") == 1
        await expect(page.locator(".card")).to_have_count(0)
        assert await page.evaluate("[document.body.dataset.theme, document.body.dataset.corner]") == [
            "light",
            "top-right",
        ]
        assert tokens == ["secret"]


async def test_cards_for_which_there_is_no_room_are_left_out(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        later = now_ms() + 600_000
        paid = [wire.Paid("u2", "bob", f"hello {one}", 5000, "USD", later) for one in range(9)]
        poll = OpenPoll("p1", "Next song?", ["one", "two"], [3, 1], later)
        await enter(visit, (wire.Announce("pinned", until=later), *paid), poll)

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/overlay?room=demo&corner=top-right", width=900, height=260)
        cards = page.locator(".card")
        await expect(cards.first).to_have_text("pinned")
        await expect(cards.nth(1)).to_contain_text("Next song?")
        for card in await cards.all():
            box = await card.bounding_box()
            assert box is not None
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= 260


async def test_an_address_without_a_room_says_so(visitors: Visitors) -> None:
    async with scripted(enter, http=respond) as url:
        page = await visitors.open(f"{url}/overlay?room=a%20b")
        await expect(page.locator("#complaint")).to_contain_text("no usable room name")


@pytest.mark.parametrize(
    ("kind", "says"), [(MEMBERS_ONLY, "cannot be shown: Only members may do this"), (ROOM_CLOSED, "")]
)
async def test_a_room_that_cannot_be_entered_is_tried_again(
    visitors: Visitors, kind: Kind, says: str
) -> None:
    refused = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.greet()
        join = await visit.expect(Join)
        await visit.say(Err(join.id, kind.code, kind.name, kind.text))
        refused.set()
        join = await visit.expect(Join)
        await visit.say(
            Ok(
                join.id,
                room="demo",
                epoch=0,
                seq=0,
                viewers=1,
                likes=0,
                settings=visit.codec.value({}),
                history=visit.codec.value([]),
                complete=True,
            ),
            items(visit, 1, Comment("u2", "bob", "hello")),
        )

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/overlay?room=demo", clocked=True)
        complaint = page.locator("#complaint")
        await asyncio.wait_for(refused.wait(), 20)
        if says:
            await expect(complaint).to_contain_text(says)
        await page.clock.fast_forward(2_400)
        await expect(complaint).to_be_visible(visible=says != "")
        await page.clock.fast_forward(5_200)
        await becomes(page, "() => document.title === 'demo · Danmaku'")
        await expect(complaint).to_be_hidden()


async def test_who_is_sent_out_comes_back_and_who_is_cut_off_says_nothing(visitors: Visitors) -> None:
    async def first(visit: Visit) -> None:
        await enter(visit)
        await visit.say(items(visit, 1, wire.Announce("before")))
        visit.cut()

    async def second(visit: Visit) -> None:
        await enter(visit)
        await visit.say(items(visit, 2, wire.Announce("after")), Notice("kicked", "demo"))

    async with scripted(first, second, http=respond) as url:
        page = await visitors.open(f"{url}/overlay?room=demo")
        await expect(page.locator(".card")).to_have_text(["after"])
        await expect(page.locator("#complaint")).to_contain_text("cannot be shown")


async def test_who_is_banned_is_shown_as_such_and_knocks_again(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit)
        await visit.say(Notice("banned", "demo", "spam"))
        await visit.admit(Position(EPOCH, 0))

    async with scripted(script, http=respond) as url:
        page = await visitors.open(f"{url}/overlay?room=demo", clocked=True)
        await expect(page.locator("#complaint")).to_contain_text("cannot be shown: banned by a moderator")
        await page.clock.fast_forward(7_600)
        await expect(page.locator("#complaint")).to_be_hidden()


async def test_who_is_banned_is_shown_as_such_over_a_new_connection_too(visitors: Visitors) -> None:
    seen, returned = asyncio.Event(), asyncio.Event()

    async def first(visit: Visit) -> None:
        await enter(visit)
        await visit.say(Notice("banned", "demo", "spam"))
        await seen.wait()
        visit.cut()

    async def second(visit: Visit) -> None:
        await visit.greet()
        await visit.say(Notice("resync", "demo"))
        returned.set()
        await visit.admit(Position(EPOCH, 0))

    async with scripted(first, second, http=respond) as url:
        page = await visitors.open(f"{url}/overlay?room=demo")
        complaint = page.locator("#complaint")
        await expect(complaint).to_contain_text("cannot be shown: banned by a moderator")
        told = await page.evaluate_handle(TOLD)
        seen.set()
        await asyncio.wait_for(returned.wait(), 20)
        await expect(complaint).to_be_hidden()
        assert await told.json_value() == []


async def test_a_flood_leaves_it_bounded(visitors: Visitors) -> None:
    async def script(visit: Visit) -> None:
        await enter(visit)
        for tick in range(30):  # a thousand a second
            said = [Comment("u2", "bob", f"comment {tick * 100 + one}") for one in range(100)]
            await visit.say(items(visit, 1 + tick * 100, *said))
            await asyncio.sleep(0.1)

    async with scripted(script, http=respond) as url:
        page = await opened(visitors, f"{url}/overlay?room=demo&max=60&pins=0")
        await drawn(page, 60)
        before = await page.evaluate("drawn.frames")
        await becomes(page, "before => drawn.frames > before + 30", before)
        assert await page.evaluate("drawn.most") == 60
        assert await page.locator("#picture *").count() < 10


async def test_it_comes_back_after_the_workers_were_killed(visitors: Visitors, tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "2") as service:
        token = service.token("boss", "streamer", "demo")
        page = await opened(visitors, f"{service.url}/overlay?room=demo#token={token[:-9]}")
        await expect(page.locator("#complaint")).to_contain_text("needs a valid token")
        page = await opened(visitors, f"{service.url}/overlay?room=demo#token={token}")
        await _post(service, token, {"kind": "announce", "text": "one", "pin_s": 600, "cid": "a1"})
        await expect(page.locator(".card")).to_have_text(["bossone"])
        await expect(page.locator("#complaint")).to_be_hidden()
        workers = service.workers()
        assert workers != []
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        await _post(service, token, {"kind": "comment", "text": "弹幕 🎉", "cid": "c1"})
        await _post(service, token, {"kind": "announce", "text": "two", "pin_s": 600, "cid": "a2"})
        await expect(page.locator(".card")).to_have_text(["bosstwo"], timeout=40_000)
        await expect(page.locator("#complaint")).to_be_hidden()


async def test_the_example_of_the_docs_flies_over_a_video_of_another_site(
    visitors: Visitors, tmp_path: Path
) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "OVERLAY.md").read_text(encoding="utf-8")
    example = docs.partition("```html\n")[2].partition("```")[0]
    service = "http://127.0.0.1:8080"
    assert "import" in example
    assert all(service in line for line in example.splitlines() if "import" in line)  # runs in any page

    def answer(_connection: ServerConnection, _request: Request) -> Response:
        body = example.replace(service, node.url).encode()
        return Response(
            200, "OK", Headers({"Content-Type": "text/html", "Content-Length": str(len(body))}), body
        )

    async with serving(tmp_path) as node, scripted(enter, http=answer) as site:
        page = await opened(visitors, site)
        await drawn(page, 3)
        over, under = page.locator("canvas"), page.locator("video")
        assert await over.bounding_box() == await under.bounding_box()
        heard: list[str] = []
        page.on("console", lambda message: heard.append(message.text))
        await under.click(position={"x": 320, "y": 15})
        async with asyncio.timeout(20):
            while "picked at the top" not in heard:
                await page.evaluate("1")
        await under.dispatch_event("pause")
        await page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        before = await page.evaluate("drawn.frames")
        await page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        assert await page.evaluate("drawn.frames") == before, "paused there is nothing to draw"


async def _post(service: Deployment, token: str, message: dict[str, Any]) -> None:
    """Until it is taken: the same `cid` is shown once."""
    async with asyncio.timeout(40):
        while True:
            try:
                status, _ = await service.call("POST", "/v1/rooms/demo/messages", message, token)
            except OSError:
                status = 503
            if status == 200:
                return
            await asyncio.sleep(0.2)
