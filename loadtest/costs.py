"""What the cost model is asked, what it goes by, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

_GATHERED: Final = 1 / 5  # of the rooms' window: see edge/owner_rows.py,
_MOST_GATHERED_MS: Final = 500.0  # a tenth of edge.request_s as shipped


@dataclass(frozen=True, slots=True)
class Costs:
    """Microseconds of CPU where the bare loop takes `floor_us` a frame, and bytes of memory.

    `message`: one of a room that comes to an edge, and for NATS any of a room that comes in or goes out;
    `request`: what an edge gathers and asks an owner at a time; `flush`: what an owner writes and shows at a
    time, of all its rooms; `process`: what a process does anyway, in a second.
    """

    floor_us: float = 3.6
    edge_frame_us: float = 4.3
    edge_viewer_us: float = 0.37
    edge_join_us: float = 131.0
    edge_message_us: float = 15.0
    edge_comment_us: float = 9.3
    edge_request_us: float = 288.0
    edge_process_us: float = 4100.0
    owner_comment_us: float = 8.8
    owner_batch_us: float = 25.0
    owner_request_us: float = 130.0
    owner_flush_us: float = 960.0
    owner_process_us: float = 7400.0
    nats_message_us: float = 0.19
    nats_request_us: float = 39.0
    nats_flush_us: float = 373.0
    nats_process_us: float = 1900.0
    store_comment_us: float = 0.83
    store_batch_us: float = 19.0
    store_flush_us: float = 374.0
    store_process_us: float = 4000.0
    viewer_bytes: int = 1700
    kernel_bytes: int = 4050
    edge_bytes: int = 57_000_000
    owner_bytes: int = 50_000_000
    batch_bytes: int = 67  # of a batch besides its items

    def scaled(self, floor_us: float) -> Costs:
        """The same where the bare loop takes so long."""
        factor = floor_us / self.floor_us
        times = {
            one.name: getattr(self, one.name) * factor for one in fields(self) if one.name.endswith("_us")
        }
        return replace(self, **times)


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked for. `rate`: comments a second over all rooms; `joins`: viewers that come in a second.

    Rooms differ as n^-`zipf`, in viewers and comments. A worker is given work for `busy` of its core, and
    `connections` viewers at most.
    """

    viewers: int
    rooms: int
    rate: float
    zipf: float = 0.0
    item_bytes: int = 60
    joins: float = 0.0
    window_ms: float = 50.0
    gather_ms: float = 5.0
    display_per_s: float = 40.0
    history_batches: int = 2400
    history_s: float = 600.0
    ring_batches: int = 300
    ring_bytes: int = 1024 * 1024
    connections: int = 15_000
    busy: float = 0.6

    @property
    def gather_s(self) -> float:
        """How long an edge gathers comments: for a share of the window in which they are shown, at least."""
        shared_ms = min(self.window_ms * _GATHERED, _MOST_GATHERED_MS)
        return max(self.gather_ms, shared_ms) / 1000 if self.gather_ms else 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What it takes. Cores are those that are busy; processes are as many as leave them `busy`.

    `busiest_room_cores`: what one room asks of its one owner, which more processes do not relieve.
    """

    frames_per_s: float
    deliveries_per_s: float
    edge_workers: int
    edge_cores: float
    viewers_per_worker: float
    rooms_per_worker: float
    edge_memory_bytes: float
    kernel_memory_bytes: float
    rooms_processes: int
    rooms_cores: float
    busiest_room_cores: float
    rooms_memory_bytes: float
    nats_cores: float
    nats_in_per_s: float
    nats_out_per_s: float
    nats_out_bits_per_s: float
    store_cores: float
    store_appends_per_s: float
    store_memory_bytes: float
    egress_bits_per_s: float

    @property
    def cores(self) -> float:
        """All that are busy."""
        return self.edge_cores + self.rooms_cores + self.nats_cores + self.store_cores

    @property
    def memory_bytes(self) -> float:
        return (
            self.edge_memory_bytes
            + self.kernel_memory_bytes
            + self.rooms_memory_bytes
            + self.store_memory_bytes
        )


def rows(planned: Plan) -> list[tuple[str, str]]:
    """For people: what, and how much of it."""
    return [
        ("frames to viewers", f"{_short(planned.frames_per_s)}/s"),
        ("comments delivered", f"{_short(planned.deliveries_per_s)}/s"),
        ("bandwidth to viewers", f"{_short(planned.egress_bits_per_s)}bit/s"),
        ("edge workers", f"{planned.edge_workers:,}"),
        ("  viewers of each", f"{planned.viewers_per_worker:,.0f}"),
        ("  rooms of each", f"{planned.rooms_per_worker:,.0f}"),
        ("  cores busy", _cores(planned.edge_cores)),
        ("  memory", f"{_short(planned.edge_memory_bytes)}B"),
        ("  kernel memory of sockets", f"{_short(planned.kernel_memory_bytes)}B"),
        ("rooms processes", f"{planned.rooms_processes:,}"),
        ("  cores busy", _cores(planned.rooms_cores)),
        ("  cores busy with the busiest room", _cores(planned.busiest_room_cores)),
        ("  memory", f"{_short(planned.rooms_memory_bytes)}B"),
        ("NATS: messages in", f"{_short(planned.nats_in_per_s)}/s"),
        ("  messages out", f"{_short(planned.nats_out_per_s)}/s"),
        ("  bandwidth out", f"{_short(planned.nats_out_bits_per_s)}bit/s"),
        ("  cores busy", _cores(planned.nats_cores)),
        ("store: appends", f"{_short(planned.store_appends_per_s)}/s"),
        ("  cores busy", _cores(planned.store_cores)),
        ("  memory of history", f"{_short(planned.store_memory_bytes)}B"),
        ("all: cores busy", _cores(planned.cores)),
        ("  memory", f"{_short(planned.memory_bytes)}B"),
    ]


def _cores(value: float) -> str:
    return f"{value:,.1f}" if value >= 1 else f"{value:.2f}"


def _short(value: float) -> str:
    for unit in ("", "k", "M", "G"):
        if value < 1000:
            return f"{value:,.0f} {unit}" if value >= 100 or not unit else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} T"
