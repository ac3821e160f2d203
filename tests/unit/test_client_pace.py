from __future__ import annotations

import pytest

from danmaku.client.pace import Pace, Timing

TIMING = Timing(first_retry=1, most_retry=8, stable=10)


def pace(random: float = 1.0) -> Pace:
    return Pace(TIMING, lambda: random)


def test_backoff_doubles_up_to_its_bound() -> None:
    one = pace()
    assert [one.wait(1006, 0) for _ in range(6)] == [1, 2, 4, 8, 8, 8]


def test_jitter_is_full() -> None:
    assert pace(0.0).wait(1006, 0) == 0
    assert pace(0.25).wait(1006, 0) == 0.25


def test_backoff_never_overflows() -> None:
    one = pace()
    for _ in range(5000):
        assert one.wait(4101, 0) is not None


def test_the_band_of_4000_comes_back_at_once_but_not_again_and_again() -> None:
    one = pace()
    assert [one.wait(4000, 0), one.wait(4099, 0), one.wait(4000, 0)] == [0, 2, 4]


def test_the_band_of_4100_backs_off() -> None:
    assert pace().wait(4101, 0) == 1


@pytest.mark.parametrize("code", [4400, 4401, 4403, 4409, 4413, 4499])
def test_the_band_of_4400_does_not_come_back(code: int) -> None:
    assert pace().wait(code, 0) is None


def test_a_connection_that_lasted_resets_the_backoff() -> None:
    one = pace()
    assert [one.wait(1006, 0), one.wait(1006, 0)] == [1, 2]
    one.connected(100)
    assert one.wait(1006, 109) == 4
    one.connected(200)
    assert one.wait(1006, 210) == 1


def test_a_reconnect_notice_is_obeyed_to_the_millisecond() -> None:
    one = pace()
    one.asked_to_wait(3000, now=50)
    assert one.wait(4000, now=51) == 2
    one = pace()
    one.asked_to_wait(3000, now=50)
    assert one.wait(1006, now=60) == 0
    assert one.wait(1006, now=60) == 2
