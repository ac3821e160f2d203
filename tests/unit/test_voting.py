"""How a poll stands, and who may vote."""

from __future__ import annotations

import pytest

from config.settings import Events
from danmaku.board import EMPTY, Board, Poll, Result
from danmaku.errors import Refusal
from danmaku.event_rows import Polled, VoteRow
from danmaku.model import Role
from rooms.moment import Moment
from rooms.voting import Voting

POLL = Poll("p2", "Which?", ("one", "two"))
TIMED = Poll("p2", "Which?", ("one", "two"), 5000)
BEFORE = Poll("p1", "Who?", ("a", "b", "c"))
BOARD = Board(poll=POLL, last=Result(BEFORE, (1, 2, 3)))
NOW = Moment(1.0, 4999)


def vote(poll: str = "p2", option: int = 0, role: Role = Role.VIEWER) -> VoteRow:
    return VoteRow("a", "ann", role, poll, option)


def refused(voting: Voting, row: VoteRow, board: Board = BOARD) -> str:
    with pytest.raises(Refusal) as caught:
        voting.takes(board, row, NOW)
    return caught.value.name


def test_it_stands_as_the_store_said_last() -> None:
    voting = Voting(Events())
    assert voting.counts(EMPTY) == ()
    assert voting.counts(BOARD) == (0, 0)
    voting.counted(BOARD, "p1", (5, 5, 5))
    assert voting.counts(BOARD) == (0, 0)
    voting.counted(BOARD, "p2", (5, 6))
    assert voting.counts(BOARD) == (5, 6)
    voting.counted(BOARD, "p1", (0, 0, 0))  # a vote in the one before was said again
    voting.counted(EMPTY, "p2", (0, 0))
    assert voting.counts(BOARD) == (5, 6)
    assert voting.polled(BOARD, "p2") == Polled(POLL, [5, 6], True)
    assert voting.polled(BOARD, "p1") == Polled(BEFORE, [1, 2, 3], False)


def test_the_open_one_is_found() -> None:
    voting = Voting(Events())
    voting.counted(BOARD, "p2", (5, 6))
    assert voting.now_open(BOARD) == Polled(POLL, [5, 6], True)
    with pytest.raises(Refusal, match=r"no_such_poll: no poll is open in this room; .* closed last is p1$"):
        voting.now_open(Board(last=BOARD.last))
    with pytest.raises(Refusal, match=r"no_such_poll: no poll is open in this room$"):
        voting.now_open(Board())


def test_votes_are_taken_while_it_is_open() -> None:
    voting = Voting(Events())
    assert voting.takes(BOARD, vote(), NOW)
    assert voting.takes(Board(poll=TIMED), vote(), NOW)
    assert not voting.takes(Board(poll=TIMED), vote(), Moment(1.0, 5000))
    assert not voting.takes(BOARD, vote("p1", 2), NOW)
    voting.closing = True
    assert not voting.takes(BOARD, vote(), NOW)


def test_what_is_no_vote() -> None:
    voting = Voting(Events())
    assert refused(voting, vote("p3")) == "no_such_poll"
    assert refused(voting, vote(), EMPTY) == "no_such_poll"
    assert refused(voting, vote(option=2)) == "bad_frame"
    assert refused(voting, vote(option=-1)) == "bad_frame"


def test_guests_vote_where_they_may() -> None:
    assert refused(Voting(Events()), vote(role=Role.GUEST)) == "forbidden"
    assert Voting(Events(guests_may_vote=True)).takes(BOARD, vote(role=Role.GUEST), NOW)
