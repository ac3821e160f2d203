"""What is recalled is in nothing that a ring tells any more, and everything else is where it was."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from danmaku import wire
from danmaku.envelope import Out, OutKind
from danmaku.model import START, Position
from danmaku.wire import At
from edge.feed import Feed
from edge.ring import Added, Batch, Page, Ring

CODECS = [wire.MSGPACK, wire.JSON]


def frame(seq: int, *items: wire.Item, epoch: int = 7) -> bytes:
    prev = START if seq == 1 else None
    return wire.encode_batch("r", Position(epoch, seq), 1, [wire.encode_item(item) for item in items], prev)


def said(*texts: str) -> list[wire.Item]:
    return [wire.Comment(text[0], text[0], text) for text in texts]


def recall(seq: int | None = None, uid: str | None = None) -> wire.Recall:
    return wire.Recall("moderator", of=None if seq is None else At(7, seq), uid=uid)


def make(*frames: bytes, max_bytes: int = 1_000_000) -> Ring:
    ring = Ring(100, max_bytes)
    for one in frames:
        assert ring.add(Batch.of_frame(one)) is Added.SHOWN
    return ring


def told(history: msgspec.Raw, codec: wire.Codec) -> list[str]:
    return [item.get("text", item["k"]) for batch in codec.read(history) for item in batch["items"]]


def snapshot(ring: Ring, codec: wire.Codec, since: Position | None = None) -> list[str]:
    return told(ring.snapshot(codec, since, 100, 1_000_000)[0], codec)


def test_a_joiner_is_not_told_what_was_taken_back_whatever_he_reads() -> None:
    ring = make(frame(1, *said("a1", "b1")), frame(3, *said("a2")))
    for codec in CODECS:
        assert snapshot(ring, codec) == ["a1", "b1", "a2"]
    ring.add(Batch.of_frame(frame(4, recall(2))))
    for codec in CODECS:
        assert snapshot(ring, codec) == ["a1", "gone", "a2", "recall"]
        assert snapshot(ring, codec, Position(7, 1)) == ["a1", "gone", "a2", "recall"]
    ring.add(Batch.of_frame(frame(5, recall(uid="a"))))
    for codec in CODECS:
        assert snapshot(ring, codec) == ["gone", "gone", "gone", "recall", "recall"]


def test_history_from_the_ring_and_its_size_are_of_what_is_left() -> None:
    frames = frame(1, *said("a" * 500)), frame(2, recall())
    ring = make(*frames)
    batches, complete = ring.since(START, 9, 1_000_000)
    assert complete
    assert b"aaa" not in b"".join(one.encoded(codec) for one in batches for codec in CODECS)
    assert ring.size_bytes == sum(len(one.frame) for one in batches) < len(frames[0])


def test_a_recall_in_the_same_batch_goes_to_nobody_with_what_it_takes_back() -> None:
    feed = Feed("r", 100, 1_000_000)
    feed.begin([], START)
    raw = frame(1, *said("a1", "b1"), recall(uid="a"), *said("a2"))
    [shown] = feed.take(Out(OutKind.BATCH, 7, Position(7, 1), 4, START, "", raw))
    assert isinstance(shown, Batch)
    items = msgspec.msgpack.decode(shown.frame)["items"]
    assert [item.get("text", item["k"]) for item in items] == ["gone", "b1", "recall", "a2"]


def test_without_a_recall_the_bytes_are_those_of_the_owner() -> None:
    raw = frame(1, *said("a recall", "¡k¦recall"))
    [one] = make(raw).since(START, 9, 1_000_000)[0]
    assert one.frame is raw


def test_what_history_brings_to_close_a_gap_takes_back_what_was_there_before() -> None:
    feed = Feed("r", 100, 1_000_000)
    feed.begin([frame(1, *said("a1"))], Position(7, 1))
    late = frame(3, *said("b1"))
    feed.take(Out(OutKind.BATCH, 7, Position(7, 3), 1, None, "", late))
    assert feed.behind
    feed.mend([frame(2, recall(1)), late], Position(7, 3))
    assert snapshot(feed.ring, wire.JSON) == ["gone", "recall", "b1"]


def test_a_page_that_was_on_its_way_is_told_without_what_was_taken_back_meanwhile() -> None:
    ring = Ring(100, 1_000_000, Position(7, 2))
    ring.add(Batch.of_frame(frame(3, *said("b1"))))
    page = Page(START, [frame(1, *said("a1")), frame(2, *said("a2"))], Position(7, 3), True, 1_000_000)
    for codec in CODECS:
        assert told(page.history(codec), codec) == ["a1", "a2"]
    ring.add(Batch.of_frame(frame(4, recall(1))))
    page.catch_up(ring)
    for codec in CODECS:
        bridge = page.bridge(ring, codec)
        assert bridge is not None
        assert told(bridge[0], codec) == ["gone", "a2", "b1", "recall"]
        assert told(page.history(codec), codec) == ["gone", "a2"]


ITEMS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from("abc").map(lambda uid: wire.Comment(uid, uid, "text")),
    st.sampled_from("abc").map(lambda uid: recall(uid=uid)),
    st.integers(1, 12).map(recall),
    st.just(recall()),
    st.just(wire.Opened()),
)


@given(st.lists(st.lists(ITEMS, min_size=1, max_size=4), min_size=1, max_size=6))
def test_a_ring_tells_what_history_would(batches: list[list[Any]]) -> None:
    seq = 1
    frames: list[bytes] = []
    wanted: list[Any] = []
    for items in batches:
        frames.append(frame(seq, *items))
        for item in items:
            if isinstance(item, wire.Recall):
                for index, earlier in enumerate(wanted):
                    one = item.of is not None and item.of.seq == index + 1
                    many = item.of is None and earlier.get("uid") in {item.uid or earlier.get("uid")}
                    if one or (many and earlier["k"] == "c"):
                        wanted[index] = {"k": "gone"}
                if item.of is not None and item.of.seq > len(wanted):
                    return  # no owner says so
            wanted.append(msgspec.to_builtins(item))
        seq += len(items)
    history = make(*frames).snapshot(wire.JSON, None, 100, 1_000_000)[0]
    assert [item for batch in wire.JSON.read(history) for item in batch["items"]] == wanted
