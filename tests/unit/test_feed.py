from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from danmaku import wire
from danmaku.client.reader import RoomReader
from danmaku.envelope import Out, OutKind
from danmaku.model import START, Position
from edge.feed import Feed, Shown, left_out
from edge.ring import Batch
from tests.system.follower import Follower


def frame(epoch: int, seq: int, count: int = 1, prev: Position | None = None) -> bytes:
    items = [wire.encode_item(wire.Comment("u", "u", f"{epoch}-{seq + i}")) for i in range(count)]
    return wire.encode_batch("r", Position(epoch, seq), 1, items, prev)


def out(epoch: int, seq: int, count: int = 1, prev: Position | None = None, lease: int | None = None) -> Out:
    raw = frame(epoch, seq, count, prev)
    return Out(OutKind.BATCH, lease or epoch, Position(epoch, seq), count, prev, "", raw)


def stats(epoch: int, seq: int, lease: int | None = None) -> Out:
    return Out(OutKind.STATS, lease or epoch, Position(epoch, seq), 0, None, "", words("r", epoch, seq, 1))


def words(room: str, epoch: int, seq: int, viewers: int) -> bytes:
    return wire.MSGPACK.encode(wire.Stats(room, epoch, seq, viewers, 0))


def names(shown: list[Shown]) -> list[str]:
    return [name(one) for one in shown]


def name(one: Shown) -> str:
    if isinstance(one, Batch):
        return f"{one.epoch}-{one.seq}"
    if isinstance(one, wire.Skip):
        return f"skip {one.epoch}-{one.from_}..{one.to}"
    return one.kind.name


def begun(*frames: bytes, head: Position = START, max_batches: int = 100) -> Feed:
    feed = Feed("r", max_batches, 1_000_000)
    feed.begin(frames, head)
    return feed


def is_behind(feed: Feed) -> bool:
    return feed.behind


def is_unsure(feed: Feed) -> bool:
    return feed.unsure


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
    assert names(feed.mend([frame(5, 2), frame(5, 3)], Position(5, 3))) == [
        "5-2", "5-3", "5-4", "5-5", "STATS"
    ]  # fmt: skip
    assert not is_behind(feed)
    assert names(feed.take(out(5, 6))) == ["5-6"]


def test_without_history_what_there_is_is_shown() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    feed.take(out(5, 4))
    feed.take(stats(5, 6))
    assert names(feed.resume()) == ["5-4", "STATS"]
    assert feed.ring.head == Position(5, 4)


def test_what_comes_late_closes_the_gap_by_itself() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    assert feed.take(out(5, 3)) == []
    assert feed.take(stats(5, 1)) == []
    assert feed.take(out(5, 5)) == []
    assert names(feed.take(out(5, 2))) == ["5-2", "5-3", "STATS"]
    assert is_behind(feed)
    assert names(feed.take(out(5, 4))) == ["5-4", "5-5"]
    assert not is_behind(feed)


def test_one_page_may_not_be_all() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    feed.hear(Position(5, 1))
    assert not is_behind(feed)
    feed.hear(Position(5, 4))
    assert is_behind(feed)
    assert names(feed.mend([frame(5, 2)], Position(5, 4))) == ["5-2"]
    assert is_behind(feed)
    assert feed.take(out(5, 6)) == []
    assert names(feed.mend([frame(5, 3), frame(5, 4)], Position(5, 4))) == ["5-3", "5-4"]
    assert is_behind(feed)  # the log had not reached what is held back
    assert feed.mend([], Position(5, 4)) == []
    assert names(feed.mend([frame(5, 5)], Position(5, 6))) == ["5-5", "5-6"]
    assert not is_behind(feed)


def test_what_history_no_longer_has_is_skipped() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    feed.take(out(5, 9))
    assert names(feed.mend([frame(5, 7), frame(5, 8)], Position(5, 8))) == [
        "skip 5-2..6", "5-7", "5-8", "5-9"
    ]  # fmt: skip
    assert not is_behind(feed)
    assert not feed.ring.covers(Position(5, 1))
    assert feed.ring.covers(Position(5, 6))


def test_where_history_has_nothing_up_to_its_head_all_of_it_is_skipped() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    feed.hear(Position(5, 4))
    assert names(feed.mend([], Position(5, 4))) == ["skip 5-2..4"]
    assert not is_behind(feed)
    assert names(feed.take(out(5, 5))) == ["5-5"]


def test_what_is_held_back_is_not_skipped() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    feed.take(out(5, 3))
    feed.take(stats(5, 4))
    assert names(feed.mend([], Position(5, 4))) == ["skip 5-2..2", "5-3"]
    assert is_behind(feed)
    assert names(feed.mend([], Position(5, 4))) == ["skip 5-4..4", "STATS"]
    assert not is_behind(feed)


def test_the_rest_of_an_epoch_is_skipped_up_to_what_the_next_one_names() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    feed.take(out(8, 1, prev=Position(5, 4)))
    assert names(feed.mend([frame(8, 1, prev=Position(5, 4))], Position(8, 1))) == ["skip 5-2..4", "8-1"]


def test_a_skip_into_another_epoch_names_what_it_follows() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    feed.hear(Position(8, 4))
    skip, batch = feed.mend([frame(8, 4)], Position(8, 4))
    assert skip == wire.Skip("r", 8, 1, 3, wire.At(5, 1))
    assert names([batch]) == ["8-4"]


def test_an_epoch_that_does_not_say_what_it_follows_leaves_a_gap() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    feed.hear(Position(8, 1))
    assert names(feed.mend([frame(8, 1)], Position(8, 1))) == ["8-1"]


def test_doubt_ends_with_the_next_word_of_the_owner() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    feed.doubt()
    feed.take(out(5, 2))
    assert is_unsure(feed)
    feed.take(stats(5, 2))
    assert not is_unsure(feed)
    feed.doubt()
    feed.hear(Position(5, 2))
    assert not is_unsure(feed)


def test_equal_statistics_are_repeated_at_first_and_then_now_and_then() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    told = [number for number in range(31) if feed.take(stats(5, 1))]
    assert told == [0, 1, 2, 10, 20, 30]
    other = Out(OutKind.STATS, 5, Position(5, 1), 0, None, "", words("r", 5, 1, 2))
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


def test_what_is_held_back_in_another_order_is_shown_in_its_own() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    for seq in (4, 3, 5):
        assert feed.take(out(5, seq)) == []
    assert feed.take(stats(5, 5)) == []
    assert names(feed.mend([frame(5, 2)], Position(5, 5))) == ["5-2", "5-3", "5-4", "5-5", "STATS"]
    assert not is_behind(feed)


def test_no_more_is_held_than_a_ring_holds() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1), max_batches=3)
    for seq in (4, 5, 6):
        assert feed.take(out(5, seq)) == []
    assert names(feed.take(out(5, 7))) == ["5-4", "5-5", "5-6", "5-7"]
    assert not is_behind(feed)
    assert feed.mend([frame(5, 2)], Position(5, 2)) == []


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
    trimmed: int = 0  # so many of the oldest are no longer kept

    @property
    def head(self) -> Position:
        return START if not self.outs else Batch.of_out(self.outs[-1]).last

    def grow(self, count: int, *, take_over: bool) -> None:
        head = self.head
        if take_over or not self.outs:
            self.outs.append(out(head.epoch + 3, 1, count, prev=head))
        else:
            self.outs.append(out(head.epoch, head.seq + 1, count))

    def after(self, since: Position, most: int) -> list[Out]:
        return [one for one in self.outs[self.trimmed :] if Batch.of_out(one).last > since][:most]


Step = tuple[str, int, bool]
KINDS = ["batch", "batch", "batch", "lost", "again", "stats", "heads", "trim", "page"]
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 3), st.booleans()), max_size=60)


class Run:
    """A feed before a log, and one viewer of it who never asks history himself."""

    def __init__(self, before: int) -> None:
        self.log = Log()
        for _ in range(before):
            self.log.grow(2, take_over=False)
        self.begin = self.log.head
        self.feed = Feed("r", 1000, 1_000_000)
        self.shown = self.feed.begin([one.frame for one in self.log.outs], self.begin)

    def step(self, kind: str, count: int, take_over: bool) -> None:
        log, feed = self.log, self.feed
        if kind in {"batch", "lost"}:
            log.grow(count, take_over=take_over)
        if kind == "batch":
            self.shown += feed.take(log.outs[-1])
        elif kind == "again" and log.outs:
            self.shown += feed.take(log.outs[-count] if count <= len(log.outs) else log.outs[0])
        elif kind == "stats" and log.outs:
            self.shown += feed.take(stats(*log.head))
        elif kind == "heads":
            feed.hear(log.head)
        elif kind == "trim":
            most = len(log.outs) - (not take_over)
            log.trimmed = max(log.trimmed, min(log.trimmed + count, most))
        elif kind == "page" and feed.behind:
            self.page(count)

    def page(self, most: int) -> None:
        frames = [one.frame for one in self.log.after(self.feed.ring.head, most)]
        self.shown += self.feed.mend(frames, self.log.head)

    def end(self) -> None:
        """Quiet: the owner tells its head, and history answers."""
        self.feed.hear(self.log.head)
        for _ in range(len(self.log.outs) + 1):
            if self.feed.behind:
                self.page(1)
        assert not self.feed.behind


LATE = ("lost", 1, False), ("lost", 1, False), ("trim", 1, False), ("batch", 1, False), ("again", 2, False)


@settings(max_examples=300)
@given(STEPS, st.integers(0, 3))
@example([*LATE, ("trim", 2, True)], 0)
def test_every_position_is_shown_once_and_in_order_or_skipped(steps: list[Step], before: int) -> None:
    """Whatever is lost, doubled, late, trimmed or taken over, as long as history answers in the end."""
    run = Run(before)
    for step in steps:
        run.step(*step)
    run.end()
    position = run.begin
    kept = {Batch.of_out(one).last for one in run.log.outs[run.log.trimmed :]}
    for one in run.shown:
        if isinstance(one, Out):
            continue
        first = _skipped(one) if isinstance(one, wire.Skip) else one
        assert first.continues(position)
        assert first.last > position
        if isinstance(one, wire.Skip):
            assert not {last for last in kept if position < last <= first.last}, "it could be had"
        position = first.last
    assert position == run.log.head


@settings(max_examples=300)
@given(STEPS, st.integers(0, 3), st.sets(st.integers(0, 30)))
def test_a_viewer_by_the_rules_has_no_gap_and_asks_nothing(
    steps: list[Step], before: int, late: set[int]
) -> None:
    """What follows docs/PROTOCOL.md shows everything that was not skipped, from what the feed gives alone,
    whatever of it is `late` and left out."""
    run = Run(before)
    reader, followers = RoomReader(run.begin), Follower()
    followers.position = run.begin
    placed: list[Position] = []
    for step in steps:
        run.step(*step)
    run.end()
    run.shown = without(late, run.shown)
    for one in run.shown:
        if isinstance(one, Out):
            reader.stats(one.first)
        else:
            (read,) = wire.MSGPACK.decode_server(
                one.frame if isinstance(one, Batch) else wire.MSGPACK.encode(one)
            )
            assert isinstance(read, wire.Batch | wire.Skip)
            placed += [item.position for item in reader.take(read)]
            (raw,) = msgpack.Unpacker(BytesIO(wire.MSGPACK.encode(read)))
            followers.take(raw)
        assert reader.gap is None
        assert not followers.gap
    said = [
        Position(one.first.epoch, one.first.seq + index) for one in run.log.outs for index in range(one.count)
    ]
    assert placed == sorted(set(placed))
    assert [position for position, _ in followers.log] == placed
    assert reader.missed == 0
    skips = [one for one in run.shown if isinstance(one, wire.Skip)]
    lost = set(said) - set(placed) - {position for position in said if position <= run.begin}
    assert all(any(_covers(skip, position) for skip in skips) for position in lost)


def without(late: set[int], shown: list[Shown]) -> list[Shown]:
    """The same, with batches left out; late ones that follow one another are left out together."""
    rest: list[Shown] = []
    run: list[Batch] = []
    for number, one in enumerate([*shown, None]):
        if isinstance(one, Batch) and number in late:
            run.append(one)
            continue
        rest += left_out("r", run)
        run = []
        if one is not None:
            rest.append(one)
    return rest


def test_what_is_left_out_together_is_one_skip_for_each_epoch() -> None:
    outs = out(5, 2, 3), out(5, 5), out(6, 1, prev=Position(5, 5)), out(6, 2)
    assert left_out("r", [Batch.of_out(one) for one in outs]) == [
        wire.Skip("r", 5, 2, 5),
        wire.Skip("r", 6, 1, 2, wire.At(5, 5)),
    ]
    assert left_out("r", []) == []
    with_holes = out(5, 2), out(5, 4), out(7, 3)
    assert left_out("r", [Batch.of_out(one) for one in with_holes]) == [
        wire.Skip("r", 5, 2, 2),
        wire.Skip("r", 5, 4, 4),
        wire.Skip("r", 7, 3, 3),
    ], "what is missing between them is still to be found"


def _skipped(skip: wire.Skip) -> Batch:
    """The batch in whose place it stands."""
    prev = None if skip.prev is None else skip.prev.position
    return Batch(Position(skip.epoch, skip.from_), skip.to + 1 - skip.from_, prev, b"")


def _covers(skip: wire.Skip, position: Position) -> bool:
    begin = Position(skip.epoch, skip.from_ - 1) if skip.prev is None else skip.prev.position
    return begin < position <= Position(skip.epoch, skip.to)


def test_what_one_user_alone_is_shown_passes_in_its_place() -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    aside = Out(OutKind.NOTICE, 5, Position(5, 2), 0, None, "u1", wire.encode_aside("r", 1, b"\x80"))
    assert feed.take(aside) == []
    assert names(feed.take(out(5, 2))) == ["5-2", "NOTICE"]


@pytest.mark.parametrize(
    "broken",
    [
        replace(out(5, 2), frame=b"\xc1"),
        replace(out(5, 2), frame=b""),
        replace(out(5, 2), frame=out(5, 3).frame),
        replace(out(5, 2), count=2),
        replace(out(6, 1, prev=Position(5, 1)), prev=None),
        replace(out(5, 2), frame=stats(5, 2).frame),
        replace(out(5, 2), frame=b"\x81\xa1x" + b"\x91" * 5000 + b"\x90"),
        replace(stats(5, 1), frame=out(5, 1).frame),
        replace(stats(5, 1), frame=b"\xc1"),
        replace(stats(5, 1), kind=OutKind.NOTICE),
    ],
)
def test_a_frame_that_is_not_what_it_is_said_to_be_is_as_good_as_lost(broken: Out) -> None:
    feed = begun(frame(5, 1), head=Position(5, 1))
    with pytest.raises(ValueError, match=r"."):
        feed.take(broken)
    assert feed.ring.head == Position(5, 1)
    assert names(feed.take(out(5, 2))) == ["5-2"]
    assert names(feed.take(stats(5, 2))) == ["STATS"]
