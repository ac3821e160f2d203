"""What comes of what is said in a room: refused, held, asked about, for its sender alone, or accepted."""

from __future__ import annotations

import msgspec
import pytest

from config.settings import Rooms
from danmaku import wire
from danmaku.held import Held
from danmaku.model import START, Act, Role, RoomInfo, RoomSettings
from danmaku.rows import Delayed, Refused, Shadowed, Shed, Shown
from rooms.advice import Advice
from rooms.asked import Question
from rooms.held import decision
from rooms.moderation import Sanctions
from rooms.owed import Space
from rooms.policy import Judge
from rooms.room import Room
from rooms.verdict import Fate, Verdict
from tests.unit.one_room import (
    DELETE,
    GIFT,
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
)

APPROVAL = Act("a1", NOW.ms, "mod", Role.MODERATOR, "approve", "a", "u1")


def held(space: int = 100) -> tuple[Room[str], Held]:
    """A room in which one comment waits for a moderator."""
    room = make(space=space, info=RoomInfo("a", settings=RoomSettings(review=True)))
    assert room.take(send(), "w1", NOW) is None
    assert room.take(send(), "w2", NOW) is None
    kept, gone = room.held.to_store()
    assert room.held_stored(kept, gone) == ["w1", "w2"]
    return room, kept[0]


def test_what_is_held_is_not_shown_and_its_repeats_hear_so() -> None:
    room, one = held()
    assert refused(room.take, send(), "w3", NOW) == "held_for_review"
    assert (one.uid, one.cid, one.why) == ("u1", "c1", "review")
    assert not room.is_busy
    assert room.cut(NOW).batch is None
    assert room.take(send(cid="c2", role=Role.MODERATOR), "w4", NOW) is None, "staff is not asked"
    assert room.cut(NOW).batch is not None


def test_whoever_waits_for_what_is_dropped_before_it_is_stored_is_known_once() -> None:
    room = make(info=RoomInfo("a", settings=RoomSettings(review=True)))
    assert room.take(send(), "w1", NOW) is None
    assert room.take(send(), "w2", NOW) is None
    assert room.held_dropped() == ["w1", "w2"]
    assert room.held_dropped() == []
    assert room.held.to_store() == ([], [])


def test_what_is_approved_is_shown_once_as_its_authors_own() -> None:
    room, one = held(space=1)
    assert room.approve(one, APPROVAL, "mod", NOW)
    batch, _ = room.cut(NOW)
    assert items(batch) == [{"k": "c", "uid": "u1", "name": "u1", "text": "hi"}]
    assert batch is not None
    assert (batch.pairs, batch.acts) == ((("u1", "c1", 1),), (APPROVAL,))
    assert batch.decided == decision(one, APPROVAL)
    assert room.held.page("", 10, NOW.ms) == [one], "until the store has it"
    shown = Shown(7, 1, NOW.ms)
    assert room.stored(NOW) == [("mod", shown)]
    assert room.held.page("", 10, NOW.ms) == []
    assert room.take(send(), "w", NOW) == shown
    assert room.settled(("u1", "c1")) == shown
    assert room.take(send(cid="c2", role=Role.MODERATOR), "w", NOW) is None, "its space is free again"


def test_what_may_not_be_said_now_is_not_approved() -> None:
    room, one = held()
    room.sanctions.impose("mute", "u1", None)
    assert refused(room.approve, one, APPROVAL, "mod", NOW) == "conflict"
    room.sanctions.lift("mute", "u1")
    room.bring_into_force(save(open=False))
    assert refused(room.approve, one, APPROVAL, "mod", NOW) == "room_closed"
    assert room.held.page("", 10, NOW.ms) == [one]
    room.bring_into_force(DELETE)
    assert room.held.page("", 10, NOW.ms) == []


def asking() -> tuple[Room[str], Question]:
    """A room in which one comment waits for advice."""
    limits, sanctions = Rooms(queue_items=1), Sanctions()
    info, space = RoomInfo("a"), Space(limits)
    room: Room[str] = Room(info, 7, START, sanctions, space, limits, LOOSE, never, asks=True)
    assert room.take(send(), "w1", NOW) is None
    (question,) = room.asked.take_new()
    assert (room.is_busy, room.cut(NOW).batch) == (True, None)
    return room, question


def test_what_is_asked_about_is_shown_where_it_may_be() -> None:
    room, question = asking()
    assert room.take(send(), "w2", NOW) is None
    assert room.advised(question, Advice("change", "***"), NOW) == []
    batch, _ = room.cut(NOW)
    assert [item["text"] for item in items(batch)] == ["***"]
    assert room.stored(NOW) == [("w1", Shown(7, 1, NOW.ms)), ("w2", Shown(7, 1, NOW.ms))]
    assert room.take(send(cid="c2"), "w", NOW) is None, "its space is free again"


@pytest.mark.parametrize(
    ("advice", "name"),
    [(Advice("deny"), "blocked_words"), (Advice("change", " "), "empty"), (Advice("allow"), "muted")],
)
def test_what_may_not_be_shown_is_refused_and_may_be_said_again(advice: Advice, name: str) -> None:
    room, question = asking()
    if name == "muted":
        room.sanctions.impose("mute", "u1", None)
    ((waiter, answer),) = room.advised(question, advice, NOW)
    assert isinstance(answer, Refused)
    assert (waiter, answer.name, room.is_busy) == ("w1", name, False)
    room.sanctions.lift("mute", "u1")
    assert room.take(send(), "w2", NOW) is None


def test_what_is_to_be_held_or_shadowed_after_all_is() -> None:
    room, question = asking()
    assert room.advised(question, Advice("hold"), NOW) == []
    assert room.held_stored(*room.held.to_store()) == ["w1"]
    assert refused(room.take, send(), "w", NOW) == "held_for_review"
    room, question = asking()
    assert room.advised(question, Advice("shadow"), NOW) == [("w1", Shadowed(NOW.ms))]
    assert [uid for uid, _ in room.asides()] == ["u1"]
    assert room.take(send(), "w", NOW) == Shadowed(NOW.ms)


@pytest.mark.parametrize("whose", ["u1", None])
@pytest.mark.parametrize("advice", [Advice("allow"), Advice("shadow"), Advice("hold")])
def test_what_is_taken_back_while_it_is_asked_about_is_not_shown(whose: str | None, advice: Advice) -> None:
    room, question = asking()
    room.withdraw("u2", NOW)
    room.withdraw(whose, NOW)
    assert room.advised(question, advice, NOW) == [("w1", Shed())]
    assert (room.is_busy, room.asides(), len(room.held)) == (False, [], 0)
    assert room.take(send(cid="c2"), "w", NOW) is None, "its space is free again"


def test_who_is_shadowed_waits_as_all_do_where_comments_are_delayed(monkeypatch: pytest.MonkeyPatch) -> None:
    room = delayed(space=1)
    monkeypatch.setattr(Judge, "comment", lambda *_: Verdict(b"item", Fate.SHADOW, "words"))
    assert room.take(send(), "w", NOW) == Delayed(3000)
    assert room.take(send(), "again", NOW) == Delayed(3000)
    assert refused(room.take, send(cid="c2"), "w", NOW) == "unavailable", "what is delayed takes space"
    assert (room.is_busy, room.cut(later(2.9)), room.asides()) == (True, (None, []), [])
    assert room.cut(later(3)) == (None, [])
    assert room.asides() == [("u1", b"item")]
    assert room.take(send(), "late", later(3)) == Shadowed(NOW.ms + 3000)
    assert not room.is_busy
    assert room.take(send(cid="c2"), "w", later(3)) == Delayed(3000)
    room.withdraw("u1", later(3))
    room.cut(later(9))
    assert room.asides() == [], "what was taken back is not shown to its sender either"


def test_what_a_webhook_shadows_waits_as_all_do_where_comments_are_delayed() -> None:
    room, question = asking()
    room.bring_into_force(save(created_ms=1, settings=RoomSettings(delay_s=3)))
    assert room.advised(question, Advice("shadow"), NOW) == [("w1", Delayed(3000))]
    room.cut(NOW)
    assert room.asides() == []
    room.cut(later(3))
    assert [uid for uid, _ in room.asides()] == ["u1"]
    assert room.take(send(), "w", NOW) == Shadowed(NOW.ms + 3000)


def test_where_too_many_wait_for_a_moderator_no_more_are_taken() -> None:
    room, _ = held()
    for number in range(2, 501):
        assert room.take(send(cid=f"c{number}"), "w", NOW) is None
    assert refused(room.take, send(cid="more"), "w", NOW) == "unavailable"


def test_what_cannot_be_held_does_not_count_against_its_senders_pace() -> None:
    room, _ = held()
    room.bring_into_force(save(settings=RoomSettings(review=True, slow_s=60)))
    for number in range(2, 501):
        assert room.take(send(uid=f"v{number}"), "w", NOW) is None
    assert refused(room.take, send(uid="late", cid="c1"), "w", NOW) == "unavailable"
    room.held_dropped()
    assert room.take(send(uid="late", cid="c1"), "w", NOW) is None
    assert refused(room.take, send(uid="late", cid="c2"), "w", NOW) == "slow_mode"


def test_what_is_shadowed_is_for_its_sender_alone_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    room = make()
    monkeypatch.setattr(Judge, "comment", lambda *_: Verdict(b"item", Fate.SHADOW, "words"))
    assert room.take(send(), "w", NOW) == Shadowed(NOW.ms)
    assert room.asides() == [("u1", b"item")]
    assert room.take(send(), "w", later(1)) == Shadowed(NOW.ms)
    assert room.asides() == []
    assert not room.is_busy
    assert room.cut(NOW).batch is None


def test_a_refused_comment_may_be_tried_again_under_its_cid() -> None:
    room = make()
    assert refused(room.take, send(""), "w", NOW) == "empty"
    assert room.take(send("better"), "w", NOW) is None


def test_events_are_for_staff_that_is_not_muted() -> None:
    room = make()
    assert refused(room.take, event(role=Role.VIEWER), "w", NOW) == "forbidden"
    room.sanctions.impose("mute", "boss", None)
    assert refused(room.take, event(role=Role.MODERATOR), "w", NOW) == "muted"


def test_an_item_must_fit_into_a_batch() -> None:
    room = make(limits=Rooms(batch_bytes=1024))
    large = wire.encode_item(wire.Announce("x" * 1025))
    assert refused(room.take, event(item=large), "w", NOW) == "too_large"
    assert room.take(event(item=GIFT), "w", NOW) is None
    room = make(msgspec.structs.replace(LOOSE, max_length=2000), Rooms(batch_bytes=1024))
    assert refused(room.take, send("x" * 1024), "w", NOW) == "too_large"
    assert room.take(send(), "w", NOW) is None
