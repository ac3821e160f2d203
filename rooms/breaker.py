"""Whether to ask somebody who has failed to answer. Pure.

Closed, everything is asked. After so many failures in a row it opens: nobody is asked for a while. Then one
question is let through: its answer closes it, its failure opens it again.
"""

from __future__ import annotations

from typing import Literal

from config.settings import Review

State = Literal["closed", "open", "trying"]


class Breaker:
    __slots__ = ("_in_a_row", "_limits", "_until_s", "state")

    def __init__(self, limits: Review) -> None:
        self.state: State = "closed"
        self._limits = limits
        self._in_a_row = 0
        self._until_s = 0.0

    def may_ask(self, now_s: float) -> bool:
        """Whoever may asks, and then says `succeeded`, `failed` or `gave_up`."""
        if self.state == "open" and now_s >= self._until_s:
            self.state = "trying"
            return True
        return self.state == "closed"

    def succeeded(self) -> None:
        self._in_a_row = 0
        self.state = "closed"

    def failed(self, now_s: float) -> None:
        self._in_a_row += 1
        if self.state == "trying" or self._in_a_row >= self._limits.breaker_failures:
            self.state = "open"
            self._until_s = now_s + self._limits.breaker_pause_s

    def gave_up(self, now_s: float) -> None:
        """It was not waited for what comes of it: somebody else may try."""
        if self.state == "trying":
            self.state, self._until_s = "open", now_s
