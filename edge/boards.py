"""What rooms keep in view, and their titles, as owners told it last: written once for all joiners. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from danmaku import board, wire
from danmaku.board import EMPTY
from danmaku.recalls import Redaction
from danmaku.rows import Admitted

_MOST_BYTES: Final = 16 * 1024 * 1024
_ROOM_BYTES: Final = 200  # what else an entry takes


class View:
    """Of one room. Raises ValueError where the bytes are no board.

    title: None where it has none.
    """

    __slots__ = ("_board", "_pinned", "number", "size", "title")

    def __init__(self, number: int, encoded: bytes) -> None:
        self.number = number
        self.size = len(encoded) + _ROOM_BYTES
        self._board = board.decode(encoded) if encoded else EMPTY
        self.title = self._board.title or None
        self._pinned: dict[str, tuple[Redaction, msgspec.Raw]] = {}

    def pinned(self, codec: wire.Codec, redaction: Redaction) -> msgspec.Raw:
        """A list of wire.Pinned; wire.ABSENT where nothing is pinned.

        redaction: of what the room recalled lately, maybe after its owner told this.
        """
        if not self._board.pins:
            return wire.ABSENT
        known, kept = self._pinned.get(codec.protocol, (None, wire.ABSENT))
        if known is not redaction:
            kept = self._encoded(codec, redaction)
            self._pinned[codec.protocol] = redaction, kept
        return kept

    def _encoded(self, codec: wire.Codec, redaction: Redaction) -> msgspec.Raw:
        pins = [pin for pin in self._board.pins if not redaction.takes(pin.position, pin.item)]
        if not pins:
            return wire.ABSENT
        shown = [wire.Pinned(*pin.position, pin.at, msgspec.Raw(pin.item)) for pin in pins]
        return msgspec.Raw(codec.batch(msgspec.msgpack.encode(shown)))

    def poll(self, codec: wire.Codec, counts: list[int] | None) -> msgspec.Raw:
        """A wire.OpenPoll; wire.ABSENT where none is open."""
        poll = self._board.poll
        if poll is None:
            return wire.ABSENT
        votes = counts or [0] * len(poll.options)
        return codec.value(wire.OpenPoll(poll.id, poll.question, list(poll.options), votes, poll.until))


NOTHING: Final = View(0, b"")


class Boards:
    """Bounded in bytes: what was learned first is forgotten first, and asked for again."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._views: dict[str, View] = {}
        self._bytes = 0

    def number(self, room: str) -> int:
        """Of what is known of the room's board, for a JoinRow."""
        return self._views.get(room, NOTHING).number

    def learn(self, room: str, admitted: Admitted) -> View:
        """What a joiner is shown."""
        known = self._views.get(room, NOTHING)
        if not admitted.board:
            self._forget(room)
            return NOTHING
        if admitted.view and admitted.board != known.number:
            try:
                known = View(admitted.board, admitted.view)
            except ValueError:  # of another version: its viewers are told nothing of it
                known = View(admitted.board, b"")
            self._forget(room)
            self._views[room] = known
            self._bytes += known.size
            while self._bytes > self._most_bytes and len(self._views) > 1:
                self._forget(next(iter(self._views)))
        return known

    def _forget(self, room: str) -> None:
        known = self._views.pop(room, None)
        if known is not None:
            self._bytes -= known.size
