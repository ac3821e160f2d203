"""What joiners are told of a room's board and title, written once for all of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from zlib import crc32

import msgspec

from danmaku import board
from danmaku.board import EMPTY, Board
from danmaku.envelope import Answer
from danmaku.rows import Admitted, Open


class View:
    """Of one room. The number is that of the bytes, whoever owns the room; 0 where nothing is in view."""

    __slots__ = ("_bytes", "_number", "_of", "_title", "_until")

    def __init__(self) -> None:
        self._of = EMPTY
        self._title = ""
        self._until = math.inf
        self._number = 0
        self._bytes = b""

    def of(self, whole: Board, title: str, now_ms: int) -> tuple[int, bytes]:
        """The number and the bytes of what is in view now."""
        if whole is not self._of or title != self._title or now_ms >= self._until:
            now = whole.without(lambda pin: pin.until <= now_ms)
            shown = msgspec.structs.replace(now, last=None, title=title)
            self._of = whole
            self._title = title
            self._until = min((pin.until for pin in shown.pins), default=math.inf)
            self._bytes = b"" if shown == EMPTY else board.encode(shown)
            self._number = crc32(self._bytes) or 1 if self._bytes else 0
        return self._number, self._bytes


def once(rooms: Sequence[str], answers: Sequence[Answer], most_bytes: int) -> list[Answer]:
    """Each view once in a reply, for all joiners of its room. Beyond `most_bytes` of them: ask again."""
    told: set[tuple[str, int]] = set()
    size = 0
    lighter: list[Answer] = []
    for room, answer in zip(rooms, answers, strict=True):
        one = answer
        if isinstance(answer, Admitted) and answer.view:
            if (room, answer.board) in told:
                one = msgspec.structs.replace(answer, view=b"")
            elif told and size + len(answer.view) > most_bytes:
                one = Open()
            else:
                told.add((room, answer.board))
                size += len(answer.view)
        lighter.append(one)
    return lighter
