"""Answers of one turn of the loop share a message, and no connection gets those of another."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from danmaku import wire
from danmaku.errors import Close
from danmaku.telemetry import EdgeMetrics
from edge.replies import Replies
from edge.uws import Connection
from tests.measured import measured
from tests.waiting import until


class Viewer:
    """A connection that writes down what it is sent; it takes so many messages."""

    def __init__(self, codec: wire.Codec = wire.MSGPACK, takes: int = 1000) -> None:
        self.session = SimpleNamespace(codec=codec)
        self.messages: list[bytes] = []
        self.closed_with: list[int] = []
        self._takes = takes

    def send(self, message: bytes, binary: bool = True) -> bool:
        assert binary == self.session.codec.binary
        if len(self.messages) == self._takes:
            return False
        self.messages.append(message)
        return True

    def close(self, code: int, reason: str = "") -> None:
        self.closed_with.append(code)

    @property
    def answers(self) -> list[int | None]:
        codec: wire.Codec = self.session.codec
        frames = [frame for message in self.messages for frame in codec.decode_server(message)]
        return [frame.id for frame in frames if isinstance(frame, wire.Ok)]

    def has_heard(self) -> bool:
        return bool(self.messages or self.closed_with)


class Edge:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = EdgeMetrics(self.registry)
        self.replies = Replies(self.metrics)

    def tell(self, viewer: Viewer, *ids: int) -> None:
        for number in ids:
            self.replies.send_soon(cast("Connection", viewer), wire.Ok(number, shown=True))

    def hold(self, viewer: Viewer, number: int) -> None:
        self.replies.hold(cast("Connection", viewer), wire.Ok(number))

    @property
    def sent(self) -> float:
        self.metrics.hand_over()
        return measured(self.registry, "danmaku_edge_frames_out_total")


@pytest.mark.parametrize("codec", [wire.MSGPACK, wire.JSON])
async def test_answers_of_a_turn_are_one_message_for_each_connection(codec: wire.Codec) -> None:
    edge, ann, bob = Edge(), Viewer(codec), Viewer(codec)
    edge.tell(ann, 1)
    edge.tell(bob, 7)
    edge.tell(ann, 2, 3)
    assert ann.messages == [], "not yet"
    await until(ann.has_heard)
    await until(bob.has_heard)
    assert (len(ann.messages), ann.answers) == (1, [1, 2, 3])
    assert (len(bob.messages), bob.answers) == (1, [7])
    assert edge.sent == 4


async def test_a_message_holds_no_more_frames_than_the_protocol_says() -> None:
    edge, ann = Edge(), Viewer()
    edge.tell(ann, *range(65))
    await until(ann.has_heard)
    assert (len(ann.messages), ann.answers) == (2, list(range(65)))


async def test_who_cannot_take_an_answer_is_closed_and_the_others_get_theirs() -> None:
    edge, slow, ann = Edge(), Viewer(takes=0), Viewer()
    edge.tell(slow, 1)
    edge.tell(ann, 2)
    await until(ann.has_heard)
    assert slow.closed_with == [Close.TOO_SLOW]
    assert (ann.answers, ann.closed_with) == ([2], [])
    assert edge.sent == 1


async def test_what_comes_later_is_sent_later() -> None:
    edge, ann = Edge(), Viewer()
    edge.tell(ann, 1)
    await until(ann.has_heard)
    edge.tell(ann, 2)
    assert ann.answers == [1]
    await until(lambda: len(ann.messages) == 2)
    assert ann.answers == [1, 2]


@pytest.mark.parametrize("codec", [wire.MSGPACK, wire.JSON])
async def test_what_is_held_goes_out_with_the_next_answer_to_the_same_connection(codec: wire.Codec) -> None:
    edge, ann, bob = Edge(), Viewer(codec), Viewer(codec)
    edge.hold(ann, 1)
    edge.hold(bob, 1)
    edge.replies.send(cast("Connection", ann), wire.Ok(2))
    assert (len(ann.messages), ann.answers) == (1, [1, 2])
    assert bob.messages == []
    edge.tell(bob, 2)
    await until(lambda: len(bob.answers) == 2)
    assert bob.answers == [1, 2]
    assert edge.sent == 4


async def test_what_is_held_goes_out_by_itself() -> None:
    edge, ann, bob, slow = Edge(), Viewer(), Viewer(), Viewer(takes=0)
    for one in (ann, bob, slow):
        edge.hold(one, 1)
    edge.replies.release(cast("Connection", ann))
    edge.replies.release(cast("Connection", ann))
    assert (ann.answers, bob.answers) == ([1], [])
    await until(bob.has_heard)
    await until(slow.has_heard)
    assert (bob.answers, slow.closed_with) == ([1], [Close.TOO_SLOW])
    edge.hold(ann, 2)
    await until(lambda: ann.answers == [1, 2])
