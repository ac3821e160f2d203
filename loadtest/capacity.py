"""What a deployment needs: viewers, rooms and comments go in, edges, cores, memory and bandwidth come out.

A model, fitted to what the load tool measures (docs/SCALING.md tells which command gave which number). Its
costs are those of one machine; `Costs.scaled` takes them to another by what the bare send(2) loop costs
there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from loadtest.costs import Costs, Demand, Plan

_BUCKET: Final = 1.05  # ranks of one bucket: rooms that differ by less are counted as alike
_MOST: Final = 10_000_000  # workers
_PARTITIONS: Final = 64
_PACKET_BYTES: Final = 66  # Ethernet, IP and TCP around a frame
_FRAME_HEAD: Final = 4
_STATS_BYTES: Final = 70
_STATS_PER_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Alike:
    """`count` rooms with so many viewers and comments a second each, of which so many are shown."""

    count: float
    viewers: float
    said: float
    shown: float
    batches: float

    def size(self, demand: Demand, costs: Costs) -> float:
        """Bytes of a batch."""
        items = self.shown / self.batches if self.batches else 0.0
        return costs.batch_bytes + items * demand.item_bytes

    @property
    def messages(self) -> float:
        """Batches and statistics a second, on the bus."""
        return self.batches + _STATS_PER_S

    @property
    def alone(self) -> float:
        """Statistics a second that come to a viewer by themselves: others leave with the next batch."""
        return _STATS_PER_S * math.exp(-self.batches / _STATS_PER_S)

    def spread(self, workers: int) -> float:
        """On how many workers such a room has viewers, where each viewer comes to any of them.

        A room of Zipf sizes may have less than one viewer: it is watched for a part of the time.
        """
        return min(self.viewers, workers * (1.0 - math.pow(1.0 - 1.0 / workers, self.viewers)))


def plan(demand: Demand, costs: Costs = Costs()) -> Plan:  # noqa: B008  it is frozen
    """Raises ValueError where something asked for cannot be."""
    _check(demand)
    rooms = list(_rooms(demand))
    workers, owners = math.ceil(demand.viewers / demand.connections), 1
    while workers <= _MOST and owners <= _PARTITIONS:
        load = _Load(demand, costs, rooms, workers, owners)
        needed_workers = math.ceil(load.edge_us / 1e6 / demand.busy)
        needed_owners = math.ceil(load.owner_us / 1e6 / demand.busy)
        if needed_workers <= workers and needed_owners <= owners:
            _check_busiest(load.busiest_us / 1e6, rooms[0].said)
            return load.plan()
        # More workers are more places for the same rooms, and more who ask: look again.
        workers, owners = max(workers, needed_workers), max(owners, needed_owners)
    if owners > _PARTITIONS:
        raise ValueError(
            f"owners would need {owners} processes, and there are {_PARTITIONS} partitions of rooms"
        )
    raise ValueError("no number of workers is enough: each more has to hear of more rooms than it relieves")


def _check(demand: Demand) -> None:
    if demand.viewers < 1 or demand.rooms < 1:
        raise ValueError("at least one viewer and one room")
    if not 0 < demand.busy <= 1:
        raise ValueError("a worker can be busy for more than 0 and up to 1 of its time")
    if demand.rate < 0 or demand.joins < 0 or demand.zipf < 0:
        raise ValueError("rates and --zipf are 0 or more")


def _check_busiest(cores: float, said: float) -> None:
    if cores > 1:
        raise ValueError(
            f"the busiest room, with {said:,.0f} comments a second, needs {cores:.1f} cores of its owner:"
            " a room has one owner, and that is one process"
        )


def _rooms(demand: Demand) -> Iterator[_Alike]:
    """Rooms in buckets of those that are nearly alike, the largest first."""
    weights: list[tuple[int, float]] = []
    first = 1
    while first <= demand.rooms:
        last = demand.rooms if demand.zipf == 0 else min(demand.rooms, int(first * _BUCKET))
        weights.append((last - first + 1, ((first + last) / 2) ** -demand.zipf))
        first = last + 1
    whole = sum(count * weight for count, weight in weights)
    window_s = demand.window_ms / 1000
    for count, weight in weights:
        said = demand.rate * weight / whole
        shown = min(said, demand.display_per_s)
        yield _Alike(count, demand.viewers * weight / whole, said, shown, _filled(shown, window_s))


def _filled(rate: float, window_s: float) -> float:
    """Windows in a second in which something falls, of what comes at random."""
    return -math.expm1(-rate * window_s) / window_s if window_s else rate


class _Load:
    """What so many workers and owners have to do in a second."""

    def __init__(self, demand: Demand, costs: Costs, rooms: list[_Alike], workers: int, owners: int) -> None:
        self._demand, self._costs, self._rooms = demand, costs, rooms
        self._workers, self._owners = workers, owners
        self._batches = sum(room.count * room.batches for room in rooms)
        self._messages = sum(room.count * room.messages for room in rooms)
        self._came = sum(room.count * room.messages * room.spread(workers) for room in rooms)
        self._frames = sum(room.count * room.viewers * (room.batches + room.alone) for room in rooms)
        pairs = workers * owners
        # An edge asks an owner once for all that was said within the gather window.
        self._requests = pairs * _filled(demand.rate / pairs, demand.gather_s)
        self._flushes = owners * _filled(self._batches / owners, demand.window_ms / 1000)

    @property
    def edge_us(self) -> float:
        demand, costs = self._demand, self._costs
        return (
            self._frames * costs.edge_frame_us
            + demand.viewers * costs.edge_viewer_us
            + self._came * costs.edge_message_us
            + demand.rate * costs.edge_comment_us
            + self._requests * costs.edge_request_us
            + demand.joins * costs.edge_join_us
            + self._workers * costs.edge_process_us
        )

    @property
    def owner_us(self) -> float:
        costs = self._costs
        return (
            self._demand.rate * costs.owner_comment_us
            + self._batches * costs.owner_batch_us
            + self._requests * costs.owner_request_us
            + self._flushes * costs.owner_flush_us
            + self._owners * costs.owner_process_us
        )

    @property
    def busiest_us(self) -> float:
        """What the busiest room alone asks of its owner, which it cannot share with another one."""
        demand, costs, room = self._demand, self._costs, self._rooms[0]
        edges = max(1.0, room.spread(self._workers))
        return (
            room.said * costs.owner_comment_us
            + room.batches * (costs.owner_batch_us + costs.owner_flush_us)
            + edges * _filled(room.said / edges, demand.gather_s) * costs.owner_request_us
            + costs.owner_process_us
        )

    @property
    def nats_us(self) -> float:
        costs = self._costs
        return (
            (self._messages + self._came) * costs.nats_message_us
            + self._requests * costs.nats_request_us
            + self._flushes * costs.nats_flush_us
            + costs.nats_process_us
        )

    @property
    def store_us(self) -> float:
        costs = self._costs
        return (
            self._demand.rate * costs.store_comment_us
            + self._batches * costs.store_batch_us
            + self._flushes * costs.store_flush_us
            + costs.store_process_us
        )

    def plan(self) -> Plan:
        demand, costs, workers, owners = self._demand, self._costs, self._workers, self._owners
        sizes = [(room, room.size(demand, costs)) for room in self._rooms]
        rings = sum(
            room.count * room.spread(workers) * min(demand.ring_batches * size, demand.ring_bytes)
            for room, size in sizes
            if room.batches
        )
        kept = sum(
            room.count * min(demand.history_batches, demand.history_s * room.batches) * size
            for room, size in sizes
        )
        around = _FRAME_HEAD + _PACKET_BYTES
        egress = sum(
            room.count
            * room.viewers
            * (room.batches * (size + around) + _STATS_PER_S * _STATS_BYTES + room.alone * around)
            for room, size in sizes
        )
        heard = sum(
            room.count * room.spread(workers) * (room.batches * size + _STATS_PER_S * _STATS_BYTES)
            for room, size in sizes
        )
        return Plan(
            frames_per_s=self._frames,
            deliveries_per_s=sum(room.count * room.viewers * room.shown for room in self._rooms),
            edge_workers=workers,
            edge_cores=self.edge_us / 1e6,
            viewers_per_worker=demand.viewers / workers,
            rooms_per_worker=sum(room.count * room.spread(workers) for room in self._rooms) / workers,
            edge_memory_bytes=demand.viewers * costs.viewer_bytes + workers * costs.edge_bytes + rings,
            kernel_memory_bytes=float(demand.viewers * costs.kernel_bytes),
            rooms_processes=owners,
            rooms_cores=self.owner_us / 1e6,
            busiest_room_cores=self.busiest_us / 1e6,
            rooms_memory_bytes=float(owners * costs.owner_bytes),
            nats_cores=self.nats_us / 1e6,
            nats_in_per_s=self._messages + 2 * self._requests,
            nats_out_per_s=self._came + 2 * self._requests,
            nats_out_bits_per_s=8 * (heard + demand.rate * demand.item_bytes),
            store_cores=self.store_us / 1e6,
            store_appends_per_s=self._batches,
            store_memory_bytes=kept,
            egress_bits_per_s=8 * egress,
        )
