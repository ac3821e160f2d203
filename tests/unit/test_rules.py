from __future__ import annotations

from typing import Any

import pytest

from config.settings import Policy
from danmaku.errors import Refusal
from danmaku.model import RoomSettings
from rooms.rules import Rules, check_settings

POLICY = Policy()
USUAL = RoomSettings(
    slow_s=0,
    max_length=100,
    guests_may_send=True,
    staff_only=False,
    display_per_s=40,
    repeat_s=5,
    members_only=False,
    followers_only=False,
    min_account_s=0,
    emoji_only=False,
    unique_s=0,
    links="show",
    delay_s=0,
    review=False,
)
OTHER = RoomSettings(
    slow_s=1,
    max_length=2,
    guests_may_send=False,
    staff_only=True,
    display_per_s=3,
    repeat_s=0,
    members_only=True,
    followers_only=True,
    min_account_s=4,
    emoji_only=True,
    unique_s=5,
    links="hold",
    delay_s=6,
    review=True,
)


def test_a_rooms_own_settings_come_before_the_services() -> None:
    assert Rules.of(RoomSettings(), RoomSettings(), POLICY).as_settings() == USUAL
    assert Rules.of(OTHER, RoomSettings(), POLICY).as_settings() == OTHER
    assert Rules.of(RoomSettings(), OTHER, POLICY).as_settings() == OTHER, "those for all rooms"
    assert Rules.of(OTHER, USUAL, POLICY).as_settings() == OTHER


def test_the_service_may_have_other_rules_from_the_start() -> None:
    policy = Policy(links="refuse", unique_s=3, delay_s=2, review=True, min_account_s=9)
    rules = Rules.of(RoomSettings(), RoomSettings(), policy)
    assert (rules.links, rules.unique_s, rules.delay_s, rules.review) == ("refuse", 3, 2, True)
    assert rules.min_account_s == 9


@pytest.mark.parametrize(
    "bad",
    [
        {"slow_s": -1},
        {"max_length": 0},
        {"display_per_s": 0},
        {"repeat_s": 10**9},
        {"min_account_s": -1},
        {"unique_s": 10**9},
        {"delay_s": 11},
    ],
)
def test_settings_out_of_bounds_are_refused_by_their_name(bad: dict[str, Any]) -> None:
    check_settings(USUAL)
    check_settings(OTHER)
    with pytest.raises(Refusal, match=f"bad_frame: {next(iter(bad))} must be from"):
        check_settings(RoomSettings(**bad))
