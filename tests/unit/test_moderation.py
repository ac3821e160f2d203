from __future__ import annotations

import pytest

from danmaku.errors import Refusal
from rooms.moderation import Sanctions


def test_nobody_is_sanctioned_at_first() -> None:
    sanctions = Sanctions()
    assert not sanctions.is_banned("u", 0)
    assert not sanctions.is_muted("u", 0)
    assert sanctions.mute_left_ms("u", 0) is None
    sanctions.lift("mute", "u")


def test_a_sanction_lasts_until_it_runs_out_or_is_lifted() -> None:
    sanctions = Sanctions()
    sanctions.impose("mute", "u", 100)
    sanctions.impose("ban", "v", None)
    assert sanctions.is_muted("u", 99)
    assert sanctions.mute_left_ms("u", 60) == 40
    assert not sanctions.is_muted("u", 100)
    assert sanctions.mute_left_ms("u", 200) == 0
    assert sanctions.is_banned("v", 10**15)
    assert not sanctions.is_muted("v", 0)
    sanctions.impose("mute", "u", None)
    assert sanctions.is_muted("u", 10**15)
    assert sanctions.mute_left_ms("u", 0) is None
    sanctions.lift("ban", "v")
    assert not sanctions.is_banned("v", 0)


def test_a_full_list_drops_what_has_run_out_or_takes_no_more() -> None:
    sanctions = Sanctions(most=2)
    sanctions.check_room_for("ban", "a", 0)
    sanctions.impose("ban", "a", 100)
    sanctions.impose("ban", "b", None)
    sanctions.check_room_for("ban", "a", 0)
    with pytest.raises(Refusal, match="conflict"):
        sanctions.check_room_for("ban", "c", 99)
    sanctions.check_room_for("ban", "c", 100)
    assert len(sanctions) == 1
