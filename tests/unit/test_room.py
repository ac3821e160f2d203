"""One room: what every accepted comment can rely on, whatever happens to appends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from config.settings import Policy, Rooms
from danmaku import wire
from danmaku.change import Configured
from danmaku.errors import Refusal
from danmaku.held import Held
from danmaku.model import START, Act, Effect, Position, Role, RoomInfo, RoomSettings, closed_for_good
from danmaku.recalls import Recalled
from danmaku.rows import Delayed, EventRow, JoinRow, LikeRow, Refused, SendRow, Shadowed, Shed, Shown
from danmaku.store.recalls import Recalling
from rooms.advice import Advice
from rooms.asked import Question
from rooms.batch import Batch
from rooms.dedupe import Settled
from rooms.everywhere import Everywhere
from rooms.held import decision
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.policy import Judge
from rooms.room import Room, Space
from rooms.verdict import Fate, Verdict

LOOSE = Policy(user_burst=10_000, user_count=10_000, repeat_s=0, display_per_s=10_000, display_high_per_s=0)
LIMITS = Rooms()
GIFT = wire.encode_item(wire.Gift("boss", "Boss", "rocket"))
NOW = Moment(1000.0, 5_000_000)
CHANGER = 0


def make(
    policy: Policy = LOOSE,
    limits: Rooms = LIMITS,
    *,
    lease: int = 7,
    head: Position = START,
    space: int = 100,
    info: RoomInfo = RoomInfo("a"),  # noqa: B008  it is frozen
    saved: bool = True,
) -> Room[str]:
    return Room(info, lease, head, Sanctions(), Space(space), limits, policy, _never, saved=saved)


def send(text: str = "hi", cid: str = "c1", uid: str = "u1", role: Role = Role.VIEWER) -> SendRow:
    return SendRow("a", uid, uid, role, text, cid)


def event(cid: str = "g1", role: Role = Role.STREAMER, item: bytes = GIFT) -> EventRow:
    return EventRow("a", "boss", role, cid, item)


def later(seconds: float) -> Moment:
    return Moment(NOW.s + seconds, NOW.ms + round(seconds * 1000))


def save(**info: Any) -> Effect:
    return Effect("save", RoomInfo("a", **info))


DELETE = Effect("delete", closed_for_good("a"))


def items(batch: Batch | None) -> list[Any]:
    assert batch is not None
    frame = msgspec.msgpack.decode(batch.frame, type=wire.Batch)
    return [msgspec.msgpack.decode(item) for item in frame.items]


def refused(call: Any, *words: Any) -> str:
    with pytest.raises(Refusal) as caught:
        call(*words)
    return caught.value.name


def delayed(delay_s: int = 3, **more: Any) -> Room[str]:
    return make(info=RoomInfo("a", created_ms=1, settings=RoomSettings(delay_s=delay_s)), **more)


def texts(batch: Batch | None) -> list[str]:
    return [item.get("text", item["k"]) for item in items(batch)]


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


@pytest.mark.parametrize("whose", ["u1", None])
@pytest.mark.parametrize("advice", [Advice("allow"), Advice("shadow"), Advice("hold")])
def test_what_is_taken_back_while_it_is_asked_about_is_not_shown(whose: str | None, advice: Advice) -> None:
    room, question = asking()
    room.withdraw("u2", NOW)
    room.withdraw(whose, NOW)
    assert room.advised(question, advice, NOW) == [("w1", Shed())]
    assert (room.is_busy, room.asides(), len(room.held)) == (False, [], 0)
    assert room.take(send(cid="c2"), "w", NOW) is None, "its space is free again"


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
    space = Space(1)
    room: Room[str] = Room(
        RoomInfo("a", settings=RoomSettings(delay_s=3)), 7, START, Sanctions(), space, LIMITS, LOOSE, _never
    )
    room.take(send(), "w1", NOW)
    room.cut(NOW)
    assert space.left == 0
    room.abandon()
    assert space.left == 1


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
    limits, sanctions = Rooms(), Sanctions()
    room: Room[str] = Room(RoomInfo("a"), 7, START, sanctions, Space(1), limits, LOOSE, _never, asks=True)
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


def test_what_is_shadowed_is_for_its_sender_alone_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    room = make()
    monkeypatch.setattr(Judge, "comment", lambda *_: Verdict(b"item", Fate.SHADOW, "words"))
    assert room.take(send(), "w", NOW) == Shadowed(NOW.ms)
    assert room.asides() == [("u1", b"item")]
    assert room.take(send(), "w", later(1)) == Shadowed(NOW.ms)
    assert room.asides() == []
    assert not room.is_busy
    assert room.cut(NOW).batch is None


def test_a_comment_is_cut_stored_and_answered() -> None:
    room = make(head=Position(3, 9))
    assert room.take(send("one", "c1"), "w1", NOW) is None
    assert room.take(send("two", "c2"), "w2", NOW) is None
    batch, answers = room.cut(NOW)
    assert not answers
    assert batch is not None
    assert (batch.head, batch.first, batch.prev, batch.at) == ((3, 9), (7, 1), (3, 9), NOW.ms)
    assert batch.pairs == (("u1", "c1", 1), ("u1", "c2", 2))
    assert [item["text"] for item in items(batch)] == ["one", "two"]
    assert room.stored(NOW) == [("w1", Shown(7, 1, NOW.ms)), ("w2", Shown(7, 2, NOW.ms))]
    assert room.head == (7, 2)
    assert room.cut(NOW) == (None, [])
    assert room.stored(NOW) == []


def test_a_log_of_a_later_lease_is_not_continued() -> None:
    with pytest.raises(ValueError, match="later lease"):
        make(lease=7, head=Position(8, 1))


def test_while_an_append_is_under_way_nothing_else_is_numbered() -> None:
    room = make()
    room.take(send("one", "c1"), "w1", NOW)
    room.cut(NOW)
    room.take(send("two", "c2"), "w2", NOW)
    assert room.cut(NOW) == (None, [])
    room.stored(NOW)
    assert [item["text"] for item in items(room.cut(NOW).batch)] == ["two"]


def test_after_an_unknown_outcome_the_very_same_batch_is_offered_again() -> None:
    room = make()
    room.take(send("one", "c1"), "w1", NOW)
    first = room.cut(NOW).batch
    room.unknown()
    room.take(send("two", "c2"), "w2", NOW)
    assert room.cut(later(5)).batch is first
    assert room.stored(later(5)) == [("w1", Shown(7, 1, NOW.ms))]
    batch = room.cut(later(5)).batch
    assert batch is not None
    assert (batch.first, batch.prev) == ((7, 2), None)


def test_a_repeat_waits_for_the_same_outcome_and_later_gets_the_same_answer() -> None:
    room = make()
    room.take(send("one", "c1"), "w1", NOW)
    assert room.take(send("one", "c1"), "again", NOW) is None
    room.cut(NOW)
    assert room.take(send("other", "c1"), "and again", NOW) is None
    shown = Shown(7, 1, NOW.ms)
    assert room.stored(NOW) == [("w1", shown), ("again", shown), ("and again", shown)]
    assert room.take(send("one", "c1"), "late", NOW) == shown
    assert room.take(send("one", "c1", uid="u2"), "w2", NOW) is None


def test_what_an_owner_before_showed_is_not_shown_again() -> None:
    room = make()
    room.remember(("u1", "c1"), Shown(3, 4, 5), NOW)
    assert room.take(send(), "w", NOW) == Shown(3, 4, 5)


def test_a_refused_comment_may_be_tried_again_under_its_cid() -> None:
    room = make()
    assert refused(room.take, send(""), "w", NOW) == "empty"
    assert room.take(send("better"), "w", NOW) is None


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


def test_events_are_for_staff_that_is_not_muted() -> None:
    room = make()
    assert refused(room.take, event(role=Role.VIEWER), "w", NOW) == "forbidden"
    room.sanctions.impose("mute", "boss", None)
    assert refused(room.take, event(role=Role.MODERATOR), "w", NOW) == "muted"


def test_an_item_must_fit_into_a_batch() -> None:
    room = make(limits=Rooms(batch_bytes=1024))
    assert refused(room.take, event(item=b"x" * 1025), "w", NOW) == "too_large"
    assert room.take(event(item=GIFT), "w", NOW) is None


def test_batches_are_bounded_and_the_rest_comes_next() -> None:
    room = make(limits=Rooms(batch_items=2))
    for number in range(5):
        room.take(send(str(number), f"c{number}"), f"w{number}", NOW)
    texts = []
    while room.is_busy:
        texts.append([item["text"] for item in items(room.cut(NOW).batch)])
        room.stored(NOW)
    assert texts == [["0", "1"], ["2", "3"], ["4"]]


def test_more_than_a_process_can_owe_is_refused_and_space_comes_back() -> None:
    space = Space(2)
    room: Room[str] = Room(RoomInfo("a"), 7, START, Sanctions(), space, Rooms(), LOOSE, _never)
    assert room.change(save(settings=RoomSettings(slow_s=0)), "w0")
    room.take(send(cid="c1"), "w1", NOW)
    room.take(send(cid="c2"), "w2", NOW)
    assert refused(room.take, send(cid="c3"), "w3", NOW) == "unavailable"
    room.take(send(cid="c2"), "w4", NOW)  # a repeat takes no space
    assert space.left == 0
    room.cut(NOW)
    assert [waiter for waiter, _ in room.stored(NOW)] == ["w0", "w1", "w2", "w4"]
    assert space.left == 2
    room.take(send(cid="c2"), "w3", NOW)
    room.abandon()
    room.abandon()
    assert space.left == space.most == 2


def test_a_change_is_an_item_and_holds_once_that_is_stored() -> None:
    room = make()
    change = save(title="Show", settings=RoomSettings(max_length=2))
    assert room.change(change, "boss")
    assert room.info == RoomInfo("a")
    room.take(send("long"), "w", NOW)
    batch = room.cut(NOW).batch
    assert batch is not None
    assert batch.effect == change
    shown = items(batch)
    assert [item["k"] for item in shown] == ["settings", "c"]
    assert shown[0]["settings"]["max_length"] == 2
    assert shown[0]["settings"]["display_per_s"] == LOOSE.display_per_s
    room.take(send("still", "c2"), "w2", NOW)
    assert room.stored(NOW) == [("boss", Shown(7, 1, NOW.ms)), ("w", Shown(7, 2, NOW.ms))]
    assert room.info == change.info
    assert refused(room.take, send("abc", "c3"), "w", NOW) == "too_long"
    batch = room.cut(NOW).batch
    assert batch is not None
    assert batch.effect is None


def test_settings_for_all_rooms_hold_at_once_where_the_room_has_none_of_its_own() -> None:
    everywhere = Everywhere()
    info = RoomInfo("a", "Show", settings=RoomSettings(slow_s=3), created_ms=5)
    room: Room[str] = Room(info, 7, START, Sanctions(everywhere), Space(9), LIMITS, LOOSE, _never)
    assert not room.reconsider()
    everywhere.take(Configured(RoomSettings(slow_s=9), "root"))
    assert not room.reconsider(), "it has its own"
    everywhere.take(Configured(RoomSettings(slow_s=9, max_length=2), "root"))
    assert room.reconsider()
    assert refused(room.take, send("abc"), "w", NOW) == "too_long"
    assert room.tell_rules("boss")
    batch = room.cut(NOW).batch
    assert batch is not None
    [told] = items(batch)
    assert (told["k"], told["settings"]["slow_s"], told["settings"]["max_length"]) == ("settings", 3, 2)
    assert batch.effect == Effect("save", info)
    assert room.stored(NOW) == [("boss", Shown(7, 1, NOW.ms))]
    assert room.info == info
    room.bring_into_force(save(settings=RoomSettings(max_length=4), created_ms=5))
    assert room.take(send("abc", "c2"), "w", NOW) is None, "its own come first"


def test_rules_are_told_only_where_something_was_said_before() -> None:
    unsaved, deleted = make(saved=False), make(info=closed_for_good("a"))
    assert not unsaved.tell_rules("w")
    assert not deleted.tell_rules("w")
    assert not unsaved.is_busy


def test_a_recall_has_its_place_between_comments_and_is_kept_at_it() -> None:
    info = RoomInfo("a", created_ms=5)
    room = make(info=info, head=Position(7, 4))
    room.take(send("one", "c1"), "w1", NOW)
    act = Act("a1", 5, "mod", Role.MODERATOR, "clear", "a", "u1")
    recall = wire.Recall("moderator", uid="u1")
    assert room.recall(recall, (Position(7, 2),), (act,), "mod")
    room.take(send("two", "c2"), "w2", NOW)
    batch = room.cut(NOW).batch
    assert batch is not None
    assert [item["k"] for item in items(batch)] == ["c", "recall", "c"]
    kept = Recalling(Recalled(Position(7, 6), recall), (Position(7, 2),))
    assert batch.recalling == batch.append(7).recalling == kept
    assert (batch.effect, batch.acts) == (Effect("save", info, (act,)), (act,))
    room.unknown()
    assert room.cut(NOW).batch is batch
    assert [waiter for waiter, _ in room.stored(NOW)] == ["w1", "mod", "w2"]
    room.take(send("three", "c3"), "w3", NOW)
    after = room.cut(NOW).batch
    assert after is not None
    assert after.recalling is None


def test_of_a_change_that_is_in_doubt_nothing_holds_yet() -> None:
    room = make()
    room.change(save(open=False), "boss")
    doubts = [room.in_doubt]
    first = room.cut(NOW).batch
    doubts.append(room.in_doubt)
    room.unknown()
    doubts.append(room.in_doubt)
    room.take(send(), "w", NOW)
    assert room.cut(NOW).batch is first
    room.refused()
    doubts.append(room.in_doubt)  # the first time it may have been stored
    assert room.cut(NOW).batch is first
    assert room.stored(NOW) == [("boss", Shown(7, 1, NOW.ms))]
    doubts.append(room.in_doubt)
    assert doubts == [False, True, True, True, False]
    assert not room.info.open


def test_what_was_refused_is_not_in_doubt_and_offered_again() -> None:
    room = make()
    room.take(send(), "w", NOW)
    first = room.cut(NOW).batch
    room.refused()
    assert not room.in_doubt
    assert room.cut(NOW).batch is first


def test_an_outage_while_nothing_is_offered_leaves_no_doubt() -> None:
    room = make()
    room.unknown()
    assert not room.in_doubt


def test_a_change_that_viewers_are_not_told_of_is_for_the_caller_to_save() -> None:
    room = make()
    change = save(title="Show")
    assert not room.change(change, "boss")
    assert not room.is_busy
    assert room.info.title == ""
    room.bring_into_force(change)
    assert room.info.title == "Show"


def test_of_two_items_of_a_change_each_carries_what_it_says() -> None:
    """A batch may end between them."""
    room = make(limits=Rooms(batch_items=1), info=RoomInfo("a", "Before", created_ms=5))
    change = save(title="Show", open=False, settings=RoomSettings(max_length=2), created_ms=5)
    room.change(change, "boss")
    batch = room.cut(NOW).batch
    assert batch is not None
    assert items(batch)[0]["k"] == "settings"
    assert batch.effect == Effect("save", msgspec.structs.replace(change.info, open=True))
    assert room.stored(NOW) == []
    assert room.info == msgspec.structs.replace(change.info, open=True)
    batch = room.cut(NOW).batch
    assert batch is not None
    assert items(batch)[0]["k"] == "closed"
    assert batch.effect == change
    assert room.stored(NOW) == [("boss", Shown(7, 2, NOW.ms))]
    assert room.info == change.info


def test_the_first_batch_of_a_room_that_is_not_saved_creates_it() -> None:
    room = make(saved=False)
    room.take(send(cid="c1"), "w", NOW)
    batch = room.cut(NOW).batch
    assert batch is not None
    assert batch.effect == Effect("create", RoomInfo("a"))
    room.stored(NOW)
    room.saved = True
    room.take(send(cid="c2"), "w", NOW)
    batch = room.cut(NOW).batch
    assert batch is not None
    assert batch.effect is None


def test_a_change_of_a_room_that_is_not_saved_saves_it() -> None:
    room = make(saved=False)
    room.take(send(), "w", NOW)
    room.change(save(open=False), "boss")
    batch = room.cut(NOW).batch
    assert batch is not None
    assert batch.effect == save(open=False)


def test_a_closed_room_says_so_and_takes_nothing_but_staff_who_may_open_it() -> None:
    room = make()
    room.take(send("last"), "w", NOW)
    room.change(DELETE, "boss")
    assert [item["k"] for item in items(room.cut(NOW).batch)] == ["c", "closed"]
    room.stored(NOW)
    assert not room.change(DELETE, "boss")
    assert refused(room.take, send("too late", "c2"), "w", NOW) == "room_closed"
    assert refused(room.take, event(), "w", NOW) == "room_closed"
    assert refused(room.like, LikeRow("a", "u1", Role.VIEWER, 1), NOW) == "room_closed"
    assert refused(room.join, JoinRow("a", "u1", Role.VIEWER), 0, NOW) == "room_closed"
    room.join(JoinRow("a", "mod", Role.MODERATOR), 0, NOW)
    room.change(save(), "boss")
    assert refused(room.take, send("first", "c3"), "w", NOW) == "room_closed"
    assert [item["k"] for item in items(room.cut(NOW).batch)] == ["opened"]
    room.stored(NOW)
    assert room.take(send("first", "c3"), "w", NOW) is None


def test_joining_tells_the_head_and_what_holds_here() -> None:
    room = make(head=Position(3, 9))
    admitted = room.join(JoinRow("a", "u1", Role.GUEST), 12, NOW)
    assert (admitted.epoch, admitted.seq, admitted.viewers, admitted.likes) == (3, 9, 12, 0)
    assert admitted.settings.max_length == LOOSE.max_length
    room.sanctions.impose("ban", "u1", None)
    assert refused(room.join, JoinRow("a", "u1", Role.GUEST), 12, NOW) == "banned"
    assert refused(room.like, LikeRow("a", "u1", Role.GUEST, 1), NOW) == "banned"


def test_likes_are_a_running_total() -> None:
    room = make()
    for n in (1, 100):
        room.like(LikeRow("a", "u1", Role.GUEST, n), NOW)
    for n in (0, 101):
        assert refused(room.like, LikeRow("a", "u1", Role.GUEST, n), NOW) == "bad_frame"
    assert (room.likes, room.pending_likes) == (101, 101)
    room.like(LikeRow("a", "u1", Role.GUEST, 5), NOW)
    room.likes_stored(101, 1101)
    assert (room.likes, room.pending_likes) == (1106, 5)
    room.bring_into_force(save(title="Show"))
    assert room.likes == 1106


def test_a_room_that_was_closed_for_good_begins_anew() -> None:
    room = make(info=RoomInfo("a", "Show", settings=RoomSettings(max_length=2), likes=9, created_ms=5))
    there = [room.is_there]
    room.change(DELETE, "boss")
    batch = room.cut(NOW).batch
    assert batch is not None
    assert [item["k"] for item in items(batch)] == ["settings", "closed"]
    assert batch.effect == DELETE
    room.stored(NOW)
    assert [*there, room.is_there] == [True, False]
    assert room.info == closed_for_good("a")
    assert refused(room.take, send(), "w", NOW) == "room_closed"
    room.change(save(created_ms=6), "boss")
    room.cut(NOW)
    room.stored(NOW)
    assert room.info == RoomInfo("a", created_ms=6)
    room.take(send("long"), "w", NOW)
    assert [item["k"] for item in items(room.cut(NOW).batch)] == ["c"]
    assert room.likes == 0


def test_a_room_that_is_being_deleted_is_there_until_its_last_item_is_stored() -> None:
    before = RoomInfo("a", "Show", settings=RoomSettings(max_length=2), created_ms=5)
    room = make(limits=Rooms(batch_items=1), info=before)
    room.change(DELETE, "boss")
    room.cut(NOW)
    room.stored(NOW)
    assert room.info == RoomInfo("a", "Show", created_ms=5)
    room.cut(NOW)
    room.stored(NOW)
    assert not room.is_there


@dataclass
class Log:
    """A room's log as the append script keeps it."""

    head: Position = START
    batches: list[Batch] = field(default_factory=list)
    state: RoomInfo = RoomInfo("a")  # noqa: RUF009  it is frozen

    def append(self, batch: Batch) -> bool:
        if self.head == batch.last:
            return True
        if self.head != batch.head:
            return False
        self.batches.append(batch)
        self.head = batch.last
        if batch.effect is not None:
            self.state = batch.effect.info
        return True


class RoomLife(RuleBasedStateMachine):
    """A room under owners that come and go, with appends that get lost, happen late, or happen unseen."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.everywhere = Everywhere()
        self.now = NOW
        self.lease = 1
        self.told: dict[tuple[str, str], Settled] = {}
        self.asked: dict[int, tuple[str, str]] = {}
        self.next_waiter = 0
        self.offered: Batch | None = None
        self.load()

    def load(self) -> None:
        self.changing: RoomInfo | None = None
        self.space = Space(40)
        policy = Policy(
            user_burst=10_000, user_count=10_000, repeat_s=0, display_per_s=20, display_high_per_s=5
        )
        limits = Rooms(batch_items=7, batch_bytes=1024)
        sanctions = Sanctions(self.everywhere)
        self.room: Room[int] = Room(
            self.log.state, self.lease, self.log.head, sanctions, self.space, limits, policy, _nobody
        )
        for batch in self.log.batches:
            for uid, cid, seq in batch.pairs:
                self.room.remember((uid, cid), Shown(batch.first.epoch, seq, batch.at), self.now)

    def tell(self, waiter: int, answer: Settled) -> None:
        if waiter == CHANGER:
            assert self.room.info == self.changing
            self.changing = None
            return
        key = self.asked.pop(waiter)
        if key in self.told and isinstance(self.told[key], Shown):
            assert self.told[key] == answer
        self.told[key] = answer

    @rule(uid=st.sampled_from(["u1", "u2", "u3"]), cid=st.integers(0, 30), high=st.booleans())
    def say(self, uid: str, cid: int, high: bool) -> None:
        key = (uid, f"c{cid}")
        waiter = self.next_waiter = self.next_waiter + 1
        row: SendRow | EventRow = SendRow("a", uid, uid, Role.VIEWER, f"{uid} {cid}", f"c{cid}")
        if high:
            row = EventRow("a", uid, Role.MODERATOR, f"c{cid}", GIFT)
        try:
            answer = self.room.take(row, waiter, self.now)
        except Refusal as refusal:
            if refusal.name not in {"unavailable", "rate_limited"} and self.room.info.open:
                raise
        else:
            self.asked[waiter] = key
            if answer is not None:
                self.tell(waiter, answer)

    @rule(passed=st.floats(0, 0.4))
    def wait(self, passed: float) -> None:
        self.now = Moment(self.now.s + passed, self.now.ms + round(passed * 1000))

    @rule(
        title=st.sampled_from(["", "t"]),
        is_open=st.sampled_from([True, True, False]),
        length=st.integers(90, 91),
    )
    def change(self, title: str, is_open: bool, length: int) -> None:
        """One at a time, as its owner does it; what is not told is saved at once."""
        if self.changing is None:
            settings_ = RoomSettings(max_length=length)
            effect = save(title=title, open=is_open, settings=settings_)
            if self.room.change(effect, CHANGER):
                self.changing = effect.info
            else:
                self.log.state = effect.info
                self.room.bring_into_force(effect)

    @rule(length=st.integers(80, 81))
    def change_all_rooms(self, length: int) -> None:
        """Which is not a change of this one's state: it stays as it is."""
        self.everywhere.take(Configured(RoomSettings(max_length=length), "root"))
        if (
            self.room.reconsider()
            and self.changing is None
            and self.room.is_there
            and self.room.tell_rules(CHANGER)
        ):
            self.changing = self.room.info

    @precondition(lambda self: self.offered is None)
    @rule()
    def cut(self) -> None:
        self.offered, answers = self.room.cut(self.now)
        for waiter, answer in answers:
            self.tell(waiter, answer)

    @precondition(lambda self: self.offered is not None)
    @rule(happens=st.booleans(), known=st.booleans())
    def append(self, happens: bool, known: bool) -> None:
        assert self.offered is not None
        if happens or known:
            assert self.log.append(self.offered)
        if known:
            for waiter, answer in self.room.stored(self.now):
                self.tell(waiter, answer)
        else:
            self.room.unknown()
        self.offered = None

    @rule()
    def take_over(self) -> None:
        self.room.abandon()
        assert self.space.left == self.space.most
        self.asked.clear()
        self.offered = None
        self.lease += 1
        self.load()

    @invariant()
    def the_log_has_no_gap(self) -> None:
        head = START
        for batch in self.log.batches:
            assert batch.head == head
            if batch.first.epoch == head.epoch:
                assert batch.first.seq == head.seq + 1
                assert batch.prev is None
            else:
                assert batch.first.seq == 1
                assert batch.prev == head
            assert len(items(batch)) == batch.count <= 7
            head = batch.last

    @invariant()
    def everything_is_shown_once_and_where_it_was_said(self) -> None:
        places: dict[tuple[str, str], Shown] = {}
        for batch in self.log.batches:
            for uid, cid, seq in batch.pairs:
                assert (uid, cid) not in places
                places[uid, cid] = Shown(batch.first.epoch, seq, batch.at)
        for key, answer in self.told.items():
            if isinstance(answer, Shown):
                assert places[key] == answer

    @invariant()
    def what_holds_is_what_is_stored(self) -> None:
        assert self.room.in_doubt or self.room.info == self.log.state

    @invariant()
    def no_more_is_owed_than_allowed(self) -> None:
        assert 0 <= self.space.left <= self.space.most
        assert self.space.most - self.space.left == len(set(self.asked.values()))


TestRoomLife = RoomLife.TestCase
TestRoomLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


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


def test_a_room_is_busy_from_the_first_comment_until_it_is_stored() -> None:
    room = make()
    busy = [room.is_busy]
    room.take(send(), "w", NOW)
    busy.append(room.is_busy)
    room.cut(NOW)
    busy.append(room.is_busy)
    room.stored(NOW)
    busy.append(room.is_busy)
    assert busy == [False, True, True, False]


def _never(_: str) -> bool:
    return False


def _nobody(_: int) -> bool:
    return False
