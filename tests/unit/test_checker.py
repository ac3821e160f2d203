"""The checker of the fault tests finds what it is there to find."""

from __future__ import annotations

import pytest

from tests.system.checker import Acknowledged, check

HISTORY = [((7, 1), "a"), ((7, 2), "b"), ((9, 1), "c")]
ACKNOWLEDGED = [Acknowledged("r", (7, 2), "b"), Acknowledged("r", (9, 1), "c")]


def test_a_good_run_has_no_problem_and_is_counted() -> None:
    report = check(ACKNOWLEDGED, {"v": {"r": HISTORY}, "w": {"r": HISTORY}}, {"r": HISTORY})
    assert report.problems == []
    assert (report.rooms, report.stored, report.acknowledged) == (1, 3, 2)
    assert (report.logs, report.deliveries, report.epochs) == (2, 6, 2)
    assert str(report).endswith("0 problems")


@pytest.mark.parametrize(
    ("log", "says"),
    [
        (HISTORY[:2], "was not shown"),
        (HISTORY[1:], "was not shown"),
        ([*HISTORY, ((9, 2), "d")], "was shown, but is not stored"),
        ([*HISTORY, HISTORY[2]], "was shown 2 times"),
        ([HISTORY[1], HISTORY[0], HISTORY[2]], "was shown after"),
        ([*HISTORY[:2], ((9, 1), "x")], "was shown, but is not stored"),
    ],
)
def test_a_bad_log_is_found(log: list[tuple[tuple[int, int], str]], says: str) -> None:
    problems = check(ACKNOWLEDGED, {"v": {"r": log}}, {"r": HISTORY}).problems
    assert any(says in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("acknowledged", "says"),
    [
        (Acknowledged("r", (9, 2), "lost"), "None is stored"),
        (Acknowledged("r", (7, 1), "other"), "'a' is stored"),
        (Acknowledged("r", (9, 1), "x"), "was given to"),
    ],
)
def test_a_broken_acknowledgement_is_found(acknowledged: Acknowledged, says: str) -> None:
    problems = check([*ACKNOWLEDGED, acknowledged], {}, {"r": HISTORY}).problems
    assert any(says in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ([((7, 1), "a"), ((7, 3), "b")], "does not follow"),
        ([((7, 1), "a"), ((9, 2), "b")], "does not follow"),
        ([((7, 2), "a")], "does not follow"),
        ([((7, 1), "a"), ((6, 1), "b")], "after"),
        ([((7, 1), "a"), ((7, 2), "a")], "more than once"),
    ],
)
def test_a_broken_history_is_found(history: list[tuple[tuple[int, int], str]], says: str) -> None:
    problems = check([], {}, {"r": history}).problems
    assert any(says in problem for problem in problems), problems
