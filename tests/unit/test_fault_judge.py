"""The judge of the fault runs finds what it is there to find."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.judge import Acts, Heard, asserted, forgotten, interleaved, silences, used_twice


def batch(epoch: int, seq: int, *texts: str, connection: int = 1, at_s: float = 0.0) -> Heard:
    return Heard(at_s, connection, "r", (epoch, seq), texts)


def beats(*times: float, room: str = "r") -> list[Heard]:
    return [Heard(at_s, 1, room) for at_s in times]


def test_who_hears_something_often_enough_is_not_silent() -> None:
    heard = {"v": beats(3, 19, 28, 30)}
    assert silences(heard, {"v": ["r"]}, (10, 31)) == []


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ([], "for 20.5 s, 0.0 s after healing"),
        ([9.0], "for 20.5 s, 0.0 s after healing"),  # before it was healed
        ([21.0], "for 11.0 s, 0.0 s after healing"),
        ([11.0, 12.0], "for 18.5 s, 2.0 s after healing"),
        ([11.0, 12.0, 31.0], "for 18.5 s, 2.0 s after healing"),  # after the end
    ],
)
def test_who_hears_nothing_is_found(times: list[float], says: str) -> None:
    (problem,) = silences({"v": beats(*times)}, {"v": ["r"]}, (10, 30.5))
    assert problem == f"v heard nothing of r {says}"


def test_each_room_is_listened_to() -> None:
    heard = {"v": [*beats(11, 19, 29), *beats(11, room="q")], "w": []}
    problems = silences(heard, {"v": ["r", "q"], "w": ["r"]}, (10, 30))
    assert [problem.partition(" for")[0] for problem in problems] == [
        "v heard nothing of q",
        "w heard nothing of r",
    ]


def test_owners_that_follow_each_other_are_not_interleaved() -> None:
    again = [
        batch(7, 1, "a"),
        batch(9, 1, "b"),
        batch(7, 1, "a", connection=2),
        batch(9, 1, "b", connection=2),
    ]
    assert interleaved({"v": again, "w": beats(1, 2)}) == []


def test_a_batch_of_an_owner_after_one_of_its_successor_is_found() -> None:
    frames = [batch(7, 1, "a"), batch(9, 1, "b"), batch(7, 2, "c")]
    assert interleaved({"v": frames}) == ["v got (7, 2) of r after epoch 9"]


def test_the_same_at_the_same_position_is_no_problem() -> None:
    assert used_twice({"v": [batch(7, 1, "a", "b")], "w": [batch(7, 2, "b"), *beats(1)]}) == []


def test_a_position_that_is_used_twice_is_found() -> None:
    problems = used_twice({"v": [batch(7, 1, "a", "b")], "w": [batch(7, 2, "x")]})
    assert problems == ["w got 'x' at (7, 2) of r, which was 'b'"]


def test_acts_that_hold_are_no_problem() -> None:
    acts = Acts("court", muted={"m1"}, recalled={"theft"})
    assert forgotten(acts, {"m1", "m2"}, {("mute", "m1")}, {"hello"}) == []


@pytest.mark.parametrize(
    ("in_force", "recorded", "served", "says"),
    [
        (set(), {("mute", "m1")}, set(), "m1 was muted, and is not any more"),
        ({"m1"}, {("ban", "m1")}, set(), "the mute of m1 is not in the audit record"),
        ({"m1"}, {("mute", "m1")}, {"theft"}, "'theft' was taken back, and is served"),
    ],
)
def test_an_act_that_was_forgotten_is_found(
    in_force: set[str], recorded: set[tuple[str, str]], served: set[str], says: str
) -> None:
    acts = Acts("court", muted={"m1"}, recalled={"theft"})
    assert forgotten(acts, in_force, recorded, served) == [says]


def test_what_a_check_asserts_becomes_a_problem() -> None:
    def fails() -> Counter[str]:
        raise AssertionError("p:ann:bob 3 is not what was told")

    assert asserted(fails) == (Counter(), ["p:ann:bob 3 is not what was told"])
    assert asserted(lambda: Counter(seen=3)) == (Counter(seen=3), [])
