"""What each kind of process counts and measures."""

from __future__ import annotations

from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry

from danmaku.errors import REFUSALS
from danmaku.telemetry.making import SECONDS, Maker
from danmaku.telemetry.tallies import Tally

_ITEMS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class EdgeMetrics:
    """Metrics of one edge worker. Observe into them directly; each is safe to use from the loop."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        make = Maker("danmaku_edge", registry)
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
            SECONDS,
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
            SECONDS,
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
            "bus_seconds", "From a request to the rooms processes to its answer, over the bus.", SECONDS
        )
        self.publish_seconds = make.bucket_tally(
            "publish_seconds", "Time the loop spends on handing out what came, at one time.", SECONDS
        )
        self.waited_seconds = make.bucket_tally(
            "waited_seconds",
            "How long the oldest waited, at each time that something is handed out.",
            SECONDS,
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
        make = Maker("danmaku_rooms", registry)
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
            "webhook_seconds", "How long the webhook took to answer, or not to.", SECONDS
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
            SECONDS,
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
            "store_seconds", "From a command to the store to its answer, by verb.", SECONDS, "verb"
        )
        self.bus_seconds = make.histogram(
            "bus_seconds", "Time to hand what there is to say to the bus, all together.", SECONDS
        )
        self.loop_lag_seconds = make.loop_lag()
        self.tasks = make.tasks()


class BusMetrics:
    """Metrics of a process's connection to the bus, whichever kind of process it is."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        make = Maker("danmaku_bus", registry)
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
        make = Maker("danmaku", registry)
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
        make = Maker("danmaku_tracing", registry)
        self.spans = make.counter(
            "spans",
            "Spans of what is followed: ended, sent to the collector, lost as it did not take them. What is"
            " neither sent nor lost waits, or was dropped, as too many waited.",
            outcome=("ended", "sent", "lost"),
        )
