from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from danmaku import wire
from danmaku.envelope import Out, OutKind
from danmaku.model import START, Position
from edge.feed import Feed, Shown
from edge.ring import Batch


def frame(epoch: int, seq: int, count: int = 1, prev: Position | None = None) -> bytes:
    items = [wire.encode_item(wire.Comment("u", "u", f"{epoch}-{seq + i}")) for i in range(count)]
    return wire.encode_batch("r", Position(epoch, seq), 1, items, prev)


def out(epoch: int, seq: int, count: int = 1, prev: Position | None = None, lease: int | None = None) -> Out:
    raw = frame(epoch, seq, count, prev)
    return Out(OutKind.BATCH, lease or epoch, Position(epoch, seq), count, prev, "", raw)


def stats(epoch: int, seq: int, lease: int | None = None) -> Out:
    return Out(OutKind.STATS, lease or epoch, Position(epoch, seq), 0, None, "", b"stats")


def names(shown: list[Shown]) -> list[str]:
    return [f"{one.epoch}-{one.seq}" if isinstance(one, Batch) else one.kind.name for one in shown]


def begun(*frames: bytes, head: Position = START, max_batches: int = 100) -> Feed:
    feed = Feed("r", max_batches, 1_000_000)
    feed.begin(frames, head)
    return feed


def is_behind(feed: Feed) -> bool:
    return feed.behind


def test_what_comes_before_history_is_held_and_not_shown_twice() -> None:
    feed = Feed("r", 100, 1_000_000)
    assert is_behind(feed)
    assert feed.take(out(5, 2)) == []
    assert feed.take(out(5, 3)) == []
    shown = feed.begin([frame(5, 1, prev=START), frame(5, 2)], Position(5, 2))
    assert names(shown) == ["5-3"]
    assert not is_behind(feed)
    assert feed.ring.head == Position(5, 3)


def test_an_empty_room_begins_at_its_head() -> None:
    feed = begun()
    assert feed.ring.head == START
    assert names(feed.take(out(5, 1, prev=START))) == ["5-1"]
    assert begun(head=Position(5, 9)).ring.head == Position(5, 9)


def test_history_with_a_hole_begins_behind_it() -> None:
    feed = begun(frame(5, 1), frame(5, 3), head=Position(5, 3))
    assert len(feed.ring) == 1
    assert feed.ring.head == Position(5, 3)


def test_a_gap_is_mended_once_and_in_order() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    assert feed.take(out(5, 4)) == []
    assert is_behind(feed)
    assert feed.take(out(5, 5)) == []
    assert feed.take(stats(5, 5)) == []
    assert names(feed.mend([frame(5, 2), frame(5, 3), frame(5, 4)])) == ["5-2", "5-3", "5-4"]
    assert names(feed.resume()) == ["5-5", "STATS"]
    assert not is_behind(feed)
    assert names(feed.take(out(5, 6))) == ["5-6"]


def test_without_history_what_there_is_is_shown() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    feed.take(out(5, 4))
    feed.take(stats(5, 6))
    assert names(feed.resume()) == ["5-4", "STATS"]
    assert feed.ring.head == Position(5, 4)


def test_history_that_reaches_back_too_little_leaves_a_gap() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    feed.take(out(5, 9))
    assert names(feed.mend([frame(5, 7), frame(5, 8)])) == ["5-7", "5-8"]
    assert names(feed.resume()) == ["5-9"]
    assert not feed.ring.covers(Position(5, 1))
    assert feed.ring.covers(Position(5, 6))


def test_equal_statistics_are_repeated_at_first_and_then_now_and_then() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    same = [len(feed.take(stats(5, 1))) for _ in range(11)]
    assert same == [1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1]
    other = Out(OutKind.STATS, 5, Position(5, 1), 0, None, "", b"other")
    assert feed.take(other) == [other]


def test_statistics_ahead_of_the_ring_tell_of_a_lost_batch() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    assert names(feed.take(stats(5, 1))) == ["STATS"]
    assert feed.take(stats(5, 2)) == []
    assert is_behind(feed)


def test_a_replaced_owner_is_not_listened_to() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    assert names(feed.take(stats(5, 1, lease=7))) == ["STATS"]
    assert feed.take(out(5, 2, lease=6)) == []
    assert feed.take(stats(5, 2, lease=6)) == []
    assert not is_behind(feed)


def test_duplicates_are_not_shown() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    assert feed.take(out(5, 1)) == []
    assert not is_behind(feed)


def test_no_more_is_held_than_a_ring_holds() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1), max_batches=3)
    for seq in (4, 5, 6):
        assert feed.take(out(5, seq)) == []
    assert names(feed.take(out(5, 7))) == ["5-4", "5-5", "5-6", "5-7"]
    assert not is_behind(feed)
    assert feed.mend([frame(5, 2)]) == []


def test_what_overflows_before_history_comes_is_not_forgotten() -> None:
    feed = Feed("r", 3, 1_000_000)
    for seq in range(2, 7):
        feed.take(out(5, seq))
    assert feed.ring.head == Position(5, 6)
    assert feed.begin([frame(5, 1, prev=START), frame(5, 2)], Position(5, 2)) == []
    assert not is_behind(feed)
    assert feed.ring.head == Position(5, 6)
    assert names(feed.take(out(5, 7))) == ["5-7"]


def test_history_that_is_newer_than_what_overflowed_is_taken() -> None:
    feed = Feed("r", 2, 1_000_000)
    for seq in (2, 3, 4, 9):
        feed.take(out(5, seq))
    assert is_behind(feed)
    shown = feed.begin([frame(5, 7), frame(5, 8)], Position(5, 8))
    assert names(shown) == ["5-7", "5-8", "5-9"]
    assert not is_behind(feed)


@dataclass
class Log:
    """A room's true history: batches over several epochs, each owner continuing the one before."""

    outs: list[Out] = field(default_factory=list)

    @property
    def head(self) -> Position:
        return START if not self.outs else Batch.of_out(self.outs[-1]).last

    def grow(self, count: int, *, take_over: bool) -> None:
        head = self.head
        if take_over or not self.outs:
            self.outs.append(out(head.epoch + 3, 1, count, prev=head))
        else:
            self.outs.append(out(head.epoch, head.seq + 1, count))

    def after(self, since: Position) -> list[bytes]:
        return [one.frame for one in self.outs if Batch.of_out(one).last > since]


Step = tuple[str, int, bool]
STEPS = st.lists(
    st.tuples(st.sampled_from(["batch", "lost", "again", "stats", "mend"]), st.integers(1, 3), st.booleans()),
    max_size=60,
)


@settings(max_examples=300)
@given(STEPS, st.integers(0, 3))
def test_every_position_is_shown_once_and_in_order(steps: list[Step], before: int) -> None:
    """Whatever is lost, doubled or late, as long as history answers in the end."""
    log = Log()
    for _ in range(before):
        log.grow(2, take_over=False)
    begin = log.head
    feed = Feed("r", 1000, 1_000_000)
    shown = feed.begin([one.frame for one in log.outs], begin)
    for kind, count, take_over in steps:
        if kind in {"batch", "lost"}:
            log.grow(count, take_over=take_over)
        if kind == "batch":
            shown += feed.take(log.outs[-1])
        elif kind == "again" and log.outs:
            shown += feed.take(log.outs[-count] if count <= len(log.outs) else log.outs[0])
        elif kind == "stats" and log.outs:
            shown += feed.take(stats(*log.head))
        elif kind == "mend" and feed.behind:
            shown += feed.mend(log.after(feed.ring.head)) + feed.resume()
    if log.outs:
        shown += feed.take(stats(*log.head))
    if feed.behind:
        shown += feed.mend(log.after(feed.ring.head)) + feed.resume()

    position = begin
    for batch in (one for one in shown if isinstance(one, Batch)):
        assert batch.continues(position)
        assert batch.last > position
        position = batch.last
    assert position == log.head
    assert feed.ring.covers(begin)
