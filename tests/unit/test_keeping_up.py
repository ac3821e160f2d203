"""What is elsewhere is read when it may be another one, until it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from config.live import Running
from config.settings import Settings
from danmaku.adapting import Adapting
from danmaku.adjustment import Adjustment
from danmaku.keeping_up import KeepingUp
from tests.waiting import until


class Elsewhere:
    """It is away so many times."""

    def __init__(self, away: int = 0) -> None:
        self.away = away
        self.tried = 0
        self.read = 0
        self.held = asyncio.Event()
        self.held.set()

    async def __call__(self) -> None:
        self.tried += 1
        await self.held.wait()
        if self.tried <= self.away:
            raise ConnectionError("away")
        self.read += 1


@asynccontextmanager
async def kept_up(elsewhere: Elsewhere) -> AsyncIterator[KeepingUp]:
    keeping_up = KeepingUp("it", elsewhere, ConnectionError, 0.001)
    running = asyncio.create_task(keeping_up.run())
    try:
        yield keeping_up
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_it_is_read_when_it_may_be_another_one() -> None:
    elsewhere = Elsewhere()
    async with kept_up(elsewhere) as keeping_up:
        await asyncio.sleep(0)
        assert elsewhere.tried == 0
        keeping_up.wanted()
        await until(lambda: elsewhere.read == 1)
        keeping_up.wanted()
        await until(lambda: elsewhere.read == 2)


async def test_one_that_comes_while_it_is_read_is_not_missed() -> None:
    elsewhere = Elsewhere()
    elsewhere.held.clear()
    async with kept_up(elsewhere) as keeping_up:
        keeping_up.wanted()
        await until(lambda: elsewhere.tried == 1)
        keeping_up.wanted()
        elsewhere.held.set()
        await until(lambda: elsewhere.read == 2)


async def test_it_is_read_by_one_at_a_time() -> None:
    elsewhere = Elsewhere()
    elsewhere.held.clear()
    async with kept_up(elsewhere) as keeping_up:
        keeping_up.wanted()
        await until(lambda: elsewhere.tried == 1)
        other = asyncio.create_task(keeping_up.catch_up())
        await asyncio.sleep(0)
        assert elsewhere.tried == 1
        elsewhere.held.set()
        await other
        assert elsewhere.read == 2


async def test_while_it_is_away_that_is_told_once_and_it_is_read_again() -> None:
    elsewhere = Elsewhere(away=3)
    with capture_logs() as logs:
        async with kept_up(elsewhere) as keeping_up:
            keeping_up.wanted()
            await until(lambda: elsewhere.read == 1)
            elsewhere.away = elsewhere.tried + 1
            keeping_up.wanted()
            await until(lambda: elsewhere.read == 2)
    assert {log["event"] for log in logs} == {"it cannot be read"}
    assert [log["log_level"] for log in logs] == ["warning", "debug", "debug", "warning"]
    with pytest.raises(ConnectionError):
        await KeepingUp("it", Elsewhere(away=1), ConnectionError, 0.001).catch_up()


async def test_settings_follow_what_is_adjusted_and_each_version_is_told_once() -> None:
    kept: list[Adjustment] = []

    async def newest() -> list[Adjustment]:
        return kept[:1]

    running = Running(Settings())
    adapting = Adapting(running, newest, ConnectionError)
    assert not adapting.began.is_set()
    with capture_logs() as logs:
        await adapting.keeping_up.catch_up()
        assert (adapting.version, adapting.began.is_set(), logs) == (0, True, [])
        values = {"policy.slow_s": 3, "policy.links": "eat"}
        kept.insert(0, Adjustment(1, values, "root", act="a1"))
        for _ in range(2):
            await adapting.keeping_up.catch_up()
    assert (adapting.version, running.settings.policy.slow_s) == (1, 3)
    told, passed_over = logs
    assert told == {
        "event": "settings are adjusted", "log_level": "info", "version": 1, "by": "root", "values": values,
    }  # fmt: skip
    assert (passed_over["log_level"], passed_over["version"]) == ("warning", 1)
    assert "policy.links = 'eat'" in passed_over["error"]
