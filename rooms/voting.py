"""How a room's poll stands at its owner, and who may vote. Pure."""

from __future__ import annotations

from config.settings import Events
from danmaku.board import Board
from danmaku.errors import BAD_FRAME, FORBIDDEN, NO_SUCH_POLL, Refusal
from danmaku.event_rows import Polled, VoteRow
from danmaku.model import Role
from rooms.moment import Moment


class Voting:
    """Votes are counted by the store; this knows what it said last.

    closing: no vote is taken any more, as the poll is about to be closed.
    """

    __slots__ = ("_counts", "_poll", "_settings", "closing")

    def __init__(self, settings: Events) -> None:
        self.closing = False
        self._settings = settings
        self._poll = ""
        self._counts: tuple[int, ...] = ()

    def counted(self, board: Board, poll: str, counts: tuple[int, ...]) -> None:
        """What the store says. Of a poll that is over the board knows what came of it."""
        if board.poll is not None and board.poll.id == poll:
            self._poll, self._counts = poll, counts

    def counts(self, board: Board) -> tuple[int, ...]:
        """Of the open poll, for each option; empty where none is open."""
        poll = board.poll
        if poll is None:
            return ()
        return self._counts if poll.id == self._poll else (0,) * len(poll.options)

    def polled(self, board: Board, poll: str) -> Polled:
        """How this poll stands, or what came of it. Raises Refusal."""
        now, last = board.poll, board.last
        if now is not None and now.id == poll:
            return Polled(now, list(self.counts(board)), True)
        if last is not None and last.poll.id == poll:
            return Polled(last.poll, list(last.counts), False)
        raise Refusal(NO_SUCH_POLL)

    def now_open(self, board: Board) -> Polled:
        """How the open poll stands. Raises Refusal."""
        if board.poll is None:
            last = "" if board.last is None else f"; the one that was closed last is {board.last.poll.id}"
            raise Refusal(NO_SUCH_POLL, f"no poll is open in this room{last}")
        return self.polled(board, board.poll.id)

    def takes(self, board: Board, row: VoteRow, now: Moment) -> bool:
        """False where the poll is over: an earlier vote stands, but none is taken. Raises Refusal."""
        if row.role == Role.GUEST and not self._settings.guests_may_vote:
            raise Refusal(FORBIDDEN, "guests may not vote")
        found = self.polled(board, row.poll)
        if not 0 <= row.option < len(found.poll.options):
            raise Refusal(BAD_FRAME, f"option must be from 0 to {len(found.poll.options) - 1}")
        until = found.poll.until
        return found.open and not self.closing and (until is None or now.ms < until)
