from __future__ import annotations

import pytest

from danmaku.errors import Refusal
from danmaku.model import Appointed, Role
from rooms.staff import MAX_MODERATORS, Staff

MOD = Appointed("mod", "ann", 5)


def refused(staff: Staff, role: Role, uid: str) -> bool:
    try:
        staff.check_outranks(role, uid)
    except Refusal as refusal:
        return refusal.name == "forbidden"
    return False


def test_whoever_is_appointed_is_a_moderator_if_they_are_logged_in() -> None:
    staff = Staff([MOD])
    assert staff.role_of("mod", Role.VIEWER, 0) is Role.MODERATOR
    assert staff.role_of("mod", Role.GUEST, 0) is Role.GUEST
    assert staff.role_of("mod", Role.ADMIN, 0) is Role.ADMIN
    assert staff.role_of("bob", Role.VIEWER, 0) is Role.VIEWER


def test_they_come_and_go() -> None:
    staff = Staff()
    staff.appoint(MOD)
    staff.appoint(Appointed("a", "ann", 6))
    assert [one.uid for one in staff.appointed] == ["a", "mod"]
    staff.dismiss("mod", 0)
    staff.dismiss("nobody", 0)
    assert [one.uid for one in staff.appointed] == ["a"]
    assert staff.role_of("mod", Role.VIEWER, 0) is Role.VIEWER


RANKS = [Role.VIEWER, Role.MODERATOR, Role.STREAMER, Role.ADMIN]


@pytest.mark.parametrize("by", RANKS[1:])
@pytest.mark.parametrize("whom", RANKS)
def test_nobody_acts_on_their_equals_but_admins(by: Role, whom: Role) -> None:
    staff = Staff()
    staff.role_of("bob", whom, 0)
    assert refused(staff, by, "bob") is (whom.is_staff and by <= whom and by is not Role.ADMIN)


def test_an_appointed_moderator_has_the_rank_of_one() -> None:
    staff = Staff([MOD])
    assert refused(staff, Role.MODERATOR, "mod")
    assert not refused(staff, Role.STREAMER, "mod")
    staff.role_of("mod", Role.STREAMER, 0)  # elsewhere they have more
    assert refused(staff, Role.STREAMER, "mod")
    staff.dismiss("mod", 0)
    assert not refused(staff, Role.MODERATOR, "mod")


def test_who_is_not_known_is_nobody_special() -> None:
    assert not refused(Staff(), Role.MODERATOR, "bob")
    staff = Staff()
    staff.role_of("bob", Role.STREAMER, 0)
    staff.role_of("cat", Role.STREAMER, 3600)
    staff.role_of("dog", Role.STREAMER, 7200)
    assert not refused(staff, Role.MODERATOR, "bob")  # it was long ago


def test_a_room_has_so_many_moderators() -> None:
    staff = Staff(Appointed(f"u{n}", "ann", 5) for n in range(MAX_MODERATORS))
    staff.check_room_for("u0")
    with pytest.raises(Refusal, match="dismiss some first"):
        staff.check_room_for("bob")
