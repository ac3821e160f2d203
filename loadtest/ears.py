"""What one who is in conversations has heard: does each message come once, and in order? Pure."""

from __future__ import annotations

from typing import Literal

Verdict = Literal["delivered", "out_of_order", "duplicates"]


class Ear:
    """Of one connection in one conversation, from the message after `position` on."""

    def __init__(self, position: int = 0) -> None:
        self._last = position
        self._missing: set[int] = set()

    @property
    def lost(self) -> int:
        """How many before the newest one did not come until now."""
        return len(self._missing)

    def hear(self, seq: int) -> Verdict:
        """Number `seq` came. `out_of_order`: behind a later one."""
        if seq > self._last:
            self._missing.update(range(self._last + 1, seq))
            self._last = seq
            return "delivered"
        if seq in self._missing:
            self._missing.remove(seq)
            return "out_of_order"
        return "duplicates"

    def has_all(self, head: int) -> bool:
        return self._last >= head and not self._missing

    def miss(self, head: int) -> None:
        """Whatever did not come up to `head` is lost, unless it still comes."""
        if head > self._last:
            self._missing.update(range(self._last + 1, head + 1))
            self._last = head
