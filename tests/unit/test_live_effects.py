"""What was made before goes by what is adjusted after: the room that is open, the viewer who is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from config.live import Running
from config.settings import Edge, Policy, Settings
from danmaku import wire
from danmaku.board import EMPTY, Board, Poll
from danmaku.errors import Refusal
from danmaku.event_rows import PaidRow, VoteRow
from danmaku.model import START, Identity, Role, RoomInfo, RoomSettings
from danmaku.rows import EventRow, SendRow
from edge.admission import Admission
from edge.allowance import Allowances
from edge.pacing import Pacing
from edge.patience import Newcomers, Pace, Rounds, SlowReaders
from edge.session import Refuse, Session
from edge.welcome import Welcome
from rooms import pace
from rooms.breaker import Breaker
from rooms.events import Events as Made
from rooms.held import HeldQueue
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.owed import Space
from rooms.room import Room
from rooms.voting import Voting

NOW = Moment(1000.0, 5_000_000)
UPGRADE = {"upgrade": "websocket"}
PLAIN = Settings(
    edge=Edge(),
    policy=Policy(repeat_s=0, user_burst=2, user_count=2, user_per_s=1000.0, display_per_s=2),
)


@pytest.fixture
def running() -> Running:
    return Running(PLAIN)


def adjust(running: Running, **values: object) -> None:
    assert running.adjust({key.replace("__", "."): value for key, value in values.items()}) == {}


def refusal(work: Callable[..., object], *words: Any) -> str:
    with pytest.raises(Refusal) as caught:
        work(*words)
    return caught.value.name


def room_of(running: Running, info: RoomInfo = RoomInfo("a")) -> Room[str]:  # noqa: B008  it is frozen
    settings = running.settings
    room: Room[str] = Room(
        *(info, 7, START, Sanctions(), Space(settings.rooms), settings.rooms, settings.policy),
        lambda _: False,
        events=Made(settings.events),
    )

    def adjusted(_: object) -> None:  # as a rooms process does
        room.reconsider()

    running.listen(adjusted)
    return room


def send(number: int, text: str = "hi", uid: str = "ann", role: Role = Role.VIEWER) -> SendRow:
    return SendRow("a", uid, uid, role, text, f"c{number}")


def test_an_open_room_takes_as_much_from_one_as_it_says_now(running: Running) -> None:
    room = room_of(running)
    assert [room.take(send(number), "w", NOW) for number in range(2)] == [None, None]
    assert refusal(room.take, send(2), "w", NOW) == "rate_limited"
    adjust(running, policy__user_burst=5, policy__user_count=1000)
    assert room.take(send(3), "w", Moment(NOW.s + 1000, NOW.ms + 1_000_000)) is None
    later = Moment(NOW.s + 3000, NOW.ms)
    assert [room.take(send(number), "w", later) for number in range(4, 9)] == [None] * 5
    assert refusal(room.take, send(9), "w", later) == "rate_limited"


def test_an_open_room_goes_by_its_own_settings_first(running: Running) -> None:
    room, strict = room_of(running), room_of(running, RoomInfo("a", settings=RoomSettings(max_length=3)))
    adjust(running, policy__max_length=4, policy__slow_s=60)
    assert refusal(room.take, send(1, "12345"), "w", NOW) == "too_long"
    assert refusal(strict.take, send(1, "1234"), "w", NOW) == "too_long"
    assert room.take(send(1, "1234"), "w", NOW) is None
    assert refusal(room.take, send(2, "1234"), "w", NOW) == "slow_mode"
    assert (room.settings.max_length, strict.settings.max_length) == (4, 3)
    adjust(running)
    assert room.take(send(3, "123456"), "w", NOW) is None


def test_an_open_room_shows_as_much_as_it_says_now(running: Running) -> None:
    room = room_of(running)
    adjust(running, policy__display_per_s=3, policy__display_high_per_s=1)
    for number in range(5):
        room.take(send(number, uid=f"u{number}"), "w", NOW)
    batch = room.cut(NOW).batch
    assert batch is not None
    assert batch.count == 3
    event = wire.encode_item(wire.Announce("hello", "boss", "Boss"))
    room.take(EventRow("a", "boss", Role.STREAMER, "c8", event), "w", NOW)
    assert refusal(room.take, EventRow("a", "boss", Role.STREAMER, "c9", event), "w", NOW) == "rate_limited"


def test_a_process_holds_as_many_comments_as_it_says_now(running: Running) -> None:
    room = room_of(running)
    adjust(running, rooms__queue_items=1)
    assert room.take(send(1, uid="ann"), "w", NOW) is None
    assert refusal(room.take, send(2, uid="bob"), "w", NOW) == "unavailable"
    adjust(running, rooms__queue_items=2)
    assert room.take(send(2, uid="bob"), "w", NOW) is None


def test_batches_are_as_large_as_it_says_now(running: Running) -> None:
    room = room_of(running)
    adjust(running, rooms__batch_items=1)
    for number in range(2):
        room.take(send(number, uid=f"u{number}"), "w", NOW)
    batch = room.cut(NOW).batch
    assert batch is not None
    assert batch.count == 1


def test_flushes_follow_each_other_as_it_says_now(running: Running) -> None:
    flushes = pace.Pace(running.settings.rooms)
    adjust(running, rooms__window_ms=100, rooms__batches_per_s=10)
    assert flushes.window_s(0) == pytest.approx(0.1)
    assert flushes.window_s(1000) == pytest.approx(0.2)


def test_what_is_paid_for_is_pinned_as_it_says_now(running: Running) -> None:
    events = Made(running.settings.events)
    paid = PaidRow("a", "shop", Role.ADMIN, "c1", "ann", "Ann", "12345", 500, "CNY")
    adjust(running, events__paid_pins=["CNY:500:7"], events__paid_length=5)
    made = msgspec.msgpack.decode(events.make(paid, EMPTY, NOW).item)
    assert made["until"] == NOW.ms + 7000
    adjust(running, events__paid_length=4)
    assert refusal(events.make, paid, EMPTY, NOW) == "too_long"


def test_guests_vote_as_soon_as_they_may(running: Running) -> None:
    voting, board = Voting(running.settings.events), Board(poll=Poll("p", "?", ("a", "b"), None))
    vote = VoteRow("a", "ann", Role.GUEST, "p", 0)
    assert refusal(voting.takes, board, vote, NOW) == "forbidden"
    adjust(running, events__guests_may_vote=True)
    assert voting.takes(board, vote, NOW)


def test_as_many_comments_wait_for_a_moderator_as_it_says_now(running: Running) -> None:
    held = HeldQueue(7, running.settings.review, 60)
    adjust(running, review__held_kept=1)
    held.hold(("ann", "c1"), b"item", "link", NOW.ms)
    assert refusal(held.hold, ("ann", "c2"), b"item", "link", NOW.ms) == "unavailable"


def test_who_fails_is_left_alone_as_it_says_now(running: Running) -> None:
    breaker = Breaker(running.settings.review)
    adjust(running, review__breaker_failures=1, review__breaker_pause_s=50)
    breaker.failed(0)
    assert (breaker.may_ask(49), breaker.may_ask(50)) == (False, True)


def test_a_viewer_may_join_as_many_rooms_as_it_says_now(running: Running) -> None:
    session = Session(wire.MSGPACK, running.settings.edge)
    session.receive(wire.Hello(1), 0.0)
    session.greet(Identity("ann", "Ann", Role.VIEWER))
    adjust(running, edge__rooms_per_connection=1, edge__pulls_burst=1, edge__pulls_per_s=1)
    assert session.receive(wire.Join(2, "a"), 0.0) == wire.Join(2, "a")
    session.enter("a")
    refused = session.receive(wire.Join(3, "b"), 0.0)
    assert isinstance(refused, Refuse)
    assert refused.refusal.name == "rate_limited"
    refused = session.receive(wire.Join(4, "b"), 10.0)
    assert isinstance(refused, Refuse)
    assert refused.refusal.name == "conflict"


def test_whoever_knocks_is_judged_as_it_says_now(running: Running) -> None:
    edge = running.settings.edge
    admission = Admission(edge, Allowances(edge), 10_000, int)
    adjust(running, edge__connections_per_address=0)
    for _ in range(2):
        admission.judge(UPGRADE, "1.1.1.1", 0.0)
        admission.opened("1.1.1.1")
    adjust(running, edge__connections_per_address=2, edge__origins=["https://a.example"])
    assert refusal(admission.judge, UPGRADE, "1.1.1.1", 0.0) == "rate_limited"
    assert refusal(admission.judge, {**UPGRADE, "origin": "https://b.example"}, "2.2.2.2", 0.0) == "forbidden"
    admission.closed("1.1.1.1")
    assert admission.judge(UPGRADE, "1.1.1.1", 0.0)
    adjust(running, edge__connections=1)
    assert refusal(admission.judge, UPGRADE, "2.2.2.2", 0.0) == "unavailable"
    adjust(running, edge__address_burst=1, edge__address_per_s=0.1)
    assert admission.judge(UPGRADE, "3.3.3.3", 0.0)
    assert refusal(admission.judge, UPGRADE, "3.3.3.3", 1.0) == "rate_limited"
    adjust(running, edge__address_per_s=0)
    assert admission.judge(UPGRADE, "3.3.3.3", 1.0)


def test_who_waits_is_put_up_with_for_as_long_as_it_says_now(running: Running) -> None:
    edge = running.settings.edge
    newcomers: Newcomers[str] = Newcomers(edge)
    rounds: Rounds[str] = Rounds(edge)
    slow: SlowReaders[str] = SlowReaders(100, edge)
    newcomers.came("ann", 0.0)
    rounds.come("ann", 0.0)
    slow.look("ann", 200, 0.0)
    adjust(running, edge__hello_s=1, edge__recheck_s=2, edge__slow_s=3)
    assert (newcomers.due(0.9), newcomers.due(1.0)) == ([], ["ann"])
    assert (rounds.due(1.9, 9), rounds.due(2.0, 9)) == ([], ["ann"])
    assert [slow.look("ann", 200, now) for now in (2.9, 3.0)] == [Pace.BEHIND, Pace.GIVEN_UP]


def test_the_door_is_as_wide_as_it_says_now(running: Running) -> None:
    welcome = Welcome(running.settings.edge)
    adjust(running, edge__accepts_per_s=10)
    assert welcome.each_s(0.0) == pytest.approx(0.1)


def test_turns_take_as_much_as_it_says_now(running: Running) -> None:
    pacing = Pacing(running.settings.edge)
    adjust(running, edge__fanout_share=0.1, edge__fanout_bytes=2000)
    pacing.took(0.0, 0.05)
    assert pacing.due == pytest.approx(0.5)
    assert pacing.late([0.1] * 4, [1000] * 4) == 2
