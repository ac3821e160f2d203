"""Votes on their way into the store, and polls that are over.

Why it is hard: a vote counts once, is stored before it is answered, and there may be thousands a second. So
all that came in one window go in one pipelined write; where its outcome is unknown the very same votes go
again, which the store recognises. A poll is closed behind the last vote that was taken for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

import structlog

from config.settings import Events, Rooms
from danmaku.board import Poll
from danmaku.calls import VOTES
from danmaku.envelope import Answer
from danmaku.errors import CONFLICT, FORBIDDEN, POLL_CLOSED, POLL_FULL, UNAVAILABLE, Refusal
from danmaku.event_rows import ClosePollRow, GetPollRow, Polled, VoteRow
from danmaku.model import Act
from danmaku.rows import Done, Refused
from danmaku.store.errors import StoreDown
from danmaku.store.polls import Ballot, Cast, Counted, Polls
from danmaku.telemetry import RoomsMetrics
from rooms.acts import by_itself, posted
from rooms.loaded import ELSEWHERE, LoadedRoom, LoadedRooms
from rooms.moment import Moment
from rooms.pending import Ticket
from rooms.storing import LeaseLost, Storing
from rooms.tasks import Tasks
from rooms.voted import Voted

_MOST: Final = 50_000  # votes that wait
_AT_ONCE: Final = 500  # of one room, in one call of the script, beside which the store does nothing else
_CLOSING: Final = 1000
_LOOK_S: Final = 1.0
_PAUSE_AFTER: Final = 200  # rooms looked at before the loop does something else
_PAUSE_S: Final = 0.002

_DONE: Final = Done()
_CONFLICT: Final = Refused.of(Refusal(CONFLICT, "you have voted for something else"))
_CLOSED: Final = Refused.of(Refusal(POLL_CLOSED))
_FULL: Final = Refused.of(Refusal(POLL_FULL))

_log: Any = structlog.get_logger("rooms.polls")


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A vote and who waits for its answer. Without a vote: for those before it to be counted.

    answer: made of the option for which the user's vote counts, if any does.
    """

    poll: str
    options: int
    vote: Cast | None
    told: Callable[[Answer], None]
    is_over: Callable[[], bool]
    answer: Callable[[int | None], Answer]

    def shares_poll(self, other: _Waiting) -> bool:
        return self.poll == other.poll


class RoomPolls:
    """`run` must run."""

    def __init__(
        self,
        store: Polls,
        process: str,
        rooms: LoadedRooms,
        storing: Storing,
        settings: Events,
        limits: Rooms,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._process = process
        self._rooms = rooms
        self._storing = storing
        self._settings = settings
        self._limits = limits
        self._metrics = metrics
        self._clock = clock
        self._waiting: dict[LoadedRoom, list[_Waiting]] = {}
        self._count = 0
        self._wake = asyncio.Event()
        self._tasks = Tasks(_CLOSING)
        self._voted = Voted(store, metrics)

    def answer(
        self, loaded: LoadedRoom, row: VoteRow | GetPollRow | ClosePollRow, ticket: Ticket, now: Moment
    ) -> Answer | None:
        """None where the ticket is answered later. Raises Refusal."""
        if isinstance(row, GetPollRow):
            return self._voted.answer(loaded, row, ticket)
        if isinstance(row, ClosePollRow):
            return self._close_poll(loaded, row, ticket)
        self._vote(loaded, row, ticket, now)
        return None

    def welcome(self, loaded: LoadedRoom) -> None:
        """A room was just loaded: the store knows how its poll stands."""
        self._count_behind(loaded, lambda _: None)

    async def run(self) -> None:
        """Count, and close what is over, until cancelled. A round ends within the store's time-out."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_counting())
            tasks.create_task(self._keep_closing())

    async def close(self) -> None:
        await self._tasks.close()
        await self._voted.close()

    def _vote(self, loaded: LoadedRoom, row: VoteRow, ticket: Ticket, now: Moment) -> None:
        """Raises Refusal."""
        room = loaded.room
        vote = Cast(row.uid, row.option, late=not room.takes_vote(row, now))
        poll = room.voting.polled(room.board, row.poll).poll
        if self._count >= _MOST:
            raise Refusal(UNAVAILABLE, "too many votes wait to be counted", retry_ms=1000)
        self._add(
            loaded,
            _Waiting(
                poll.id,
                len(poll.options),
                vote,
                ticket.answer,
                lambda: ticket.is_over,
                lambda standing: _answer(vote, standing),
            ),
        )

    def _close_poll(self, loaded: LoadedRoom, row: ClosePollRow, ticket: Ticket) -> Polled | None:
        if not row.role.is_staff:
            raise Refusal(FORBIDDEN)
        polled = loaded.room.voting.polled(loaded.room.board, row.poll)
        if not polled.open:
            return polled
        if self._tasks.full:
            raise Refusal(UNAVAILABLE, retry_ms=1000)
        self._begin_closing(loaded, row.poll, row, ticket.answer)
        return None

    def _add(self, loaded: LoadedRoom, one: _Waiting) -> None:
        self._waiting.setdefault(loaded, []).append(one)
        self._count += 1
        self._wake.set()

    def _count_behind(self, loaded: LoadedRoom, told: Callable[[Answer], None]) -> None:
        """Read how the poll stands, behind the votes that wait. `told`: Done, or Elsewhere."""
        poll = loaded.room.board.poll
        if poll is not None:
            options = len(poll.options)
            self._add(loaded, _Waiting(poll.id, options, None, told, lambda: False, lambda _: _DONE))

    async def _keep_counting(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                begin = loop.time()
                wait_s = self._limits.window_ms / 1000 if await self._round() else VOTES.first_s
                await asyncio.sleep(max(0.0, begin + wait_s - loop.time()))

    async def _round(self) -> bool:
        """One write for all rooms. False where an outcome is unknown."""
        taken = self._take()
        ballots = [ballot for _, ballot, _ in taken]
        outcomes: list[Counted | Exception | None]
        try:
            with self._metrics.store_seconds.labels("votes").time():
                outcomes = await self._store.cast(self._process, ballots, self._settings.voters)
        except StoreDown as error:
            outcomes = [error] * len(taken)
        known = True
        for (loaded, ballot, some), outcome in zip(taken, outcomes, strict=True):
            if isinstance(outcome, Exception):
                known = False
                self._again(loaded, some, outcome)
            else:
                self._count -= len(some)
                self._settle(loaded, ballot, some, outcome)
        return known

    def _take(self) -> list[tuple[LoadedRoom, Ballot, list[_Waiting]]]:
        """The first votes of each room, all in the same poll; what nobody waits for any more is dropped."""
        taken: list[tuple[LoadedRoom, Ballot, list[_Waiting]]] = []
        rest: dict[LoadedRoom, list[_Waiting]] = {}
        for loaded, waiting in self._waiting.items():
            wanted = [one for one in waiting if not one.is_over()]
            self._count -= len(waiting) - len(wanted)
            if not wanted:
                continue
            first = wanted[0]
            some = list(takewhile(first.shares_poll, wanted[:_AT_ONCE]))
            votes = tuple(one.vote for one in some if one.vote is not None)
            room = loaded.room
            taken.append((loaded, Ballot(room.name, room.lease, first.poll, first.options, votes), some))
            if len(some) < len(wanted):
                rest[loaded] = wanted[len(some) :]
        self._waiting = rest
        return taken

    def _again(self, loaded: LoadedRoom, some: list[_Waiting], error: Exception) -> None:
        if loaded.gone:
            self._count -= len(some)
            _tell(some, ELSEWHERE)
            return
        _log.warning("votes may not be stored", room=loaded.room.name, votes=len(some), error=str(error))
        self._waiting[loaded] = some + self._waiting.get(loaded, [])

    def _settle(
        self, loaded: LoadedRoom, ballot: Ballot, some: list[_Waiting], outcome: Counted | None
    ) -> None:
        if outcome is None and not loaded.gone:
            _log.warning("somebody else owns a room: the partition is given up", room=ballot.room)
            self._rooms.give_up(loaded)
        if outcome is None or loaded.gone:
            _tell(some, ELSEWHERE)
            return
        loaded.room.voting.counted(loaded.room.board, ballot.poll, outcome.counts)
        loaded.news = True
        standing = iter(outcome.standing)
        for one in some:
            one.told(one.answer(None if one.vote is None else next(standing)))

    async def _keep_closing(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            now_ms = self._clock().ms
            for number, loaded in enumerate(self._rooms):
                if number % _PAUSE_AFTER == _PAUSE_AFTER - 1:
                    await asyncio.sleep(_PAUSE_S)
                poll = loaded.room.board.poll
                is_due = poll is not None and poll.until is not None and now_ms >= poll.until
                if poll is not None and is_due and not loaded.room.voting.closing and not self._tasks.full:
                    self._begin_closing(loaded, poll.id, None, lambda _: None)

    def _begin_closing(
        self, loaded: LoadedRoom, poll: str, row: ClosePollRow | None, told: Callable[[Answer], None]
    ) -> None:
        """row: who closes it; None: its time is over."""
        loaded.room.voting.closing = True
        self._tasks.start(self._close(loaded, poll, row, told))

    async def _close(
        self, loaded: LoadedRoom, poll: str, row: ClosePollRow | None, told: Callable[[Answer], None]
    ) -> None:
        room = loaded.room
        try:
            async with loaded.changes:
                if room.board.poll is not None and room.board.poll.id == poll:
                    await self._say_result(loaded, self._act(room.name, room.board.poll, row))
                told(room.voting.polled(room.board, poll))
        except Refusal as refusal:  # the room was closed for good meanwhile
            told(Refused.of(refusal))
        except LeaseLost as lost:
            if not loaded.gone:
                self._rooms.give_up(loaded)
            if not lost.maybe:
                told(ELSEWHERE)
        finally:
            room.voting.closing = False

    def _act(self, room: str, poll: Poll, row: ClosePollRow | None) -> Act:
        verb, now_ms = "close_poll", self._clock().ms
        if row is None:
            return by_itself(verb, room, poll.question, now_ms)
        return posted(verb, row, poll.question, now_ms)

    async def _say_result(self, loaded: LoadedRoom, act: Act) -> None:
        """Raises LeaseLost."""
        counted: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._count_behind(loaded, lambda answer: None if counted.done() else counted.set_result(answer))
        if await counted is ELSEWHERE or loaded.gone:
            raise LeaseLost(maybe=False)
        counts = loaded.room.voting.counts(loaded.room.board)
        await self._storing.said(loaded, lambda ticket: loaded.room.close_poll(counts, act, ticket))


def _answer(vote: Cast, standing: int | None) -> Answer:
    if standing == vote.option:
        return _DONE
    if standing is not None:
        return _CONFLICT
    return _CLOSED if vote.late else _FULL


def _tell(some: list[_Waiting], answer: Answer) -> None:
    for one in some:
        one.told(answer)
