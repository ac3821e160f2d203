"""Follows the changes log for the users who are connected here: revoked, banned, muted in all rooms.

A hint makes it ask at once; without one it asks every few seconds all the same, so nothing hangs on a hint.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from typing import Final, Protocol

from danmaku import change
from danmaku.bus import Bus, BusDown, Subscription
from danmaku.change import AboutUser, Adjusted, Configured, Imposed, Lifted, Reworded
from danmaku.envelope import ChangesReply, UserRow
from danmaku.errors import BANNED, Close, Refusal
from danmaku.model import Identity
from danmaku.rows import Done, HelloRow, Refreshed
from danmaku.subjects import Subjects
from danmaku.telemetry import EdgeMetrics
from danmaku.wire import MAX_NUMBER, Notice
from edge.meaning import banned, meaning
from edge.replies import Replies
from edge.roster import Roster
from edge.session import End
from edge.uws import Connection

logger = logging.getLogger(__name__)

_EVERY_S: Final = (4.0, 4.6)  # and at most 5 with the way there and back
_RETRY_S: Final = (0.3, 0.6)
_GATHER_S: Final = 0.02  # hints that come within this time are one
_AGAIN_S: Final = 3.0  # by then a rooms process has read of a ban, or owns nothing any more
_MOST_AGAIN: Final = 10_000
_RECHECKED_AT_ONCE: Final = 200
_RECHECK_PAUSE_S: Final = 0.1
_RECHECK_RETRY_S: Final = 1.0


class RoomsProcesses(Protocol):
    """What of edge.rooms_client.RoomsClient is needed here. Both raise Refusal."""

    async def changes(self, since: str | None) -> ChangesReply: ...
    async def users(self, row: UserRow) -> Done | Refreshed: ...


class Connections(Protocol):
    """What of edge.uws.Server is needed here."""

    def connections(self) -> list[Connection]: ...


class Changes:
    """`now_ms` is the wall clock. `adjusted` is called when what settings are adjusted to may be another."""

    def __init__(
        self,
        bus: Bus,
        subjects: Subjects,
        rooms: RoomsProcesses,
        server: Connections,
        roster: Roster[Connection],
        replies: Replies,
        metrics: EdgeMetrics,
        now_ms: Callable[[], int],
        adjusted: Callable[[], None],
    ) -> None:
        self._bus = bus
        self._subjects = subjects
        self._rooms = rooms
        self._server = server
        self._roster = roster
        self._replies = replies
        self._metrics = metrics
        self._now_ms = now_ms
        self._adjusted = adjusted
        self._place: str | None = None  # in the log; None before the first answer
        self._hinted = asyncio.Event()
        self._doubt = asyncio.Event()  # all users are to be asked about
        # Bans by user, and when they are carried out once more.
        self._again: dict[str, tuple[float, Imposed]] = {}
        self._subscription: Subscription | None = None

    def soon(self) -> None:
        """Ask at once: there may be something new."""
        self._hinted.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._keep_rechecking())

    async def _follow(self) -> None:
        while True:
            self._hinted.clear()
            try:
                await self._listen()
                await self._catch_up()
                wait_s = random.uniform(*_EVERY_S)  # noqa: S311  only spreads load
            except (BusDown, Refusal) as error:
                logger.debug("the changes log cannot be read: %s", error)
                wait_s = random.uniform(*_RETRY_S)  # noqa: S311  only spreads load
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._hinted.wait()
            await asyncio.sleep(_GATHER_S)

    async def _listen(self) -> None:
        if self._subscription is None:
            self._subscription = await self._bus.subscribe(self._subjects.changed, self._hint)

    def _hint(self, _payload: bytes, _reply: str) -> None:
        self._metrics.change_hints.inc()
        self._hinted.set()

    async def _catch_up(self) -> None:
        while True:
            news = await self._rooms.changes(self._place)
            # Who said hello before there was a place to follow from may have missed something, too.
            if self._place is None or not news.complete:
                self._doubt.set()
                self._adjusted()
            for at_ms, entry in news.changes:
                self._take(at_ms, entry)
            self._place = news.last
            if not news.more:
                break
        self._act_again()  # of what was not lifted meanwhile

    def _take(self, at_ms: int, entry: bytes) -> None:
        self._metrics.changes.inc()
        self._metrics.change_lag_seconds.observe(max(0, self._now_ms() - at_ms) / 1000)
        what = change.decode(entry)
        if isinstance(what, Adjusted):
            self._adjusted()
            return
        if what is None or isinstance(what, Configured | Reworded):  # those are for who judges
            return
        self._act(what)
        if isinstance(what, Imposed | Lifted) and what.kind == "ban":
            self._again.pop(what.uid, None)  # what was decided before it holds no longer
            # A process that has not read of it yet may let somebody in, just after it was carried out here.
            if isinstance(what, Imposed) and len(self._again) < _MOST_AGAIN:
                self._again[what.uid] = time.monotonic() + _AGAIN_S, what

    def _act_again(self) -> None:
        now_s = time.monotonic()
        due = [uid for uid, (when_s, _) in self._again.items() if when_s <= now_s]
        for uid in due:
            self._act(self._again.pop(uid)[1])

    def _act(self, what: AboutUser) -> None:
        for connection in self._roster.connections(what.uid):
            identity: Identity | None = connection.session.identity
            if identity is not None:
                self._carry_out(connection, meaning(what, identity, self._now_ms()))

    def _carry_out(self, connection: Connection, wanted: list[Notice | End]) -> None:
        for one in wanted:
            if isinstance(one, End):
                connection.close(one.code, one.reason)
            else:
                self._replies.send(connection, one)

    async def _keep_rechecking(self) -> None:
        while True:
            await self._doubt.wait()
            self._doubt.clear()
            doubted = [one for one in self._server.connections() if one.session.identity is not None]
            while doubted:
                doubted = await self._recheck(doubted)
                if doubted:
                    await asyncio.sleep(_RECHECK_RETRY_S)

    async def _recheck(self, connections: list[Connection]) -> list[Connection]:
        """Close those that would be refused now; those about whom nobody could tell."""
        logger.info("%d users are asked about again: the changes log is not complete", len(connections))
        unknown: list[Connection] = []
        for begin in range(0, len(connections), _RECHECKED_AT_ONCE):
            asked = connections[begin : begin + _RECHECKED_AT_ONCE]
            answers = await asyncio.gather(*(self._is_known(one) for one in asked))
            unknown += [one for one, known in zip(asked, answers, strict=True) if not known]
            self._metrics.rechecks.inc(len(asked))
            await asyncio.sleep(_RECHECK_PAUSE_S)
        return unknown

    async def _is_known(self, connection: Connection) -> bool:
        """False where nobody could tell whether it may stay."""
        identity: Identity = connection.session.identity
        if not connection.is_open:
            return True
        issued_ms = identity.issued_ms or MAX_NUMBER  # a guest holds no token that could be void
        try:
            await self._rooms.users(HelloRow(identity.uid, issued_ms, role=identity.role))
        except Refusal as refusal:
            if refusal.kind.retry:
                return False
            if refusal.kind is BANNED:
                reason = None if refusal.message == BANNED.text else refusal.message
                self._carry_out(connection, banned(reason, refusal.retry_ms))
            else:
                connection.close(Close.UNAUTHORIZED, refusal.message)
        return True
