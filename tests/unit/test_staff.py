from __future__ import annotations

import pytest

from danmaku.change import Imposed
from danmaku.errors import Refusal
from danmaku.model import Appointed, Role, Sanction
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.staff import MAX_MODERATORS, Staff

MOD = Appointed("mod", "ann", 5)
NO_SANCTIONS = Sanctions()


def role_of(staff: Staff, uid: str, role: Role, s: float = 0, sanctions: Sanctions = NO_SANCTIONS) -> Role:
    return staff.role_of(uid, role, sanctions, Moment(s, round(s * 1000)))


def refused(staff: Staff, role: Role, uid: str) -> bool:
    try:
        staff.check_outranks(role, uid)
    except Refusal as refusal:
        return refusal.name == "forbidden"
    return False


def test_whoever_is_appointed_is_a_moderator_if_they_are_logged_in() -> None:
    staff = Staff([MOD])
    assert role_of(staff, "mod", Role.VIEWER) is Role.MODERATOR
    assert role_of(staff, "mod", Role.GUEST) is Role.GUEST
    assert role_of(staff, "mod", Role.ADMIN) is Role.ADMIN
    assert role_of(staff, "bob", Role.VIEWER) is Role.VIEWER


@pytest.mark.parametrize("everywhere", [False, True])
def test_an_appointment_gives_no_rank_to_whom_is_banned(everywhere: bool) -> None:
    staff, sanctions = Staff([MOD]), Sanctions()
    sanctions.impose("mute", "mod", None)
    assert role_of(staff, "mod", Role.VIEWER, 0, sanctions) is Role.MODERATOR
    if everywhere:
        sanctions.everywhere.take(Imposed.of(Sanction("ban", "mod", "ann", 5, 60_000)))
    else:
        sanctions.impose("ban", "mod", 60_000)
    assert role_of(staff, "mod", Role.VIEWER, 59, sanctions) is Role.VIEWER
    assert role_of(staff, "mod", Role.STREAMER, 59, sanctions) is Role.STREAMER
    assert role_of(staff, "mod", Role.VIEWER, 60, sanctions) is Role.MODERATOR


def test_moderators_are_appointed_and_dismissed() -> None:
    staff = Staff()
    staff.appoint(MOD)
    staff.appoint(Appointed("a", "ann", 6))
    assert [one.uid for one in staff.appointed] == ["a", "mod"]
    staff.dismiss("mod", 0)
    staff.dismiss("nobody", 0)
    assert [one.uid for one in staff.appointed] == ["a"]
    assert role_of(staff, "mod", Role.VIEWER) is Role.VIEWER


RANKS = [Role.VIEWER, Role.MODERATOR, Role.STREAMER, Role.ADMIN]


@pytest.mark.parametrize("by", RANKS[1:])
@pytest.mark.parametrize("whom", RANKS)
def test_nobody_acts_on_their_equals_but_admins(by: Role, whom: Role) -> None:
    staff = Staff()
    role_of(staff, "bob", whom)
    assert refused(staff, by, "bob") is (whom.is_staff and by <= whom and by is not Role.ADMIN)


def test_an_appointed_moderator_has_the_rank_of_one() -> None:
    staff = Staff([MOD])
    assert refused(staff, Role.MODERATOR, "mod")
    assert not refused(staff, Role.STREAMER, "mod")
    role_of(staff, "mod", Role.STREAMER)  # elsewhere they have more
    assert refused(staff, Role.STREAMER, "mod")
    staff.dismiss("mod", 0)
    assert not refused(staff, Role.MODERATOR, "mod")


def test_who_is_not_known_is_nobody_special() -> None:
    assert not refused(Staff(), Role.MODERATOR, "bob")
    staff = Staff()
    role_of(staff, "bob", Role.STREAMER)
    role_of(staff, "cat", Role.STREAMER, 3600)
    role_of(staff, "dog", Role.STREAMER, 7200)
    assert not refused(staff, Role.MODERATOR, "bob")  # it was long ago


def test_a_room_has_so_many_moderators() -> None:
    staff = Staff(Appointed(f"u{n}", "ann", 5) for n in range(MAX_MODERATORS))
    staff.check_room_for("u0")
    with pytest.raises(Refusal, match="dismiss some first"):
        staff.check_room_for("bob")
