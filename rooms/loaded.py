"""The rooms that this process has in memory: loaded at their first touch, dropped with their lease."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from config import settings as config
from danmaku.envelope import Elsewhere, Refused, Shown
from danmaku.errors import ROOM_NOT_FOUND, UNAVAILABLE, Refusal
from danmaku.model import RoomInfo, check_id
from danmaku.store import Store
from danmaku.store.errors import StoreDown
from danmaku.store.history import Appended, Entry, Outcome, Slice
from danmaku.subjects import partition_of
from danmaku.telemetry import RoomsMetrics
from rooms.dedupe import Key
from rooms.everywhere import Everywhere
from rooms.leases import Leases
from rooms.left import Left, Memory
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.pending import Ticket
from rooms.recent import Recent
from rooms.room import Room, Space
from rooms.tasks import Tasks
from rooms.turns import Turns

_AT_ONCE: Final = 32
_ATTEMPTS: Final = 4
_RETRY_S: Final = 0.2
_PAGE_ITEMS: Final = 1000
_PAGE_BYTES: Final = 256 * 1024

ELSEWHERE: Final = Elsewhere()
_NOT_FOUND: Final = Refused.of(Refusal(ROOM_NOT_FOUND))
_UNAVAILABLE: Final = Refused.of(Refusal(UNAVAILABLE, retry_ms=1000))

_log: Any = structlog.get_logger("rooms.loaded")


@dataclass(eq=False, slots=True)
class LoadedRoom:
    """A room and what its shells know of it.

    changes: held while its state is being changed.
    settled: set when the change that waits for its append is stored, or the room is gone.
    recent: what was stored last.
    touched_s: when somebody last asked something of it.
    retry_s: not to be appended to before; backoff_s: how long the next wait will be.
    news: there is something to tell in the next statistics.
    gone: it was dropped; whoever still refers to it has lost it.
    """

    room: Room[Ticket]
    partition: int
    touched_s: float
    changes: asyncio.Lock = field(default_factory=asyncio.Lock)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    recent: Recent = field(default_factory=Recent)
    retry_s: float = 0.0
    backoff_s: float = 0.0
    news: bool = True
    gone: bool = False


Opened = Callable[[LoadedRoom | Elsewhere | Refused], None]
"""Called with the room, or with the answer for whoever wanted it."""


class LoadedRooms:
    """`loaded` is told each room that was just loaded, and the newest entry of its log."""

    def __init__(
        self,
        store: Store,
        leases: Leases,
        process: str,
        limits: config.Rooms,
        policy: config.Policy,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
        loaded: Callable[[LoadedRoom, Entry | None], None],
        everywhere: Everywhere,
    ) -> None:
        self._store = store
        self._leases = leases
        self._process = process
        self._limits = limits
        self._policy = policy
        self._metrics = metrics
        self._clock = clock
        self._loaded = loaded
        self._everywhere = everywhere
        self.space = Space(limits.queue_items)
        self._rooms: dict[str, LoadedRoom] = {}
        self._wanted: dict[str, list[tuple[Opened, bool]]] = {}
        self._waiting = 0
        self._unsaved = 0
        self._retiring: set[int] = set()
        self._left = Left()
        self._turns = Turns()
        self._loading = 0
        self._tasks = Tasks(limits.queue_items)

    def __len__(self) -> int:
        return len(self._rooms)

    def __iter__(self) -> Iterator[LoadedRoom]:
        return iter(list(self._rooms.values()))

    def get(self, name: str) -> LoadedRoom | None:
        return self._rooms.get(name)

    def serves(self, partition: int) -> bool:
        """Whether new rows for the partition are taken."""
        return partition not in self._retiring and self._leases.epoch(partition) is not None

    def open(self, name: str, opened: Opened, *, create: bool, urgent: bool = True) -> None:
        """Call `opened` at once or when the room is loaded; `create`: make it where there is none.

        What is made is in memory only, until its first item or change. `urgent`: somebody waits for it.
        """
        room = self._rooms.get(name)
        wanted = self._wanted.get(name)
        if room is not None:
            opened(room)
        elif self._waiting >= self._limits.queue_items:
            opened(_UNAVAILABLE)
        elif wanted is not None:
            self._waiting += 1
            wanted.append((opened, create))
            if urgent:
                self._turns.hurry(name)
        else:
            self._waiting += 1
            self._wanted[name] = [(opened, create)]
            self._turns.add(name, urgent=urgent)
            self._load_next()

    def reopen(self) -> None:
        """Load what this process had a moment ago and owns again: its log may have lost something."""
        self._left.forget(self._clock().s)
        for name in self._left:
            if name not in self._wanted and self.serves(partition_of(name)):
                self.open(name, _reopened, create=False, urgent=False)

    async def save(self, loaded: LoadedRoom) -> bool:
        """Let the store have a room that was made. False when the lease was lost; raises StoreDown."""
        room = loaded.room
        if not room.saved:
            if not await self._store.rooms.create(self._process, room.lease, room.info):
                return False
            self.saved(loaded)
        return True

    def saved(self, loaded: LoadedRoom) -> None:
        """The store has the room now."""
        if not loaded.room.saved and not loaded.gone:
            self._unsaved -= 1
        loaded.room.saved = True

    def retire(self, partitions: Iterable[int]) -> None:
        """Take nothing new for these; they are about to be handed back."""
        self._retiring |= set(partitions)

    def drop(self, loaded: LoadedRoom) -> None:
        """Forget it, and whatever waits in it, unanswered."""
        if not loaded.gone:
            self._unsaved -= not loaded.room.saved
            loaded.gone = True
            loaded.settled.set()
            loaded.room.abandon()
            self._left.keep(Memory(loaded.recent, loaded.room.info), self._clock().s)
            del self._rooms[loaded.room.name]
            self._metrics.rooms.set(len(self._rooms))

    def give_up(self, loaded: LoadedRoom) -> None:
        """Own its partition no longer: somebody else does, or with a new epoch its log can be continued."""
        self._leases.give_up(loaded.partition, loaded.room.lease)
        self.drop(loaded)

    def drop_partitions(self, partitions: Iterable[int]) -> None:
        """They are no longer owned."""
        lost = set(partitions)
        self._retiring -= lost
        for loaded in self:
            if loaded.partition in lost:
                self.drop(loaded)

    async def close(self) -> None:
        self._turns.clear()
        await self._tasks.close()

    def _load_next(self) -> None:
        while self._loading < _AT_ONCE and (name := self._turns.next()) is not None:
            self._loading += 1
            self._tasks.start(self._load(name))

    async def _load(self, name: str) -> None:
        outcome: LoadedRoom | Elsewhere | Refused = _UNAVAILABLE
        try:
            outcome = await self._read_patiently(name)
        except Refusal as refusal:
            outcome = Refused.of(refusal)
        finally:
            self._loading -= 1
            self._load_next()
            wanted = self._wanted.pop(name)
            self._waiting -= len(wanted)
            for opened, _ in wanted:
                opened(outcome)

    async def _read_patiently(self, name: str) -> LoadedRoom | Elsewhere | Refused:
        check_id(name, "room")
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._metrics.store_seconds.labels("load").time():
                    return await self._read(name)
            except StoreDown as error:
                _log.warning("a room cannot be loaded", room=name, attempt=attempt, error=str(error))
                await asyncio.sleep(_RETRY_S * attempt)
        return _UNAVAILABLE

    async def _read(self, name: str) -> LoadedRoom | Elsewhere | Refused:
        partition = partition_of(name)
        epoch = self._leases.epoch(partition)
        if epoch is None:
            return ELSEWHERE
        now = self._clock()
        await self._bring_back(name, epoch)
        info = await self._store.rooms.load(name)
        if info is None and not any(create for _, create in self._wanted[name]):
            return _NOT_FOUND
        sanctions = Sanctions(self._everywhere)
        for sanction in await self._store.moderation.load(name, now.ms):
            sanctions.impose(sanction.kind, sanction.uid, sanction.until_ms)
        tail, shown = await self._tail(name, now.ms - self._limits.repeat_memory_s * 1000)
        if self._leases.epoch(partition) != epoch or partition in self._retiring:
            return ELSEWHERE
        if info is None and self._unsaved >= self._limits.unsaved_rooms:
            return _UNAVAILABLE
        try:
            room: Room[Ticket] = Room(
                info or RoomInfo(name, created_ms=now.ms),
                epoch,
                tail.head,
                sanctions,
                self.space,
                self._limits,
                self._policy,
                _is_over,
                saved=info is not None,
            )
        except ValueError:
            _log.warning("the log is ahead of the lease", room=name, lease=epoch, head=tail.head)
            self._leases.give_up(partition, epoch)
            return ELSEWHERE
        for key, answer in shown:
            room.remember(key, answer, now)
        loaded = LoadedRoom(room, partition, self._clock().s)
        left = self._left.get(name)
        if left is not None and left.recent.missing(tail.head) == []:
            loaded.recent = left.recent  # what is stored next continues it
        self._left.drop(name)
        return self._place(loaded, tail.entries[-1] if tail.entries else None)

    async def _bring_back(self, name: str, lease: int) -> None:
        """Append again what the store lost while nobody owned the room, if its log is else as it was left."""
        left = self._left.get(name)
        if left is None:
            return
        lost = left.recent.missing(await self._store.history.head(name))
        if not lost:
            return
        appends = [batch.append(lease) for batch in lost]
        outcomes = await self._store.history.append(self._process, appends)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        again = sum(isinstance(one, Appended) and one.outcome is Outcome.OK for one in outcomes)
        self._metrics.reappended_batches.inc(again)
        _log.warning("the store had lost batches of a room it was away with", room=name, batches=again)
        if left.info.created_ms:
            await self._store.rooms.save(self._process, lease, left.info)
        else:
            await self._store.rooms.delete(self._process, lease, name)

    async def _tail(self, name: str, oldest_ms: int) -> tuple[Slice, list[tuple[Key, Shown]]]:
        """The end of the log, and every comment in it that was shown no longer ago than `oldest_ms`."""
        history = self._store.history
        tail = page = await history.latest(name, _PAGE_ITEMS, _PAGE_BYTES)
        shown = _shown(page, oldest_ms)
        while page.entries and page.entries[0].at >= oldest_ms:
            page = await history.latest(name, _PAGE_ITEMS, _PAGE_BYTES, page.entries[0].last)
            shown += _shown(page, oldest_ms)
        return tail, shown

    def _place(self, loaded: LoadedRoom, newest: Entry | None) -> LoadedRoom:
        self._unsaved += not loaded.room.saved
        self._rooms[loaded.room.name] = loaded
        self._metrics.rooms.set(len(self._rooms))
        self._loaded(loaded, newest)
        return loaded


def _shown(page: Slice, oldest_ms: int) -> list[tuple[Key, Shown]]:
    recent = [entry for entry in page.entries if entry.at >= oldest_ms]
    return [
        ((uid, cid), Shown(entry.last.epoch, seq, entry.at))
        for entry in recent
        for uid, cid, seq in entry.pairs
    ]


def _reopened(_: LoadedRoom | Elsewhere | Refused) -> None:
    """Its log is mended by now, or it is tried again a second later."""


def _is_over(ticket: Ticket) -> bool:
    return ticket.is_over
