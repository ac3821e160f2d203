from __future__ import annotations

import secrets
from typing import Any

from prometheus_client import CollectorRegistry

from config import settings as config
from danmaku import wire
from danmaku.envelope import Out, OutKind
from danmaku.model import Position
from danmaku.telemetry import EdgeMetrics
from edge.fanout import Fanout
from edge.forms import Form, Topics, deflated
from edge.ring import Batch
from edge.roster import Roster
from edge.showing import Showing
from tests.measured import measured


class Publisher:
    def __init__(self) -> None:
        self.published: list[tuple[str, bytes, bool]] = []

    def publish(self, topic: str, message: bytes, binary: bool = True) -> None:
        self.published.append((topic, message, binary))


class Edge:
    """Viewers of one room, one for each subprotocol."""

    def __init__(self, *forms: Form) -> None:
        forms = forms or (Form.MSGPACK, Form.JSON)
        self.publisher = Publisher()
        self.registry = CollectorRegistry()
        self.roster: Roster[Any] = Roster()
        for form in forms:
            self.roster.enter("r", form)
        fanout = Fanout(self.publisher, self.roster, EdgeMetrics(self.registry), config.Edge())
        self.showing = Showing(fanout, self.roster, lambda _connection, _room: None)

    def messages(self, codec: wire.Codec) -> list[list[wire.ServerFrame]]:
        published = self.publisher.published
        return [codec.decode_server(message) for _, message, binary in published if binary is codec.binary]

    def skipped(self, why: str) -> float:
        return measured(self.registry, "danmaku_edge_skipped_total", why=why)


def batch(seq: int, size: int = 10) -> Batch:
    item = wire.encode_item(wire.Comment("u", "u", "x" * size))
    return Batch.of_frame(wire.encode_batch("r", Position(5, seq), 1, [item]))


def seqs(message: list[wire.ServerFrame]) -> list[int]:
    return [frame.seq for frame in message if isinstance(frame, wire.Batch)]


def test_batches_that_follow_one_another_leave_in_one_message() -> None:
    edge = Edge()
    edge.showing.show(Topics("r"), [batch(1), batch(2), wire.Skip("r", 5, 3, 4), batch(5)])
    for codec in (wire.MSGPACK, wire.JSON):
        first, skip, last = edge.messages(codec)
        assert (seqs(first), seqs(last)) == ([1, 2], [5])
        assert skip == [wire.Skip("r", 5, 3, 4)]
    assert edge.skipped("lost") == 2


def test_statistics_leave_in_the_message_of_the_batches_they_stand_with() -> None:
    edge = Edge()
    said = wire.Stats("r", 5, 1, 2, 0)
    stats = Out(OutKind.STATS, 5, Position(5, 1), 0, None, "", wire.MSGPACK.encode(said))
    edge.showing.show(Topics("r"), [batch(1), stats, batch(2)])
    for codec in (wire.MSGPACK, wire.JSON):
        (message,) = edge.messages(codec)
        assert (seqs(message), message[1]) == ([1, 2], said)


def test_messages_are_compressed_once_for_those_who_asked_for_it_where_that_saves() -> None:
    edge = Edge(*Form)
    edge.showing.show(Topics("r"), [batch(1, 400), batch(2, 400)])
    edge.showing.show(Topics("r"), [batch(3)])
    sent = {topic: [(message, binary)] for topic, message, binary in edge.publisher.published[:4]}
    small = {topic: [(message, binary)] for topic, message, binary in edge.publisher.published[4:]}
    assert list(sent) == list(small) == ["m/r", "j/r", "md/r", "jd/r"]
    for plain, packed in (("m/r", "md/r"), ("j/r", "jd/r")):
        ((message, binary),) = sent[packed]
        assert binary
        assert len(message) < len(sent[plain][0][0]) / 2
        assert wire.inflated(message) == sent[plain][0][0]
        assert small[packed] == small[plain]
    noise = secrets.token_bytes(600)
    assert deflated(noise, 512) is None, "it would not be smaller"


def test_messages_are_bounded_in_bytes_and_frames() -> None:
    edge = Edge()
    edge.showing.show(Topics("r"), [batch(seq, 30_000) for seq in range(1, 6)])
    assert [seqs(message) for message in edge.messages(wire.MSGPACK)] == [[1, 2], [3, 4], [5]]
    edge = Edge()
    edge.showing.show(Topics("r"), [batch(seq) for seq in range(1, 131)])
    assert [len(message) for message in edge.messages(wire.JSON)] == [64, 64, 2]


def test_a_large_batch_leaves_by_itself() -> None:
    edge = Edge()
    edge.showing.show(Topics("r"), [batch(1), batch(2, 100_000), batch(3)])
    assert [seqs(message) for message in edge.messages(wire.MSGPACK)] == [[1], [2], [3]]


def test_what_is_late_is_skipped() -> None:
    edge = Edge()
    edge.showing.show(Topics("r"), [batch(1), batch(2)], late=True)
    edge.showing.show(Topics("r"), [])
    for codec in (wire.MSGPACK, wire.JSON):
        assert edge.messages(codec) == [[wire.Skip("r", 5, 1, 2)]]
    assert edge.skipped("late") == 2


def test_a_recall_is_shown_however_late_it_is() -> None:
    edge = Edge()
    recall = wire.encode_item(wire.Recall("moderator"))
    told = Batch.of_frame(wire.encode_batch("r", Position(5, 3), 1, [recall]))
    edge.showing.show(Topics("r"), [batch(1), batch(2), told, batch(4)], late=True)
    for codec in (wire.MSGPACK, wire.JSON):
        first, [shown], last = edge.messages(codec)
        assert (first, last) == ([wire.Skip("r", 5, 1, 2)], [wire.Skip("r", 5, 4, 4)])
        assert isinstance(shown, wire.Batch)
        assert shown.seq == 3
    assert edge.skipped("late") == 3


def test_nothing_is_published_to_nobody() -> None:
    edge = Edge()
    edge.showing.show(Topics("empty"), [batch(1)])
    edge.showing.show(Topics("empty"), [batch(2)], late=True)
    assert edge.publisher.published == []
