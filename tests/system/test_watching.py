"""`danmaku watch` before a server that says what a test wants."""

from __future__ import annotations

import asyncio

import pytest

from danmaku.client import Comment, Event
from danmaku.model import START, Position
from danmaku.watching import watch
from tests.system.scripted import Visit, scripted


@pytest.mark.parametrize(("head", "is_told"), [(START, True), (Position(5, 10), False)])
async def test_who_watches_a_room_that_showed_nothing_is_told(
    capsys: pytest.CaptureFixture[str], head: Position, is_told: bool
) -> None:
    shown: asyncio.Queue[Comment | Event] = asyncio.Queue()

    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(head)
        await visit.say(
            visit.batch(head.epoch or 5, head.seq + 1, "hello", prev=None if head.epoch else head)
        )

    async with scripted(script) as url:
        watching = asyncio.create_task(watch(url, "demo", None, shown.put_nowait))
        item = await asyncio.wait_for(shown.get(), 30)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert isinstance(item, Comment)
    assert item.text == "hello"
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "nothing was shown in demo yet\n" if is_told else "")
