"""The rooms that this process has in memory: loaded at their first touch, dropped with their lease."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from config import settings as config
from danmaku.calls import LOAD
from danmaku.errors import ROOM_NOT_FOUND, UNAVAILABLE, Refusal
from danmaku.model import RoomInfo, check_id
from danmaku.rows import Elsewhere, Refused
from danmaku.store import Store
from danmaku.store.errors import StoreDown
from danmaku.store.history import Entry
from danmaku.subjects import partition_of
from danmaku.telemetry import RoomsMetrics
from danmaku.wordlist import NOTHING
from rooms.events import Events
from rooms.everywhere import Everywhere
from rooms.held import HeldQueue
from rooms.leases import Leases
from rooms.left import Left, Memory
from rooms.making import make_of
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.owed import Space
from rooms.past import Past
from rooms.pending import Ticket
from rooms.recent import Recent
from rooms.room import Room
from rooms.staff import Staff
from rooms.tasks import Tasks
from rooms.turns import Turns

_AT_ONCE: Final = 32

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
    staff: who has which rank in it.
    touched_s: when somebody last asked something of it.
    retry_s: not to be appended to before; backoff_s: how long the next wait will be.
    words: the room's own list, packed.
    news: there is something to tell in the next statistics.
    gone: it was dropped; whoever still refers to it has lost it.
    """

    room: Room[Ticket]
    partition: int
    touched_s: float
    changes: asyncio.Lock = field(default_factory=asyncio.Lock)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    recent: Recent = field(default_factory=Recent)
    staff: Staff = field(default_factory=Staff)
    retry_s: float = 0.0
    backoff_s: float = 0.0
    words: bytes = NOTHING
    news: bool = True
    gone: bool = False

    def withdraw(self, uid: str | None, now: Moment) -> None:
        """What `uid` (None: anybody) said and nobody was shown yet is not shown any more."""
        if not self.gone:
            for ticket, answer in self.room.withdraw(uid, now):
                ticket.answer(answer)


Opened = Callable[[LoadedRoom | Elsewhere | Refused], None]
"""Called with the room, or with the answer for whoever wanted it."""


class LoadedRooms:
    """`loaded` is told each room that was just loaded, and the newest entry of its log as it may be shown."""

    def __init__(
        self,
        store: Store,
        leases: Leases,
        process: str,
        limits: config.Rooms,
        policy: config.Policy,
        review: config.Review,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
        loaded: Callable[[LoadedRoom, Entry | None], None],
        everywhere: Everywhere,
        events: Events,
    ) -> None:
        self._store = store
        self._leases = leases
        self._process = process
        self._limits = limits
        self._policy = policy
        self._review = review
        self._metrics = metrics
        self._clock = clock
        self._loaded = loaded
        self._everywhere = everywhere
        self._events = events
        self.space = Space(limits)
        self._rooms: dict[str, LoadedRoom] = {}
        self._wanted: dict[str, list[tuple[Opened, bool]]] = {}
        self._waiting = 0
        self._unsaved = 0
        self._retiring: set[int] = set()
        self._left = Left()
        self._past = Past(store, process, metrics)
        self._turns = Turns()
        self._loading = 0
        self._tasks = Tasks(lambda: limits.queue_items)

    def __len__(self) -> int:
        return len(self._rooms)

    def __iter__(self) -> Iterator[LoadedRoom]:
        return iter(list(self._rooms.values()))

    def get(self, name: str) -> LoadedRoom | None:
        return self._rooms.get(name)

    def serves(self, partition: int) -> bool:
        """Whether new rows for the partition are taken."""
        return partition not in self._retiring and self._leases.epoch(partition) is not None

    def serving(self, partitions: Iterable[int]) -> set[int]:
        """Those among them for which new rows are taken."""
        return self._leases.epochs(partitions).keys() - self._retiring

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
        for name, memory in self._left:
            partition = partition_of(name)
            is_again = self.serves(partition) and self._leases.epoch(partition) != memory.lease
            if is_again and name not in self._wanted:
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
            memory = Memory(loaded.recent, loaded.room.info, loaded.room.lease)
            self._left.keep(memory, self._clock().s)
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
        pause_s = 0.0
        for attempt in range(1, LOAD.attempts + 1):
            try:
                with self._metrics.store_seconds.labels("load").time():
                    return await self._read(name)
            except StoreDown as error:
                _log.warning("a room cannot be loaded", room=name, attempt=attempt, error=str(error))
                pause_s = LOAD.after(pause_s)
                await asyncio.sleep(pause_s)
        return _UNAVAILABLE

    async def _read(self, name: str) -> LoadedRoom | Elsewhere | Refused:
        partition = partition_of(name)
        epoch = self._leases.epoch(partition)
        if epoch is None:
            return ELSEWHERE
        now = self._clock()
        left = self._left.get(name)
        if left is not None and not await self._past.bring_back(epoch, left):
            return ELSEWHERE
        info = await self._store.rooms.load(name)
        if info is None and not any(create for _, create in self._wanted[name]):
            return _NOT_FOUND
        sanctions = Sanctions(self._everywhere)
        for sanction in await self._store.moderation.load(name, now.ms):
            sanctions.impose(sanction.kind, sanction.uid, sanction.until_ms, sanction.reason)
        board = await self._store.rooms.board(name)
        staff = Staff(await self._store.moderators.load(name))
        words = await self._store.words.load(name)
        sanctions.words = await make_of(words)
        waiting = await self._store.held.load(name)
        unheld = max(1, now.ms - epoch)  # an epoch is a time: so many cannot have been held since
        tail, shown = await self._past.tail(name, now.ms, self._limits.repeat_memory_s * 1000)
        if self._leases.epoch(partition) != epoch or partition in self._retiring:
            return ELSEWHERE
        missing = None if left is None else left.recent.missing(tail.head)
        if missing:
            raise StoreDown("the log lost something while it was read")
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
                board=board,
                events=self._events,
                asks=bool(self._review.url),
                held=HeldQueue(epoch, self._review, self._limits.repeat_memory_s, waiting, unheld),
            )
        except ValueError:
            _log.warning("the log is ahead of the lease", room=name, lease=epoch, head=tail.head)
            self._leases.give_up(partition, epoch)
            return ELSEWHERE
        for key, answer in shown:
            room.remember(key, answer, now)
        loaded = LoadedRoom(room, partition, self._clock().s, staff=staff, words=words)
        if left is not None and missing is not None:
            loaded.recent = left.recent  # what is stored next continues it
        self._left.drop(name)
        return self._place(loaded, tail.newest())

    def _place(self, loaded: LoadedRoom, newest: Entry | None) -> LoadedRoom:
        self._unsaved += not loaded.room.saved
        self._rooms[loaded.room.name] = loaded
        self._metrics.rooms.set(len(self._rooms))
        self._loaded(loaded, newest)
        return loaded


def _reopened(_: LoadedRoom | Elsewhere | Refused) -> None:
    """Its log is mended by now, or it is tried again a second later."""


def _is_over(ticket: Ticket) -> bool:
    return ticket.is_over
