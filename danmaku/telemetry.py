"""What a process counts and measures, for Prometheus.

Metrics of all processes of a node are one scrape where PROMETHEUS_MULTIPROC_DIR names a folder they
share; each then writes its values into files there. A supervised process that is started again goes
on in the files of the one before it, so that counters never go back and files never pile up.
"""

from __future__ import annotations

import asyncio
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector

from danmaku.errors import REFUSALS
from danmaku.supervisor import NAME_VARIABLE

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"

_ITEMS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Tally:
    """Counts what happens thousands of times a second. What it counted is seen after `hand_over`."""

    def __init__(self, metric: Counter | Gauge) -> None:
        self._metric = metric
        self._count = 0

    def inc(self, amount: int = 1) -> None:
        """Below zero for a gauge only."""
        self._count += amount

    def hand_over(self) -> None:
        count, self._count = self._count, 0
        if count:
            self._metric.inc(count)


class BucketTally:
    """The same for a histogram, which has nothing for many values at once: its parts are told their sums."""

    def __init__(self, metric: Histogram, bounds: tuple[float, ...]) -> None:
        self._buckets: list[Any] = metric._buckets
        self._total: Any = metric._sum
        self._bounds = bounds
        self._counts = [0] * len(self._buckets)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def hand_over(self) -> None:
        for number, count in enumerate(self._counts):
            if count:
                self._buckets[number].inc(count)
                self._counts[number] = 0
        if self._sum:
            self._total.inc(self._sum)
            self._sum = 0.0


class EdgeMetrics:
    """Metrics of one edge worker. Observe into them directly; each is safe to use from the loop."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        make = _Maker("danmaku_edge", registry)
        self.connections = Tally(make.gauge("connections", "WebSockets open now."))
        self.rooms = make.gauge("rooms", "Rooms with viewers, counted once by each worker that has any.")
        self.joins = Tally(make.counter("joins", "Rooms joined by viewers, reconnects included."))
        self.frames_in = Tally(make.counter("frames_in", "Frames received from clients."))
        self.frames_out = Tally(make.counter("frames_out", "Answers and notices sent to single clients."))
        self.deliveries = Tally(
            make.counter(
                "deliveries", "Batches handed to viewers: one batch to a thousand viewers counts a thousand."
            )
        )
        self.batches = Tally(
            make.counter("batches", "Batches received from owners and published to viewers.")
        )
        self.gaps = make.counter(
            "gaps", "Times a room was found to miss something here; it is fetched once for all its viewers."
        )
        self.skipped = make.counter(
            "skipped",
            "Comments and events that viewers are told to skip: lost for good on the way here, or late: there"
            " was no time to show them.",
            why=("lost", "late"),
        )
        self.history_requests = make.counter(
            "history_requests",
            "Questions to history: to open a room, to close a gap for all its viewers, for one viewer.",
            why=("open", "gap", "viewer"),
        )
        self.slow_gaps = make.counter(
            "slow_gaps", "Times a viewer missed a batch because it read too slowly; it catches up later."
        )
        self.keys = make.gauge(
            "keys",
            "Public keys of auth.jwks_url or auth.jwks_file accepted now, at the worker with fewest.",
            "livemin",
        )
        self.key_looks = make.counter(
            "key_looks",
            "Times the set of public keys was looked for; where it cannot be had the former keys stay.",
            outcome=("found", "failed"),
        )
        self.certificate_ends = make.gauge(
            "certificate_ends_seconds",
            "When the certificate in force ends, in seconds since 1970, at the worker where it ends first;"
            " 0 without TLS.",
            "livemin",
        )
        self.certificates_refused = make.counter(
            "certificates_refused", "Changed certificates that could not be used: the former one stays."
        )
        self.turned_away = make.counter(
            "turned_away", "TCP connections hung up on at once, for there were too many."
        )
        self.changes = make.counter("changes", "Entries of the changes log followed.")
        self.change_hints = make.counter("change_hints", "Hints that the changes log has something new.")
        self.change_lag_seconds = make.histogram(
            "change_lag_seconds",
            "From an entry of the changes log to its effect, by the wall clock.",
            _SECONDS,
        )
        self.rechecks = make.counter(
            "rechecks", "Connections asked about again, for the changes log did not tell all that happened."
        )
        self.chat_frames = make.counter(
            "chat_frames", "What was said in conversations, as handed to devices: to two of them counts two."
        )
        self.chat_pulled = make.counter(
            "chat_pulled", "Conversations that clients asked for: after a gap, a head, or being away."
        )
        self.chat_missed = make.counter(
            "chat_missed", "What a device could not take, as it reads too slowly: it finds a gap, and pulls."
        )
        self.chat_late_heads = make.counter(
            "chat_late_heads",
            "Heads of conversations that told of what had not come here: it was lost, or is late.",
        )
        self.chat_delivery_seconds = make.histogram(
            "chat_delivery_seconds",
            "From asking for a message to be stored to handing it to devices, where it was said.",
            _SECONDS,
        )
        self.chat_groups = make.gauge("chat_groups", "Groups with members at this worker.")
        self.chat_lookups = make.counter(
            "chat_lookups", "Times it was asked who belongs to a group: as it is new here, or has changed."
        )
        self.refusals = make.counter(
            "refusals", "Requests of clients answered with no, by name.", name=REFUSALS
        )
        self.http_requests = make.counter(
            "http_requests", "HTTP requests answered, by route and status.", route=(), status=()
        )
        self.items_per_batch = make.bucket_tally("items_per_batch", "Comments and events in a batch.", _ITEMS)
        self.bus_seconds = make.histogram(
            "bus_seconds", "From a request to the rooms processes to its answer, over the bus.", _SECONDS
        )
        self.publish_seconds = make.bucket_tally(
            "publish_seconds", "Time the loop spends on handing out what came, at one time.", _SECONDS
        )
        self.waited_seconds = make.bucket_tally(
            "waited_seconds",
            "How long the oldest waited, at each time that something is handed out.",
            _SECONDS,
        )
        self.loop_lag_seconds = make.loop_lag()
        self.tasks = make.tasks()

    def hand_over(self) -> None:
        """Let what was only tallied be seen."""
        self.connections.hand_over()
        self.joins.hand_over()
        self.frames_in.hand_over()
        self.frames_out.hand_over()
        self.deliveries.hand_over()
        self.batches.hand_over()
        self.items_per_batch.hand_over()
        self.publish_seconds.hand_over()
        self.waited_seconds.hand_over()


class RoomsMetrics:
    """Metrics of one rooms process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        make = _Maker("danmaku_rooms", registry)
        self.rooms = make.gauge("rooms", "Rooms in memory.")
        self.leases = make.gauge("leases", "Partitions owned now; 64 over all processes when all is well.")
        self.queue = make.gauge("queue", "Comments accepted that wait to be stored and shown.")
        self.comments = make.counter(
            "comments",
            "Comments accepted: shown, shed above what people can read, shadowed, or held for review.",
            outcome=("shown", "shed", "shadowed", "held"),
        )
        self.webhook = make.counter(
            "webhook",
            "Comments the webhook was to be asked about: its decision, or why there was none.",
            outcome=("allow", "change", "deny", "hold", "shadow", "timeout", "failed", "busy", "open"),
        )
        self.webhook_seconds = make.histogram(
            "webhook_seconds", "How long the webhook took to answer, or not to.", _SECONDS
        )
        self.webhook_open = make.gauge("webhook_open", "1 while the webhook is not asked, for it failed.")
        self.batches = make.counter("batches", "Batches stored and published.")
        self.reappended_batches = make.counter(
            "reappended_batches", "Batches the store had lost again, appended once more from memory."
        )
        self.store_lost = make.counter(
            "store_lost",
            "Times a server of the store took over without the last of what replicas had confirmed to this"
            " process: messages and acts that were acknowledged may be lost.",
        )
        self.changes = make.counter("changes", "Entries of the changes log followed.")
        self.change_hints = make.counter("change_hints", "Hints that the changes log has something new.")
        self.change_lag_seconds = make.histogram(
            "change_lag_seconds",
            "From an entry of the changes log to its effect, by the wall clock.",
            _SECONDS,
        )
        self.chat_messages = make.counter(
            "chat_messages",
            "Messages of conversations: ok (appended), duplicate (again, answered as at first), late (after a"
            " later one of its connection), stale (decided anew, the group has changed), new (as it begins),"
            " recall, member.",
            outcome=("ok", "duplicate", "late", "stale", "new", "recall", "member"),
        )
        self.chat_pulls = make.counter("chat_pulls", "Conversations pulled.")
        self.chat_pulled_messages = make.counter("chat_pulled_messages", "Messages in answers to pulls.")
        self.chat_deliveries = make.counter(
            "chat_deliveries",
            "Messages to edges about conversations: private, and of groups.",
            kind=("private", "group"),
        )
        self.signs = make.counter(
            "signs", "Signs of abuse told to moderators.", kind=("same_text", "joins", "new_accounts")
        )
        self.refusals = make.counter("refusals", "Requests answered with no, by name.", name=REFUSALS)
        self.late_rows = make.counter(
            "late_rows",
            "Rows of requests that were on their way for longer than anybody waits for them: dropped unread.",
            of=("rooms", "users", "chat"),
        )
        self.lease_changes = make.counter(
            "lease_changes",
            "Partitions taken, lost (somebody else has them) and released.",
            change=("taken", "lost", "released"),
        )
        self.items_per_batch = make.bucket_tally("items_per_batch", "Comments and events in a batch.", _ITEMS)
        self.store_seconds = make.histogram(
            "store_seconds", "From a command to the store to its answer, by verb.", _SECONDS, "verb"
        )
        self.bus_seconds = make.histogram(
            "bus_seconds", "Time to hand what there is to say to the bus, all together.", _SECONDS
        )
        self.loop_lag_seconds = make.loop_lag()
        self.tasks = make.tasks()


class BusMetrics:
    """Metrics of a process's connection to the bus, whichever kind of process it is."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        make = _Maker("danmaku_bus", registry)
        self.reconnects = make.counter("reconnects", "Lost connections to NATS that were replaced.")
        self.subscriptions = make.gauge("subscriptions", "Subscriptions to NATS now.")
        self.lost = make.counter(
            "lost",
            "Connections to NATS lost: slow_consumer and stale where NATS says so, else other.",
            why=("slow_consumer", "stale", "other"),
        )


class SlowMetrics:
    """What took longer than `log.slow_ms`, in any process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        make = _Maker("danmaku", registry)
        kinds = "store", "bus", "flush", "join", "loop"
        slow = make.counter(
            "slow",
            "What took longer than log.slow_ms: a call of the store, a request on the bus, a flush, a join, a"
            " turn of the loop.",
            what=kinds,
        )
        self.slow = {kind: slow.labels(kind) for kind in kinds}  # in a storm every join is slow


class TracingMetrics:
    """What became of spans. Only there where something is followed."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        make = _Maker("danmaku_tracing", registry)
        self.spans = make.counter(
            "spans",
            "Spans of what is followed: ended, sent to the collector, lost as it did not take them. What is"
            " neither sent nor lost waits, or was dropped, as too many waited.",
            outcome=("ended", "sent", "lost"),
        )


class _Maker:
    def __init__(self, prefix: str, registry: CollectorRegistry) -> None:
        _share_values()
        self._prefix = prefix
        self._registry = registry

    def gauge(self, name: str, text: str, of_all: Literal["livesum", "livemin"] = "livesum") -> Gauge:
        """`of_all`: what a scrape of several processes makes of their values."""
        return Gauge(f"{self._prefix}_{name}", text, registry=self._registry, multiprocess_mode=of_all)

    def counter(self, name: str, text: str, /, **labels: Iterable[str]) -> Counter:
        """Of one label all values that are named are there from the start, at zero."""
        counter = Counter(f"{self._prefix}_{name}", text, list(labels), registry=self._registry)
        for label, known in labels.items():
            for value in known:
                counter.labels(**{label: value})
        return counter

    def histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        name = f"{self._prefix}_{name}"
        return Histogram(name, text, labels, registry=self._registry, buckets=buckets)

    def bucket_tally(self, name: str, text: str, buckets: tuple[float, ...]) -> BucketTally:
        return BucketTally(self.histogram(name, text, buckets), buckets)

    def tasks(self) -> Gauge:
        return self.gauge("tasks", "Tasks of the event loop now; grows with load, and has to fall with it.")

    def loop_lag(self) -> Histogram:
        return self.histogram(
            "loop_lag_seconds", "How late the event loop runs what is due; above 0.1 it has too much to do.",
            _SECONDS,
        )  # fmt: skip


@cache
def _share_values() -> None:
    """Where a folder is shared, keep this process's values under its name, which outlives its pid."""
    folder = os.environ.get(FOLDER_VARIABLE)
    pid, _, name = os.environ.get(NAME_VARIABLE, "").partition(":")
    if folder and pid == str(os.getpid()):
        forget_process(Path(folder), name)
        own = values.MultiProcessValue(process_identifier=lambda: name)  # type: ignore[no-untyped-call]  # the library is half typed
        values.ValueClass = own


def forget_process(folder: Path, process: str | int) -> None:
    """A process (its name or pid) ended: what it had open counts no longer; its counters stay."""
    for file in folder.glob(f"gauge_live*_{process}.db"):
        with suppress(FileNotFoundError):
            file.unlink()


def scrape(registry: CollectorRegistry = REGISTRY) -> bytes:
    """All metrics in Prometheus' text format, of all processes of this node where they share a folder.

    Reads files then, so a loop that must not wait runs it in a thread.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return generate_latest(registry)
    together = CollectorRegistry()
    MultiProcessCollector(together, path=folder)  # type: ignore[no-untyped-call]  # the library is half typed
    return generate_latest(together)


class LoopLag:
    """Measures, while its block lasts, how late the loop wakes up what is due, and counts its tasks."""

    def __init__(
        self,
        observe: Callable[[float], None],
        counted: Callable[[int], None],
        period_s: float = 0.5,
        slow: Callable[..., None] | None = None,
    ) -> None:
        """slow: told `"loop"`, each lateness in seconds, and how many tasks there are."""
        self._observe = observe
        self._counted = counted
        self._period_s = period_s
        self._slow = slow
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def start(self) -> None:
        self._task = asyncio.create_task(self._measure(), name="loop lag")

    async def stop(self) -> None:
        """Safe to call twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self._period_s
            await asyncio.sleep(self._period_s)
            late, tasks = max(0.0, loop.time() - due), len(asyncio.all_tasks())
            self._observe(late)
            self._counted(tasks)
            if self._slow is not None:
                self._slow("loop", late, tasks=tasks)
