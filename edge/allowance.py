"""How much somebody may ask for in a time, by generic cell rates. Pure; times are in seconds."""

from __future__ import annotations

from typing import Final

from config.settings import Edge

_ROUNDING_S: Final = 1e-6  # a burst adds up fractions
_MOST: Final = 20_000


def paced(due: float, now: float, per_s: float, burst: int) -> tuple[float, float]:
    """How long until one more may come (0.0 takes it), and when the next one is due then."""
    due = max(due, now)
    early = due - now - (burst - 1) / per_s
    return (early, due) if early > _ROUNDING_S else (0.0, due + 1 / per_s)


class Allowances:
    """Everybody may have `address_burst` at once, and `address_per_s` after that; 0: there is no limit.

    Remembers at most `most` of them: one more, and who was heard of first begins anew.
    """

    def __init__(self, limits: Edge, most: int = _MOST) -> None:
        self._limits = limits
        self._most = most
        self._due: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._due)

    def look_s(self, who: str, now: float) -> float:
        """How long until `who` may have one more; takes none."""
        limits = self._limits
        if not limits.address_per_s:
            return 0.0
        return paced(self._due.get(who, 0.0), now, limits.address_per_s, limits.address_burst)[0]

    def wait_s(self, who: str, now: float) -> float:
        """How long until `who` may have one more; 0.0 takes it."""
        limits = self._limits
        if not limits.address_per_s:
            return 0.0
        wait_s, due = paced(self._due.pop(who, 0.0), now, limits.address_per_s, limits.address_burst)
        self._forget(now)
        self._due[who] = due
        return wait_s

    def _forget(self, now: float) -> None:
        """Those at rest, oldest first, two at a time: it shrinks as fast as it grew."""
        for _ in range(2):
            who = next(iter(self._due), None)
            if who is None or (self._due[who] > now and len(self._due) < self._most):
                return
            del self._due[who]
