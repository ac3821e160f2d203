"""One rooms process: what it is made of, and its life from start to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import AsyncExitStack
from typing import Any, Final

import msgspec
import structlog
from prometheus_client import CollectorRegistry

from config.live import Running
from danmaku import envelope
from danmaku.adapting import Adapting
from danmaku.adjustment import Adjustment
from danmaku.bus import Bus
from danmaku.conversation import BUCKETS
from danmaku.envelope import Owners
from danmaku.slow import Slow
from danmaku.store import Store
from danmaku.store.errors import StoreDown
from danmaku.store.history import Entry
from danmaku.subjects import PARTITIONS, QUEUE, Subjects
from danmaku.telemetry import LoopLag, RoomsMetrics, SlowMetrics
from danmaku.tracing.spans import Spans
from danmaku.version import version
from rooms.adjusting import Adjusting
from rooms.asking import Asking
from rooms.broadcast import Broadcasts
from rooms.changes import Changes
from rooms.chat import Chat
from rooms.decrees import Decrees
from rooms.events import Events
from rooms.everywhere import Everywhere
from rooms.flush import Flush
from rooms.following import Following
from rooms.guard import Guard
from rooms.history import History
from rooms.leases import Leases, boot_clock
from rooms.listening import Listening, Wanted, patiently
from rooms.listing import Listing
from rooms.live import Live
from rooms.living import LivingEdges
from rooms.loaded import LoadedRoom, LoadedRooms
from rooms.lookout import Lookout
from rooms.measures import Measures
from rooms.mending import Mending
from rooms.moment import Moment
from rooms.news import News
from rooms.outbox import Outbox
from rooms.pace import Pace
from rooms.polls import RoomPolls
from rooms.presence import Presence
from rooms.recalling import Recalling
from rooms.records import Records
from rooms.review import Reviews
from rooms.rewording import Rewording
from rooms.storing import Storing
from rooms.sweeper import Sweeper
from rooms.tokens import Tokens
from rooms.tracing import RoomTraces
from rooms.viewers import Viewers
from rooms.whisper import Whisper
from rooms.wording import Wording

_FINISH: Final = 1 / 3  # of the time a lease lasts, for what waits when partitions are handed back
_DRAIN_S: Final = 2.0

_log: Any = structlog.get_logger("rooms")


def clock() -> Moment:
    return Moment(time.monotonic(), time.time_ns() // 1_000_000)


class RoomsProcess:
    """Made inside the running loop; `name` is its id among all rooms processes of all times.

    Bus and store are the caller's to close. `lease_clock` is only ever another one in tests.
    """

    def __init__(
        self,
        name: str,
        bus: Bus,
        store: Store,
        running: Running,
        metrics: RoomsMetrics,
        lease_clock: Callable[[], float] = boot_clock,
        spans: Spans | None = None,
        slow: Slow | None = None,
    ) -> None:
        settings = running.settings
        limits = settings.rooms
        self.name = name
        self._version = version()
        self._bus = bus
        self._store = store
        self._metrics = metrics
        self._slow = slow or Slow(0, SlowMetrics(CollectorRegistry()))
        traces = None if spans is None else RoomTraces(spans, name)
        self._finish_s = limits.lease_ms / 1000 * _FINISH
        self._subjects = subjects = Subjects(settings.nats.prefix)
        self._outbox = outbox = Outbox(bus, metrics.bus_seconds)
        self.leases = leases = Leases(
            store.leases,
            name,
            limits.lease_ms,
            metrics,
            announce=self._announce,
            lost=self._lost,
            retire=self._retire,
            connected=lambda: bus.connected,
            clock=lease_clock,
        )
        everywhere = Everywhere()
        self._rewording = rewording = Rewording(store.words, everywhere, metrics)
        self._wording = Wording(store.words, rewording, outbox, subjects, metrics, clock)
        self._adapting = adapting = Adapting(running, self._newest_adjustment, StoreDown)
        self._adjusting = Adjusting(store.adjustments, running, adapting, outbox, subjects, metrics, clock)
        self._following = following = Following(
            store.changes,
            everywhere,
            metrics,
            clock,
            self._configured,
            rewording.keeping_up.wanted,
            adapting.keeping_up.wanted,
        )
        running.listen(self._adjusted)
        self._news = News(store.changes, following, everywhere, settings.policy, outbox, metrics, clock)
        self.rooms = rooms = LoadedRooms(
            store,
            leases,
            name,
            limits,
            settings.policy,
            settings.review,
            metrics,
            clock,
            self._welcome,
            everywhere,
            Events(settings.events),
        )
        viewers = Viewers()
        mending = Mending(store.history, rooms, name, metrics, self._mended)
        whisper = Whisper(outbox, subjects, metrics)
        self._flush = flush = Flush(
            store.history,
            mending,
            rooms,
            leases,
            outbox,
            subjects,
            whisper,
            name,
            Pace(limits),
            metrics,
            clock,
            traces,
            self._slow,
        )
        self._lookout = Lookout(store, rooms, flush, metrics, clock)
        self._listing = Listing(store.rooms, leases, rooms, viewers, outbox, clock)
        self._presence = Presence(
            store.rooms,
            name,
            rooms,
            leases,
            viewers,
            outbox,
            subjects,
            limits,
            metrics,
            lambda: bus.connected,
            clock,
        )
        storing = Storing(store.audit, leases, flush, metrics)
        self._changes = Changes(
            store,
            name,
            rooms,
            storing,
            Measures(store, name, rooms, storing, whisper, clock),
            Recalling(store, name, rooms, storing, whisper, clock),
            self._listing.describe,
            clock,
        )
        self._polls = RoomPolls(store.polls, name, rooms, storing, settings.events, limits, metrics, clock)
        self._guard = Guard(rooms, self._changes, metrics)
        self._reviews = Reviews(store, name, leases, rooms, storing, whisper, metrics, clock)
        self._asking: Asking | None = None
        if settings.review.url:
            from rooms.webhook import Webhook  # it brings an HTTP client along, which few need

            adviser = Webhook(settings.review, metrics)
            self._asking = Asking(adviser, settings.review, self._reviews, flush, whisper, clock)
        self._broadcasts = Broadcasts(rooms, self._listing, flush, outbox, limits.repeat_memory_s, clock)
        self._live = Live(
            name,
            leases,
            rooms,
            flush,
            self._changes,
            self._polls,
            self._reviews,
            self._asking,
            self._broadcasts,
            self._listing,
            viewers,
            whisper,
            outbox,
            metrics,
            clock,
            limits,
            traces=traces,
        )
        self._listening = Listening(bus)
        self._history = History(store.history, outbox, metrics)
        decrees = Decrees(store.tokens, store.changes, store.audit, outbox, subjects, clock)
        self._tokens = Tokens(
            store.tokens,
            store.sessions,
            settings.auth,
            decrees,
            everywhere,
            outbox,
            subjects,
            metrics,
            clock,
        )

        self._records = Records(store, following, everywhere, outbox, metrics, clock)
        self._answering = (
            self._history.answering,
            self._tokens.answering,
            self._news.answering,
            self._wording.answering,
            self._adjusting.answering,
            self._records.answering,
        )
        self._living = LivingEdges(clock().s)
        self._chat = Chat(store, settings.chat, outbox, subjects, self._living, metrics, clock, traces)
        self._sweeper = Sweeper(name, store.conversations, outbox, subjects, metrics)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`, then finish what waits and hand everything back.

        Waits for bus and store for as long as it takes. Raises LayoutMismatch when the store is of
        another layout. Cancelled, it just ends: its leases run out by themselves.
        """
        async with AsyncExitStack() as stack:
            owners = (
                self.rooms,
                self._reviews,
                self._changes,
                self._broadcasts,
                self._listing,
                self._chat,
                self._polls,
            )
            for owner in owners:
                stack.push_async_callback(owner.close)
            for answering in self._answering:
                stack.push_async_callback(answering.close)
            if self._asking is not None:
                stack.push_async_callback(self._asking.close)
            stack.push_async_callback(self._listening.close)
            await stack.enter_async_context(
                LoopLag(self._metrics.loop_lag_seconds.observe, self._metrics.tasks.set, slow=self._slow.took)
            )
            await patiently(stop, self._check_layout)
            await patiently(stop, self._following.catch_up)
            await patiently(stop, self._rewording.keeping_up.catch_up)
            await patiently(stop, self._adapting.keeping_up.catch_up)
            async with asyncio.TaskGroup() as tasks:
                running = [self._outbox.run(), self._flush.run(), self._presence.run(), self._lookout.run()]
                running += [self._following.run(), self._rewording.keeping_up.run()]
                running += [self._adapting.keeping_up.run(), self._chat.run(), self._sweeper.run()]
                running += [self._polls.run(), self._guard.run()]
                work = [tasks.create_task(one) for one in running]
                await self._listen(stop)
                work.append(tasks.create_task(self.leases.run()))
                await stop.wait()
                await self._leave()
                for one in work:
                    one.cancel()

    async def _newest_adjustment(self) -> list[Adjustment]:
        with self._metrics.store_seconds.labels("adjustments").time():
            return await self._store.adjustments.newest(1)

    async def _check_layout(self) -> None:
        await self._store.leases.check_layout(PARTITIONS, BUCKETS)

    async def _listen(self, stop: asyncio.Event) -> None:
        subjects = self._subjects
        self._bus.on_reconnect(self.leases.tell)
        self._bus.on_reconnect(self._presence.reconnected)
        self._bus.on_reconnect(lambda: self._living.doubt(clock().s))
        wanted: list[Wanted] = [
            (subjects.owner(self.name), self._live.receive, ""),
            (subjects.counts(self.name), self._presence.receive, ""),
            (subjects.ask_owners, lambda _payload, _reply: self.leases.tell(), ""),
            (subjects.changed, self._following.hint, ""),
            (subjects.edge_report, self._edge_lives, ""),
            (subjects.history, self._history.receive, QUEUE),
            (subjects.changes, self._news.asked_changes, QUEUE),
            (subjects.sanctions, self._news.asked_sanctions, QUEUE),
            (subjects.settings, self._news.asked_settings, QUEUE),
            (subjects.words, self._wording.receive, QUEUE),
            (subjects.adjustments, self._adjusting.receive, QUEUE),
            (subjects.records, self._records.receive, QUEUE),
            (subjects.users, self._tokens.receive, QUEUE),
            (subjects.chat, self._chat.receive, QUEUE),
        ]
        traced = {subjects.owner(self.name): self._live.receive, subjects.chat: self._chat.receive}
        await self._listening.begin(wanted, stop, traced)

    def _edge_lives(self, payload: bytes, _reply: str) -> None:
        try:
            report = envelope.decode_edge_report(payload)
        except ValueError as error:
            _log.warning("an edge's report cannot be read", error=str(error))
        else:
            self._living.hear(report.edge, clock().s)

    async def _leave(self) -> None:
        """What anybody can answer goes to others from now on; then partitions are handed back.

        Until the end whoever still asks this process for a room is told that it is elsewhere.
        """
        await self._listening.leave_to_others(_DRAIN_S)
        await self._broadcasts.finish(_DRAIN_S)
        await self.leases.leave()
        for answering in self._answering:
            await answering.finish(_DRAIN_S)
        await self._chat.finish(_DRAIN_S)
        await self._outbox.drain(_DRAIN_S)

    def _announce(self, owners: Owners) -> None:
        told = msgspec.structs.replace(owners, version=self._version, adjusted=self._adapting.version)
        self._outbox.post(self._subjects.owners, envelope.encode(told))

    def _lost(self, partitions: Iterable[int]) -> None:
        self.rooms.drop_partitions(partitions)
        self._metrics.queue.set(self.rooms.space.taken)

    async def _retire(self, partitions: Iterable[int]) -> None:
        """Before partitions are handed back: take nothing new for them, and finish what waits."""
        self.rooms.retire(partitions)
        await self._flush.finish(partitions, self._finish_s)
        try:
            async with asyncio.timeout(self._finish_s):
                await self._presence.store_likes()
        except (StoreDown, TimeoutError) as error:
            _log.warning("some likes may not be stored", error=str(error))

    def _welcome(self, loaded: LoadedRoom, newest: Entry | None) -> None:
        self._presence.welcome(loaded, newest)
        self._polls.welcome(loaded)

    def _adjusted(self, keys: Collection[str]) -> None:
        if any(key.startswith("policy.") for key in keys):
            self._changes.reconsider()

    def _configured(self) -> None:
        self._changes.reconsider()

    def _mended(self, loaded: LoadedRoom) -> None:
        self._changes.restore(loaded)
