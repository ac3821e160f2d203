"""Who still is the primary, by what sentinels say of their votes."""

from __future__ import annotations

import pytest

from danmaku.store.valkey.vouching import Closer, View, is_given_up, is_vouched

HERE, THERE = ("10.0.0.1", 6379), ("10.0.0.2", 6379)
QUIET = View(HERE)
VOTED = View(HERE, (b"a", 7))


@pytest.mark.parametrize(
    ("views", "sentinels", "vouched"),
    [
        ([QUIET, QUIET, QUIET], 3, True),
        ([QUIET, QUIET], 3, True),  # the third alone elects nobody
        ([QUIET], 3, False),
        ([], 3, False),
        ([VOTED, QUIET, QUIET], 3, True),
        ([VOTED, QUIET], 3, False),  # the third may have voted as well
        ([VOTED, VOTED, QUIET], 3, False),
        ([VOTED, View(HERE, (b"b", 7)), QUIET], 3, True),
        ([VOTED, View(HERE, (b"a", 8)), QUIET], 3, True),  # not in the same election
        ([VOTED, View(HERE, (b"b", 7))], 3, False),
        ([View(THERE), QUIET, QUIET], 3, True),
        ([View(THERE), View(THERE), QUIET], 3, False),
        ([View(THERE), VOTED, QUIET], 3, False),
        ([QUIET], 1, True),
        ([VOTED], 1, False),
        ([QUIET, QUIET, QUIET], 5, True),
        ([QUIET, QUIET], 4, True),
        ([QUIET], 4, False),
        ([VOTED, QUIET, QUIET], 5, False),
    ],
)
def test_a_majority_that_has_not_voted_vouches(views: list[View], sentinels: int, vouched: bool) -> None:
    assert is_vouched(HERE, views, sentinels) is vouched


@pytest.mark.parametrize(
    ("views", "given_up"),
    [
        ([Closer(HERE, False)] * 3, True),
        ([Closer(HERE, False)] * 2, False),
        ([Closer(HERE, False), Closer(HERE, False), Closer(HERE, True)], False),
        ([Closer(HERE, False), Closer(HERE, False), Closer(THERE, False)], False),
    ],
)
def test_votes_count_no_more_when_all_say_that_nobody_is_about_it(
    views: list[Closer], given_up: bool
) -> None:
    assert is_given_up(HERE, views, 3) is given_up
