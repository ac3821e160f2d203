"""What moderators set in a room, at its owner, before and after another process takes the room over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from danmaku.envelope import OutKind
from danmaku.model import Role, RoomSettings
from danmaku.moderation_rows import SanctionRow
from danmaku.rows import Delayed, Done, PutRoomRow, Shed, Shown
from tests.contract.rooms_service import Running, Service, send, service
from tests.contract.test_rooms_live import servers

__all__ = ["servers"]


@pytest.fixture
async def live(servers: Any) -> AsyncIterator[Service]:
    async with service(*servers) as opened:
        yield opened


async def started(live: Service) -> Running:
    process = await live.start()
    await live.owned(process)
    return process


async def put(live: Service, **settings: Any) -> None:
    await live.ask(PutRoomRow("r", "boss", Role.STREAMER, settings=RoomSettings(**settings)))


async def test_a_delayed_comment_is_shown_unless_its_user_is_muted_meanwhile(live: Service) -> None:
    await started(live)
    await put(live, delay_s=1)
    watching = await live.watch("r")
    good, bad = send("r", "ann", "good", "c1"), send("r", "bob", "bad", "c2")
    for row in (good, bad):
        assert isinstance(await live.ask(row), Delayed)
    assert await live.ask(SanctionRow("r", "mute", "bob", "mod", Role.MODERATOR)) == Done()
    assert await live.ask(bad) == Shed()
    await live.ask(SanctionRow("r", "unmute", "bob", "mod", Role.MODERATOR))
    await watching.until(1, OutKind.BATCH)
    assert isinstance(await live.ask(good), Shown)
    await live.ask(send("r", "mod", "last", "c3", Role.MODERATOR))
    assert [item["text"] for _, item in watching.items] == ["good", "last"]


async def test_a_process_that_goes_shows_what_is_delayed_and_one_that_dies_does_not(live: Service) -> None:
    first = await started(live)
    await put(live, delay_s=10)
    watching = await live.watch("r")
    row = send("r", "ann", "one", "c1")
    assert isinstance(await live.ask(row), Delayed)
    await first.end()
    second = await started(live)
    assert isinstance(await live.ask(row), Shown)
    assert [item["text"] for _, item in watching.items] == ["one"]
    lost = send("r", "ann", "two", "c2")
    assert isinstance(await live.ask(lost), Delayed)
    await second.kill()
    await started(live)
    assert isinstance(await live.ask(lost), Delayed), "it is taken as if it were new"
    assert [item["text"] for _, item in watching.items] == ["one"]
