from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku.errors import Refusal
from danmaku.model import EVERY_ROOM, START, Identity, Position, Role, check_id


@pytest.mark.parametrize("value", ["a", "Z9_-", "x" * 64])
def test_a_good_id_is_taken_as_it_is(value: str) -> None:
    assert check_id(value) == value


@pytest.mark.parametrize("value", ["", "x" * 65, "a b", "a.b", "a\n", "ä", "٣", "a/b", "*", ">"])
def test_a_bad_id_is_refused_by_its_name(value: str) -> None:
    with pytest.raises(Refusal, match="bad_id: room must match"):
        check_id(value, "room")


@given(st.text())
def test_an_id_is_safe_wherever_it_is_written(value: str) -> None:
    if re.fullmatch(r"[-_0-9A-Za-z]{1,64}", value):
        assert check_id(value) == value
    else:
        with pytest.raises(Refusal, match="bad_id"):
            check_id(value)


def test_roles_rise() -> None:
    assert [role.label for role in sorted(Role)] == ["guest", "viewer", "moderator", "streamer", "admin"]
    assert [role.is_staff for role in sorted(Role)] == [False, False, True, True, True]


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_parsed_from_its_label(role: Role) -> None:
    assert Role.parse(role.label) is role


def test_an_unknown_role_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="one of guest, viewer, moderator, streamer, admin, not 'king'"):
        Role.parse("king")


def test_positions_order_by_epoch_then_seq() -> None:
    assert START < Position(1, 1) < Position(1, 2) < Position(2, 1)


def test_a_role_in_a_room_is_the_higher_of_the_two() -> None:
    plain = Identity("u", "ann", Role.VIEWER)
    assert plain.role_in("demo") is Role.VIEWER
    owner = Identity("u", "ann", Role.VIEWER, {"demo": Role.STREAMER, "low": Role.GUEST})
    assert owner.role_in("demo") is Role.STREAMER
    assert owner.role_in("low") is Role.VIEWER
    assert owner.role_in("other") is Role.VIEWER


def test_who_is_a_member_of_a_room_follows_it() -> None:
    plain = Identity("u", "ann", Role.VIEWER)
    assert not plain.is_member("demo")
    assert not plain.is_follower("demo")
    ann = Identity("u", "ann", Role.VIEWER, member_of=frozenset({"demo"}), follows=frozenset({"other"}))
    assert [ann.is_member(room) for room in ("demo", "other", "third")] == [True, False, False]
    assert [ann.is_follower(room) for room in ("demo", "other", "third")] == [True, True, False]
    everywhere = Identity("u", "ann", Role.VIEWER, follows=frozenset({EVERY_ROOM}))
    assert everywhere.is_follower("demo")
    assert not everywhere.is_member("demo")
