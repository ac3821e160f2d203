"""The recovery protocol: once each, in order, complete after pulls, whatever gets lost."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from danmaku.client.reader import Placed, RoomReader
from danmaku.model import START, Position
from danmaku.wire import At, Batch, Skip


def batch(epoch: int, seq: int, count: int = 1, prev: Position | None = None) -> Batch:
    items = [msgspec.Raw(f"{epoch}-{seq + index}".encode()) for index in range(count)]
    return Batch("r", epoch, seq, at=epoch + seq, items=items, prev=None if prev is None else At.of(prev))


def seen(placed: list[Placed]) -> list[tuple[int, int]]:
    for one in placed:
        assert bytes(one.item).decode() == f"{one.position.epoch}-{one.position.seq}"
    return [(one.position.epoch, one.position.seq) for one in placed]


def gap(reader: RoomReader) -> Position | None:
    return reader.gap


def pulled(reader: RoomReader, batches: list[Batch], *, complete: bool) -> list[Placed]:
    return reader.history(reader.position, batches, complete=complete)


def at(epoch: int, seq: int) -> RoomReader:
    return RoomReader(Position(epoch, seq))


def test_what_continues_is_shown_and_what_was_seen_is_dropped() -> None:
    reader = at(1, 3)
    assert seen(reader.take(batch(1, 4, 2))) == [(1, 4), (1, 5)]
    assert reader.take(batch(1, 4, 2)) == []
    assert seen(reader.take(batch(1, 5, 2))) == [(1, 6)]
    assert (reader.position, gap(reader), reader.missed) == (Position(1, 6), None, 0)


def test_a_new_epoch_continues_where_prev_says_and_an_old_one_is_over() -> None:
    reader = at(1, 3)
    assert seen(reader.take(batch(9, 1, 1, prev=Position(1, 3)))) == [(9, 1)]
    assert reader.take(batch(1, 4, 3)) == []
    assert gap(reader) is None


def test_a_new_epoch_may_name_less_than_was_seen() -> None:
    reader = at(1, 3)
    assert seen(reader.take(batch(9, 1, 1, prev=Position(1, 2)))) == [(9, 1)]
    assert reader.missed == 0


def test_a_new_epoch_that_names_more_is_a_gap() -> None:
    reader = at(1, 3)
    assert reader.take(batch(9, 1, 1, prev=Position(1, 5))) == []
    assert gap(reader) == Position(1, 3)
    assert seen(pulled(reader, [batch(1, 4, 2)], complete=True)) == [(1, 4), (1, 5), (9, 1)]
    assert (gap(reader), reader.missed) == (None, 0)


def test_a_later_batch_of_a_new_epoch_without_its_first_is_a_gap() -> None:
    reader = at(1, 3)
    assert reader.take(batch(9, 2)) == []
    assert gap(reader) == Position(1, 3)


def test_the_head_in_stats_reveals_a_lost_last_batch() -> None:
    reader = at(1, 3)
    reader.stats(Position(1, 3))
    assert gap(reader) is None
    reader.stats(Position(1, 4))
    assert gap(reader) == Position(1, 3)
    assert seen(reader.take(batch(1, 4))) == [(1, 4)]
    assert gap(reader) is None


def test_a_lower_head_is_old_news() -> None:
    reader = at(2, 3)
    reader.stats(Position(1, 99))
    reader.stats(Position(2, 1))
    assert gap(reader) is None


def test_what_comes_during_a_pull_is_held_and_then_shown_in_order() -> None:
    reader = at(1, 0)
    assert reader.take(batch(1, 7)) == []
    assert reader.take(batch(1, 3, 2)) == []
    assert seen(reader.take(batch(1, 1))) == [(1, 1)]
    assert seen(pulled(reader, [batch(1, 1), batch(1, 2), batch(1, 5, 2)], complete=True)) == [
        (1, seq) for seq in (2, 3, 4, 5, 6, 7)
    ]
    assert gap(reader) is None


def test_a_held_batch_that_the_history_brought_is_not_shown_twice() -> None:
    reader = at(1, 0)
    reader.take(batch(1, 3))
    assert seen(pulled(reader, [batch(1, 1, 3)], complete=True)) == [(1, 1), (1, 2), (1, 3)]
    assert gap(reader) is None


def test_holding_is_bounded_and_the_rest_is_pulled_later() -> None:
    reader = RoomReader(Position(1, 0), hold_items=2)
    reader.take(batch(1, 3, 2))
    reader.take(batch(1, 5, 1))
    assert seen(pulled(reader, [batch(1, 1, 2)], complete=True)) == [(1, seq) for seq in (1, 2, 3, 4)]
    assert gap(reader) == Position(1, 4)


def test_a_hole_in_the_history_is_counted_and_jumped() -> None:
    reader = at(1, 2)
    reader.stats(Position(1, 9))
    assert seen(pulled(reader, [batch(1, 8, 2)], complete=False)) == [(1, 8), (1, 9)]
    assert reader.missed == 5


def test_a_hole_that_spans_epochs_counts_at_least_what_is_known() -> None:
    reader = at(1, 2)
    pulled(reader, [batch(9, 1, 1, prev=Position(5, 4))], complete=False)
    assert reader.missed == 4
    reader = at(1, 2)
    pulled(reader, [batch(9, 1)], complete=False)
    assert reader.missed == 1


def test_a_pull_that_brings_nothing_gives_up_what_cannot_be_had() -> None:
    reader = at(1, 2)
    reader.stats(Position(1, 9))
    assert pulled(reader, [], complete=False) == []
    assert (reader.position, gap(reader), reader.missed) == (Position(1, 9), None, 7)


def test_a_pull_that_brings_nothing_to_a_held_batch_jumps_to_it() -> None:
    reader = at(1, 2)
    reader.take(batch(1, 5))
    reader.take(batch(1, 6))
    assert seen(pulled(reader, [], complete=True)) == [(1, 5), (1, 6)]
    assert (gap(reader), reader.missed) == (None, 2)


def test_a_server_that_knows_no_more_yet_is_asked_again_after_the_next_stats() -> None:
    reader = at(1, 2)
    reader.stats(Position(1, 4))
    assert pulled(reader, [], complete=True) == []
    assert (gap(reader), reader.missed) == (None, 0)
    reader.stats(Position(1, 4))
    assert gap(reader) == Position(1, 2)


def test_a_skip_moves_on_without_items() -> None:
    reader = at(1, 2)
    assert reader.take(Skip("r", 1, 2, 6)) == []
    assert (reader.position, reader.skipped, gap(reader)) == (Position(1, 6), 4, None)
    assert reader.take(Skip("r", 1, 9, 9)) == []
    assert gap(reader) == Position(1, 6)
    assert seen(pulled(reader, [batch(1, 7, 2)], complete=True)) == [(1, 7), (1, 8)]
    assert (reader.position, reader.skipped, gap(reader)) == (Position(1, 9), 5, None)


def test_a_skip_into_another_epoch_follows_what_it_names() -> None:
    reader = at(1, 3)
    assert reader.take(Skip("r", 9, 1, 4, At(1, 3))) == []
    assert (reader.position, reader.skipped, gap(reader)) == (Position(9, 4), 4, None)
    assert seen(reader.take(batch(9, 5, 1))) == [(9, 5)]
    behind = at(1, 2)
    assert behind.take(Skip("r", 9, 1, 4, At(1, 3))) == []
    assert gap(behind) == Position(1, 2)
    assert seen(pulled(behind, [batch(1, 3, 1)], complete=True)) == [(1, 3)]
    assert (behind.position, gap(behind), behind.missed) == (Position(9, 4), None, 0)


def test_a_first_join_starts_where_it_is_told() -> None:
    reader = RoomReader()
    assert reader.since is None
    assert reader.take(batch(5, 9)) == []
    assert gap(reader) is None
    assert seen(reader.joined(None, Position(5, 8), [batch(5, 6, 2), batch(5, 8)], complete=True)) == [
        (5, 6),
        (5, 7),
        (5, 8),
        (5, 9),
    ]
    assert (reader.position, reader.missed, gap(reader)) == (Position(5, 9), 0, None)


def test_a_first_join_without_history_starts_at_the_head() -> None:
    reader = RoomReader()
    assert reader.joined(None, Position(5, 8), [], complete=True) == []
    assert reader.position == Position(5, 8)
    assert seen(reader.take(batch(5, 9))) == [(5, 9)]


def test_an_empty_room_begins_with_any_epoch() -> None:
    reader = RoomReader()
    reader.joined(None, START, [], complete=True)
    assert seen(reader.take(batch(7, 1, 2, prev=START))) == [(7, 1), (7, 2)]


def test_joining_again_closes_the_gap_and_finds_what_the_answer_left_out() -> None:
    reader = at(1, 2)
    reader.take(batch(1, 9))
    reader.lost()
    assert seen(reader.joined(Position(1, 2), Position(1, 12), [batch(1, 3, 4)], complete=False)) == [
        (1, seq) for seq in (3, 4, 5, 6)
    ]
    assert gap(reader) == Position(1, 6)


@dataclass
class Truth:
    """What the room showed, and a server that answers pulls from it."""

    batches: list[Batch] = field(default_factory=list)

    @property
    def head(self) -> Position:
        return _end(self.batches[-1]) if self.batches else START

    def after(self, since: Position, most: int) -> tuple[list[Batch], bool]:
        found = [batch for batch in self.batches if _end(batch) > since]
        return found[:most], len(found) <= most

    def positions(self, since: Position) -> list[tuple[int, int]]:
        return [
            (one.epoch, one.seq + index)
            for one in self.batches
            for index in range(len(one.items))
            if Position(one.epoch, one.seq + index) > since
        ]


def _end(one: Batch) -> Position:
    return Position(one.epoch, one.seq + len(one.items) - 1)


STEPS = st.lists(
    st.tuples(
        st.integers(1, 4),  # items in the batch
        st.sampled_from(["same", "same", "same", "new"]),  # epoch
        st.lists(
            st.sampled_from(["show", "again", "stats", "old", "ask", "answer", "reconnect"]), max_size=4
        ),
    ),
    max_size=40,
)


@given(STEPS, st.integers(1, 5), st.integers(1, 12))
def test_every_item_once_and_in_order(
    steps: list[tuple[int, str, list[str]]], most: int, hold_items: int
) -> None:
    truth, shown = Truth(), []
    reader = RoomReader(hold_items=hold_items)
    reader.joined(None, START, [], complete=True)
    under_way: tuple[Position, list[Batch], bool] | None = None
    for count, epoch, deeds in steps:
        head = truth.head
        if epoch == "new" or head == START:
            truth.batches.append(batch(head.epoch + 10, 1, count, prev=head))
        else:
            truth.batches.append(batch(head.epoch, head.seq + 1, count))
        for deed in deeds:
            if deed in ("show", "again"):
                shown += seen(reader.take(truth.batches[-1]))
            elif deed == "old":
                shown += seen(reader.take(truth.batches[len(truth.batches) // 2]))
            elif deed == "stats":
                reader.stats(truth.head)
            elif deed == "ask" and gap(reader) is not None:
                under_way = reader.position, *truth.after(reader.position, most)
            elif deed == "answer" and under_way is not None:
                asked, found, complete = under_way
                shown += seen(reader.history(asked, found, complete=complete))
                under_way = None
            elif deed == "reconnect":
                reader.lost()
                since = reader.since
                assert since is not None
                found, complete = truth.after(since, most)
                shown += seen(reader.joined(since, truth.head, found, complete=complete))
        assert shown == sorted(set(shown))
        assert reader.position <= truth.head
    reader.stats(truth.head)
    for _ in range(len(truth.batches) + 1):
        if gap(reader) is not None:
            found, complete = truth.after(reader.position, most)
            shown += seen(pulled(reader, found, complete=complete))
    assert gap(reader) is None
    assert shown == truth.positions(START)
    assert reader.missed == 0


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.just("batch"), st.integers(0, 3), st.integers(1, 9), st.integers(0, 4), st.booleans()
            ),
            st.tuples(
                st.just("skip"), st.integers(0, 3), st.integers(1, 9), st.integers(0, 4), st.booleans()
            ),
            st.tuples(
                st.just("stats"), st.integers(0, 3), st.integers(0, 9), st.integers(0, 4), st.booleans()
            ),
            st.tuples(
                st.just("history"), st.integers(0, 3), st.integers(1, 9), st.integers(0, 4), st.booleans()
            ),
        ),
        max_size=30,
    )
)
def test_no_nonsense_makes_it_show_twice_or_backwards(calls: list[tuple[str, int, int, int, bool]]) -> None:
    reader, shown = RoomReader(Position(1, 2), hold_items=10), []
    for kind, epoch, seq, count, flag in calls:
        one = batch(epoch, seq, count, prev=Position(max(epoch - 1, 0), count) if flag else None)
        before = reader.position
        if kind == "batch":
            shown += seen(reader.take(one))
        elif kind == "skip":
            shown += seen(reader.take(Skip("r", epoch, seq, seq + count)))
        elif kind == "stats":
            reader.stats(Position(epoch, seq))
        else:
            shown += seen(pulled(reader, [one], complete=flag))
        assert reader.position >= before
    assert shown == sorted(set(shown))
    assert all(position > (1, 2) for position in shown)
