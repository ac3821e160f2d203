from __future__ import annotations

import pytest

from danmaku.change import Configured, Imposed, Lifted, Revoked
from danmaku.errors import Refusal
from danmaku.model import Role, RoomSettings, Sanction
from rooms.everywhere import Everywhere


def banned(everywhere: Everywhere, uid: str, now_ms: int, role: Role = Role.VIEWER) -> str | None:
    """Why; None when not."""
    try:
        everywhere.check_banned(uid, role, now_ms)
    except Refusal as refusal:
        return refusal.message
    return None


def test_nobody_is_sanctioned_at_first() -> None:
    everywhere = Everywhere()
    everywhere.check_banned("u", Role.GUEST, 0)
    everywhere.check_muted("u", Role.GUEST, 0)
    assert everywhere.page("", 10, 0) == ([], None)
    everywhere.take(Lifted("u", "ban"))


def test_a_ban_holds_until_it_runs_out_or_is_lifted() -> None:
    everywhere = Everywhere()
    everywhere.take(Imposed("u", "ban", "root", 0, 100, "spam"))
    everywhere.take(Imposed("v", "ban", "root", 0))
    assert banned(everywhere, "u", 99) == "spam"
    assert banned(everywhere, "u", 100) is None
    assert banned(everywhere, "v", 10**15) == "you are banned"
    everywhere.check_muted("v", Role.VIEWER, 0)
    everywhere.take(Revoked("v", 5))
    everywhere.take(Lifted("v", "mute"))
    assert banned(everywhere, "v", 0)
    everywhere.take(Lifted("v", "ban"))
    assert banned(everywhere, "v", 0) is None


def test_a_mute_says_how_long_it_lasts() -> None:
    everywhere = Everywhere()
    everywhere.take(Imposed("u", "mute", "root", 0, 100, "spam"))
    everywhere.take(Imposed("v", "mute", "root", 0))
    with pytest.raises(Refusal, match="muted: spam") as caught:
        everywhere.check_muted("u", Role.VIEWER, 60)
    assert caught.value.retry_ms == 40
    with pytest.raises(Refusal, match="muted") as caught:
        everywhere.check_muted("v", Role.VIEWER, 60)
    assert caught.value.retry_ms is None
    everywhere.check_muted("u", Role.VIEWER, 100)


@pytest.mark.parametrize("role", Role)
def test_only_admins_are_exempt(role: Role) -> None:
    everywhere = Everywhere()
    everywhere.take(Imposed("u", "ban", "root", 0))
    assert (banned(everywhere, "u", 1, role) is None) == (role is Role.ADMIN)


def test_a_new_set_takes_the_place_of_the_old_one() -> None:
    everywhere = Everywhere()
    everywhere.take(Imposed("u", "ban", "root", 0))
    everywhere.replace([Sanction("ban", "v", "root", 0), Sanction("ban", "v", "root", 0)], RoomSettings())
    assert len(everywhere) == 1
    assert banned(everywhere, "u", 1) is None
    assert banned(everywhere, "v", 1)


def test_what_has_run_out_is_forgotten() -> None:
    everywhere = Everywhere()
    everywhere.replace(
        [Sanction("ban", "u", "root", 0, 100), Sanction("mute", "u", "root", 0)], RoomSettings()
    )
    everywhere.forget(99)
    assert len(everywhere) == 2
    everywhere.forget(100)
    assert len(everywhere) == 1


def test_sanctions_are_told_page_by_page_of_users() -> None:
    everywhere = Everywhere()
    for uid in ("c", "a", "b"):
        everywhere.take(Imposed(uid, "mute", "root", 0))
    everywhere.take(Imposed("b", "ban", "root", 0, 100))
    everywhere.take(Imposed("d", "ban", "root", 0, 50))
    page, after = everywhere.page("", 2, 60)
    assert [(one.uid, one.kind) for one in page] == [("a", "mute"), ("b", "ban"), ("b", "mute")]
    assert after == "b"
    assert everywhere.page("b", 2, 60) == ([Sanction("mute", "c", "root", 0)], None)
    assert everywhere.page("c", 2, 60) == ([], None)
    assert [one.kind for one in everywhere.page("a", 1, 100)[0]] == ["mute"]


def test_what_one_user_is_under() -> None:
    everywhere = Everywhere()
    everywhere.take(Imposed("b", "mute", "root", 0))
    everywhere.take(Imposed("b", "ban", "root", 0, 100))
    assert [one.kind for one in everywhere.of("b", 60)] == ["ban", "mute"]
    assert [one.kind for one in everywhere.of("b", 100)] == ["mute"]
    assert everywhere.of("a", 60) == []


def test_the_settings_said_last_hold() -> None:
    everywhere = Everywhere()
    assert everywhere.settings == RoomSettings()
    everywhere.take(Configured(RoomSettings(slow_s=5), "root"))
    everywhere.take(Configured(RoomSettings(staff_only=True), "root"))
    assert everywhere.settings == RoomSettings(staff_only=True)
    everywhere.replace([], RoomSettings(slow_s=9))
    assert everywhere.settings == RoomSettings(slow_s=9)
