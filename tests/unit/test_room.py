"""One room: what every accepted comment can rely on, whatever happens to appends."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from config.settings import Policy, Rooms
from danmaku import wire
from danmaku.change import Configured
from danmaku.errors import Refusal
from danmaku.model import START, Act, Effect, Position, Role, RoomInfo, RoomSettings, closed_for_good
from danmaku.recalls import Recalled
from danmaku.rows import EventRow, JoinRow, LikeRow, SendRow, Shown
from danmaku.store.recalls import Recalling
from rooms.batch import Batch
from rooms.dedupe import Settled
from rooms.everywhere import Everywhere
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.owed import Space
from rooms.room import Room
from tests.unit.one_room import (
    DELETE,
    GIFT,
    LIMITS,
    LOOSE,
    NOW,
    event,
    items,
    later,
    make,
    never,
    refused,
    save,
    send,
)

CHANGER = 0


def test_a_comment_is_cut_stored_and_answered() -> None:
    room = make(head=Position(3, 9))
    assert room.take(send("one", "c1"), "w1", NOW) is None
    assert room.take(send("two", "c2"), "w2", NOW) is None
    batch, answers = room.cut(NOW)
    assert not answers
    assert batch is not None
    assert (batch.room, batch.head, batch.first, batch.prev) == (room.name, (3, 9), (7, 1), (3, 9))
    assert batch.at == NOW.ms
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
    space = Space(Rooms(queue_items=2))
    room: Room[str] = Room(RoomInfo("a"), 7, START, Sanctions(), space, Rooms(), LOOSE, never)
    assert room.change(save(settings=RoomSettings(slow_s=0)), "w0")
    room.take(send(cid="c1"), "w1", NOW)
    room.take(send(cid="c2"), "w2", NOW)
    assert refused(room.take, send(cid="c3"), "w3", NOW) == "unavailable"
    room.take(send(cid="c2"), "w4", NOW)  # a repeat takes no space
    assert (space.taken, space.is_full) == (2, True)
    room.cut(NOW)
    assert [waiter for waiter, _ in room.stored(NOW)] == ["w0", "w1", "w2", "w4"]
    assert (space.taken, space.is_full) == (0, False)
    room.take(send(cid="c2"), "w3", NOW)
    room.abandon()
    room.abandon()
    assert space.taken == 0


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
    assert [item["k"] for item in shown] == ["title", "settings", "c"]
    assert shown[0]["title"] == "Show"
    assert shown[1]["settings"]["max_length"] == 2
    assert shown[1]["settings"]["display_per_s"] == LOOSE.display_per_s
    room.take(send("still", "c2"), "w2", NOW)
    assert room.stored(NOW) == [("boss", Shown(7, 2, NOW.ms)), ("w", Shown(7, 3, NOW.ms))]
    assert room.info == change.info
    assert refused(room.take, send("abc", "c3"), "w", NOW) == "too_long"
    batch = room.cut(NOW).batch
    assert batch is not None
    assert batch.effect is None


def test_settings_for_all_rooms_hold_at_once_where_the_room_has_none_of_its_own() -> None:
    everywhere = Everywhere()
    info = RoomInfo("a", "Show", settings=RoomSettings(slow_s=3), created_ms=5)
    room: Room[str] = Room(info, 7, START, Sanctions(everywhere), Space(LIMITS), LIMITS, LOOSE, never)
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
    change = save(created_ms=5)
    assert not room.change(change, "boss")
    assert not room.is_busy
    assert room.info.created_ms == 0
    room.bring_into_force(change)
    assert room.info.created_ms == 5


def test_of_several_items_of_a_change_each_carries_what_it_says() -> None:
    """A batch may end between them."""
    room = make(limits=Rooms(batch_items=1), info=RoomInfo("a", "Before", created_ms=5))
    change = save(title="Show", open=False, settings=RoomSettings(max_length=2), created_ms=5)
    room.change(change, "boss")
    ruled = msgspec.structs.replace(change.info, open=True)
    titled = msgspec.structs.replace(ruled, settings=RoomSettings())
    for kind, info in (("title", titled), ("settings", ruled)):
        batch = room.cut(NOW).batch
        assert batch is not None
        assert items(batch)[0]["k"] == kind
        assert batch.effect == Effect("save", info)
        assert room.stored(NOW) == []
        assert room.info == info
    batch = room.cut(NOW).batch
    assert batch is not None
    assert items(batch)[0]["k"] == "closed"
    assert batch.effect == change
    assert room.stored(NOW) == [("boss", Shown(7, 3, NOW.ms))]
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
    assert [item["k"] for item in items(batch)] == ["title", "settings", "closed"]
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
    for info in (msgspec.structs.replace(before, title=""), RoomInfo("a", created_ms=5)):
        room.cut(NOW)
        room.stored(NOW)
        assert room.info == info
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
        self.space = Space(Rooms(queue_items=40))
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
        assert self.space.taken == 0
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
        assert 0 <= self.space.taken <= 40
        assert self.space.taken == len(set(self.asked.values()))


TestRoomLife = RoomLife.TestCase
TestRoomLife.settings = settings(max_examples=60, stateful_step_count=40)


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


def _nobody(_: int) -> bool:
    return False
