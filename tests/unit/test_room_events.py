"""Events in a room: what is kept in view, in step with what is stored."""

from __future__ import annotations

from typing import Any

import pytest

from config import settings as config
from danmaku import wire
from danmaku.board import EMPTY, Board, Poll, Result
from danmaku.errors import Refusal
from danmaku.event_rows import PaidRow, PollRow, UnpinRow, VoteRow, poll_id
from danmaku.model import Act, Effect, Role, RoomInfo
from danmaku.rows import EventRow, JoinRow, Shown
from rooms.room import Room
from tests.unit.one_room import DELETE, NOW, event, items, later, make, refused, save, send, texts

ID = poll_id("boss", "p1")
CLOSED = Act("a", 7, "boss", Role.STREAMER, "close_poll", "a")
POLL = Poll(ID, "Which?", ("one", "two"))


def poll(cid: str = "p1") -> PollRow:
    return PollRow("a", "boss", Role.STREAMER, cid, "Which?", ["one", "two"])


def paid(payer: str = "ann", role: Role = Role.ADMIN, cid: str = "s1") -> PaidRow:
    return PaidRow("a", "shop", role, cid, payer, "Ann", "go", 500, "CNY")


def vote(uid: str = "ann") -> VoteRow:
    return VoteRow("a", uid, Role.VIEWER, ID, 1)


def shown(room: Room[str], row: Any) -> Board | None:
    assert room.take(row, "w", NOW) is None
    batch = room.cut(NOW).batch
    assert batch is not None
    before = room.board
    room.unknown()
    assert room.cut(NOW).batch is batch
    assert room.board is before  # it is in force when it is stored
    room.stored(NOW)
    return batch.board


def test_the_board_is_that_of_the_batch_once_it_is_stored() -> None:
    room = make()
    board = shown(room, paid())
    assert board == room.board
    assert [pin.position for pin in room.board.paid] == [(7, 1)]
    assert shown(room, send()) is None
    assert room.board == board
    room.change(DELETE, "boss")
    batch = room.cut(NOW).batch
    assert batch is not None
    assert batch.board == EMPTY
    room.stored(NOW)
    assert room.board == EMPTY


@pytest.mark.parametrize("effect", [DELETE, save(created_ms=1, open=False)])
def test_what_waits_for_its_share_is_shown_before_the_room_closes(effect: Effect) -> None:
    room = make(config.Policy(display_high_per_s=1), info=RoomInfo("a", created_ms=1))
    room.take(event("g1"), "g1", NOW)
    room.cut(NOW)
    room.stored(NOW)
    room.take(poll(), "poll", NOW)
    room.change(effect, "closer")
    assert texts(room.cut(NOW).batch) == ["poll", "closed"]
    assert [waiter for waiter, _ in room.stored(NOW)] == ["poll", "closer"]
    assert not room.is_busy
    assert (room.board.poll is None) == (effect is DELETE)


def test_of_a_room_that_is_closed_for_good_nothing_stays_in_view() -> None:
    room = make(info=RoomInfo("a", created_ms=1))
    room.change(DELETE, "closer")
    room.take(poll(), "poll", NOW)
    assert texts(room.cut(NOW).batch) == ["closed", "poll"]
    room.stored(NOW)
    assert room.board == EMPTY


def test_two_changes_in_one_batch_follow_each_other() -> None:
    room = make()
    room.take(paid("ann", cid="s1"), "w1", NOW)
    room.take(paid("bob", cid="s2"), "w2", NOW)
    room.cut(NOW)
    room.stored(NOW)
    assert [pin.position.seq for pin in room.board.paid] == [2, 1]


def test_one_poll_at_a_time_also_while_it_waits_to_be_shown() -> None:
    room = make()
    assert room.take(poll(), "w", NOW) is None
    assert refused(room.take, poll("p2"), "w", NOW) == "conflict"
    assert refused(room.takes_vote, vote(), NOW) == "no_such_poll"
    room.cut(NOW)
    room.stored(NOW)
    assert room.board == Board(poll=POLL)
    assert isinstance(room.take(poll(), "w", NOW), Shown)
    assert refused(room.take, poll("p2"), "w", NOW) == "conflict"
    assert room.takes_vote(vote(), NOW)


def test_a_poll_is_closed_with_what_came_of_it() -> None:
    room = make()
    assert not room.close_poll((), CLOSED, "w")
    shown(room, poll())
    assert room.close_poll((3, 4), CLOSED, "boss")
    batch = room.cut(NOW).batch
    assert items(batch) == [{"k": "poll_closed", "id": ID, "counts": [3, 4]}]
    assert batch is not None
    assert batch.acts == (CLOSED,)
    assert room.board.poll == POLL
    assert [waiter for waiter, _ in room.stored(NOW)] == ["boss"]
    assert room.board == Board(last=Result(POLL, (3, 4)))
    assert not room.takes_vote(vote(), NOW)


def test_only_staff_posts_and_a_payer_who_may_not_speak_is_refused() -> None:
    room = make()
    assert refused(room.take, paid(role=Role.VIEWER), "w", NOW) == "forbidden"
    room.sanctions.impose("mute", "ann", None)
    assert refused(room.take, paid(), "w", NOW) == "muted"
    assert refused(room.check_paid, paid(), NOW) == "muted"
    room.check_paid(paid("bob"), NOW)
    assert not room.is_busy
    room.sanctions.impose("ban", "bob", None)
    assert refused(room.takes_vote, vote("bob"), NOW) == "banned"


def test_who_may_not_speak_pays_for_no_gift() -> None:
    def gift(amount: int | None) -> EventRow:
        currency = None if amount is None else "CNY"
        item = wire.Gift("ann", "Ann", "rocket", amount=amount, currency=currency)
        return event(f"g{amount}", item=wire.encode_item(item))

    room = make()
    room.sanctions.impose("mute", "ann", None)
    assert refused(room.take, gift(500), "w", NOW) == "muted"
    assert refused(room.check_paid, gift(500), NOW) == "muted"
    assert shown(room, gift(None)) is None  # who says that it is given knows what it is for
    room.sanctions.lift("mute", "ann")
    room.check_paid(gift(500), NOW)
    assert shown(room, gift(500)) == room.board
    assert [pin.position for pin in room.board.paid] == [(7, 2)]


def test_joiners_are_told_what_is_in_view_unless_it_is_known() -> None:
    room = make()
    assert room.join(JoinRow("a", "u", Role.VIEWER), 1, NOW).board == 0
    shown(room, poll())
    room.voting.counted(room.board, ID, (5, 6))
    told = room.join(JoinRow("a", "u", Role.VIEWER), 1, NOW)
    assert told.view
    assert told.counts == [5, 6]
    again = room.join(JoinRow("a", "u", Role.VIEWER, told.board), 1, NOW)
    assert (again.board, again.view, again.counts) == (told.board, b"", [5, 6])


def test_events_arenever_left_out_but_refused_where_too_many_wait() -> None:
    room = make(config.Policy(display_per_s=1, display_high_per_s=1))
    rows = [paid(f"u{n}", cid=f"s{n}") for n in range(4)]
    seen: list[str] = []
    refusals: set[tuple[str, int | None]] = set()
    for second in range(20):
        now = later(second)
        for row in rows:
            try:
                room.take(row, row.payer, now)
            except Refusal as refusal:
                refusals.add((refusal.name, refusal.retry_ms))
        batch, left_out = room.cut(now)
        assert not left_out
        seen += [item["uid"] for item in items(batch)] if batch else []
        room.stored(now)
    assert refusals == {("rate_limited", 1000)}
    assert sorted(seen) == [row.payer for row in rows]


def test_what_staff_did_is_written_down_with_the_batch_that_tells_of_it() -> None:
    def pin(cid: str) -> EventRow:
        return EventRow("a", "boss", Role.STREAMER, cid, wire.encode_item(wire.Announce("hear")), 60)

    room = make()
    for row in (poll(), pin("e1"), paid(), pin("e2")):
        room.take(row, "w", NOW)
    batch = room.cut(NOW).batch
    assert batch is not None
    assert [(act.verb, act.by, act.what) for act in batch.acts] == [
        ("poll", "boss", "Which?"), ("pin", "boss", "hear"), ("pin", "boss", "hear"),
    ]  # fmt: skip
    assert len({act.id for act in batch.acts}) == 3
    room.stored(NOW)
    room.take(UnpinRow("a", "mod", Role.MODERATOR, "x"), "w", NOW)
    batch = room.cut(NOW).batch
    assert batch is not None
    assert [(act.verb, act.by) for act in batch.acts] == [("unpin", "mod")]


def test_a_pin_is_taken_down() -> None:
    room = make()
    assert refused(room.take, UnpinRow("a", "boss", Role.STREAMER, "x"), "w", NOW) == "no_such_message"
    assert shown(room, event()) is None
