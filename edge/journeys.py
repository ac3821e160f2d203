"""How long what is said at this edge takes into the store and back to devices here. Pure.

The clocks of two machines do not agree, so one clock says when a message was handed to rooms processes and
when to devices: that of the edge where it was said, whose devices hear of it like all others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_MOST: Final = 4096  # that wait for their other half
_LONGEST_S: Final = 60.0  # what is handed out later than that was told again

Message = tuple[str, int]


class Journeys:
    """`took` is called with the seconds of each. The answer and the message may come in either order."""

    def __init__(self, took: Callable[[float], None], most: int = _MOST) -> None:
        self._took = took
        self._most = most
        self._said: dict[Message, float] = {}
        self._handed: dict[Message, float] = {}

    def said(self, conv: str, seq: int, asked_s: float) -> None:
        """A message that was asked for at `asked_s` is stored as this one."""
        handed_s = self._handed.pop((conv, seq), None)
        if handed_s is None:
            _note(self._said, (conv, seq), asked_s, self._most)
        else:
            self._took(handed_s - asked_s)

    def handed(self, conv: str, seq: int, now_s: float) -> None:
        """It was handed to the devices here, wherever it was said."""
        asked_s = self._said.pop((conv, seq), None)
        if asked_s is None:
            _note(self._handed, (conv, seq), now_s, self._most)
        elif now_s - asked_s < _LONGEST_S:
            self._took(now_s - asked_s)


def _note(where: dict[Message, float], message: Message, at_s: float, most: int) -> None:
    where[message] = at_s
    if len(where) > most:
        del where[next(iter(where))]
