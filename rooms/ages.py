"""How long a request was on its way, by two clocks that need not agree. Pure.

Hard because each sender tells by a clock of its own when it sent something. What came quickest of late counts
as new; what takes so much longer than that is as old as the difference. So a process that stood still, or
cannot keep up, finds out which of the requests that have piled up nobody waits for any more.
"""

from __future__ import annotations

from typing import Final

from danmaku.envelope import Sent

_WINDOW_S: Final = (
    10.0  # clocks drift, and a machine may sleep: what was quickest before two of these is forgotten
)
_MOST: Final = 10_000  # senders


class Ages:
    def __init__(self) -> None:
        self._quickest: dict[str, float] = {}
        self._before: dict[str, float] = {}
        self._turns_s = 0.0

    def age_s(self, sent: Sent | None, now_s: float) -> float:
        """0 where nothing is known of its sender."""
        if sent is None:
            return 0.0
        if now_s >= self._turns_s:
            self._before, self._quickest = self._quickest, {}
            self._turns_s = now_s + _WINDOW_S
        took_s = now_s - sent.at_ms / 1000
        quickest = self._quickest.get(sent.sender, took_s)
        if took_s <= quickest and (sent.sender in self._quickest or len(self._quickest) < _MOST):
            self._quickest[sent.sender] = took_s
        return max(0.0, took_s - min(quickest, self._before.get(sent.sender, took_s)))
