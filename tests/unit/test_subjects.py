from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku.subjects import PARTITIONS, Subjects, partition_of


@pytest.mark.parametrize(
    ("room", "partition"),
    [("demo", 32), ("lobby", 55), ("a", 3), ("A", 11), ("room-1", 6), ("Z_-9", 48), ("x" * 64, 18)],
)
def test_a_room_never_changes_its_partition(room: str, partition: int) -> None:
    assert partition_of(room) == partition


@given(st.text())
def test_every_room_has_a_partition(room: str) -> None:
    assert 0 <= partition_of(room) < PARTITIONS


def test_rooms_spread_over_all_partitions() -> None:
    assert {partition_of(f"room-{number}") for number in range(1000)} == set(range(PARTITIONS))


def test_subjects_are_distinct_and_under_their_prefix() -> None:
    subjects = Subjects("live")
    plain: list[Any] = [
        getattr(subjects, name) for name, value in vars(Subjects).items() if isinstance(value, property)
    ]
    made = [*plain, subjects.owner("p-1"), subjects.counts("p-1"), subjects.room_out("demo")]
    made += [subjects.to_edge("e-1"), subjects.chat_out("demo")]
    assert len(set(made)) == len(made) == 20
    assert all(subject.startswith("live.") for subject in made)
    assert subjects.room_out("demo") == "live.out.demo"
    assert Subjects().owners == "danmaku.owners"
