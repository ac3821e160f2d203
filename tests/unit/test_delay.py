from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rooms.delay import Delay


def test_what_waits_is_due_after_its_delay() -> None:
    delay: Delay[str] = Delay()
    assert delay.put("one", 3, 100) == 3
    assert delay.put("two", 3, 101) == 3
    assert len(delay) == 2
    assert delay.due(102.9) == []
    assert delay.due(103) == ["one"]
    assert delay.due(200) == ["two"]
    assert not delay


def test_some_can_be_removed() -> None:
    delay: Delay[int] = Delay()
    for number in range(6):
        delay.put(number, 1, 0)
    assert delay.remove(lambda number: number % 2 == 0) == [0, 2, 4]
    assert delay.due(1) == [1, 3, 5]


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10))))
def test_they_leave_in_the_order_in_which_they_came_and_none_too_early(
    steps: list[tuple[float, float]],
) -> None:
    delay: Delay[tuple[int, float]] = Delay()
    now_s, left = 0.0, []
    for number, (passed_s, delay_s) in enumerate(steps):
        now_s += passed_s
        for one in delay.due(now_s):
            assert one[1] <= now_s
            left.append(one[0])
        assert delay.put((number, now_s + delay_s), delay_s, now_s) >= delay_s - 1e-9
    left += [number for number, _ in delay.due(1000)]
    assert left == list(range(len(steps)))
