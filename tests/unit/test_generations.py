from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rooms.generations import Generations


def test_what_was_put_is_found_and_the_latest_counts() -> None:
    memory: Generations[str, int] = Generations(10, 100)
    assert memory.get("a") is None
    memory.put("a", 1, 0)
    memory.put("b", 2, 10)
    memory.put("a", 3, 11)
    assert (memory.get("a"), memory.get("b"), len(memory)) == (3, 2, 3)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), max_size=60))
def test_a_key_is_remembered_for_its_span_and_forgotten_in_time(puts: list[tuple[int, int]]) -> None:
    memory: Generations[int, int] = Generations(10, 1000)
    last: dict[int, int] = {}
    now = 0
    for key, passed in puts:
        now += passed
        memory.put(key, now, now)
        last[key] = now
        for known, put in last.items():
            if now - put < 10:
                assert memory.get(known) == put
    memory.put(-1, now + 10, now + 10)
    memory.put(-2, now + 20, now + 20)
    assert all(memory.get(key) is None for key in last)


@given(st.integers(1, 5), st.lists(st.integers(0, 50)))
def test_it_never_holds_more_than_twice_its_bound(most: int, keys: list[int]) -> None:
    memory: Generations[int, bool] = Generations(1e9, most)
    for key in keys:
        memory.put(key, True, 0)
        assert memory.get(key)
        assert len(memory) <= 2 * most
