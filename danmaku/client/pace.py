"""How long a client waits: for answers, and before it comes back after a connection was lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from danmaku.errors import may_reconnect

_AT_ONCE = range(4000, 4100)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds.

    connect: to open a connection and be greeted. answer: for a call, unless it says otherwise.
    pong: without an answer to a ping the connection is dead. close: for the closing handshake.
    first_retry, most_retry: bounds of the backoff. stable: a connection that lasted so long resets it.
    pull_jitter: spreads the pulls of many viewers with the same gap.
    """

    connect: float = 10.0
    answer: float = 10.0
    pong: float = 8.0
    close: float = 1.0
    first_retry: float = 0.5
    most_retry: float = 30.0
    stable: float = 10.0
    pull_jitter: float = 0.5


class Pace:
    """Exponential backoff with full jitter, reset by a connection that lasted; respects the close codes.

    Times are seconds of any monotonic clock, passed in.
    """

    def __init__(self, timing: Timing, random: Callable[[], float]) -> None:
        self._timing = timing
        self._random = random
        self._failures = 0
        self._connected_at: float | None = None
        self._not_before: float | None = None

    def connected(self, now: float) -> None:
        self._connected_at = now

    def asked_to_wait(self, retry_ms: int, now: float) -> None:
        """The server spreads its clients: come back no earlier than `retry_ms` from now."""
        self._not_before = now + retry_ms / 1000

    def wait(self, code: int, now: float) -> float | None:
        """Seconds until the next attempt after a close with `code`; None: do not come back."""
        if not may_reconnect(code):
            return None
        if self._connected_at is not None and now - self._connected_at >= self._timing.stable:
            self._failures = 0
        asked, self._not_before, self._connected_at = self._not_before, None, None
        at_once = self._failures == 0 and (asked is not None or code in _AT_ONCE)
        # capped: 2 ** 16 is above any bound, and more would overflow a float one day
        backoff_s = self._timing.first_retry * 2 ** min(self._failures, 16)
        most = 0.0 if at_once else min(self._timing.most_retry, backoff_s)
        self._failures += 1
        return max(self._random() * most, 0.0 if asked is None else asked - now)
