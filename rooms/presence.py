"""Who watches, and what is told about it: counts come in, heads and statistics go out; likes are kept.

Statistics carry the room's head, so a viewer who missed the last batch notices. After a partition was
taken over they wait until every edge has had time to report, lest a room seem empty for a moment.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import structlog

from config import settings as config
from danmaku import envelope, wire
from danmaku.envelope import Counts, Heads, Out, OutKind, encode_out
from danmaku.rows import Elsewhere, Refused
from danmaku.store.errors import StoreDown
from danmaku.store.history import Entry, predecessor
from danmaku.store.rooms import Rooms
from danmaku.subjects import Subjects, partition_of
from danmaku.telemetry import RoomsMetrics
from rooms.leases import Leases
from rooms.loaded import LoadedRoom, LoadedRooms
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.viewers import INTERVAL_S, Viewers

_LIKES_S: Final = 1.0
_AT_ONCE: Final = 100  # rooms told about before the loop does something else
_PAUSE_S: Final = 0.002
_RETURN_S: Final = 2 * INTERVAL_S  # after an outage of the bus edges have this long to report again

_log: Any = structlog.get_logger("rooms.presence")


class Presence:
    def __init__(
        self,
        store: Rooms,
        process: str,
        rooms: LoadedRooms,
        leases: Leases,
        viewers: Viewers,
        outbox: Outbox,
        subjects: Subjects,
        limits: config.Rooms,
        metrics: RoomsMetrics,
        connected: Callable[[], bool],
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._process = process
        self._rooms = rooms
        self._leases = leases
        self._viewers = viewers
        self._outbox = outbox
        self._subjects = subjects
        self._limits = limits
        self._metrics = metrics
        self._connected = connected
        self._clock = clock
        self._storing = asyncio.Lock()
        self._soon = asyncio.Event()
        self._forget_s = 0.0  # nobody is forgotten before

    def receive(self, payload: bytes, reply: str) -> None:
        """Counts of one edge, answered with heads. A room with viewers is loaded, so that it has one."""
        try:
            counts = envelope.decode_counts(payload)
        except ValueError as error:
            _log.warning("counts cannot be read", error=str(error))
            return
        self._viewers.report(counts, self._clock().s)
        for room, viewers in counts.rooms.items():
            if viewers > 0 and self._rooms.get(room) is None and self._rooms.serves(partition_of(room)):
                self._rooms.open(room, _loaded, create=self._limits.auto_create, urgent=False)
        if reply:
            self._outbox.post(reply, envelope.encode(self._heads(counts)))

    def reconnected(self) -> None:
        """The bus was away: heads are told again soon, and who could not report meanwhile is not gone."""
        self._forget_s = self._clock().s + _RETURN_S
        self._soon.set()

    def welcome(self, loaded: LoadedRoom, newest: Entry | None) -> None:
        """A room was just loaded: what was stored last may never have been published."""
        room = loaded.room
        if newest is not None:
            prev = predecessor(newest.frame)
            out = Out(OutKind.BATCH, room.lease, newest.first, newest.count, prev, "", newest.frame)
            self._outbox.post(self._subjects.room_out(room.name), encode_out(out))
        if self._is_counted(loaded):
            self._tell(loaded)

    async def run(self) -> None:
        """Tell, keep likes and drop idle rooms until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_telling())
            tasks.create_task(self._keep_likes())

    async def store_likes(self) -> None:
        """Add what is pending to the stored totals. After a StoreDown it is tried again, so that an outage
        loses none; where the first try was carried out all the same, they count twice. Likes of a room in
        which nothing was said yet stay in memory with it."""
        async with self._storing:  # whoever comes second must not see as pending what is on its way
            by_lease: dict[int, list[LoadedRoom]] = defaultdict(list)
            for loaded in self._rooms:
                if _has_likes(loaded):
                    by_lease[loaded.room.lease].append(loaded)
            for lease, liked in by_lease.items():
                await self._add_likes(lease, liked)

    async def _add_likes(self, lease: int, liked: list[LoadedRoom]) -> None:
        pending = {loaded.room.name: loaded.room.pending_likes for loaded in liked}
        with self._metrics.store_seconds.labels("likes").time():
            totals = await self._store.add_likes(self._process, lease, pending)
        for loaded in liked:
            name = loaded.room.name
            if name in totals:
                loaded.room.likes_stored(pending[name], totals[name])

    async def _keep_likes(self) -> None:
        while True:
            await asyncio.sleep(_LIKES_S)
            try:
                await self.store_likes()
            except StoreDown as error:
                _log.warning("likes are not stored yet", error=str(error))

    async def _keep_telling(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_S):
                    await self._soon.wait()
            self._soon.clear()
            now_s = self._clock().s
            if self._connected() and now_s >= self._forget_s:
                self._viewers.forget_silent(now_s)
            for number, loaded in enumerate(self._rooms):
                if number % _AT_ONCE == _AT_ONCE - 1:
                    await asyncio.sleep(_PAUSE_S)
                self._look_after(loaded)

    def _heads(self, counts: Counts) -> Heads:
        rooms = ((room, self._rooms.get(room)) for room in counts.rooms)
        return Heads({room: loaded.room.head for room, loaded in rooms if loaded is not None})

    def _look_after(self, loaded: LoadedRoom) -> None:
        watched = self._viewers.of(loaded.room.name) > 0
        if loaded.gone or not self._is_counted(loaded):
            return
        if watched or loaded.news:
            self._tell(loaded)
        if not watched and self._is_idle(loaded):
            self._rooms.drop(loaded)

    def _is_counted(self, loaded: LoadedRoom) -> bool:
        """Whether all edges had time to report to this owner."""
        return self._leases.owned_s(loaded.partition) >= INTERVAL_S

    def _is_idle(self, loaded: LoadedRoom) -> bool:
        room = loaded.room
        waits = room.is_busy or _has_likes(loaded) or loaded.changes.locked()
        return not waits and self._clock().s - loaded.touched_s > self._limits.idle_s

    def _tell(self, loaded: LoadedRoom) -> None:
        loaded.news = False
        room = loaded.room
        viewers = self._viewers.of(room.name)
        poll, counts = room.board.poll, list(room.voting.counts(room.board))
        of, votes = (poll.id, counts) if poll else (None, None)
        frame = wire.MSGPACK.encode(wire.Stats(room.name, *room.head, viewers, room.likes, of, votes))
        out = Out(OutKind.STATS, room.lease, room.head, 0, None, "", frame)
        self._outbox.post(self._subjects.room_out(room.name), encode_out(out))


def _has_likes(loaded: LoadedRoom) -> bool:
    """Whether it has any that the store is to have."""
    return loaded.room.saved and loaded.room.pending_likes > 0


def _loaded(_: LoadedRoom | Elsewhere | Refused) -> None:
    """`welcome` did all there is to do; where it could not be loaded, the next counts try again."""
