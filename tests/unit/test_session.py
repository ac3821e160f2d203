from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Edge
from danmaku import wire, wire_chat
from danmaku.errors import Close
from danmaku.model import Identity, Role
from edge.session import Action, End, Refuse, Session

ANN = Identity("ann", "Ann", Role.VIEWER)
LOOSE = Edge(
    frames_per_s=1000.0, frames_burst=1000, pulls_per_s=1000.0, pulls_burst=1000, rooms_per_connection=2
)
LIMITS = Edge(frames_per_s=10.0, frames_burst=5, pulls_per_s=2.0, pulls_burst=3, rooms_per_connection=2)


def make(limits: Edge = LOOSE) -> Session:
    return Session(wire.MSGPACK, limits)


def greeted(limits: Edge = LOOSE) -> Session:
    session = make(limits)
    assert session.receive(wire.Hello(1), 0.0) == wire.Hello(1)
    assert session.greet(ANN) == []
    return session


def refusal(action: Action) -> tuple[int | None, str]:
    assert isinstance(action, Refuse)
    return action.id, action.refusal.name


def test_hello_comes_first_and_once() -> None:
    session = make()
    assert refusal(session.receive(wire.Ping(7), 0.0)) == (7, "unauthorized")
    assert refusal(session.receive(wire.Join(8, "r"), 0.0)) == (8, "unauthorized")
    assert session.receive(wire.Hello(9), 0.0) == wire.Hello(9)
    assert refusal(session.receive(wire.Hello(10), 0.0)) == (10, "bad_frame")
    session.greet(ANN)
    assert session.identity == ANN
    assert refusal(session.receive(wire.Hello(11), 0.0)) == (11, "bad_frame")
    assert session.receive(wire.Ping(12), 0.0) == wire.Ping(12)


def test_it_remembers_that_hello_was_said() -> None:
    session = make()
    said = [session.said_hello]
    session.receive(wire.Hello(1), 0.0)
    said.append(session.said_hello)
    assert said == [False, True]


def test_a_hello_with_a_bad_device_may_be_said_again() -> None:
    session = make()
    assert refusal(session.receive(wire.Hello(1, device="a b"), 0.0)) == (1, "bad_id")
    assert session.receive(wire.Hello(2, device="tv"), 0.0) == wire.Hello(2, device="tv")


def test_what_comes_behind_a_hello_waits_for_its_answer() -> None:
    session = make()
    session.receive(wire.Hello(1), 0.0)
    assert session.receive(wire.Join(2, "r"), 0.0) is None
    assert session.receive(wire.Join(3, "not an id"), 0.0) is None
    joined, refused = session.greet(ANN)
    assert joined == wire.Join(2, "r")
    assert refusal(refused) == (3, "bad_id")


def test_only_so_many_frames_wait_behind_a_hello() -> None:
    session = make()
    session.receive(wire.Hello(1), 0.0)
    answers = [session.receive(wire.Ping(number), 0.0) for number in range(20)]
    assert [refusal(answer) for answer in answers if answer is not None] == [
        (number, "rate_limited") for number in range(16, 20)
    ]
    assert session.greet(ANN) == [wire.Ping(number) for number in range(16)]


def test_who_comes_back_may_join_all_his_rooms_behind_his_hello() -> None:
    session = make(msgspec.structs.replace(LOOSE, rooms_per_connection=24))
    session.receive(wire.Hello(1), 0.0)
    joins = [wire.Join(number, f"r{number}") for number in range(25)]
    answers = [session.receive(join, 0.0) for join in joins]
    assert answers[:24] == [None] * 24
    assert refusal(answers[24]) == (24, "rate_limited")
    assert not session.is_joining
    assert session.greet(ANN) == joins[:24]
    assert session.is_joining


def test_what_cannot_be_read_is_refused_under_its_id() -> None:
    session = make()
    action = session.receive(wire.Malformed(5, "no such field"), 0.0)
    assert isinstance(action, Refuse)
    assert (action.id, action.refusal.name, action.refusal.message) == (5, "bad_frame", "no such field")
    assert refusal(session.receive(wire.Malformed(None, "?"), 0.0)) == (None, "bad_frame")


def test_who_says_only_what_cannot_be_understood_is_closed() -> None:
    session = greeted()
    for _ in range(3):
        for number in range(10):
            assert refusal(session.receive(wire.Malformed(number, "?"), 0.0)) == (number, "bad_frame")
        assert session.receive(wire.Ping(1), 0.0) == wire.Ping(1)  # a later client says other things, too
    for number in range(10):
        session.receive(wire.Malformed(number, "?"), 0.0)
    end = session.receive(wire.Malformed(None, "?"), 0.0)
    assert isinstance(end, End)
    assert end.code is Close.TOO_FAST


def test_ids_are_checked() -> None:
    session = greeted()
    session.enter("r")
    for frame in (wire.Join(2, "a b"), wire.Leave(2, ""), wire.Send(2, "r", "hi", "c d")):
        assert refusal(session.receive(frame, 0.0)) == (2, "bad_id")


@pytest.mark.parametrize(
    "frame",
    [
        wire.Leave(3, "r"),
        wire.Send(3, "r", "hi", "c"),
        wire.Like(3, "r", 1),
        wire.Vote(3, "r", "p", 0),
        wire.History(3, "r", wire.At(1, 1)),
    ],
)
def test_a_room_must_be_joined_first(frame: wire.Send) -> None:
    session = greeted()
    assert refusal(session.receive(frame, 0.0)) == (3, "not_joined")
    session.enter("r")
    assert session.receive(frame, 0.0) == frame


def test_rooms_are_bounded() -> None:
    session = greeted()
    session.enter("a")
    session.enter("b")
    session.enter("b")
    assert session.joined == ("a", "b")
    assert refusal(session.receive(wire.Join(4, "c"), 0.0)) == (4, "conflict")
    assert session.receive(wire.Join(5, "b"), 0.0) == wire.Join(5, "b")
    assert session.leave("a")
    assert not session.leave("a")
    assert session.receive(wire.Join(6, "c"), 0.0) == wire.Join(6, "c")


def test_joins_under_way_count_as_rooms() -> None:
    session = greeted()
    session.enter("a")
    join = wire.Join(2, "b")
    assert session.receive(join, 0.0) is join
    assert session.receive(wire.Join(3, "b"), 0.0) == wire.Join(3, "b")
    assert refusal(session.receive(wire.Join(4, "c"), 0.0)) == (4, "conflict")
    assert session.receive(wire.Join(5, "a"), 0.0) == wire.Join(5, "a")
    assert session.settle(join)
    assert not session.settle(join)
    assert refusal(session.receive(wire.Join(6, "c"), 0.0)) == (6, "conflict")
    assert session.void("b")
    assert not session.void("b")
    assert session.receive(wire.Join(7, "c"), 0.0) == wire.Join(7, "c")


def test_who_leaves_before_the_join_is_answered_does_not_get_in() -> None:
    session = make()
    session.receive(wire.Hello(1), 0.0)
    first, leave, second = wire.Join(2, "r"), wire.Leave(3, "r"), wire.Join(4, "r")
    for frame in (first, leave, second, wire.Leave(5, "s")):
        session.receive(frame, 0.0)
    *carried_out, refused = session.greet(ANN)
    assert carried_out == [first, leave, second]
    assert refusal(refused) == (5, "not_joined")
    assert not session.settle(first)
    assert session.settle(second)


def test_what_is_said_has_bounds() -> None:
    session = greeted()
    session.enter("r")
    assert refusal(session.receive(wire.Send(1, "r", "x" * 10_001, "c"), 0.0)) == (1, "too_long")
    longest = wire.Send(1, "r", "x" * 10_000, "c")
    assert session.receive(longest, 0.0) == longest
    for n in (0, 101):
        assert refusal(session.receive(wire.Like(2, "r", n), 0.0)) == (2, "bad_frame")
    for n in (1, 100):
        assert session.receive(wire.Like(2, "r", n), 0.0) == wire.Like(2, "r", n)


def test_frames_have_a_rate_and_a_burst() -> None:
    session = greeted(LIMITS)
    actions = [session.receive(wire.Ping(number), 10.0) for number in range(6)]
    assert actions[:5] == [wire.Ping(number) for number in range(5)]
    last = actions[5]
    assert isinstance(last, Refuse)
    assert (last.id, last.refusal.name, last.refusal.retry_ms) == (5, "rate_limited", 100)
    assert session.receive(wire.Ping(6), 10.11) == wire.Ping(6)
    assert refusal(session.receive(wire.Malformed(7, "?"), 10.11)) == (7, "rate_limited")


def test_pings_and_pongs_of_websocket_count_like_frames() -> None:
    session = greeted(LIMITS)
    beats = [session.beat(10.0) for _ in range(100)]
    ends = [beat for beat in beats if beat is not None]
    assert ends[0].code is Close.TOO_FAST
    assert beats.index(ends[0]) == 5 + 50
    assert isinstance(session.receive(wire.Ping(1), 10.0), Refuse | End)


def test_who_goes_on_far_too_fast_is_closed() -> None:
    session = greeted(LIMITS)
    actions = [session.receive(wire.Ping(number), 10.0) for number in range(100)]
    ends = [action for action in actions if isinstance(action, End)]
    assert ends
    assert ends[0].code is Close.TOO_FAST
    assert actions.index(ends[0]) == 5 + 50


def test_who_is_refused_now_and_then_stays() -> None:
    session = greeted(LIMITS)
    for second in range(1000):
        actions = [session.receive(wire.Ping(number), float(second)) for number in range(12)]
        assert not any(isinstance(action, End) for action in actions)


@given(st.lists(st.floats(0, 2), max_size=200))
def test_no_window_holds_more_than_burst_and_rate_allow(pauses: list[float]) -> None:
    session = greeted(LIMITS)
    now, taken = 100.0, []
    for pause in pauses:
        now += pause
        if isinstance(session.receive(wire.Ping(1), now), wire.Ping):
            taken.append(now)
    for begin in range(len(taken)):
        for end in range(begin, len(taken)):
            allowed = LIMITS.frames_burst + (taken[end] - taken[begin]) * LIMITS.frames_per_s
            assert end - begin + 1 <= allowed + 1e-4


def test_pulls_have_a_limit_of_their_own() -> None:
    session = greeted(LIMITS)
    session.enter("r")
    pull = wire.History(1, "r", wire.At(0, 0))
    assert [session.receive(pull, 10.0) for _ in range(3)] == [pull] * 3
    refused = session.receive(pull, 10.0)
    assert refusal(refused) == (1, "rate_limited")
    assert isinstance(refused, Refuse)
    assert refused.refusal.retry_ms == 500
    assert refusal(session.receive(wire.Join(2, "r"), 10.0)) == (2, "rate_limited")
    assert session.receive(wire.Ping(3), 10.2) == wire.Ping(3)
    assert session.receive(pull, 10.51) == pull
    assert refusal(session.receive(pull, 10.51)) == (1, "rate_limited")


def test_joins_behind_a_hello_are_pulls_too() -> None:
    session = make(LIMITS)
    session.receive(wire.Hello(1), 0.0)
    answers = [session.receive(wire.Join(number, "r"), 0.5) for number in range(4)]
    assert answers[:3] == [None] * 3
    assert refusal(answers[3]) == (3, "rate_limited")
    assert len(session.greet(ANN)) == 3


def test_without_a_count_a_connection_is_none_of_its_device() -> None:
    assert make().counted is None


@given(st.floats(0, 1e6), st.integers(1, 200))
def test_a_burst_is_taken_whole(now: float, burst: int) -> None:
    session = greeted(
        Edge(
            frames_per_s=1000.0, frames_burst=1000, pulls_per_s=5.0, pulls_burst=burst, rooms_per_connection=1
        )
    )
    session.enter("r")
    pulls = [session.receive(wire.History(1, "r", wire.At(0, 0)), now) for _ in range(burst + 1)]
    assert [type(pull) for pull in pulls] == [wire.History] * burst + [Refuse]


def test_chat_is_for_those_who_are_logged_in() -> None:
    session = make()
    hello = wire.Hello(1, device="d", n=1, chat=True)
    sync = wire_chat.ChatSync(2)
    assert refusal(session.receive(sync, 0.0)) == (2, "unauthorized")
    assert session.receive(hello, 0.0) == hello
    assert session.greet(Identity("g", "G", Role.GUEST)) == []
    assert session.chat is False
    assert refusal(session.receive(sync, 0.0)) == (2, "forbidden")


@pytest.mark.parametrize("hello", [wire.Hello(1, chat=True, n=1), wire.Hello(1, chat=True, device="d")])
def test_who_wants_chat_must_be_found(hello: wire.Hello) -> None:
    session = make()
    assert refusal(session.receive(hello, 0.0)) == (1, "bad_frame")
    assert session.receive(wire.Hello(2, device="d", n=1, chat=True), 0.0)
    session.greet(ANN)
    assert session.chat


def test_chat_frames_are_checked_and_need_no_room() -> None:
    session = greeted()
    assert not session.chat
    good = wire_chat.ChatRead(2, "p:ann:bob", 5)
    assert session.receive(good, 0.0) == good
    assert refusal(session.receive(wire_chat.ChatRead(3, "room", 5), 0.0)) == (3, "bad_id")
    assert refusal(session.receive(wire_chat.ChatSend(4, [], "c", to="bob"), 0.0)) == (4, "empty")


def test_pulling_and_syncing_chat_take_from_the_allowance_for_pulls() -> None:
    session = greeted(LIMITS)
    pull = wire_chat.ChatPull(2, [wire_chat.After("g:team", 0)])
    frames: list[wire.ClientFrame] = [pull, wire_chat.ChatSync(3), pull, pull]
    taken = [session.receive(frame, 10.0) for frame in frames]
    assert taken[:3] == frames[:3]
    assert refusal(taken[3]) == (2, "rate_limited")
