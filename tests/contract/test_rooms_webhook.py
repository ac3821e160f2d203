"""A webhook that is asked about comments: a real HTTP server, beside twins and real servers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from config.settings import Review, Rooms
from config.words import MASK
from danmaku.envelope import OutKind
from danmaku.model import Role
from danmaku.moderation_rows import HeldRow, SanctionRow
from danmaku.rows import Delayed, Done, HeldPage, Refused, Shadowed, Shown
from rooms.advice import signature
from tests.contract.rooms_service import LONG, LOOSE, Service, refusal, send, the
from tests.waiting import until

SECRET = "a shared secret"


@dataclass
class Hook:
    """What the deployment's own service was asked, and what it answers."""

    url: str = ""
    asked: list[tuple[dict[str, Any], dict[str, str]]] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], Any] = lambda _: {"decision": "allow"}
    status: int = 200
    gate: Callable[[dict[str, Any]], Awaitable[object]] | None = None

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        asked = json.loads(body)
        self.asked.append((asked, dict(request.headers)))
        timestamp = request.headers["X-Danmaku-Timestamp"]
        assert request.headers["X-Danmaku-Signature"] == signature(SECRET.encode(), timestamp, body)
        if self.gate is not None:
            await self.gate(asked)
        told = self.answer(asked)
        if isinstance(told, bytes):
            return web.Response(body=told, status=self.status)
        return web.json_response(told, status=self.status)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    opened = Hook()
    app = web.Application()
    app.router.add_post("/review", opened.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    opened.url = f"http://127.0.0.1:{runner.addresses[0][1]}/review"
    yield opened
    await runner.cleanup()


def review(hook: Hook, **settings: Any) -> Review:
    return Review(**{"url": hook.url, "secret": SECRET, "timeout_ms": 10_000, **settings})


async def test_it_decides_what_becomes_of_a_comment(live: Service, hook: Hook) -> None:
    answers: dict[str, Any] = {
        "fine": {"decision": "allow"},
        "bad": {"decision": "deny", "reason": "not here"},
        "rude": {"decision": "change", "text": " r*de\n"},
        "long": {"decision": "change", "text": "x" * 101},
        "ad": {"decision": "shadow"},
        "odd": {"decision": "hold", "reason": "looks odd"},
    }
    hook.answer = lambda asked: answers[asked["text"]]
    process = await live.sole_owner(review=review(hook))
    watching = await live.watch("a")
    shown = the(Shown, await live.ask(send("a", "u1", "fine", "c1")))
    assert the(Shown, await live.ask(send("a", "u1", "fine", "c1"))) == shown
    denied = the(Refused, await live.ask(send("a", "u1", "bad", "c2")))
    assert (denied.name, denied.detail) == ("blocked_words", "not here")
    the(Shown, await live.ask(send("a", "u1", "rude", "c3")))
    assert refusal(await live.ask(send("a", "u1", "long", "c4"))) == "too_long"
    shadowed = the(Shadowed, await live.ask(send("a", "u1", "ad", "c5")))
    assert the(Shadowed, await live.ask(send("a", "u1", "ad", "c5"))) == shadowed
    assert refusal(await live.ask(send("a", "u1", "odd", "c6"))) == "held_for_review"
    held = the(HeldPage, await live.ask(HeldRow("a", "mod", Role.MODERATOR))).held
    assert [(one.uid, one.cid, one.why) for one in held] == [("u1", "c6", "looks odd")]
    the(Shown, await live.ask(send("a", "mod", "staff is not asked about", "c1", Role.MODERATOR)))
    assert watching.texts == ["fine", "r*de", "staff is not asked about"]
    await watching.until(1, OutKind.NOTICE)
    (aside,) = [out for out in watching.outs if out.kind is OutKind.NOTICE]
    frame = msgspec.msgpack.decode(aside.frame)
    assert (aside.uid, frame["t"], [item["text"] for item in frame["items"]]) == ("u1", "aside", ["ad"])
    asked, headers = hook.asked[0]
    at = asked.pop("at")
    assert asked == {"room": "a", "uid": "u1", "name": "U1", "role": "viewer", "text": "fine", "cid": "c1"}
    assert abs(at / 1000 - int(headers["X-Danmaku-Timestamp"])) < 60
    assert len(hook.asked) == len(answers)
    decided = {one: process.metric("danmaku_rooms_webhook_total", outcome=one) for one in ("allow", "change")}
    assert decided == {"allow": 1, "change": 2}
    assert process.rooms.space.taken == 0


async def test_where_comments_are_delayed_who_is_shadowed_sees_theirs_as_late(
    live: Service, hook: Hook
) -> None:
    hook.answer = lambda asked: {"decision": "shadow" if asked["text"] == "ad" else "allow"}
    policy = msgspec.structs.replace(LOOSE, delay_s=1)
    process = await live.sole_owner(review=review(hook), policy=policy)
    watching = await live.watch("a")
    begin_ms = time.time_ns() // 1_000_000
    for text in ("fine", "ad"):
        the(Delayed, await live.ask(send("a", "u1", text, text)))
    await watching.until(1, OutKind.NOTICE)
    await watching.until(1, OutKind.BATCH)
    (aside,) = watching.frames(OutKind.NOTICE)
    assert [item["text"] for item in aside["items"]] == ["ad"]
    assert aside["at"] >= begin_ms + 1000
    assert watching.texts == ["fine"]
    the(Shadowed, await live.ask(send("a", "u1", "ad", "ad")))
    assert process.rooms.space.taken == 0


@pytest.mark.parametrize(
    ("fallback", "name"), [("allow", None), ("deny", "blocked_words"), ("hold", "held_for_review")]
)
async def test_without_an_answer_the_settings_say_what_becomes_of_it(
    live: Service, hook: Hook, fallback: str, name: str | None
) -> None:
    process = await live.sole_owner(review=review(hook, fallback=fallback, timeout_ms=100))

    async def falls_back(cid: str) -> None:
        answer = await live.ask(send("a", "u1", cid, cid))
        assert (answer.name if isinstance(answer, Refused) else None) == name, answer

    hook.status = 500
    await falls_back("status")
    hook.status = 200
    for number, nonsense in enumerate((b"", b"<html>", b'{"decision":"maybe"}', b" " * 100_000)):
        hook.answer = lambda _, nonsense=nonsense: nonsense  # type: ignore[misc]  # each its own
        await falls_back(f"n{number}")
    stuck = asyncio.Event()
    hook.gate = lambda _: stuck.wait()
    await falls_back("slow")
    stuck.set()
    failed, late = (
        process.metric("danmaku_rooms_webhook_total", outcome=outcome) for outcome in ("failed", "timeout")
    )
    assert failed + late == 6
    assert late >= 1


async def test_the_settings_say_so_too_where_asking_fails_as_nobody_foresaw(
    live: Service, hook: Hook
) -> None:
    process = await live.start(
        review=review(hook, fallback="hold"), rooms=Rooms(window_ms=5, lease_ms=2000, queue_items=1)
    )
    await live.owned(process)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    asking = process.process._asking
    assert asking is not None
    await asking._adviser.close()  # whatever is posted now raises a RuntimeError
    for cid in ("c2", "c3"):
        assert refusal(await live.ask(send("a", "u1", cid, cid))) == "held_for_review"


async def test_who_fails_is_not_asked_for_a_while_and_then_again(live: Service, hook: Hook) -> None:
    url = f"{hook.url}?token=of-the-hook"
    settings = review(hook, url=url, fallback="deny", breaker_failures=3, breaker_pause_s=3)
    process = await live.sole_owner(review=settings)
    hook.status = 503
    with capture_logs() as logs:
        for number in range(5):
            assert refusal(await live.ask(send("a", "u1", "hi", f"c{number}"))) == "blocked_words"
    told = [one["url"] for one in logs if one["log_level"] == "warning"]
    assert f"{hook.url}?token={MASK}" in told, "what is secret in a URL is in no log"
    assert url not in told
    failed = process.metric("danmaku_rooms_webhook_total", outcome="failed")
    assert 3 <= failed < 5
    assert failed == len(hook.asked)
    assert process.metric("danmaku_rooms_webhook_total", outcome="open") == 5 - failed
    hook.status = 200

    async def answers_again() -> bool:
        answer = await live.ask(send("a", "u1", "hi", "c9"))
        return isinstance(answer, Shown)

    await until(answers_again)
    assert process.metric("danmaku_rooms_webhook_open") == 0


async def test_one_senders_comments_keep_their_order_and_a_repeat_is_not_asked_about(
    live: Service, hook: Hook
) -> None:
    process = await live.sole_owner(rooms=LONG, review=review(hook, at_once=3))
    watching = await live.watch("a")
    first_waits = asyncio.Event()

    async def gate(asked: dict[str, Any]) -> None:
        if asked["text"] == "first":
            await first_waits.wait()

    hook.gate = gate
    name = process.name
    rows = [send("a", "u1", text, text) for text in ("first", "second")]
    both = asyncio.create_task(live.request(name, *rows))
    await until(lambda: len(hook.asked) == 2)
    again = asyncio.create_task(live.request(name, rows[0]))
    the(Shown, await live.ask(send("a", "u2", "other", "c1")))
    the(Done, await live.ask(SanctionRow("a", "mute", "u3", "mod", Role.MODERATOR, 60)))
    first_waits.set()
    answers = [the(Shown, answer) for answer in await both]
    assert (await again)[0] == answers[0]
    assert watching.texts == ["other", "first", "second"]
    assert len(hook.asked) == 3


async def test_no_more_are_asked_at_once_than_may_be_and_nobody_is_shown_after_a_mute(
    live: Service, hook: Hook
) -> None:
    process = await live.sole_owner(rooms=LONG, review=review(hook, at_once=2, fallback="deny"))
    waits = asyncio.Event()
    hook.gate = lambda _: waits.wait()
    name = process.name
    rows = [send("a", f"u{number}", "hi", "c1") for number in range(3)]
    asking = asyncio.create_task(live.request(name, *rows))
    await until(lambda: len(hook.asked) == 2)
    assert process.metric("danmaku_rooms_webhook_total", outcome="busy") == 1
    the(Done, await live.ask(SanctionRow("a", "mute", "u0", "mod", Role.MODERATOR, 60)))
    waits.set()
    muted, shown, denied = await asking
    assert (refusal(muted), refusal(denied)) == ("muted", "blocked_words")
    the(Shown, shown)


async def test_whose_lease_is_lost_shows_nothing_of_what_was_asked_about(live: Service, hook: Hook) -> None:
    process = await live.sole_owner(review=review(hook))
    watching = await live.watch("a")
    waits = asyncio.Event()
    hook.gate = lambda _: waits.wait()
    asking = asyncio.create_task(live.request(process.name, send("a", "u1", "hi", "c1")))
    await until(lambda: len(hook.asked) == 1)
    for loaded in process.rooms:
        process.rooms.give_up(loaded)
    waits.set()
    hook.gate = None
    shown = the(Shown, await live.ask(send("a", "u1", "hi", "c1")))
    asking.cancel()
    assert [position for position, _ in watching.items] == [(shown.epoch, shown.seq)]
