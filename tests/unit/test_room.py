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
from danmaku.envelope import EventRow, JoinRow, LikeRow, SendRow, Shed, Shown
from danmaku.errors import Refusal
from danmaku.model import START, Position, Role, RoomInfo, RoomSettings
from rooms.batch import Batch
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.room import Room, Space

LOOSE = Policy(user_burst=10_000, user_count=10_000, repeat_s=0, display_per_s=10_000, display_high_per_s=0)
LIMITS = Rooms()
GIFT = wire.encode_item(wire.Gift("boss", "Boss", "rocket"))
NOW = Moment(1000.0, 5_000_000)


def make(
    policy: Policy = LOOSE,
    limits: Rooms = LIMITS,
    *,
    lease: int = 7,
    head: Position = START,
    space: int = 100,
) -> Room[str]:
    return Room(RoomInfo("a"), lease, head, Sanctions(), Space(space), limits, policy, _never)


def send(text: str = "hi", cid: str = "c1", uid: str = "u1", role: Role = Role.VIEWER) -> SendRow:
    return SendRow("a", uid, uid, role, text, cid)


def event(cid: str = "g1", role: Role = Role.STREAMER, item: bytes = GIFT) -> EventRow:
    return EventRow("a", "boss", role, cid, item)


def later(seconds: float) -> Moment:
    return Moment(NOW.s + seconds, NOW.ms + round(seconds * 1000))


def items(batch: Batch | None) -> list[Any]:
    assert batch is not None
    frame = msgspec.msgpack.decode(batch.frame, type=wire.Batch)
    return [msgspec.msgpack.decode(item) for item in frame.items]


def refused(call: Any, *words: Any) -> str:
    with pytest.raises(Refusal) as caught:
        call(*words)
    return caught.value.name


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
    room.change(RoomInfo("a", settings=RoomSettings(slow_s=0)))
    room.take(send(cid="c1"), "w1", NOW)
    room.take(send(cid="c2"), "w2", NOW)
    assert refused(room.take, send(cid="c3"), "w3", NOW) == "unavailable"
    room.take(send(cid="c2"), "w4", NOW)  # a repeat takes no space
    assert space.left == 0
    room.cut(NOW)
    assert [waiter for waiter, _ in room.stored(NOW)] == ["w1", "w2", "w4"]
    assert space.left == 2
    room.take(send(cid="c2"), "w3", NOW)
    room.abandon()
    room.abandon()
    assert space.left == space.most == 2


def test_a_change_of_settings_is_an_item_and_counts_at_once() -> None:
    room = make()
    info = RoomInfo("a", title="Show", settings=RoomSettings(max_length=2))
    room.change(info)
    assert refused(room.take, send("abc"), "w", NOW) == "too_long"
    room.take(send("ab"), "w", NOW)
    shown = items(room.cut(NOW).batch)
    assert [item["k"] for item in shown] == ["settings", "c"]
    assert shown[0]["settings"]["max_length"] == 2
    assert shown[0]["settings"]["display_per_s"] == LOOSE.display_per_s
    room.stored(NOW)
    room.change(msgspec.structs.replace(info, title="Other"))
    assert not room.is_busy


def test_a_closed_room_says_so_and_takes_nothing_but_staff_who_may_open_it() -> None:
    room = make()
    room.take(send("last"), "w", NOW)
    room.close()
    room.close()
    assert refused(room.take, send("too late", "c2"), "w", NOW) == "room_closed"
    assert refused(room.take, event(), "w", NOW) == "room_closed"
    assert refused(room.like, LikeRow("a", "u1", Role.VIEWER, 1), NOW) == "room_closed"
    assert refused(room.join, JoinRow("a", "u1", Role.VIEWER), 0, NOW) == "room_closed"
    room.join(JoinRow("a", "mod", Role.MODERATOR), 0, NOW)
    room.change(msgspec.structs.replace(room.info, open=True))
    room.take(send("first", "c3"), "w", NOW)
    assert [item["k"] for item in items(room.cut(NOW).batch)] == ["c", "closed", "opened", "c"]


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
    room.change(RoomInfo("a", title="Show"))
    assert room.likes == 1106


def test_a_room_that_was_closed_for_good_begins_anew() -> None:
    room = make()
    room.change(RoomInfo("a", "Show", settings=RoomSettings(max_length=2), likes=9, created_ms=5))
    room.likes_stored(0, 9)
    there = [room.is_there]
    room.close()
    assert [*there, room.is_there] == [True, False]
    assert room.info == RoomInfo("a", open=False)
    assert refused(room.take, send(), "w", NOW) == "room_closed"
    room.change(RoomInfo("a", created_ms=6))
    room.take(send("long"), "w", NOW)
    shown = [item["k"] for item in items(room.cut(NOW).batch)]
    assert shown == ["settings", "settings", "closed", "opened", "c"]
    assert room.likes == 0


@dataclass
class Log:
    """A room's log as the append script keeps it."""

    head: Position = START
    batches: list[Batch] = field(default_factory=list)

    def append(self, batch: Batch) -> bool:
        if self.head == batch.last:
            return True
        if self.head != batch.head:
            return False
        self.batches.append(batch)
        self.head = batch.last
        return True


class RoomLife(RuleBasedStateMachine):
    """A room under owners that come and go, with appends that get lost, happen late, or happen unseen."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.now = NOW
        self.lease = 1
        self.told: dict[tuple[str, str], Shown | Shed] = {}
        self.asked: dict[int, tuple[str, str]] = {}
        self.next_waiter = 0
        self.offered: Batch | None = None
        self.load()

    def load(self) -> None:
        self.space = Space(40)
        policy = Policy(
            user_burst=10_000, user_count=10_000, repeat_s=0, display_per_s=20, display_high_per_s=5
        )
        limits = Rooms(batch_items=7, batch_bytes=1024)
        self.room: Room[int] = Room(
            RoomInfo("a"), self.lease, self.log.head, Sanctions(), self.space, limits, policy, _nobody
        )
        for batch in self.log.batches:
            for uid, cid, seq in batch.pairs:
                self.room.remember((uid, cid), Shown(batch.first.epoch, seq, batch.at), self.now)

    def tell(self, waiter: int, answer: Shown | Shed) -> None:
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
            if refusal.name not in {"unavailable", "rate_limited"}:
                raise
        else:
            self.asked[waiter] = key
            if answer is not None:
                self.tell(waiter, answer)

    @rule(passed=st.floats(0, 0.4))
    def wait(self, passed: float) -> None:
        self.now = Moment(self.now.s + passed, self.now.ms + round(passed * 1000))

    @rule()
    def switch(self) -> None:
        self.room.change(msgspec.structs.replace(self.room.info, title="t", open=True))

    @rule(slow=st.integers(0, 1))
    def set(self, slow: int) -> None:
        self.room.change(
            msgspec.structs.replace(self.room.info, settings=RoomSettings(max_length=100 + slow))
        )

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
