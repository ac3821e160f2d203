"""Append, publish, acknowledge: one clock for all rooms of a process.

The first comment after a pause is flushed at once; after that all rooms with something to show share
one pipelined write per window, which grows where these are very many. The next write begins when the last
one has ended, so a slow store makes larger batches and not a pile of writes.

A log that turns out to end before where it was left is mended first; until then nothing is cut there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog

from danmaku.calls import APPEND
from danmaku.envelope import Out, OutKind, encode_out
from danmaku.model import Position
from danmaku.rows import Shed
from danmaku.slow import Slow, Steps
from danmaku.store.errors import StoreDown
from danmaku.store.history import Appended, HistoryLog, Outcome
from danmaku.subjects import Subjects
from danmaku.telemetry import RoomsMetrics
from rooms.batch import Batch
from rooms.dedupe import Settled
from rooms.leases import Leases
from rooms.loaded import LoadedRoom, LoadedRooms
from rooms.mending import Mending
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.pace import Pace
from rooms.pending import Ticket
from rooms.tracing import Publication, RoomTraces
from rooms.whisper import Whisper

_log: Any = structlog.get_logger("rooms.flush")


class Flush:
    """`run` must run; `mark` tells that a room has something to show.

    outages: how often the store could not be reached, or not in time.
    """

    def __init__(
        self,
        history: HistoryLog,
        mending: Mending,
        rooms: LoadedRooms,
        leases: Leases,
        outbox: Outbox,
        subjects: Subjects,
        whisper: Whisper,
        process: str,
        pace: Pace,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
        traces: RoomTraces | None = None,
        slow: Slow | None = None,
    ) -> None:
        self.outages = 0
        self._history = history
        self._mending = mending
        self._rooms = rooms
        self._leases = leases
        self._outbox = outbox
        self._subjects = subjects
        self._whisper = whisper
        self._process = process
        self._pace = pace
        self._metrics = metrics
        self._shown = metrics.comments.labels("shown")
        self._clock = clock
        self._traces = traces
        self._slow = slow
        self._append_ns = 0  # when the one under way began, where something is followed
        self._dirty: set[LoadedRoom] = set()
        self._torn: dict[LoadedRoom, Position] = {}
        self._wake = asyncio.Event()
        self._flushed = asyncio.Event()

    def mark(self, loaded: LoadedRoom) -> None:
        self._dirty.add(loaded)
        self._wake.set()

    def torn(self, loaded: LoadedRoom, head: Position) -> None:
        """The log ends at `head`, not where it was left: append again what is missing, or else give it up."""
        if loaded.gone:
            return
        if loaded.recent.missing(head):
            self._torn[loaded] = head
            self.mark(loaded)
        else:
            # It was written to, or lost more than is known here: with a new epoch viewers can follow.
            _log.warning(
                "a log is not as it was left: the partition is given up",
                room=loaded.room.name,
                expected=loaded.room.head,
                head=head,
            )
            self._rooms.give_up(loaded)

    async def run(self) -> None:
        """Flush until cancelled; whether an append that was under way then was carried out is unknown."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._dirty or self._torn:
                begin = loop.time()
                window_s = self._pace.window_s(await self._flush())
                self._flushed.set()
                await asyncio.sleep(max(0.0, begin + window_s - loop.time()))

    async def finish(self, partitions: Iterable[int], timeout_s: float) -> None:
        """Return when nothing waits in rooms of these partitions, or after `timeout_s`."""
        theirs = set(partitions)
        for loaded in self._rooms:
            if loaded.partition in theirs:
                loaded.room.hurry()
        try:
            async with asyncio.timeout(timeout_s):
                while any(loaded.room.is_busy for loaded in self._rooms if loaded.partition in theirs):
                    self._flushed.clear()
                    await self._flushed.wait()
        except TimeoutError:
            _log.warning("comments were left unanswered: the store did not take them in time")

    async def _flush(self) -> int:
        """How many batches it offered to the store."""
        steps = Steps(time.monotonic())
        await self._mend()
        steps.ended("mend", time.monotonic())
        dirty, self._dirty = self._dirty, set()
        now = self._clock()
        batches = [(loaded, batch) for loaded in dirty if (batch := self._cut(loaded, now))]
        if batches:
            steps.ended("cut", time.monotonic())
            outcomes = await self._append(batches)
            steps.ended("append", time.monotonic())
            self._count(
                [
                    batch
                    for (loaded, batch), outcome in zip(batches, outcomes, strict=True)
                    if self._settle(loaded, batch, outcome)
                ]
            )
        for loaded in dirty:
            if loaded.gone:
                continue
            if loaded.room.is_busy:
                self._dirty.add(loaded)
        self._metrics.queue.set(self._rooms.space.taken)
        self._look(steps, batches)
        return len(batches)

    def _look(self, steps: Steps, batches: list[tuple[LoadedRoom, Batch]]) -> None:
        now = time.monotonic()
        steps.ended("settle", now)
        took = now - steps.begin
        if self._slow is not None and took >= self._slow.threshold_s:
            largest = max((batch for _, batch in batches), key=lambda batch: len(batch.frame), default=None)
            room = None if largest is None else largest.room
            self._slow.took("flush", took, rooms=len(batches), largest=room, **steps.words)

    def _cut(self, loaded: LoadedRoom, now: Moment) -> Batch | None:
        """The next batch of the room, if it has one and may be appended to now."""
        if loaded.gone or now.s < loaded.retry_s:
            return None
        if self._leases.epoch(loaded.partition) != loaded.room.lease:
            self._rooms.give_up(loaded)
            return None
        batch, left_out = loaded.room.cut(now)
        self._whisper.tell_asides(loaded.room, now.ms)
        if left_out:
            self._metrics.comments.labels("shed").inc(sum(isinstance(one, Shed) for _, one in left_out))
            _answer(left_out)
        return batch

    async def _mend(self) -> None:
        torn, self._torn = self._torn, {}
        for loaded, problem in await self._mending.mend(torn):
            if isinstance(problem, Exception):
                self._repeat_later(loaded, problem)
            else:
                self.torn(loaded, problem)

    async def _append(self, batches: list[tuple[LoadedRoom, Batch]]) -> list[Appended | Exception]:
        if self._traces is not None:
            self._append_ns = self._traces.now()
        appends = [batch.append(loaded.room.lease) for loaded, batch in batches]
        try:
            with self._metrics.store_seconds.labels("append").time():
                return await self._history.append(self._process, appends)
        except StoreDown as error:
            return [error] * len(batches)

    def _settle(self, loaded: LoadedRoom, batch: Batch, outcome: Appended | Exception) -> bool:
        """Whether it is shown."""
        if loaded.gone:
            return False  # its lease was lost meanwhile; if it was stored, the next owner shows it
        room = loaded.room
        if not isinstance(outcome, Appended):
            self._repeat_later(loaded, outcome)
        elif outcome.outcome is Outcome.OK:
            self._stored(loaded, batch)
            return True
        else:
            room.refused()
            if outcome.outcome is Outcome.MISMATCH:
                self.torn(loaded, outcome.head)
            else:
                _log.warning("somebody else owns a room: the partition is given up", room=room.name)
                self._rooms.give_up(loaded)
        return False

    def _stored(self, loaded: LoadedRoom, batch: Batch) -> None:
        now = self._clock()
        loaded.backoff_s = 0.0
        loaded.news = True
        loaded.recent.add(batch, now.s)
        if batch.effect is not None:
            self._rooms.saved(loaded)
        self._publish(loaded.room.lease, batch, self._followed(batch))
        _answer(loaded.room.stored(now))

    def _repeat_later(self, loaded: LoadedRoom, error: Exception) -> None:
        self.outages += 1
        if loaded.backoff_s == 0.0:
            _log.warning(
                "it is not known whether a batch was stored", room=loaded.room.name, error=str(error)
            )
        loaded.backoff_s = APPEND.after(loaded.backoff_s)
        loaded.retry_s = self._clock().s + loaded.backoff_s
        loaded.room.unknown()

    def _followed(self, batch: Batch) -> Publication | None:
        if not self._traces:
            return None
        items = ((uid, cid, seq - batch.first.seq) for uid, cid, seq in batch.pairs)
        return self._traces.stored(batch.room, items, self._append_ns)

    def _publish(self, lease: int, batch: Batch, followed: Publication | None) -> None:
        out = Out(OutKind.BATCH, lease, batch.first, batch.count, batch.prev, "", batch.frame)
        self._outbox.post(self._subjects.room_out(batch.room), encode_out(out), followed)

    def _count(self, shown: list[Batch]) -> None:
        """All of a flush together: a batch is cheap beside what it costs to tell Prometheus of it."""
        self._shown.inc(sum(len(batch.pairs) for batch in shown))
        self._metrics.batches.inc(len(shown))
        for batch in shown:
            self._metrics.items_per_batch.observe(batch.count)
        self._metrics.items_per_batch.hand_over()


def _answer(answers: list[tuple[Ticket, Settled]]) -> None:
    for ticket, answer in answers:
        ticket.answer(answer)
