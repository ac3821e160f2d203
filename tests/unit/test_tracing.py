"""What is followed of a comment and a message in each process; what is not sampled leaves nothing behind."""

from __future__ import annotations

import random
from itertools import count
from typing import Any

import pytest

from danmaku import chat, rows
from danmaku.model import Role
from danmaku.tracing.context import Context, Followed, decode, encode
from danmaku.tracing.spans import Span, Spans
from edge.tracing import HandedTraces, RowTraces
from rooms.tracing import RoomTraces


def comment(cid: str = "c1", uid: str = "ann", room: str = "lobby") -> rows.SendRow:
    return rows.SendRow(room, uid, uid, Role.VIEWER, "hello", cid)


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  a test is to roll the same ones each time


class Told:
    """Spans in memory, with a clock that goes on by a millisecond at each look."""

    def __init__(self, ratio: float = 1.0) -> None:
        self.spans: list[Span] = []
        self.ms = count(1)
        self.made = Spans(ratio, self.spans.append, lambda: next(self.ms) * 1_000_000, dice(7))

    def named(self, name: str) -> Span:
        (one,) = [span for span in self.spans if span.name == name]
        return one

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]


def ignore(_: Any) -> None: ...


def clock() -> int:
    return 1


def test_spans_have_numbers_of_their_own_and_never_end_before_they_begin() -> None:
    told: list[Span] = []
    spans = Spans(1.0, told.append, lambda: 5, dice(1))
    root = spans.new()
    child = spans.new(root)
    assert child.trace == root.trace
    assert child.span != root.span
    spans.tell("late", child, root, 9, {})
    assert told == [Span("late", child, root, 9, 9, {})]


def test_the_ratio_is_kept() -> None:
    assert not any(Spans(0.0, ignore, clock).is_sampled() for _ in range(1000))
    assert all(Spans(1.0, ignore, clock).is_sampled() for _ in range(1000))
    some = Spans(0.1, ignore, clock, dice(3))
    assert 700 < sum(some.is_sampled() for _ in range(10_000)) < 1300


def test_a_number_is_never_zero() -> None:
    class Zeros(random.Random):
        def getrandbits(self, k: int) -> int:
            return 0

    assert Spans(1.0, ignore, clock, Zeros()).new() == Context(1, 1)


class TestRowTraces:
    def test_a_row_is_followed_until_it_is_answered(self) -> None:
        told, answers = Told(), list[object]()
        traces = RowTraces(told.made, "edge-1")
        row, other = comment(), comment("c2")
        answered = traces.follow(row, answers.append)
        (followed,) = decode(traces.sent([other, row]))
        assert followed.row == 1
        traces.came_back([other, row], answered=True)
        answered(rows.Shown(9, 1, 5))
        assert answers == [rows.Shown(9, 1, 5)]
        root = told.named("comment")
        assert root.parent is None
        assert root.words == {
            "room": "lobby", "cid": "c1", "edge": "edge-1", "answer": "shown", "requests": 1,
        }  # fmt: skip
        request = told.named("bus request")
        assert (request.context, request.parent) == (followed.parent, root.context)
        assert request.words == {"answered": True, "rows": 2}
        assert told.named("gather").parent == root.context
        assert root.begin_ns <= told.named("gather").end_ns <= request.end_ns <= root.end_ns

    def test_asked_again_it_has_a_span_for_each_request(self) -> None:
        told = Told()
        traces = RowTraces(told.made, "e")
        row = comment()
        answered = traces.follow(row, ignore)
        for reply in (False, True):
            traces.sent([row])
            traces.came_back([row], answered=reply)
        answered(rows.Refused("muted"))
        assert told.names == ["gather", "bus request", "gather", "bus request", "comment"]
        assert told.named("comment").words["requests"] == 2
        assert told.named("comment").words["refused"] == "muted"

    def test_a_message_of_a_conversation(self) -> None:
        told = Told()
        traces = RowTraces(told.made, "e")
        row = chat.SendRow("ann", "g:1", "c1", b"\x90")
        answered = traces.follow(row, ignore)
        answered(chat.Said("g:1", 1, 5, False))
        assert told.named("chat message").words["conv"] == "g:1"

    def test_what_is_not_sampled_or_no_message_is_left_alone(self) -> None:
        told = Told(ratio=0.0)
        traces = RowTraces(told.made, "e")
        row = comment()
        assert traces.follow(row, ignore) is ignore
        assert traces.sent([row]) == ""
        traces.came_back([row], answered=True)
        everything = RowTraces(Told().made, "e")
        join = rows.JoinRow("lobby", "ann", Role.VIEWER)
        assert everything.follow(join, ignore) is ignore
        assert told.spans == []

    def test_other_rows_may_be_on_the_way_meanwhile(self) -> None:
        told = Told()
        traces = RowTraces(told.made, "e")
        row, other = comment(), comment("c2")
        answered = traces.follow(row, ignore)
        assert traces.sent([other]) == ""
        traces.came_back([other, row], answered=False)  # it is in no request
        assert told.spans == []
        answered(rows.Shed())
        answered(rows.Shed())  # only its first answer ends it
        assert told.names == ["comment"]

    def test_so_many_at_one_time(self) -> None:
        traces = RowTraces(Told().made, "e")
        kept = [comment(str(number)) for number in range(1000)]
        for row in kept:
            assert traces.follow(row, ignore) is not ignore
        assert traces.follow(comment("x"), ignore) is ignore


class TestHandedTraces:
    HEADER = encode([Followed(2, Context(5, 6))])

    def test_what_came_for_a_room_until_it_is_shown(self) -> None:
        told = Told()
        traces = HandedTraces(told.made, "edge-2")
        assert not traces
        traces.came("lobby", self.HEADER)
        assert traces
        traces.shown("other", 3)
        traces.shown("lobby", 7)
        assert not traces
        span = told.named("fan out")
        assert span.parent == Context(5, 6)
        assert span.words == {"room": "lobby", "edge": "edge-2", "viewers": 7}

    def test_what_came_for_a_room_that_is_gone_is_handed_to_nobody(self) -> None:
        told = Told()
        traces = HandedTraces(told.made, "e")
        traces.came("lobby", self.HEADER)
        traces.forgot("lobby")
        traces.forgot("other")
        assert not traces
        traces.shown("lobby", 7)
        assert told.spans == []

    def test_of_so_many_rooms(self) -> None:
        told = Told()
        traces = HandedTraces(told.made, "e")
        for number in range(1001):
            traces.came(str(number), self.HEADER)
        traces.shown("1000", 1)
        traces.shown("999", 1)
        assert len(told.spans) == 1

    def test_around_a_receiver(self) -> None:
        told, got = Told(), list[tuple[bytes, str]]()
        receive = HandedTraces(told.made, "e").around(lambda payload, reply: got.append((payload, reply)))
        receive(b"1", "", self.HEADER)
        assert got == [(b"1", "")]
        assert told.named("hand out").parent == Context(5, 6)


class TestRoomTraces:
    PARENT = Context(1, 2)

    def came(self, traces: RoomTraces, *asked: Any) -> None:
        header = encode(Followed(number, self.PARENT) for number in range(len(asked)))
        traces.judged(traces.came(asked, header))

    def test_from_a_request_to_the_bus(self) -> None:
        told = Told()
        traces = RoomTraces(told.made, "rooms-1")
        assert not traces
        self.came(traces, comment())
        assert traces
        begin_ns = traces.now()
        publication = traces.stored("lobby", [("bob", "c1", 0), ("ann", "c1", 1)], begin_ns)
        assert publication is not None
        assert not traces
        (followed,) = decode(publication.header)
        publication.sent()
        publication.sent()  # to a second edge
        judge, append, publish = told.spans
        assert [judge.name, append.name, publish.name] == ["judge", "append", "publish"]
        assert judge.parent == append.parent == self.PARENT
        assert publish.parent == append.context
        assert followed == Followed(1, publish.context)
        assert append.words == {"waited_us": 1000, "process": "rooms-1"}

    def test_nothing_followed_is_no_publication(self) -> None:
        traces = RoomTraces(Told().made, "r")
        assert traces.stored("lobby", [("ann", "c1", 0)], 1) is None

    def test_rows_that_are_none_or_not_there_are_passed_over(self) -> None:
        traces = RoomTraces(Told().made, "r")
        join = rows.JoinRow("lobby", "ann", Role.VIEWER)
        header = encode([Followed(0, self.PARENT), Followed(9, self.PARENT)])
        assert traces.came([join], header) == []
        assert not traces

    def test_who_was_stored_before_judging_ended_is_judged_no_more(self) -> None:
        told = Told()
        traces = RoomTraces(told.made, "r")
        came = traces.came([comment()], encode([Followed(0, self.PARENT)]))
        traces.stored("lobby", [("ann", "c1", 0)], traces.now())
        traces.judged(came)
        assert told.names == ["append"]

    def test_what_is_never_stored_is_forgotten(self) -> None:
        now = [0]
        spans = Spans(1.0, ignore, lambda: now[0])
        traces = RoomTraces(spans, "r")
        self.came(traces, comment())
        now[0] = 31_000_000_000
        assert traces.stored("lobby", [("ann", "c1", 0)], 1) is None
        assert not traces

    def test_no_more_than_so_many(self) -> None:
        traces = RoomTraces(Told().made, "r")
        for number in range(1001):
            self.came(traces, comment(str(number)))
        assert traces.stored("lobby", [("ann", "0", 0)], 1) is None
        assert traces.stored("lobby", [("ann", "1", 0)], 1) is not None

    @pytest.mark.parametrize("header", ["", "nonsense"])
    def test_a_header_that_says_nothing(self, header: str) -> None:
        assert RoomTraces(Told().made, "r").came([comment()], header) == []
