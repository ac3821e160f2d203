"""Which heads of conversations are news to the devices here. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

_REMEMBERED: Final = 50_000


class Heads:
    """Remembers what was handed out last in each conversation, of those that were active last."""

    def __init__(self, most: int = _REMEMBERED) -> None:
        self._most = most
        self._last: OrderedDict[str, int] = OrderedDict()

    def told(self, conv: str, seq: int, *, complete: bool) -> None:
        """This one was handed out; not `complete` where a device missed it: to that the next head is news."""
        if not complete:
            self.forget(conv)
        else:  # also where it is lower: then the store went back
            self._last[conv] = seq
            self._last.move_to_end(conv)
            if len(self._last) > self._most:
                self._last.popitem(last=False)

    def forget(self, conv: str) -> None:
        """Somebody here was not handed anything of it: its next head is news."""
        self._last.pop(conv, None)

    def doubt(self) -> None:
        """Whatever was handed out, anything may have got lost since."""
        self._last.clear()

    def is_news(self, conv: str, last_seq: int) -> bool:
        return last_seq > self._last.get(conv, 0)
