from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from danmaku.rows import Done, Elsewhere, Open
from edge.outbox import PAUSE_S, SHORTEST_ATTEMPT_S, Bounds, Outbox, Parcel, Waiting

Answer = Done | Elsewhere | Open
Box = Outbox[str, Answer]


def row(name: str, deadline: float = 10.0) -> Waiting[str, Answer]:
    return Waiting(name, lambda _: None, deadline)


def first_letter(name: str) -> str | None:
    return None if name.startswith("?") else name[0]


def test_rows_of_one_destination_share_a_request() -> None:
    box: Box = Outbox(first_letter, Bounds())
    for name in ("a1", "b1", "a2"):
        assert box.put(row(name))
    parcels, late, lost = box.take(0.0)
    assert {parcel.destination: parcel.rows for parcel in parcels} == {"a": ["a1", "a2"], "b": ["b1"]}
    assert (late, lost, len(box), box.queued) == ([], False, 3, 0)
    told = box.settle(parcels[0], [Done(), Done()])
    assert [one.row for one, _ in told] == ["a1", "a2"]
    assert len(box) == 1


def test_rows_without_a_destination_wait() -> None:
    box: Box = Outbox(first_letter, Bounds())
    box.put(row("?"))
    assert box.take(0.0) == ([], [], True)
    assert box.queued == 1


def test_rows_that_belong_elsewhere_are_asked_again() -> None:
    box: Box = Outbox(first_letter, Bounds())
    box.put(row("a1"))
    box.put(row("a2"))
    (parcel,), _, _ = box.take(0.0)
    told = box.settle(parcel, [Elsewhere(), Done()])
    assert [one.row for one, _ in told] == ["a2"]
    (again,), _, _ = box.take(0.0)
    assert again.rows == ["a1"]


def test_only_rows_whose_outcome_is_open_are_asked_again() -> None:
    box: Box = Outbox(first_letter, Bounds())
    for name in ("a1", "a2", "a3"):
        box.put(row(name))
    (parcel,), _, _ = box.take(0.0)
    told = box.settle(parcel, [Done(), Open(), Done()])
    assert [one.row for one, _ in told] == ["a1", "a3"]
    (again,), _, _ = box.take(0.0)
    assert again.rows == ["a2"]


def test_rows_without_an_answer_are_asked_again_after_a_pause() -> None:
    box: Box = Outbox(first_letter, Bounds())
    box.put(row("a1"))
    (parcel,), _, _ = box.take(0.0)
    box.give_back(parcel, 1.0)
    assert box.take(1.0) == ([], [], False)
    (again,), _, _ = box.take(1.0 + PAUSE_S)
    assert again.rows == ["a1"]


def test_rows_whose_time_is_up_are_given_out_once() -> None:
    box: Box = Outbox(first_letter, Bounds())
    box.put(row("a1", 5.0))
    box.put(row("?", 5.0))
    parcels, late, lost = box.take(5.0 - SHORTEST_ATTEMPT_S / 2)
    assert (parcels, [one.row for one in late], lost) == ([], ["a1", "?"], False)
    assert (len(box), box.queued) == (0, 0)


def test_requests_are_bounded_in_rows_and_in_number() -> None:
    box: Box = Outbox(first_letter, Bounds(rows=7, rows_per_request=2, requests=2))
    assert [box.put(row(f"a{number}")) for number in range(8)] == [True] * 7 + [False]
    parcels, _, _ = box.take(0.0)
    assert [parcel.rows for parcel in parcels] == [["a0", "a1"], ["a2", "a3"]]
    assert box.queued == 3
    assert box.take(0.0)[0] == []
    box.settle(parcels[0], [Done(), Done()])
    assert [parcel.rows for parcel in box.take(0.0)[0]] == [["a4", "a5"]]
    assert box.put(row("a8"))


def test_a_request_that_is_too_large_becomes_two() -> None:
    box: Box = Outbox(first_letter, Bounds(requests=1))
    for name in ("a1", "a2", "a3"):
        box.put(row(name, 3.0 if name == "a3" else 9.0))
    (parcel,), _, _ = box.take(0.0)
    assert parcel.deadline == 3.0
    first, second = box.split(parcel)
    assert (first.rows, second.rows) == (["a1"], ["a2", "a3"])
    box.settle(first, [Done()])
    box.put(row("a4"))
    assert box.take(0.0)[0] == []
    box.settle(second, [Done(), Done()])
    assert [parcel.rows for parcel in box.take(0.0)[0]] == [["a4"]]


def test_what_is_queued_can_be_drained() -> None:
    box: Box = Outbox(first_letter, Bounds())
    box.put(row("a1"))
    assert [one.row for one in box.drain()] == ["a1"]
    assert (len(box), box.queued) == (0, 0)


class Traffic(RuleBasedStateMachine):
    """Whatever becomes of requests, every row is answered exactly once."""

    def __init__(self) -> None:
        super().__init__()
        self.owner: str | None = "a"
        self.box: Box = Outbox(lambda _: self.owner, Bounds(rows=20, rows_per_request=3, requests=2))
        self.heard: list[list[Answer]] = []
        self.under_way: list[Parcel[str, Answer]] = []
        self.now = 0.0

    @rule()
    def put(self) -> None:
        answers: list[Answer] = []
        self.heard.append(answers)
        if not self.box.put(Waiting("row", answers.append, self.now + 2.0)):
            answers.append(Done())

    @rule()
    def take(self) -> None:
        parcels, late, _ = self.box.take(self.now)
        self.under_way += parcels
        for one in late:
            one.answered(Done())

    @rule(owner=st.sampled_from([None, "a", "b"]))
    def move(self, owner: str | None) -> None:
        self.owner = owner

    @rule(seconds=st.floats(0, 1))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        parcel = self.under_way.pop()
        size = len(parcel.waiting)
        kinds: st.SearchStrategy[Answer] = st.sampled_from([Done(), Elsewhere(), Open()])
        answers = data.draw(st.lists(kinds, min_size=size, max_size=size))
        for one, answer in self.box.settle(parcel, answers):
            one.answered(answer)

    @precondition(lambda self: self.under_way)
    @rule()
    def lose(self) -> None:
        self.box.give_back(self.under_way.pop(0), self.now)

    @precondition(lambda self: self.under_way and len(self.under_way[0].waiting) > 1)
    @rule()
    def split(self) -> None:
        self.under_way += self.box.split(self.under_way.pop(0))

    @invariant()
    def nobody_is_told_twice_or_forgotten(self) -> None:
        assert all(len(answers) <= 1 for answers in self.heard)
        assert len(self.box) == sum(not answers for answers in self.heard) <= 20

    def teardown(self) -> None:
        for parcel in self.under_way:
            self.box.give_back(parcel, self.now)
        for one in self.box.drain():
            one.answered(Done())
        assert all(len(answers) == 1 for answers in self.heard)


TestTraffic = Traffic.TestCase
