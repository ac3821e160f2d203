"""A rooms process as an edge sees it, that does what a test tells it to: lose, repeat, be silent."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any

from danmaku import adjustment, change, envelope, wire
from danmaku.adjustment import Adjustment, AdjustmentsReply
from danmaku.bus import Bus
from danmaku.change import Change
from danmaku.envelope import (
    Answer,
    BroadcastRequest,
    ChangesReply,
    Counts,
    Heads,
    HistoryReply,
    Out,
    OutKind,
    OwnerReply,
    OwnerRequest,
    Owners,
    RoomsReply,
    RoomsRequest,
    Row,
    UsersReply,
)
from danmaku.model import START, Position, RoomInfo, RoomSettings
from danmaku.rows import Admitted, Done, JoinRow, Refreshed, Refused, SendRow, Shown
from danmaku.subjects import PARTITIONS, Subjects

_CHANGES = 10  # in one answer
UserAnswer = Done | Refused | Refreshed


class FakeOwner:
    """Owns every partition. What it shows is kept, so that its history tells the truth."""

    def __init__(self, bus: Bus, subjects: Subjects, name: str = "owner", epoch: int = 100) -> None:
        self.bus = bus
        self.subjects = subjects
        self.name = name
        self.epoch = epoch
        self.partitions = dict.fromkeys(range(PARTITIONS), epoch)
        self.silent = False  # answers nothing
        self.history_silent = False
        self.history_lost = 0  # so many answers of it get lost
        self.history_s = 0.0  # that an answer of it takes
        self.asking = self.most_asking = 0  # questions to history that are not answered yet
        self.tells_heads = False  # answers counts
        self.reply_with: bytes | None = None  # whatever is asked
        self.ignored = 0
        self.requests: list[OwnerRequest] = []
        self.counts: list[Counts] = []
        self.history_asked = 0
        self.logs: defaultdict[str, list[tuple[Position, bytes]]] = defaultdict(list)
        self.judge: Callable[[Row], Answer] = self.admit_all
        self.judge_user: Callable[[object], UserAnswer] = lambda _: Done()
        self.changes: list[bytes] = []
        self.changes_kept = 1000  # of the newest
        self.changes_silent = False
        self.asked_changes = 0
        self.adjustments: list[Adjustment] = []  # newest first
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self.bus.subscribe(self.subjects.owner(self.name), self._asked)
        await self.bus.subscribe(self.subjects.ask_owners, lambda _, __: self.spawn(self.tell()))
        await self.bus.subscribe(self.subjects.history, self._history, "q")
        await self.bus.subscribe(self.subjects.users, self._users, "q")
        await self.bus.subscribe(self.subjects.changes, self._changes, "q")
        await self.bus.subscribe(self.subjects.adjustments, self._adjustments, "q")
        await self.bus.subscribe(self.subjects.counts(self.name), self._counted)
        await self.bus.flush(20)

    async def tell(self, *, leaving: bool = False) -> None:
        owners = Owners(self.name, self.partitions, leaving)
        await self.bus.publish(self.subjects.owners, envelope.encode(owners))

    def head(self, room: str) -> Position:
        return self.logs[room][-1][0] if self.logs[room] else START

    def append(self, room: str, *texts: str) -> Out:
        """Store a batch without showing it."""
        head = self.head(room)
        new = head.epoch != self.epoch
        first = Position(self.epoch, 1 if new else head.seq + 1)
        items = [wire.encode_item(wire.Comment("u", "u", text)) for text in texts]
        frame = wire.encode_batch(room, first, 1, items, head if new else None)
        self.logs[room].append((Position(self.epoch, first.seq + len(texts) - 1), frame))
        return Out(OutKind.BATCH, self.epoch, first, len(texts), head if new else None, "", frame)

    def trim(self, room: str, batches: int) -> None:
        """So many of the oldest are no longer kept."""
        del self.logs[room][:batches]

    async def publish(self, room: str, out: Out) -> None:
        await self.bus.publish(self.subjects.room_out(room), envelope.encode_out(out))

    async def show(self, room: str, *texts: str) -> Position:
        await self.publish(room, self.append(room, *texts))
        return self.head(room)

    async def stats(self, room: str, viewers: int = 1) -> None:
        head = self.head(room)
        frame = wire.MSGPACK.encode(wire.Stats(room, head.epoch, head.seq, viewers, 0))
        await self.publish(room, Out(OutKind.STATS, self.epoch, head, 0, None, "", frame))

    async def notice(self, room: str, uid: str, kind: str) -> None:
        frame = wire.MSGPACK.encode(wire.Notice(kind, room))
        await self.publish(room, Out(OutKind.NOTICE, self.epoch, self.head(room), 0, None, uid, frame))

    async def aside(self, room: str, uid: str, text: str) -> None:
        frame = wire.encode_aside(room, 1, wire.encode_item(wire.Comment(uid, uid, text)))
        await self.publish(room, Out(OutKind.NOTICE, self.epoch, self.head(room), 0, None, uid, frame))

    async def note(self, *changes: Change, hint: bool = True) -> None:
        """Add to the changes log."""
        self.changes += map(change.encode, changes)
        if hint:
            await self.bus.publish(self.subjects.changed, b"")

    def admit_all(self, row: Row) -> Answer:
        """Everybody may come in, and everything is shown."""
        if isinstance(row, JoinRow):
            head = self.head(row.room)
            return Admitted(head.epoch, head.seq, 7, 3, RoomSettings(slow_s=2))
        if isinstance(row, SendRow):
            out = self.append(row.room, row.text)
            self.spawn(self.publish(row.room, out))
            return Shown(out.first.epoch, out.first.seq, 1)
        return Done()

    async def close(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _asked(self, payload: bytes, reply: str) -> None:
        request = envelope.decode_owner_request(payload)
        if self.silent:
            self.ignored += 1
            return
        if isinstance(request, RoomsRequest):
            infos = [RoomInfo(room, viewers=len(log)) for room, log in self.logs.items()]
            self.reply(reply, RoomsReply(infos))
        elif isinstance(request, BroadcastRequest):
            self.reply(reply, envelope.BroadcastReply(len(self.logs), busy=request.cid == "busy"))
        else:
            self.requests.append(request)
            self.reply(
                reply, OwnerReply(self.name, [self.judge(row) for row in request.rows], self.partitions)
            )

    def _users(self, payload: bytes, reply: str) -> None:
        request = envelope.decode_users_request(payload)
        if not self.silent:
            self.reply(reply, UsersReply([self.judge_user(row) for row in request.rows]))

    def _history(self, payload: bytes, reply: str) -> None:
        request = envelope.decode_history_request(payload)
        if self.history_silent or request.room == "_":
            if request.room == "_":
                self.reply(reply, HistoryReply([], True, 0, 0))
            return
        self.history_asked += 1
        if self.history_lost:
            self.history_lost -= 1
            return
        log = self.logs[request.room]
        since = request.since or START
        frames = [frame for last, frame in log if last > since]
        frames = frames[: request.limit] if request.since is not None else frames[-request.limit :]
        head = self.head(request.room)
        self.asking += 1
        self.most_asking = max(self.asking, self.most_asking)
        asyncio.get_running_loop().call_later(
            self.history_s, self._tell_history, reply, HistoryReply(frames, True, head.epoch, head.seq)
        )

    def _tell_history(self, reply: str, answer: HistoryReply) -> None:
        self.asking -= 1
        self.reply(reply, answer)

    def _changes(self, payload: bytes, reply: str) -> None:
        request = envelope.decode_changes_request(payload)
        self.asked_changes += 1
        if self.changes_silent:
            return
        end = len(self.changes)
        begin = end if request.since is None else int(request.since)
        oldest = max(0, end - self.changes_kept)
        found = self.changes[max(begin, oldest) : max(begin, oldest) + _CHANGES]
        last = max(begin, oldest) + len(found)
        entries = [(0, entry) for entry in found]
        self.reply(reply, ChangesReply(entries, str(last), begin >= oldest, last < end))

    def _adjustments(self, _: bytes, reply: str) -> None:
        if not self.changes_silent:
            self.spawn(self.bus.publish(reply, adjustment.encode(AdjustmentsReply(self.adjustments[:1]))))

    def _counted(self, payload: bytes, reply: str) -> None:
        counts = envelope.decode_counts(payload)
        self.counts.append(counts)
        if self.tells_heads:
            self.reply(reply, Heads({room: self.head(room) for room in counts.rooms}))

    def reply(self, subject: str, message: object) -> None:
        self.spawn(self.bus.publish(subject, self.reply_with or envelope.encode(message)))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
