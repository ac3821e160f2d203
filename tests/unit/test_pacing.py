from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.pacing import Pacing

SHARE = 0.5
MOST_S = 1.0


class Worker:
    """An edge whose turns cost `fixed_s` and `each_s` for everything that is shown."""

    def __init__(self, fixed_s: float, each_s: float) -> None:
        self.pacing = Pacing(SHARE, MOST_S)
        self.now = 0.0
        self.busy = 0.0
        self.waits: list[float] = []
        self.late = 0
        self._fixed_s = fixed_s
        self._each_s = each_s
        self._arrived: list[float] = []

    def run(self, seconds: float, every_s: float) -> None:
        """Something comes every `every_s`."""
        comes, end = self.now, self.now + seconds
        while self.now < end:
            self.now = max(self.now, self.pacing.due)
            while comes <= self.now:
                self._arrived.append(comes)
                comes += every_s
            if not self._arrived:
                self.now = comes
                continue
            self._turn()

    def _turn(self) -> None:
        begin = self.now
        shown = [at for at in self._arrived if not self.pacing.is_late(at, begin)]
        self.late += len(self._arrived) - len(shown)
        self.waits += [begin - at for at in shown]
        self._arrived = []
        cost = self._fixed_s + self._each_s * len(shown)
        self.now += cost
        self.busy += cost
        self.pacing.took(begin, self.now)


def test_where_there_is_time_nothing_waits() -> None:
    worker = Worker(0.02, 0.0)
    worker.run(10, 0.05)
    assert max(worker.waits) < 1e-9
    assert worker.late == 0


def test_where_there_is_not_batches_are_joined() -> None:
    worker = Worker(0.1, 0.0)
    worker.run(10, 0.05)
    assert worker.busy / worker.now == pytest.approx(SHARE, abs=0.02)
    assert max(worker.waits) < 0.2 + 1e-9
    assert worker.late == 0


def test_where_not_even_that_helps_the_oldest_is_left_out() -> None:
    worker = Worker(0.0, 0.03)
    worker.run(60, 0.01)  # six times what it has time for
    assert worker.late > 0
    assert worker.busy / worker.now < SHARE + 0.1
    worker.waits.clear()
    worker.run(60, 0.01)
    assert max(worker.waits) <= MOST_S
    late = worker.late
    worker.run(2, 0.1)  # and in the end all is well again
    worker.waits.clear()
    late = worker.late
    worker.run(10, 0.1)
    assert worker.late == late
    assert max(worker.waits) < 0.1


def test_a_machine_that_stood_still_leaves_nothing_out() -> None:
    pacing = Pacing(SHARE, MOST_S)
    pacing.took(10, 18)
    assert pacing.due == 19
    assert not pacing.is_late(10, 19)
    pacing.took(19, 19.01)
    pacing.took(20, 28)
    assert not pacing.is_late(20, 29)


def test_a_clock_that_goes_back_costs_nothing() -> None:
    pacing = Pacing(SHARE, MOST_S)
    pacing.took(10, 9)
    assert pacing.due == 10


@given(st.lists(st.floats(0, 20), max_size=50))
def test_what_has_just_come_is_never_late_and_waits_no_longer_than_set(turns: list[float]) -> None:
    pacing = Pacing(SHARE, MOST_S)
    now = 0.0
    for seconds in turns:
        begin, now = now, now + seconds
        pacing.took(begin, now)
        assert begin <= pacing.due <= now + MOST_S + 1e-6
        assert not pacing.is_late(now - MOST_S / 21, now)
        now = max(now, pacing.due)
