"""What joiners are told of what a room keeps in view, and votes, over real sockets."""

from __future__ import annotations

from typing import Any

import msgspec

from danmaku import board, envelope, wire
from danmaku.board import Board, Pin, Poll
from danmaku.event_rows import VoteRow
from danmaku.model import Position, Role, RoomSettings
from danmaku.rows import Admitted, Done, JoinRow, Refused
from tests.contract.edge_worker import Start, token
from tests.viewer import viewer

ITEM = wire.encode_item(wire.Announce("welcome", until=9000))
POLL = Poll("p1", "Which?", ("one", "two"))
VIEW = board.encode(Board(Pin(Position(100, 1), 5, 9000, ITEM), poll=POLL, title="Friday"))
PINNED = [{"epoch": 100, "seq": 1, "at": 5, "item": {"k": "announce", "text": "welcome", "until": 9000}}]
OPEN = {"id": "p1", "question": "Which?", "options": ["one", "two"], "counts": [3, 0]}


def judge(row: Any) -> envelope.Answer:
    if isinstance(row, JoinRow):
        return Admitted(0, 0, 7, 3, RoomSettings(), 5, b"" if row.board == 5 else VIEW, [3, 0])
    return Done() if isinstance(row, VoteRow) and row.option == 1 else Refused("conflict")


async def test_joiners_are_told_what_is_in_view(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann, viewer(worker.port) as bob:
        worker.owner.judge = judge
        for one in (ann, bob):
            await one.ok(wire.Hello(0))
            joined = await one.ok(wire.Join(0, "r"))
            assert msgspec.msgpack.decode(joined.pinned) == PINNED
            assert msgspec.msgpack.decode(joined.poll) == OPEN
            assert joined.title == "Friday"
        rows = [row for request in worker.owner.requests for row in request.rows]
        known = [row.board for row in rows if isinstance(row, JoinRow)]
        assert known[0] == 0
        assert known[-1] == 5  # what is known need not be told again


async def test_a_vote_is_that_of_who_is_logged_in(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann:
        worker.owner.judge = judge
        await ann.ok(wire.Hello(0, token=token("ann", Role.VIEWER)))
        assert await ann.err(wire.Vote(0, "r", "p1", 1)) == "not_joined"
        await ann.ok(wire.Join(0, "r"))
        assert await ann.err(wire.Vote(0, "r", "p 1", 1)) == "bad_id"
        await ann.ok(wire.Vote(0, "r", "p1", 1))
        assert await ann.err(wire.Vote(0, "r", "p1", 0)) == "conflict"
        rows = [row for request in worker.owner.requests for row in request.rows]
        assert VoteRow("r", "ann", Role.VIEWER, "p1", 1) in rows
