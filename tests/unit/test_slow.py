"""What is slow is told once in a while, and always counted."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from danmaku.slow import Slow, Steps
from danmaku.telemetry import SlowMetrics
from tests.measured import measured


class Kept:
    def __init__(self, ms: int) -> None:
        self.lines: list[dict[str, Any]] = []
        self.now = 0.0
        self._registry = CollectorRegistry()
        self.slow = Slow(ms, SlowMetrics(self._registry), self._tell, lambda: self.now)

    def _tell(self, event: str, **words: Any) -> None:
        assert event == "slow"
        self.lines.append(words)

    def counted(self, what: str) -> float:
        return measured(self._registry, "danmaku_slow_total", what=what)


def test_what_is_quick_is_not_told() -> None:
    kept = Kept(100)
    kept.slow.took("store", 0.0999)
    assert kept.lines == []
    assert kept.counted("store") == 0


def test_what_is_slow_is_told_with_what_is_known_of_it() -> None:
    kept = Kept(100)
    kept.slow.took("flush", 0.1234, rooms=3, append_ms=120)
    assert kept.lines == [{"what": "flush", "ms": 123, "rooms": 3, "append_ms": 120}]


def test_of_one_thing_there_is_a_line_now_and_then_and_each_is_counted() -> None:
    kept = Kept(100)
    for _ in range(4):
        kept.slow.took("store", 1.0)
    kept.slow.took("bus", 1.0)
    assert [line["what"] for line in kept.lines] == ["store", "bus"]
    kept.now = 5.0
    kept.slow.took("store", 1.0)
    kept.now = 10.0
    kept.slow.took("store", 1.0)
    assert kept.lines[2:] == [{"what": "store", "ms": 1000, "untold": 3}, {"what": "store", "ms": 1000}]
    assert kept.counted("store") == 6


@pytest.mark.parametrize("seconds", [0.0, 1.0, 1e9])
def test_zero_turns_it_off(seconds: float) -> None:
    kept = Kept(0)
    kept.slow.took("loop", seconds)
    assert kept.lines == []


def test_steps_add_up() -> None:
    steps = Steps(10.0)
    steps.ended("owner", 10.5)
    steps.ended("open", 10.75)
    steps.ended("owner", 11.0)
    assert steps.words == {"owner_ms": 750, "open_ms": 250}
    assert steps.begin == 10.0
