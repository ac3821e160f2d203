"""How often somebody may do something, kept in one number (generic cell rate algorithm). Pure."""

from __future__ import annotations


class Rate:
    """`count` times in `per_s` seconds, evenly, but `burst` at once after a pause.

    The number to keep is when the next one would be due if they came evenly; 0.0 to begin with.
    """

    __slots__ = ("_interval_s", "_tolerance_s")

    def __init__(self, count: int, per_s: float, burst: int) -> None:
        self._interval_s = per_s / count
        self._tolerance_s = (burst - 1) * self._interval_s

    @property
    def memory_s(self) -> float:
        """After this long without one, the number no longer matters."""
        return self._tolerance_s + self._interval_s

    def wait_s(self, due_s: float, now_s: float) -> float:
        """How long until one more may come; 0.0 when it may now."""
        wait_s = due_s - now_s - self._tolerance_s
        return wait_s if wait_s > 0 else 0.0

    def due_s(self, due_s: float, now_s: float) -> float:
        """The number to keep after one came."""
        return (due_s if due_s > now_s else now_s) + self._interval_s
