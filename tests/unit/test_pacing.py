from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Edge
from edge.pacing import Pacing

SHARE = 0.5
MOST_BYTES = 100


class Worker:
    """An edge whose turns cost `fixed_s`, and `byte_s` for every byte that is shown of its one room."""

    def __init__(self, fixed_s: float, byte_s: float = 0.0) -> None:
        self.pacing = Pacing(Edge(fanout_share=SHARE, fanout_bytes=MOST_BYTES))
        self.now = 0.0
        self.busy = 0.0
        self.waits: list[float] = []
        self.late = 0
        self._fixed_s = fixed_s
        self._byte_s = byte_s
        self._arrived: list[float] = []

    def run(self, seconds: float, every_s: float, size: int = 1) -> None:
        """Something of `size` bytes comes every `every_s`."""
        comes, end = self.now, self.now + seconds
        while self.now < end:
            self.now = max(self.now, self.pacing.due)
            while comes <= self.now:
                self._arrived.append(comes)
                comes += every_s
            if not self._arrived:
                self.now = comes
                continue
            self._turn(size)

    def _turn(self, size: int) -> None:
        begin = self.now
        late = self.pacing.late(self._arrived, [size] * len(self._arrived))
        shown = self._arrived[late:]
        self.late += late
        self.waits += [begin - at for at in shown]
        self._arrived = []
        cost = self._fixed_s + self._byte_s * size * len(shown)
        self.now += cost
        self.busy += cost
        self.pacing.took(begin, self.now)


def test_where_there_is_time_nothing_waits() -> None:
    worker = Worker(0.02)
    worker.run(10, 0.05)
    assert max(worker.waits) < 1e-9
    assert worker.late == 0


@pytest.mark.parametrize("fixed_s", [0.1, 0.4, 0.9])
def test_where_there_is_not_batches_are_joined_and_all_are_shown(fixed_s: float) -> None:
    worker = Worker(fixed_s)
    worker.run(60, 0.05)
    assert worker.busy / worker.now == pytest.approx(SHARE, abs=0.02)
    assert max(worker.waits) <= fixed_s / SHARE + 1e-9
    assert worker.late == 0


def test_of_too_many_bytes_the_oldest_are_left_out() -> None:
    worker = Worker(0.01, 0.003)
    worker.run(60, 0.01, 10)  # six times what it has time for
    assert worker.late > 0
    assert worker.busy / worker.now < SHARE + 0.05
    turn_s = 0.01 + 0.003 * MOST_BYTES
    assert max(worker.waits) <= turn_s / SHARE
    worker.run(2, 0.1)
    late = worker.late
    worker.waits.clear()
    worker.run(10, 0.1)  # and in the end all is well again
    assert worker.late == late
    assert max(worker.waits) < 0.05


def test_what_did_not_have_to_wait_is_shown_however_large_it_is() -> None:
    pacing = Pacing(Edge(fanout_share=SHARE, fanout_bytes=MOST_BYTES))
    pacing.took(1, 2)
    assert pacing.late([3, 3, 3], [90, 90, 90]) == 0
    assert pacing.late([2.5, 3, 3], [90, 90, 90]) == 2
    assert pacing.late([2.5, 3, 3], [90, 50, 50]) == 1
    assert pacing.late([2.5, 3], [90, 500]) == 1, "something is always shown"
    assert pacing.late([2.5], [500]) == 0


def test_a_machine_that_stood_still_or_a_clock_that_went_back_costs_little() -> None:
    pacing = Pacing(Edge(fanout_share=SHARE, fanout_bytes=MOST_BYTES))
    pacing.took(10, 18)
    assert pacing.due == 19
    pacing.took(20, 19)
    assert pacing.due == 20


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(0, 200)), min_size=1, max_size=50))
def test_turns_never_wait_for_long_and_what_is_left_out_is_the_oldest(
    turns: list[tuple[float, int]],
) -> None:
    pacing = Pacing(Edge(fanout_share=SHARE, fanout_bytes=MOST_BYTES))
    now, sizes = 0.0, [size for _, size in turns]
    for seconds, _ in turns:
        begin, now = now, now + seconds
        pacing.took(begin, now)
        assert begin <= pacing.due <= now + 1 + 1e-6
        late = pacing.late([pacing.due - 1] * len(sizes), sizes)
        shown = sizes[late:]
        assert len(shown) == 1 or sum(shown) <= MOST_BYTES
        assert late == 0 or sum(sizes[late - 1 :]) > MOST_BYTES
        now = max(now, pacing.due)


def test_turns_leave_more_time_to_a_storm_of_newcomers() -> None:
    pacing = Pacing(Edge(fanout_share=SHARE, fanout_bytes=MOST_BYTES))
    pacing.took(0.0, 0.1)
    assert pacing.due == pytest.approx(0.2)
    for _ in range(301):  # in 0.3 s
        pacing.came()
    pacing.took(0.39, 0.4)
    assert pacing.due == pytest.approx(0.39 + 0.01 / (SHARE * 0.15))
    for _ in range(401):  # in 0.4 s
        pacing.came()
    pacing.took(0.7, 0.8)
    assert pacing.due == pytest.approx(1.05), "those who are inside do not wait for ever"
    for _ in range(300):  # in a second
        pacing.came()
    pacing.took(1.7, 1.8)
    assert pacing.due == pytest.approx(1.9), "it is over"
