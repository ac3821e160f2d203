"""Those who are inside get their turn: nobody looks at the door for a while once many came at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from edge._uws_door import Doorway


class Clock:
    """A loop that has no more than a time, and what is called at some."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, work: Callable[[], None]) -> Any:
        timer = when, work
        self.timers.append(timer)
        return SimpleNamespace(cancel=lambda: self.timers.remove(timer))

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self.timers and min(self.timers)[0] <= end:
            timer = min(self.timers)
            self.timers.remove(timer)
            self.now, work = timer
            work()
        self.now = end


class Entrance:
    """A doorway, who comes to it, and whether native code looks who waits there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.each = 0.0
        self.looks = [True]
        native = SimpleNamespace(
            ssl=0,
            keep=self._keep,
            ffi=SimpleNamespace(new=lambda _: [None], cast=lambda _, response: response, NULL=None),
            lib=SimpleNamespace(uws_res_get_remote_address_as_text=lambda *_: 0),
        )
        with monkeypatch.context() as patched:
            patched.setattr(asyncio, "get_running_loop", lambda: self.clock)
            self.doorway = Doorway(native, self, goodbye_s=1.0)
        self.doorway.opened(self.looks.append)

    def _keep(self, _: str, passed: Callable[..., None]) -> None:
        self._passed = passed

    def come(self, many: int) -> None:
        for number in range(many):
            self._passed(number, 1, None)

    def each_s(self, now: float) -> float:
        return self.each

    def arrive(self, address: str) -> bool:
        return True

    def said_goodbye(self, address: str) -> None: ...

    def gone(self, address: str) -> None: ...


@pytest.fixture
def entrance(monkeypatch: pytest.MonkeyPatch) -> Entrance:
    return Entrance(monkeypatch)


def test_who_comes_evenly_does_not_wait(entrance: Entrance) -> None:
    entrance.each = 0.01
    for _ in range(1000):
        entrance.come(1)
        entrance.clock.advance(0.01)
    assert entrance.looks == [True]


def test_once_many_came_at_a_time_others_wait_until_so_many_are_due(entrance: Entrance) -> None:
    entrance.each = 0.001
    entrance.come(500)
    assert entrance.looks == [True, False]
    entrance.clock.advance(0.45)
    assert entrance.looks[-1] is False
    entrance.clock.advance(0.06)
    assert entrance.looks == [True, False, True]


def test_nobody_waits_longer_than_two_seconds_for_a_pace_that_may_be_another_one(entrance: Entrance) -> None:
    entrance.each = 1.0
    entrance.come(500)
    entrance.each = 0.0
    entrance.clock.advance(1.9)
    assert entrance.looks[-1] is False
    entrance.clock.advance(0.11)
    assert entrance.looks == [True, False, True]
    entrance.come(500)
    assert entrance.looks == [True, False, True]


def test_a_door_that_is_shut_is_not_looked_at_again(entrance: Entrance) -> None:
    entrance.each = 1.0
    entrance.come(5)
    entrance.doorway.shut()
    entrance.clock.advance(10.0)
    assert entrance.looks == [True, False]
