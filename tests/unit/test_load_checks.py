"""What a viewer of the load tool finds wrong with what it gets, and what it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku import wire
from danmaku.model import Position
from loadtest.checks import Checker, Reader, Tally
from loadtest.figures import histogram

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
