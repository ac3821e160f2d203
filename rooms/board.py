"""What one room keeps in view at its owner: announcements, what was paid for and its poll. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from danmaku import wire
from danmaku.board import Board
from danmaku.errors import CONFLICT, Refusal
from danmaku.event_rows import PollRow
from danmaku.model import Act, Position
from danmaku.recalls import Recalled, Redaction
from rooms.dedupe import Key
from rooms.events import Events, Made, PostedRow
from rooms.moment import Moment
from rooms.view import View
from rooms.voting import Voting


class RoomBoard:
    """`now` is what the store has: it changes with a batch that is stored, and not before.

    One poll at most is open or waits to be shown.
    """

    __slots__ = ("_events", "_opening", "_view", "now", "voting")

    def __init__(self, now: Board, events: Events) -> None:
        self.now = now
        self.voting = Voting(events.settings)
        self._events = events
        self._view = View()
        self._opening: Key | None = None  # of a poll that waits to be shown

    def make(self, row: PostedRow, now: Moment) -> Made:
        """The item, and what becomes of the board with it. Raises Refusal."""
        if isinstance(row, PollRow) and self._opening is not None:
            raise Refusal(CONFLICT, "another poll is open")
        return self._events.make(row, self.now, now)

    def opens(self, key: Key) -> None:
        """A poll was accepted under this key."""
        self._opening = key

    def stored(self, after: Board | None, shown: Iterable[tuple[str, str, int]]) -> None:
        """A batch is: the board with it, None where it is the same, and (uid, cid, seq) of what it shows."""
        if self._opening is not None and any(self._opening == (uid, cid) for uid, cid, _ in shown):
            self._opening = None
        if after is not None:
            self.now = after

    def view(self, title: str, now_ms: int) -> tuple[int, bytes]:
        """For joiners: the number and the bytes of what is in view now."""
        return self._view.of(self.now, title, now_ms)

    def counts(self) -> list[int] | None:
        """Of the open poll; None where none is open."""
        return list(self.voting.counts(self.now)) or None

    def closing(self, counts: tuple[int, ...], act: Act) -> Made | None:
        """What came of the open poll; None where none is open."""
        poll = self.now.poll
        if poll is None:
            return None
        item = wire.encode_item(wire.PollClosed(poll.id, list(counts)))
        return Made(item, partial(_closed, counts), act=act)


def recalling(recall: wire.Recall) -> Made:
    """A recall as an item: nothing that it takes back is kept in view."""
    return Made(wire.encode_item(recall), partial(_recalled, recall))


def _closed(counts: tuple[int, ...], board: Board, _position: Position, _at: int) -> Board:
    return board.closed(counts)


def _recalled(recall: wire.Recall, board: Board, position: Position, _at: int) -> Board:
    redaction = Redaction([Recalled(position, recall)])
    return board.without(lambda pin: redaction.takes(pin.position, pin.item))
