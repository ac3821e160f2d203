"""What a viewer of the load tool finds wrong with what it gets, and what it does not."""

from __future__ import annotations

import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku import wire
from danmaku.model import Position
from loadtest import frames
from loadtest.checks import Checker, Reader, Tally
from loadtest.figures import histogram
from loadtest.peers import PEERS
from loadtest.talk import Dialect, Foreign, StampChecker, stamped

EPOCH = 5
CODECS = [wire.MSGPACK, wire.JSON]


def batch(
    codec: wire.Codec, seq: int, count: int = 1, *, epoch: int = EPOCH, room: str = "hot", text: str = "hi"
) -> bytes:
    items = [wire.encode_item(wire.Comment("u", "u", text)) for _ in range(count)]
    return codec.batch(wire.encode_batch(room, Position(epoch, seq), 1, items))


def reader(*, seq: int = 0, timed: bool = False) -> Reader:
    made = Reader("hot", timed=timed)
    made.epoch, made.seq = EPOCH, seq
    return made


@pytest.fixture(params=CODECS, ids=["msgpack", "json"])
def codec(request: pytest.FixtureRequest) -> wire.Codec:
    chosen: wire.Codec = request.param
    return chosen


def taken(checker: Checker) -> Tally:
    return Tally(**checker.take())


def test_what_continues_is_delivered(codec: wire.Codec) -> None:
    checker, viewer = Checker(codec), reader()
    for seq in (1, 3, 5):
        checker.check(viewer, batch(codec, seq, 2), 0)
    tally = taken(checker)
    assert (tally.deliveries, tally.batches, tally.gaps, tally.duplicates) == (6, 3, 0, 0)
    assert (viewer.epoch, viewer.seq) == (EPOCH, 6)
    assert taken(checker).deliveries == 0, "each tally begins anew"


def test_what_is_compressed_counts_like_any_other(codec: wire.Codec) -> None:
    checker, viewer = Checker(codec), reader()
    checker.check(viewer, zlib.compress(batch(codec, 1, 5)), 0)
    checker.check(viewer, batch(codec, 6), 0)
    tally = taken(checker)
    assert (tally.deliveries, tally.batches, tally.gaps) == (6, 2, 0)


def test_what_takes_something_back_is_counted_with_when_it_came(codec: wire.Codec) -> None:
    checker, viewers = Checker(codec), [reader(), reader()]
    recall = wire.encode_batch(
        "hot", Position(EPOCH, 1), 1, [wire.encode_item(wire.Recall("moderator", wire.At(EPOCH, 1)))]
    )
    begin = time.time_ns()
    for viewer in viewers:
        checker.check(viewer, codec.batch(recall), 0)
        checker.check(viewer, batch(codec, 2, text="recall"), 0)
    tally = taken(checker)
    assert (tally.recalls, tally.deliveries) == (2, 4)
    assert begin <= tally.recalled_ns <= time.time_ns()
    assert (taken(checker).recalls, taken(checker).recalled_ns) == (0, 0)


def test_a_hole_is_a_gap_with_so_many_missing(codec: wire.Codec) -> None:
    checker, viewer = Checker(codec), reader()
    checker.check(viewer, batch(codec, 4), 0)
    tally = taken(checker)
    assert (tally.gaps, tally.missing, tally.deliveries, tally.duplicates) == (1, 3, 1, 0)


def test_what_was_seen_is_a_duplicate(codec: wire.Codec) -> None:
    checker, viewer = Checker(codec), reader(seq=5)
    checker.check(viewer, batch(codec, 4, 3), 0)
    assert taken(checker).duplicates == 2
    checker.check(viewer, batch(codec, 1, epoch=EPOCH - 1), 0)
    tally = taken(checker)
    assert (tally.duplicates, tally.deliveries) == (1, 0)
    assert viewer.epoch == EPOCH, "an epoch that is over moves nobody back"


def test_what_belongs_to_another_room_is_misdirected(codec: wire.Codec) -> None:
    checker, viewer = Checker(codec), reader()
    checker.check(viewer, batch(codec, 1, room="cold"), 0)
    tally = taken(checker)
    assert (tally.misdirected, tally.deliveries) == (1, 0)


def test_a_skip_moves_on_without_delivering(codec: wire.Codec) -> None:
    checker, viewer = Checker(codec), reader()
    checker.check(viewer, codec.encode(wire.Skip("hot", EPOCH, 1, 7)), 0)
    checker.check(viewer, batch(codec, 8), 0)
    tally = taken(checker)
    assert (tally.skipped, tally.deliveries, tally.gaps) == (7, 1, 0)


def test_a_new_epoch_must_name_where_the_reader_stands(codec: wire.Codec) -> None:
    checker, viewer = Checker(codec), reader(seq=3)
    items = [wire.encode_item(wire.Comment("u", "u", "hi"))]
    for epoch, behind in ((EPOCH + 1, 3), (EPOCH + 2, 9)):
        frame = wire.encode_batch("hot", Position(epoch, 1), 1, items, Position(epoch - 1, behind))
        checker.check(viewer, codec.batch(frame), 0)
    assert taken(checker).gaps == 1, "only the second one lacks something"


def test_latency_counts_from_the_stamp_and_only_for_some(codec: wire.Codec) -> None:
    checker = Checker(codec)
    frame = batch(codec, 1, text=str(10**18).ljust(30, "."))
    for timed in (True, False):
        checker.check(reader(timed=timed), frame, 10**18 + 7_000_000)
    checker.check(reader(timed=True), batch(codec, 1, text="no stamp"), 10**18)
    latency = histogram([taken(checker).latency])
    assert latency.get_total_count() == 1
    assert latency.get_value_at_percentile(50) == pytest.approx(7000, rel=0.01)


def test_a_history_may_reach_further_than_the_edge_and_then_nothing_comes_twice(codec: wire.Codec) -> None:
    checker, viewer = Checker(codec), reader(seq=3)
    history = codec.history([batch(codec, 3, 4), batch(codec, 7, 2)])
    checker.resume(viewer, wire.Ok(2, room="hot", epoch=EPOCH, seq=5, history=history, complete=True))
    for seq, count in ((5, 1), (6, 1), (7, 4)):  # known, known, half of it new
        checker.check(viewer, batch(codec, seq, count), 0)
    tally = taken(checker)
    assert (tally.deliveries, tally.duplicates, tally.gaps, viewer.seq) == (7, 0, 0, 10)
    checker.check(viewer, batch(codec, 8, 1), 0)
    assert taken(checker).duplicates == 1, "from then on nothing may"


def test_who_came_back_was_away_for_so_long() -> None:
    checker = Checker(wire.MSGPACK)
    checker.back(100.0, 101.5, 1)
    checker.back(100.0, 100.5, 2)
    tally = taken(checker)
    assert (tally.returned, tally.most_returns, tally.last_return_s) == (2, 2, 100.5)
    assert histogram([tally.away]).get_value_at_percentile(100) == pytest.approx(1_500_000, rel=0.01)
    assert (taken(checker).away, taken(checker).most_returns) == (b"", 2)


@given(st.integers(0, 30), st.integers(0, 30), st.sampled_from(CODECS), st.integers(1, 7))
def test_who_comes_back_gets_the_rest_once(stands: int, head: int, codec: wire.Codec, size: int) -> None:
    head = max(head, stands)
    checker, viewer = Checker(codec), reader(seq=stands)
    frames = [batch(codec, seq, size) for seq in range(1, head + 1, size)]
    whole = [frame for number, frame in enumerate(frames) if (number + 1) * size > stands]
    last = len(frames) * size
    answer = wire.Ok(2, room="hot", epoch=EPOCH, seq=last, history=codec.history(whole), complete=True)
    checker.resume(viewer, answer)
    tally = taken(checker)
    assert tally.deliveries == tally.recovered == max(0, last - stands)
    assert (tally.gaps, tally.missing, tally.duplicates) == (0, 0, 0)
    assert viewer.seq == max(last, stands)


def test_what_a_history_lacks_is_missing(codec: wire.Codec) -> None:
    checker, viewer = Checker(codec), reader(seq=2)
    history = codec.history([batch(codec, 5, 2)])
    checker.resume(viewer, wire.Ok(2, room="hot", epoch=EPOCH, seq=9, history=history, complete=False))
    tally = taken(checker)
    assert (tally.recovered, tally.missing, tally.gaps) == (2, 2 + 3, 2)
    assert viewer.seq == 9


def test_stamps_and_numbers_are_found_wherever_a_peer_puts_them() -> None:
    checker, viewer = StampChecker(), Reader("", timed=True)
    viewer.epoch = 1
    at = 10**18
    texts = [stamped(at, number, 60) for number in range(1, 6)]
    assert {len(text) for text in texts} == {60}
    checker.check(
        viewer, f"MSG hot 1 60\r\n{texts[0]}\r\nMSG hot 1 60\r\n{texts[1]}\r\n".encode(), at + 5_000
    )
    checker.check(viewer, f'42["said","{texts[2]}"]'.encode(), at + 5_000)
    checker.check(viewer, b"PING\r\n", at)
    tally = taken(checker)
    assert (tally.deliveries, tally.batches, tally.gaps, tally.duplicates) == (3, 2, 0, 0)
    assert histogram([tally.latency]).get_total_count() == 3
    checker.check(viewer, texts[4].encode(), at)
    checker.check(viewer, texts[4].encode(), at)
    tally = taken(checker)
    assert (tally.gaps, tally.missing, tally.duplicates) == (1, 1, 1)


def test_a_dialect_says_size_and_text() -> None:
    assert Dialect("/", publish="PUB hot {size}\r\n{text}\r\n").said("hello") == b"PUB hot 5\r\nhello\r\n"


def test_a_foreign_server_is_greeted_and_answered() -> None:
    talk = Foreign("host:1", Dialect("/a", ("40",), joined='40{"sid"', ping="2", pong="3"))
    viewer = Reader("", timed=False)
    assert talk.request.startswith(b"GET /a HTTP/1.1\r\nHost: host:1\r\n")
    assert b"Protocol" not in talk.request
    assert talk.greeting(viewer, known=False) == frames.masked(b"40", "text")
    assert not talk.joins(viewer, b'0{"sid":"x"}', known=False)
    assert talk.joins(viewer, b'40{"sid":"x"}', known=False)
    assert talk.answer(b"2") == frames.masked(b"3", "text")
    assert talk.answer(b"3") == b""
    assert not talk.at_once
    assert Foreign("host:1", Dialect("/")).at_once


@pytest.mark.parametrize(
    ("peer", "alone", "joined", "pong"),
    [
        ("centrifugo", b"{}", b'{"push":{"channel":"hot"}}\n{}', b"{}"),
        ("nats", b"PING\r\n", b"MSG hot 1 4\r\ntext\r\nPING\r\n", b"PONG\r\n"),
        ("socketio", b"2", b"2", b"3"),
    ],
)
def test_a_ping_is_answered_also_where_it_comes_with_more(
    peer: str, alone: bytes, joined: bytes, pong: bytes
) -> None:
    dialect = PEERS[peer].dialect
    talk = Foreign("", dialect)
    assert talk.answer(alone) == talk.answer(joined) == frames.masked(pong, dialect.kind)
    assert talk.answer(b'42["said","2 {} PING"]') == b""


def test_a_viewer_is_inside_a_peer_when_it_says_so_and_not_when_it_refuses() -> None:
    talk, viewer = Foreign("", PEERS["centrifugo"].dialect), Reader("", timed=False)
    assert not talk.joins(viewer, b'{"id":1,"connect":{"client":"c"}}', known=False)
    assert talk.joins(viewer, b'{"id":1,"connect":{}}\n{"id":2,"subscribe":{}}', known=False)
    with pytest.raises(ConnectionError, match=r"turned away: .*permission denied"):
        talk.joins(viewer, b'{"id":2,"error":{"code":103,"message":"permission denied"}}\n', known=False)
