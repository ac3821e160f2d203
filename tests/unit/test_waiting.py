"""What waits in a room: its order, what is left out, and what is delayed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Policy, Rooms
from danmaku import wire
from danmaku.model import START, Role, RoomInfo, RoomSettings
from danmaku.rows import Delayed, Shed, Shown
from rooms.moderation import Sanctions
from rooms.owed import Space
from rooms.room import Room
from tests.unit.one_room import (
    LIMITS,
    LOOSE,
    NOW,
    delayed,
    event,
    items,
    later,
    make,
    never,
    refused,
    save,
    send,
    texts,
)


def test_a_delayed_comment_is_answered_at_once_and_shown_later() -> None:
    room = delayed()
    room.take(send("one"), "w1", NOW)
    assert room.cut(NOW) == (None, [("w1", Delayed(3000))])
    assert room.is_busy
    assert room.take(send("one"), "again", NOW) == Delayed(3000)
    assert room.cut(later(2.9)) == (None, [])
    assert texts(room.cut(later(3)).batch) == ["one"]
    assert room.stored(later(3)) == [], "nobody waits any more"
    assert room.take(send("one"), "late", NOW) == Shown(7, 1, NOW.ms + 3000)
    assert not room.is_busy


def test_staff_and_events_are_not_delayed() -> None:
    room = delayed()
    room.take(send("one"), "w1", NOW)
    room.take(send("two", role=Role.MODERATOR, uid="mod"), "w2", NOW)
    room.take(event(), "w3", NOW)
    assert texts(room.cut(NOW).batch) == ["two", "gift"]


def test_delayed_comments_leave_in_order_also_when_the_delay_is_shortened() -> None:
    room = delayed()
    room.take(send("one", "c1"), "w1", NOW)
    room.cut(NOW)
    room.bring_into_force(save(created_ms=1))
    room.take(send("two", "c2"), "w2", later(1))
    assert room.cut(later(1)) == (None, [("w2", Delayed(2000))])
    room.take(send("three", "c3"), "w3", later(3))
    assert texts(room.cut(later(3)).batch) == ["one", "two", "three"]


def test_above_the_display_rate_comments_are_left_out_before_they_are_delayed() -> None:
    room = delayed(policy=Policy(display_per_s=1, repeat_s=0))
    room.take(send("one", "c1"), "w1", NOW)
    room.take(send("two", "c2"), "w2", NOW)
    assert room.cut(NOW).answers == [("w1", Delayed(3000)), ("w2", Shed())]
    assert texts(room.cut(later(3)).batch) == ["one"]


def test_what_is_delayed_of_a_user_or_of_all_can_be_withdrawn() -> None:
    room = delayed(space=3)
    for number, uid in enumerate(("u1", "u2", "u1")):
        room.take(send(cid=f"c{number}", uid=uid), "w", NOW)
    room.cut(NOW)
    assert refused(room.take, send(cid="c9"), "w", NOW) == "unavailable", "what is delayed takes space"
    assert room.withdraw("u1", NOW) == [], "they were told that it comes later"
    assert room.take(send(cid="c0"), "again", NOW) == Shed()
    assert room.take(send(cid="c1", uid="u2"), "again", NOW) == Delayed(3000)
    assert room.withdraw(None, NOW) == []
    assert not room.is_busy
    assert room.cut(later(3)) == (None, [])
    for number in range(10, 13):
        room.take(send(cid=f"c{number}"), "w", later(3))


def test_what_is_about_to_be_delayed_is_withdrawn_as_well() -> None:
    room = delayed()
    for number, uid in enumerate(("u1", "u2", "u1")):
        room.take(send(cid=f"c{number}", uid=uid), f"w{number}", NOW)
    assert room.withdraw("u1", NOW) == [("w0", Shed()), ("w2", Shed())]
    assert room.cut(NOW) == (None, [("w1", Delayed(3000))])
    assert len(items(room.cut(later(3)).batch)) == 1


def test_without_a_delay_what_waits_for_a_cut_is_said_before_what_takes_it_back() -> None:
    room = make()
    room.take(send("one"), "w1", NOW)
    assert room.withdraw("u1", NOW) == []
    room.recall(wire.Recall("moderator", uid="u1"), (), (), "mod")
    assert texts(room.cut(NOW).batch) == ["one", "recall"]


@pytest.mark.parametrize("what", ["mute", "ban", "close"])
def test_what_may_not_be_said_any_more_is_not_shown(what: str) -> None:
    room = delayed()
    room.take(send(cid="c1"), "w1", NOW)
    room.take(send(cid="c2", uid="u2"), "w2", NOW)
    room.cut(NOW)
    if what == "close":
        room.bring_into_force(save(created_ms=1, open=False))
    else:
        room.sanctions.impose("mute" if what == "mute" else "ban", "u1", None)
    batch = room.cut(later(3)).batch
    assert (batch is None) is (what == "close")
    assert batch is None or [item["uid"] for item in items(batch)] == ["u2"]
    assert room.take(send(cid="c1"), "again", later(3)) == Shed()


def test_an_owner_that_goes_shows_what_is_delayed_first() -> None:
    room = delayed()
    room.take(send("one", "c1"), "w1", NOW)
    room.cut(NOW)
    room.hurry()
    room.take(send("two", "c2"), "w2", NOW)
    assert texts(room.cut(NOW).batch) == ["one", "two"]
    assert room.stored(NOW) == [("w2", Shown(7, 2, NOW.ms))]


def test_what_is_delayed_is_forgotten_with_the_lease() -> None:
    space = Space(Rooms(queue_items=1))
    room: Room[str] = Room(
        RoomInfo("a", settings=RoomSettings(delay_s=3)), 7, START, Sanctions(), space, LIMITS, LOOSE, never
    )
    room.take(send(), "w1", NOW)
    room.cut(NOW)
    assert space.taken == 1
    room.abandon()
    assert space.taken == 0


def test_comments_above_what_can_be_read_are_left_out_and_answered_so() -> None:
    room = make(Policy(display_per_s=2, repeat_s=0))
    for number in range(4):
        room.take(send(cid=f"c{number}", uid=f"u{number}"), f"w{number}", NOW)
    batch, answers = room.cut(NOW)
    assert len(items(batch)) == 2
    assert answers == [("w2", Shed()), ("w3", Shed())]
    assert room.take(send(cid="c2", uid="u2"), "again", NOW) == Shed()


def test_events_and_staff_have_a_share_of_their_own_and_wait_for_it() -> None:
    room = make(Policy(display_per_s=1, display_high_per_s=2, repeat_s=0))
    room.take(send(cid="c0", uid="u0"), "c0", NOW)
    room.take(event("g1"), "g1", NOW)
    room.take(send("staff", "s1", "mod", Role.MODERATOR), "s1", NOW)
    assert refused(room.take, event("g2"), "g2", NOW) == "rate_limited"
    assert [item["k"] for item in items(room.cut(NOW).batch)] == ["c", "gift", "c"]
    room.stored(NOW)
    room.take(event("g3"), "g3", NOW)
    assert room.cut(NOW) == (None, [])
    assert room.is_busy
    assert [item["k"] for item in items(room.cut(later(0.5)).batch)] == ["gift"]


@given(st.lists(st.integers(0, 9), max_size=30))
def test_within_one_cut_items_stand_in_order_of_arrival(kinds: list[int]) -> None:
    room = make(space=1000)
    for number, kind in enumerate(kinds):
        if kind == 0:
            room.take(event(f"g{number}", item=wire.encode_item(wire.Announce(str(number)))), "w", NOW)
        elif kind == 1:
            room.take(send(str(number), f"c{number}", "mod", Role.MODERATOR), "w", NOW)
        else:
            room.take(send(str(number), f"c{number}"), "w", NOW)
    if kinds:
        assert [item["text"] for item in items(room.cut(NOW).batch)] == [str(n) for n in range(len(kinds))]
