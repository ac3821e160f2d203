"""The store in memory."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from config.settings import Chat, Rooms
from danmaku import change
from danmaku.board import EMPTY, Board
from danmaku.change import Change, Configured, Imposed, Lifted
from danmaku.memory.audit import MemoryAudit
from danmaku.memory.conversations import MemoryContacts, MemoryConversations
from danmaku.memory.held import MemoryHeld
from danmaku.memory.leases import Clock, MemoryLeases
from danmaku.memory.moderators import MemoryModerators
from danmaku.memory.polls import MemoryPolls
from danmaku.memory.recalls import MemoryRecalls
from danmaku.memory.words import MemoryWords
from danmaku.model import START, Act, Effect, Position, RoomInfo, RoomSettings, closed_for_good
from danmaku.store.audit import EVERYWHERE
from danmaku.store.changes import BEGINNING, MOST_SANCTIONS, InForce, News, Noted
from danmaku.store.errors import StoreDown
from danmaku.store.history import Append, Appended, Entry, Outcome, Slice, follows_on
from danmaku.store.moderation import Sanction, SanctionKind
from danmaku.store.sessions import Counted, Device, Hello, Standing, Verdict
from danmaku.store.taken import Taken
from danmaku.store.tokens import Spent
from danmaku.subjects import partition_of

_TRIMMED_AT_ONCE: Final = 4

T = TypeVar("T")


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class MemoryStore:
    """The nouns in dictionaries. `clock` is the store's time in milliseconds."""

    def __init__(
        self,
        clock: Clock = _wall_ms,
        rooms: Rooms = Rooms(),  # noqa: B008  it is frozen
        chat: Chat = Chat(),  # noqa: B008  it is frozen
    ) -> None:
        self.leases = MemoryLeases(clock)
        self.logs: dict[str, deque[Entry]] = defaultdict(deque)
        self.audit = MemoryAudit(self.leases, clock, rooms)
        self.recalls = MemoryRecalls(self.logs)
        self.held = MemoryHeld(self.leases, self.audit)
        self.rooms = MemoryRooms(self.leases, self.logs, self.recalls, self.held, self.audit)
        self.history = MemoryHistory(
            self.leases, self.rooms, self.recalls, self.held, self.logs, self.audit, rooms
        )
        self.moderation = MemoryModeration(self.leases, self.audit)
        self.polls = MemoryPolls(self.leases.holds)
        self.moderators = MemoryModerators(self.leases, self.audit)
        self.tokens = MemoryTokens(clock)
        self.sessions = MemorySessions(self.tokens, clock)
        self.changes = MemoryChanges(clock, rooms, self.audit)
        self.words = MemoryWords(self.leases, clock, self.audit, self.changes.note)
        self.conversations = MemoryConversations(clock, chat)
        self.contacts = MemoryContacts()

    async def ping(self) -> float:
        return 0.0

    async def close(self) -> None:
        pass


class MemoryHistory:
    def __init__(
        self,
        leases: MemoryLeases,
        rooms: MemoryRooms,
        recalls: MemoryRecalls,
        held: MemoryHeld,
        logs: dict[str, deque[Entry]],
        audit: MemoryAudit,
        limits: Rooms,
    ) -> None:
        self._leases = leases
        self._audit = audit
        self._rooms = rooms
        self._recalls = recalls
        self._held = held
        self._logs = logs
        self._batches = limits.history_batches
        self._age_ms = limits.history_s * 1000

    async def append(self, process: str, appends: list[Append]) -> list[Appended | Exception]:
        return [self._append(process, append) for append in appends]

    async def head(self, room: str) -> Position:
        return _head(self._logs[room])

    async def heads(self, rooms: list[str]) -> list[Position]:
        return [_head(self._logs[room]) for room in rooms]

    async def latest(self, room: str, items: int, max_bytes: int, before: Position | None = None) -> Slice:
        log = self._logs[room]
        newest_first = (entry for entry in reversed(log) if before is None or entry.last < before)
        entries = _within(newest_first, items, max_bytes)
        return Slice(tuple(reversed(entries)), True, _head(log), self._recalls.kept(room))

    async def after(self, room: str, since: Position, items: int, max_bytes: int) -> Slice:
        log = self._logs[room]
        entries = _within((entry for entry in log if entry.last > since), items, max_bytes)
        complete = follows_on(entries, since, _head(log))
        return Slice(tuple(entries), complete, _head(log), self._recalls.kept(room))

    def _append(self, process: str, append: Append) -> Appended:
        log, entry = self._logs[append.room], append.entry
        if not self._leases.holds(process, append.lease, partition_of(append.room)):
            return Appended(Outcome.FENCED, _head(log))
        if log and (log[-1].last, log[-1].frame) == (entry.last, entry.frame):
            return Appended(Outcome.OK, _head(log))
        if _head(log) != append.expected:
            return Appended(Outcome.MISMATCH, _head(log))
        log.append(entry)
        while len(log) > self._batches:
            log.popleft()
        for _ in range(_TRIMMED_AT_ONCE):
            if len(log) > 1 and log[0].at < entry.at - self._age_ms:
                log.popleft()
        self._audit.add(append.room, append.acts)
        if append.recalling is not None:
            self._recalls.keep(append.room, append.recalling)
        if append.decided is not None:
            self._held.keep(append.room, append.decided)
        if append.effect is not None:
            self._rooms.carry_out(append.effect)
        if append.board is not None:
            self._rooms.boards[append.room] = append.board
        return Appended(Outcome.OK, _head(log))


def _head(log: deque[Entry]) -> Position:
    return log[-1].last if log else START


def _within(entries: Iterable[Entry], items: int, max_bytes: int) -> list[Entry]:
    """Entries until `items` or `max_bytes` is reached, at least one."""
    found: list[Entry] = []
    for entry in entries:
        max_bytes -= len(entry.frame)
        if items <= 0 or (found and max_bytes < 0):
            break
        found.append(entry)
        items -= entry.count
    return found


class MemoryRooms:
    def __init__(
        self,
        leases: MemoryLeases,
        logs: dict[str, deque[Entry]],
        recalls: MemoryRecalls,
        held: MemoryHeld,
        audit: MemoryAudit,
    ) -> None:
        self._leases = leases
        self._audit = audit
        self._logs = logs
        self._recalls = recalls
        self._held = held
        self._rooms: dict[str, RoomInfo] = {}
        self._likes: dict[str, int] = defaultdict(int)
        self.boards: dict[str, Board] = {}

    async def load(self, room: str) -> RoomInfo | None:
        info = self._rooms.get(room)
        return info and msgspec.structs.replace(info, likes=self._likes[room], viewers=0)

    async def board(self, room: str) -> Board:
        return self.boards.get(room, EMPTY)

    async def create(self, process: str, lease: int, info: RoomInfo) -> bool:
        return self._change(process, lease, Effect("create", info))

    async def save(self, process: str, lease: int, info: RoomInfo, acts: Sequence[Act] = ()) -> bool:
        return self._change(process, lease, Effect("save", info, tuple(acts)))

    async def delete(self, process: str, lease: int, room: str, acts: Sequence[Act] = ()) -> bool:
        return self._change(process, lease, Effect("delete", closed_for_good(room), tuple(acts)))

    def carry_out(self, effect: Effect) -> None:
        """Whoever holds the lease; the caller asked for it."""
        verb, info = effect.verb, effect.info
        if verb == "create" and info.room in self._rooms:
            return
        self._rooms[info.room] = info
        if verb == "delete":
            self._likes.pop(info.room, None)
            self.boards.pop(info.room, None)
            log = self._logs[info.room]
            while len(log) > 1:
                log.popleft()
            self._recalls.forget(info.room)
            self._held.forget(info.room)

    def _change(self, process: str, lease: int, effect: Effect) -> bool:
        held = self._leases.holds(process, lease, partition_of(effect.info.room))
        if held:
            self._audit.add(effect.info.room, effect.acts)
            self.carry_out(effect)
        return held

    async def add_likes(self, process: str, lease: int, likes: dict[str, int]) -> dict[str, int]:
        totals = {}
        for room, more in likes.items():
            if self._leases.holds(process, lease, partition_of(room)):
                self._likes[room] += more
                totals[room] = self._likes[room]
        return totals

    async def in_partition(self, partition: int) -> list[str]:
        there = (info.room for info in self._rooms.values() if info != closed_for_good(info.room))
        return sorted(room for room in there if partition_of(room) == partition)


class MemoryModeration:
    def __init__(self, leases: MemoryLeases, audit: MemoryAudit) -> None:
        self._leases = leases
        self._audit = audit
        self._sanctions: dict[str, dict[tuple[SanctionKind, str], Sanction]] = defaultdict(dict)

    async def load(self, room: str, now_ms: int) -> list[Sanction]:
        active = {key: kept for key, kept in self._sanctions[room].items() if kept.active(now_ms)}
        self._sanctions[room] = active
        return [active[key] for key in sorted(active)]

    async def impose(
        self, process: str, lease: int, room: str, sanction: Sanction, acts: Sequence[Act] = ()
    ) -> bool:
        held = self._leases.holds(process, lease, partition_of(room))
        if held:
            self._audit.add(room, acts)
            self._sanctions[room][sanction.kind, sanction.uid] = sanction
        return held

    async def lift(
        self,
        process: str,
        lease: int,
        room: str,
        kind: SanctionKind,
        uid: str,
        now_ms: int,
        acts: Sequence[Act] = (),
    ) -> Taken:
        if not self._leases.holds(process, lease, partition_of(room)):
            return Taken.LOST
        kept = self._sanctions[room].pop((kind, uid), None)
        if kept is None or not kept.active(now_ms):
            return Taken.NOTHING
        self._audit.add(room, acts)
        return Taken.TAKEN


@dataclass(slots=True)
class _Family:
    """The answer that was given last, None once the family is revoked; how long its tokens can live."""

    answer: Spent | None
    latest_ms: int
    until: int


class MemoryTokens:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._revoked: dict[str, tuple[int, int]] = {}  # uid: (issued until, remembered until)
        self._families: dict[tuple[str, str], _Family] = {}

    def is_void(self, uid: str, issued_ms: int) -> bool:
        """Whether a token of `uid` issued then was revoked."""
        void_ms = self._revoked_ms(uid)
        return void_ms > 0 and issued_ms <= void_ms

    async def revoke(self, uid: str, now_ms: int, ttl_ms: int) -> None:
        self._revoked[uid] = (max(now_ms, self._revoked_ms(uid)), self._clock() + ttl_ms)

    async def spend(
        self,
        uid: str,
        family: str,
        n: int,
        *,
        issued_ms: int,
        now_ms: int,
        grace_ms: int,
        until_ms: int,
    ) -> Spent | None:
        if self.is_void(uid, issued_ms):
            return None
        kept = self._families.get((uid, family))
        if kept is None or self._clock() >= kept.until:
            kept = _Family(Spent(n, now_ms), 0, 0)
        last, answer = kept.answer, None
        if last is not None and n == last.n:
            answer = Spent(n + 1, now_ms)
        elif last is not None and n == last.n - 1 and now_ms - last.issued_ms <= grace_ms:
            return last
        latest_ms = max(until_ms, kept.latest_ms)
        keep_ms = max(latest_ms - now_ms, 1)
        self._families[uid, family] = _Family(answer, latest_ms, self._clock() + keep_ms)
        return answer

    def _revoked_ms(self, uid: str) -> int:
        issued, until = self._revoked.get(uid, (0, 0))
        return issued if self._clock() < until else 0


@dataclass(slots=True)
class _Noted:
    counted: Counted
    seen_ms: int


class MemorySessions:
    def __init__(self, tokens: MemoryTokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self._users: dict[str, tuple[dict[str, _Noted], int]] = {}  # uid: (by device, remembered until)
        self._ended: dict[str, tuple[dict[str, int], int]] = {}  # uid: (time by device, remembered until)

    async def greet(
        self, hellos: list[Hello], now_ms: int, ttl_ms: int, most: int, *, refuses: bool = False
    ) -> list[Verdict | StoreDown]:
        return [self._greet(hello, now_ms, ttl_ms, most, refuses) for hello in hellos]

    async def edges(self, uids: list[str], now_ms: int, ttl_ms: int) -> list[set[str]]:
        return [self._edges(uid, now_ms - ttl_ms) for uid in uids]

    async def leave(self, gone: list[tuple[str, str, str]], now_ms: int, ttl_ms: int) -> None:
        for uid, device, session in gone:
            devices = self._known(self._users, uid)
            noted = devices.get(device)
            if noted is not None and noted.counted.session == session:
                ended = Counted(device, noted.counted.n, "", session)
                devices[device] = _Noted(ended, max(noted.seen_ms, now_ms))
                self._users[uid] = (devices, self._clock() + ttl_ms)

    async def devices(self, uid: str, now_ms: int, ttl_ms: int) -> list[Device]:
        devices = self._known(self._users, uid)
        found = [Device(name, one.counted.edge, one.seen_ms) for name, one in sorted(devices.items())]
        return [one for one in found if one.seen_ms > now_ms - ttl_ms]

    async def end(
        self, uid: str, device: str, now_ms: int, ttl_ms: int, remember_ms: int, most: int
    ) -> int | None:
        devices, ended = self._known(self._users, uid), self._known(self._ended, uid)
        noted = devices.get(device)
        if noted is None or now_ms - noted.seen_ms >= ttl_ms:
            return 0 if device in ended else None
        del devices[device]
        ended[device] = max(ended.get(device, 0), now_ms)
        self._ended[uid] = (ended, self._clock() + remember_ms)
        while len(ended) > most:
            del ended[min((at, name) for name, at in ended.items() if name != device)[1]]
        return noted.counted.n

    def _known(self, users: dict[str, tuple[dict[str, T], int]], uid: str) -> dict[str, T]:
        by_device, until = users.get(uid, ({}, 0))
        return by_device if self._clock() < until else {}

    def _edges(self, uid: str, since_ms: int) -> set[str]:
        devices, until = self._users.get(uid, ({}, 0))
        if self._clock() >= until:
            return set()
        there = (one for one in devices.values() if one.counted.edge)
        return {one.counted.edge for one in there if one.seen_ms > since_ms}

    def _greet(self, hello: Hello, now_ms: int, ttl_ms: int, most: int, refuses: bool) -> Verdict:
        if self._tokens.is_void(hello.uid, hello.issued_ms):
            return Verdict(Standing.REVOKED)
        new = hello.counted
        if new is None:
            return Verdict(Standing.GOOD)
        if hello.issued_ms <= self._known(self._ended, hello.uid).get(new.device, 0):
            return Verdict(Standing.REVOKED)
        devices, until = self._users.get(hello.uid, ({}, 0))
        if self._clock() >= until:
            devices = {}
        noted = devices.get(new.device)
        replaces: tuple[str, str] | None = None
        displaces: tuple[str, int] | None = None
        if noted is not None and now_ms - noted.seen_ms < ttl_ms:
            old = noted.counted
            if new.n < old.n or (new.n == old.n and new.session != old.session):
                return Verdict(Standing.REPLACED)
            if new.n > old.n:
                replaces = (old.edge, old.session) if old.edge else None
            elif old.edge and now_ms - noted.seen_ms < ttl_ms / 4:
                return Verdict(Standing.GOOD)
        others = [one for device, one in devices.items() if device != new.device]
        there = [one for one in others if one.counted.edge and now_ms - one.seen_ms < ttl_ms]
        if refuses and len(there) >= most:
            return Verdict(Standing.CROWDED)
        devices[new.device] = _Noted(new, now_ms)
        self._users[hello.uid] = (devices, self._clock() + ttl_ms)
        while len(devices) > most:
            ages = (
                (one.counted.edge != "", one.seen_ms, device)
                for device, one in devices.items()
                if device != new.device
            )
            _, _, device = min(ages)
            oldest = devices.pop(device)
            if oldest in there:
                displaces = (device, oldest.counted.n)
        return Verdict(Standing.GOOD, replaces, displaces)


class MemoryChanges:
    def __init__(self, clock: Clock, limits: Rooms, audit: MemoryAudit) -> None:
        self._clock = clock
        self._audit = audit
        self._most = limits.changes_kept
        self._age_ms = limits.changes_s * 1000
        self._sanctions: dict[tuple[SanctionKind, str], Sanction] = {}
        self._settings = RoomSettings()
        self._log: deque[tuple[tuple[int, int], str, bytes]] = deque()  # (id, the one before, entry)

    async def append(self, change: Change, acts: Sequence[Act] = ()) -> None:
        self.note(change)
        self._audit.add(EVERYWHERE, acts)

    async def impose(self, change: Imposed, acts: Sequence[Act] = ()) -> bool:
        key = change.kind, change.uid
        if key not in self._sanctions and len(self._sanctions) >= MOST_SANCTIONS:
            return False
        self._sanctions[key] = change.sanction
        self.note(change)
        self._audit.add(EVERYWHERE, acts)
        return True

    async def lift(self, change: Lifted, now_ms: int, acts: Sequence[Act] = ()) -> bool:
        kept = self._sanctions.pop((change.kind, change.uid), None)
        if kept is None:
            return False
        self.note(change)
        if not kept.active(now_ms):
            return False
        self._audit.add(EVERYWHERE, acts)
        return True

    async def configure(self, change: Configured, acts: Sequence[Act] = ()) -> None:
        self._settings = change.settings
        self.note(change)
        self._audit.add(EVERYWHERE, acts)

    async def after(self, place: str | None, entries: int, max_bytes: int) -> News:
        end = self._end()
        if place is None:
            return News((), end, complete=True, more=False)
        found: list[tuple[tuple[int, int], str, bytes]] = []
        begin = tuple(int(part) for part in place.split("-"))
        for one in self._log:
            if one[0] > begin:
                max_bytes -= len(one[2])
                if len(found) == entries or (found and max_bytes < 0):
                    break
                found.append(one)
        if not found:
            return News((), end, complete=place == end, more=False)
        last = _place(found[-1][0])
        noted = tuple(Noted(at_ms, entry) for (at_ms, _), _, entry in found)
        return News(noted, last, complete=found[0][1] == place, more=last != end)

    async def in_force(self, now_ms: int) -> InForce:
        self._sanctions = {key: kept for key, kept in self._sanctions.items() if kept.active(now_ms)}
        return InForce(self._end(), list(self._sanctions.values()), self._settings)

    def _end(self) -> str:
        return _place(self._log[-1][0]) if self._log else BEGINNING

    def note(self, what: Change) -> None:
        """What it tells of is kept elsewhere."""
        previous, now = self._end(), self._clock()
        last_ms, last_n = self._log[-1][0] if self._log else (0, 0)
        number = (now, 0) if now > last_ms else (last_ms, last_n + 1)
        self._log.append((number, previous, change.encode(what)))
        while len(self._log) > self._most or self._log[0][0][0] < number[0] - self._age_ms:
            self._log.popleft()


def _place(number: tuple[int, int]) -> str:
    return f"{number[0]}-{number[1]}"
