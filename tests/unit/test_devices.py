"""What is said goes to devices: made once for each subprotocol, and never kept for one that is slow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from prometheus_client import CollectorRegistry

from danmaku import wire
from danmaku.telemetry import EdgeMetrics
from danmaku.wire_chat import Head
from edge.devices import Devices
from edge.uws import Connection

FRAME = wire.MSGPACK.encode(Head({"g:team": 3}))
TEXT = b'{"t":"head","heads":{"g:team":3}}'


class CountingJson(wire.JsonCodec):
    def __init__(self) -> None:
        super().__init__()
        self.made = 0

    def batch(self, frame: bytes) -> bytes:
        self.made += 1
        return super().batch(frame)


@dataclass(eq=False)
class Device:
    """A connection as far as Devices knows it."""

    codec: wire.Codec
    takes: bool = True
    got: list[tuple[bytes, bool]] = field(default_factory=list)

    @property
    def session(self) -> Any:
        return self

    def send(self, message: bytes, binary: bool) -> bool:
        if self.takes:
            self.got.append((message, binary))
        return self.takes


def devices(**named: list[Device]) -> tuple[Devices, CollectorRegistry]:
    registry = CollectorRegistry()
    made = Devices(EdgeMetrics(registry))
    for uid, theirs in named.items():
        for one in theirs:
            made.arrive(uid, cast("Connection", one))
    return made, registry


def test_a_frame_is_made_once_for_each_subprotocol() -> None:
    codec = CountingJson()
    ann, bob = [Device(codec), Device(wire.MSGPACK)], [Device(codec), Device(codec)]
    others = [Device(codec)]
    made, registry = devices(ann=ann, bob=bob, eve=others)
    assert made.tell(FRAME, ["ann", "bob", "far"])
    assert [one.got for one in (ann[0], *bob)] == [[(TEXT, False)]] * 3
    assert ann[1].got == [(FRAME, True)]
    assert others[0].got == []
    assert codec.made == 1
    assert registry.get_sample_value("danmaku_edge_chat_frames_total") == 4


def test_nothing_waits_for_a_slow_device_and_that_it_missed_something_is_told() -> None:
    slow, quick = Device(wire.MSGPACK, takes=False), Device(wire.MSGPACK)
    made, _ = devices(ann=[slow], bob=[quick])
    assert not made.tell(FRAME, ["ann", "bob"])
    assert quick.got == [(FRAME, True)]
    slow.takes = True
    assert made.tell(FRAME, ["ann"])
    assert len(slow.got) == 1


def test_who_left_is_not_here() -> None:
    one = Device(wire.MSGPACK)
    made, _ = devices(ann=[one])
    assert made.are_here("ann")
    made.depart("ann", cast("Connection", one))
    made.depart("ann", cast("Connection", one))
    assert not made.are_here("ann")
    assert made.tell(FRAME, ["ann"])
    assert one.got == []
