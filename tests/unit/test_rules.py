from __future__ import annotations

from typing import Any

import pytest

from config.settings import Policy
from danmaku.errors import Refusal
from danmaku.model import Role, RoomInfo, RoomSettings
from danmaku.moderation_rows import RaidRow, RoomSettingsRow
from rooms.rules import MAX_RAID_S, RAID_SLOW_S, Rules, check_ruling, check_settings, ruled

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


def setting(role: Role = Role.MODERATOR, reset: list[str] | None = None, **changes: Any) -> RoomSettingsRow:
    return RoomSettingsRow("a", "mod", role, RoomSettings(**changes), reset or [])


def raid(seconds: int, role: Role = Role.MODERATOR) -> RaidRow:
    return RaidRow("a", "mod", role, seconds)


@pytest.mark.parametrize(
    ("row", "refusal"),
    [
        (setting(Role.VIEWER, slow_s=3), "forbidden"),
        (setting(display_per_s=3), "forbidden: only the room's streamer may change display_per_s"),
        (setting(reset=["display_per_s"]), "forbidden: only the room's streamer may change display_per_s"),
        (setting(slow_s=-1), "bad_frame: slow_s must be from"),
        (setting(reset=["slow"]), "bad_frame: there is no setting slow"),
        (raid(60, Role.VIEWER), "forbidden"),
        (raid(-1), "bad_frame: seconds must be from 1"),
        (raid(MAX_RAID_S + 1), "bad_frame: seconds must be from 1"),
    ],
)
def test_what_may_not_be_asked(row: RoomSettingsRow | RaidRow, refusal: str) -> None:
    with pytest.raises(Refusal, match=refusal):
        check_ruling(row)


@pytest.mark.parametrize(
    "row",
    [
        setting(),
        setting(slow_s=3, reset=["links"]),
        setting(Role.STREAMER, display_per_s=3),
        raid(1),
        raid(0),
        raid(MAX_RAID_S),
    ],
)
def test_what_may_be_asked(row: RoomSettingsRow | RaidRow) -> None:
    check_ruling(row)


def test_settings_are_changed_one_by_one_and_let_go_of() -> None:
    info = RoomInfo("a", "title", settings=RoomSettings(slow_s=3, links="hold"), created_ms=1)
    changed = ruled(info, setting(slow_s=5, unique_s=9), 0)
    assert changed == RoomInfo(
        "a", "title", settings=RoomSettings(slow_s=5, links="hold", unique_s=9), created_ms=1
    )
    assert ruled(changed, setting(reset=["slow_s", "links"]), 0).settings == RoomSettings(unique_s=9)
    assert ruled(changed, setting(slow_s=6, reset=["slow_s"]), 0).settings.slow_s == 6
    assert ruled(info, setting(), 0) == info


def test_raid_mode_lasts_for_a_while_and_can_be_ended() -> None:
    begun = ruled(RoomInfo("a"), raid(60), 5000)
    assert begun.raid_until_ms == 65_000
    assert (begun.is_raid_over(64_999), begun.is_raid_over(65_000)) == (False, True)
    assert ruled(begun, raid(30), 50_000).raid_until_ms == 80_000
    calm = ruled(begun, raid(0), 6000)
    assert (calm.raid_until_ms, calm.is_raid_over(7000)) == (0, False)


def test_raid_mode_is_stricter_than_the_settings_and_never_laxer() -> None:
    usual = Rules.of(RoomSettings(), RoomSettings(), POLICY)
    info = RoomInfo("a", raid_until_ms=1)
    strict = Rules.of_room(info, RoomSettings(), POLICY)
    assert (strict.followers_only, strict.slow_s, strict.links) == (True, RAID_SLOW_S, "hold")
    others = ("followers_only", "slow_s", "links")
    for key in RoomSettings.__struct_fields__:
        assert key in others or getattr(strict, key) == getattr(usual, key)
    stricter = ruled(info, setting(slow_s=99, links="refuse"), 0)
    rules = Rules.of_room(stricter, RoomSettings(), POLICY)
    assert (rules.followers_only, rules.slow_s, rules.links) == (True, 99, "refuse")
    assert Rules.of_room(RoomInfo("a"), RoomSettings(), POLICY) == usual
