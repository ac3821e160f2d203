from __future__ import annotations

from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku import wire
from danmaku.envelope import Out, OutKind
from danmaku.model import START, Position
from edge.ring import Added, Batch, Page, Ring


def frame(epoch: int, seq: int, count: int = 1, prev: Position | None = None) -> bytes:
    items = [wire.encode_item(wire.Comment("u", "u", f"{epoch}-{seq + i}")) for i in range(count)]
    return wire.encode_batch("r", Position(epoch, seq), 1, items, prev)


def batch(epoch: int, seq: int, count: int = 1, prev: Position | None = None) -> Batch:
    return Batch.of_frame(frame(epoch, seq, count, prev))


def make(*batches: Batch, max_batches: int = 100, max_bytes: int = 1_000_000) -> Ring:
    ring = Ring(max_batches, max_bytes)
    for one in batches:
        assert ring.add(one) is Added.SHOWN
    return ring


def make_page(frames: list[bytes], max_bytes: int = 1_000_000) -> Page:
    return Page(Position(5, 1), frames, Position(5, 9), True, max_bytes)


def bridged(page: Page, ring: Ring, codec: wire.Codec = wire.MSGPACK) -> tuple[list[int], bool] | None:
    bridge = page.bridge(ring, codec)
    return None if bridge is None else (seqs(bridge[0], codec), bridge[1])


def seqs(history: msgspec.Raw, codec: wire.Codec = wire.MSGPACK) -> list[int]:
    return [one["seq"] for one in codec.read(history)]


def test_a_batch_reads_the_same_from_history_and_from_the_owner() -> None:
    raw = frame(7, 4, 3, Position(5, 2))
    stored = Batch.of_frame(raw)
    told = Batch.of_out(Out(OutKind.BATCH, 9, Position(7, 4), 3, Position(5, 2), "", raw))
    for one in (stored, told):
        assert (one.epoch, one.seq, one.count, one.prev) == (7, 4, 3, Position(5, 2))
        assert one.last == Position(7, 6)
        assert one.encoded(wire.MSGPACK) is raw
    with pytest.raises(ValueError, match="malformed"):
        Batch.of_frame(b"\xc1")


def test_json_is_made_once() -> None:
    one = batch(1, 1)
    assert wire.JSON.decode_server(one.encoded(wire.JSON)) == wire.JSON.decode_server(
        wire.JSON.batch(one.frame)
    )
    assert one.encoded(wire.JSON) is one.encoded(wire.JSON)


def test_batches_continue_by_seq() -> None:
    ring = make(batch(5, 1, 2, START))
    assert ring.head == Position(5, 2)
    assert ring.add(batch(5, 1, 2)) is Added.DUPLICATE
    assert ring.add(batch(5, 4)) is Added.GAP
    assert ring.head == Position(5, 2)
    assert ring.add(batch(5, 3)) is Added.SHOWN
    assert ring.head == Position(5, 3)


def test_batches_continue_by_prev_across_epochs() -> None:
    ring = make(batch(5, 1, 2, START))
    assert ring.add(batch(8, 1)) is Added.GAP
    assert ring.add(batch(8, 1, prev=Position(5, 3))) is Added.GAP
    assert ring.add(batch(8, 1, prev=Position(5, 2))) is Added.SHOWN
    assert ring.add(batch(5, 3)) is Added.DUPLICATE


def test_a_new_epoch_may_name_less_than_was_seen() -> None:
    ring = make(batch(5, 1, 9, START))
    assert ring.add(batch(8, 1, prev=Position(5, 4))) is Added.SHOWN


def test_an_owner_that_was_replaced_is_stale() -> None:
    ring = Ring(10, 1000)
    assert not ring.is_stale(5)
    assert not ring.is_stale(7)
    assert ring.is_stale(6)
    assert not ring.is_stale(7)


def test_a_jump_begins_anew() -> None:
    ring = make(batch(5, 1, 2, START))
    ring.jump(batch(5, 9))
    assert len(ring) == 1
    assert ring.head == Position(5, 9)
    assert not ring.covers(Position(5, 2))
    assert ring.covers(Position(5, 8))


def test_it_is_bounded_in_batches_and_in_bytes() -> None:
    ring = make(*[batch(5, seq, prev=START if seq == 1 else None) for seq in range(1, 10)], max_batches=3)
    assert len(ring) == 3
    assert not ring.covers(Position(5, 5))
    assert ring.covers(Position(5, 6))
    size = len(frame(5, 2))
    small = make(batch(5, 1, prev=START), batch(5, 2), batch(5, 3), max_bytes=2 * size)
    assert len(small) == 2
    assert small.size_bytes == 2 * size
    tiny = make(batch(5, 1, prev=START), max_bytes=10)
    assert len(tiny) == 0
    assert tiny.size_bytes == 0
    assert tiny.head == Position(5, 1)


def test_an_empty_ring_covers_its_head() -> None:
    ring = Ring(10, 1000, Position(5, 3))
    assert ring.covers(Position(5, 3))
    assert ring.covers(Position(6, 1))
    assert not ring.covers(Position(5, 2))
    assert not ring.covers(START)


def test_since_gives_what_is_after_a_position() -> None:
    ring = make(batch(5, 1, 2, START), batch(5, 3, 2), batch(8, 1, 1, Position(5, 4)))
    wanted = {
        START: [1, 3, 1],
        Position(5, 1): [1, 3, 1],
        Position(5, 2): [3, 1],
        Position(5, 4): [1],
        Position(5, 99): [1],
        Position(8, 1): [],
        Position(9, 1): [],
    }
    for position, expected in wanted.items():
        batches, complete = ring.since(position, None, 1_000_000)
        assert [one.seq for one in batches] == expected
        assert complete


def test_since_says_when_something_is_missing() -> None:
    ring = Ring(10, 1_000_000)
    ring.jump(batch(5, 3))
    batches, complete = ring.since(Position(5, 1), None, 1_000_000)
    assert [one.seq for one in batches] == [3]
    assert not complete
    assert not ring.since(Position(4, 1), None, 1_000_000)[1]


def test_since_stops_at_enough_items_or_bytes() -> None:
    ring = make(batch(5, 1, 2, START), batch(5, 3, 2), batch(5, 5, 2))
    assert [one.seq for one in ring.since(START, 1, 1_000_000)[0]] == [1]
    batches, complete = ring.since(START, 3, 1_000_000)
    assert ([one.seq for one in batches], complete) == ([1, 3], False)
    batches, complete = ring.since(START, None, 1)
    assert ([one.seq for one in batches], complete) == ([1], False)
    assert ring.since(START, 5, 1_000_000)[1]


def test_a_snapshot_without_a_position_is_the_newest() -> None:
    ring = make(batch(5, 1, 2, START), batch(5, 3, 2), batch(5, 5, 2))
    for items, expected in {0: [], 1: [5], 2: [5], 3: [3, 5], 99: [1, 3, 5]}.items():
        history, complete = ring.snapshot(wire.MSGPACK, None, items, 1_000_000)
        assert (seqs(history), complete) == (expected, True)
    assert seqs(ring.snapshot(wire.MSGPACK, None, 99, 1)[0]) == [5]
    size = len(frame(5, 3, 2))
    assert seqs(ring.snapshot(wire.MSGPACK, None, 99, 2 * size)[0]) == [3, 5]


def test_a_snapshot_after_a_position_is_what_comes_next_or_the_newest() -> None:
    ring = make(batch(5, 1, 2, START), batch(5, 3, 2), batch(5, 5, 2))
    history, complete = ring.snapshot(wire.MSGPACK, Position(5, 2), 1, 1_000_000)
    assert (seqs(history), complete) == ([3, 5], True)
    history, complete = ring.snapshot(wire.MSGPACK, START, 1, 1)
    assert (seqs(history), complete) == ([1], False)
    history, complete = ring.snapshot(wire.MSGPACK, Position(5, 2), 1, len(frame(5, 3, 2)))
    assert (seqs(history), complete) == ([3], False)
    ring.jump(batch(5, 9))
    history, complete = ring.snapshot(wire.MSGPACK, Position(5, 2), 1, 1_000_000)
    assert (seqs(history), complete) == ([9], False)


def test_a_snapshot_is_encoded_once_until_the_ring_changes() -> None:
    ring = make(batch(5, 1, 2, START), batch(5, 3, 2))
    first = ring.snapshot(wire.JSON, None, 50, 1_000_000)[0]
    assert seqs(first, wire.JSON) == [1, 3]
    assert ring.snapshot(wire.JSON, START, 50, 1_000_000)[0] is first
    assert ring.snapshot(wire.MSGPACK, START, 50, 1_000_000)[0] is not first
    ring.add(batch(5, 5))
    assert seqs(ring.snapshot(wire.JSON, None, 50, 1_000_000)[0], wire.JSON) == [1, 3, 5]


def test_remembered_snapshots_are_bounded() -> None:
    ring = make(*[batch(5, seq, prev=START if seq == 1 else None) for seq in range(1, 51)])
    for seq in range(50):
        assert len(seqs(ring.snapshot(wire.MSGPACK, Position(5, seq), 1, 1_000_000)[0])) == 50 - seq


def test_what_is_lost_for_good_is_behind_the_ring() -> None:
    ring = make(batch(5, 1, 2, START))
    ring.skip(Position(5, 4))
    assert (len(ring), ring.size_bytes, ring.head) == (0, 0, Position(5, 4))
    assert not ring.covers(Position(5, 2))
    assert ring.add(batch(5, 5)) is Added.SHOWN
    assert ring.covers(Position(5, 4))


def test_what_a_batch_follows() -> None:
    assert batch(5, 3).before == Position(5, 2)
    assert batch(8, 1, prev=Position(5, 2)).before == Position(5, 2)


def test_stored_batches_can_lead_to_the_ring() -> None:
    ring = Ring(10, 1_000_000)
    ring.jump(batch(5, 5))
    ring.add(batch(5, 6))
    stored = [frame(5, 2), frame(5, 3, 2), frame(5, 5)]
    page = make_page(stored)
    assert bridged(page, ring, wire.JSON) == ([2, 3, 5, 6], True)
    assert seqs(page.history(wire.JSON), wire.JSON) == [2, 3, 5]
    assert bridged(make_page(stored[:1]), ring) == ([2], False)
    assert bridged(make_page(stored[1:]), ring) == ([3, 5, 6], False)
    assert bridged(make_page([]), ring) is None


def test_what_leads_to_the_ring_is_bounded_and_goes_on_where_it_ends() -> None:
    ring = Ring(10, 1_000_000)
    ring.jump(batch(5, 5))
    ring.add(batch(5, 6))
    stored = [frame(5, 2), frame(5, 3, 2), frame(5, 5)]
    for bound, expected in {1: [2], len(stored[0]): [2], sum(map(len, stored[:2])): [2, 3]}.items():
        page = make_page(stored, bound)
        assert bridged(page, ring) == (expected, False)
        assert not page.complete
    assert bridged(make_page(stored, sum(map(len, stored))), ring) == ([2, 3, 5], False)
    exact = Page(Position(5, 5), [frame(5, 6)], Position(5, 6), True, len(frame(5, 6)))
    assert bridged(exact, ring) == ([6], True)
    assert exact.complete


def test_a_page_is_encoded_once_for_all() -> None:
    ring = make(batch(5, 1, prev=START), batch(5, 2), batch(5, 3))
    page = make_page([frame(5, 2)])
    for codec in (wire.MSGPACK, wire.JSON):
        assert bridged(page, ring, codec) == ([2, 3], True)
        assert page.bridge(ring, codec) is page.bridge(ring, codec)
        assert page.history(codec) is page.history(codec)
    ring.add(batch(5, 4))
    assert bridged(page, ring, wire.JSON) == ([2, 3, 4], True)


def test_a_page_that_cannot_be_read_is_no_page() -> None:
    with pytest.raises(ValueError, match="malformed"):
        make_page([b"\xc1"])


def test_what_is_kept_is_given_also_where_something_before_it_is_not() -> None:
    ring = Ring(10, 1_000_000)
    ring.jump(batch(5, 6))
    assert bridged(make_page([frame(5, 4), frame(5, 5)]), ring) == ([4, 5, 6], False)
    assert bridged(make_page([frame(5, 2), frame(5, 4)]), ring) == ([2, 4], False)
    assert bridged(make_page([]), ring) is None


@pytest.mark.parametrize(
    "item", [{"k": "c", 7: {(1, 2): 3}}, {"k": msgpack.ExtType(5, b"x")}, {"k": b"\xff"}]
)
def test_what_json_cannot_say_is_gone_but_has_its_place(item: Any) -> None:
    items = [wire.encode_item(wire.Gone()), msgpack.packb(item)]
    odd = Batch.of_frame(wire.encode_batch("r", Position(5, 2), 7, items, Position(4, 9)))
    assert odd.encoded(wire.MSGPACK) is odd.frame
    [told] = wire.JSON.decode_server(odd.encoded(wire.JSON))
    assert isinstance(told, wire.Batch)
    assert (told.room, told.epoch, told.seq, told.at, told.prev) == ("r", 5, 2, 7, wire.At(4, 9))
    assert len(told.items) == 2


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda rest: frame(5, 1)[:-9] + rest))
def test_reading_a_frame_raises_nothing_but_value_errors(raw: bytes) -> None:
    try:
        read = Batch.of_frame(raw)
    except ValueError:
        return
    assert read.encoded(wire.JSON)
    Page(START, [raw], read.last, True, 100).history(wire.JSON)


def test_a_frame_that_is_nested_too_deep_is_a_value_error() -> None:
    deep = frame(5, 1)[:1].replace(b"\x86", b"\x87") + b"\xa1x" + b"\x91" * 5000 + b"\x90" + frame(5, 1)[1:]
    with pytest.raises(ValueError, match=r"."):
        Batch.of_frame(deep)
