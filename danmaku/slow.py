"""What takes longer than it should is told in the log, with its parts; seldom, so as to be no load itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import structlog

from danmaku.telemetry import SlowMetrics

_PAUSE_S: Final = 5.0  # between two lines about one thing; what is slow meanwhile is counted

_log: Any = structlog.get_logger("danmaku.slow")


def _warn(event: str, **words: object) -> None:
    # Looked up at each line: what is bound at import knows no settings of the log.
    _log.warning(event, **words)


class Slow:
    """`took` is called with what took at least `threshold_s`; anything else costs a comparison.

    ms: the threshold in milliseconds; 0 is never reached.
    """

    def __init__(
        self,
        ms: int,
        metrics: SlowMetrics,
        tell: Callable[..., None] = _warn,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.go_by(ms)
        self._metrics = metrics
        self._tell = tell
        self._clock = clock
        self._told: dict[str, float] = {}
        self._untold: dict[str, int] = {}

    def go_by(self, ms: int) -> None:
        """Tell what took so long from now on."""
        self.threshold_s = ms / 1000 if ms else float("inf")

    def took(self, what: str, seconds: float, **words: object) -> None:
        """what: one of those that SlowMetrics knows. Nothing happens below the threshold."""
        if seconds < self.threshold_s:
            return
        self._metrics.slow[what].inc()
        now = self._clock()
        if now - self._told.get(what, -_PAUSE_S) < _PAUSE_S:
            self._untold[what] = self._untold.get(what, 0) + 1
            return
        self._told[what] = now
        untold = self._untold.pop(what, 0)
        self._tell("slow", what=what, ms=_ms(seconds), **words, **({"untold": untold} if untold else {}))


class Steps:
    """How long something took, step by step, in seconds."""

    __slots__ = ("_last", "begin", "words")

    def __init__(self, now: float) -> None:
        self.begin = self._last = now
        self.words: dict[str, int] = {}

    def ended(self, step: str, now: float) -> None:
        """From the step before until now it was this; one that comes twice took both times."""
        name = f"{step}_ms"
        self.words[name] = self.words.get(name, 0) + _ms(now - self._last)
        self._last = now


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
