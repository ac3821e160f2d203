"""How much a room shows: no more than people can read. Pure.

Two budgets, each refilled evenly and never holding more than one second's worth, so that a burst
after a pause is shown at once. What stands for money or order (events, comments of staff) has its
own budget: normal comments cannot crowd it out, and above it it waits its turn and is never dropped.
Normal comments compete when a batch is cut: all that came within the window are candidates, and where
there are too many, those of users who were shown least recently win, one of each before a second of
any. Losers are left out at once, so nobody waits longer than one window to learn what became of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rooms.generations import Generations

_MEMORY_S: Final = 60.0
_MEMORY_USERS: Final = 20_000


class Budget:
    """`per_s` a second, at most one second's worth at a time; 0: no limit."""

    __slots__ = ("_filled_s", "_left", "per_s")

    def __init__(self, per_s: int) -> None:
        self.per_s = per_s
        self._left = float(per_s)
        self._filled_s: float | None = None

    def spend(self, wanted: int, now_s: float) -> int:
        """How many of `wanted` may be shown now; they count as shown."""
        if not (wanted and self.per_s):
            return wanted
        if self._filled_s is not None:
            passed_s = max(0.0, now_s - self._filled_s)
            self._left = min(float(self.per_s), self._left + passed_s * self.per_s)
        self._filled_s = now_s
        granted = min(wanted, int(self._left))
        self._left -= granted
        return granted


class Display:
    """The budgets of one room, and of each user the number of the comment that was shown last."""

    __slots__ = ("_high", "_last", "_normal", "_shown")

    def __init__(self, per_s: int, high_per_s: int) -> None:
        self._normal = Budget(per_s)
        self._high = Budget(high_per_s)
        self._shown = 0
        self._last: Generations[str, int] = Generations(_MEMORY_S, _MEMORY_USERS)

    def change(self, per_s: int, high_per_s: int) -> None:
        """Show so many normal comments, and so many others, a second from now on."""
        if per_s != self._normal.per_s:
            self._normal = Budget(per_s)
        if high_per_s != self._high.per_s:
            self._high = Budget(high_per_s)

    def may_queue_high(self, queued: int) -> bool:
        """Whether one more event or staff comment would be shown within a second or so."""
        return self._high.per_s == 0 or queued < self._high.per_s

    def spend_high(self, queued: int, now_s: float) -> int:
        """How many of the queued events and staff comments, oldest first, are to be shown now."""
        return self._high.spend(queued, now_s)

    def choose(self, uids: Sequence[str], now_s: float) -> list[int]:
        """Which of the comments by `uids`, in order of arrival, are to be shown; the rest is left out."""
        granted = self._normal.spend(len(uids), now_s)
        chosen = list(range(len(uids)))
        if granted < len(uids):
            chosen = self._by_turn(uids)[:granted]
        for index in chosen:
            self._shown += 1
            self._last.put(uids[index], self._shown, now_s)
        return sorted(chosen)

    def _by_turn(self, uids: Sequence[str]) -> list[int]:
        """All of them, whose turn it is first: his first comment, shown longest ago, came earliest."""
        came: dict[str, int] = {}
        turns = []
        for index, uid in enumerate(uids):
            nth = came[uid] = came.get(uid, -1) + 1
            turns.append((nth, self._last.get(uid) or 0, index))
        return [index for _, _, index in sorted(turns)]
