"""Messages of one connection on their way to a conversation: one after the other. Pure.

Were two under way at one time, the later one might be stored first.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

from danmaku.wire_chat import ChatSend

C = TypeVar("C")  # whatever stands for a connection

MAX_WAITING: Final = 16  # docs/PROTOCOL.md


class Saying(Generic[C]):
    """Holds those whose message is under way, and what waits behind it."""

    def __init__(self) -> None:
        self._waiting: dict[C, deque[ChatSend]] = {}

    def add(self, connection: C, frame: ChatSend) -> bool | None:
        """True: send it now. False: it has to wait. None: too many wait already."""
        waiting = self._waiting.get(connection)
        if waiting is None:
            self._waiting[connection] = deque()
            return True
        if len(waiting) == MAX_WAITING:
            return None
        waiting.append(frame)
        return False

    def done(self, connection: C) -> ChatSend | None:
        """What was under way is answered; the next one, if any."""
        waiting = self._waiting.get(connection)
        if waiting:
            return waiting.popleft()
        self._waiting.pop(connection, None)
        return None

    def leave(self, connection: C) -> None:
        """It is gone; what waited was never said. Not an error when nothing is under way."""
        self._waiting.pop(connection, None)
