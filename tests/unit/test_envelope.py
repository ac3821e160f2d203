from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from danmaku import envelope, rows
from danmaku.board import Poll
from danmaku.envelope import Out, OutKind, decode_out, encode_out
from danmaku.event_rows import ClosePollRow, GetPollRow, PaidRow, Polled, PollRow, UnpinRow, VoteRow
from danmaku.held import Held
from danmaku.model import Appointed, Position, Role, RoomInfo, RoomSettings, Sanction
from danmaku.moderation_rows import (
    AppointRow,
    ConfigureRow,
    DecideRow,
    HeldRow,
    Moderators,
    ModeratorsRow,
    RaidRow,
    RecallRow,
    RoomSettingsRow,
    SanctionEverywhereRow,
    SanctionRow,
    Sign,
    Signs,
    SignsRow,
)
from danmaku.rows import (
    Admitted,
    Delayed,
    DeleteRoomRow,
    Done,
    Elsewhere,
    EventRow,
    GetRoomRow,
    HeldPage,
    HelloRow,
    JoinRow,
    LikeRow,
    Open,
    PutRoomRow,
    Rank,
    RankRow,
    Refreshed,
    RefreshRow,
    Refused,
    RevokeRow,
    RoomRules,
    SendRow,
    Shadowed,
    Shed,
    Shown,
)
from danmaku.wordlist import Found, GetWordsRow, PutWordsRow, RoomWords, TryWordsRow, WordsTried

ROWS: list[envelope.Row] = [
    SendRow("demo", "u1", "ann", Role.VIEWER, "hi", "c1", "top", 0xFF, 18),
    SendRow("demo", "u1", "ann", Role.VIEWER, "hi", "c1"),
    EventRow("demo", "u1", Role.STREAMER, "c2", b"\x80"),
    EventRow("demo", "u1", Role.STREAMER, "c2", b"\x80", 60),
    EventRow("demo", "u1", Role.STREAMER, "c2", b"\x80", 0, True),
    PaidRow("demo", "shop", Role.ADMIN, "c3", "u2", "Bob", "hi", 500, "CNY", True),
    UnpinRow("demo", "u1", Role.STREAMER, "c4"),
    PollRow("demo", "u1", Role.STREAMER, "c5", "Which?", ["one", "two"], 60),
    ClosePollRow("demo", "u1", Role.STREAMER, "5f2c"),
    GetPollRow("demo", "5f2c"),
    GetPollRow("demo", "5f2c", "ann"),
    VoteRow("demo", "u1", Role.VIEWER, "5f2c", 1),
    JoinRow("demo", "u1", Role.GUEST, 7),
    LikeRow("demo", "u1", Role.GUEST, 3),
    RankRow("demo", "u1", Role.VIEWER),
    AppointRow("demo", "u2", "u1", Role.STREAMER, False),
    ModeratorsRow("demo", "u1", Role.MODERATOR),
    PutRoomRow("demo", "u1", Role.ADMIN, "title", True, RoomSettings(slow_s=3)),
    GetRoomRow("demo"),
    DeleteRoomRow("demo", "u1", Role.ADMIN),
    SanctionRow("demo", "mute", "u2", "u1", Role.MODERATOR, 60, "rude"),
    RoomSettingsRow("demo", "u1", Role.MODERATOR, RoomSettings(links="hold"), ["slow_s"]),
    RaidRow("demo", "u1", Role.MODERATOR, 60, "rude"),
    PutWordsRow("demo", "u1", Role.MODERATOR, b"packed"),
    GetWordsRow("demo", "u1", Role.MODERATOR),
    TryWordsRow("demo", "u1", Role.MODERATOR, "text"),
    HeldRow("demo", "u1", Role.MODERATOR, "7-1", 50),
    DecideRow("demo", "7-1", False, "u1", Role.MODERATOR, "no", act="a1"),
    SignsRow("demo", "u1", Role.MODERATOR, 5),
    RecallRow("demo", "u1", Role.MODERATOR, Position(5, 3)),
    RecallRow("demo", "u1", Role.MODERATOR, uid="u2", reason="rude"),
]
ANSWERS: list[envelope.Answer] = [
    Shown(1, 2, 3),
    HeldPage([Held("7-1", "u1", "c1", 5, b"\x80", "link")]),
    Shed(),
    Delayed(3000),
    Signs([Sign(1000, "same_text", 10, "spam", 900)]),
    RoomRules(RoomSettings(slow_s=3), RoomSettings(slow_s=30, links="hold"), 5000),
    Shadowed(1234),
    Admitted(1, 2, 3, 4, RoomSettings(staff_only=True)),
    Admitted(1, 2, 3, 4, RoomSettings(), 7, b"\x80", [3, 0]),
    RoomWords(b"packed"),
    WordsTried(Found("hold", "word", "text")),
    Polled(Poll("5f2c", "Which?", ("one", "two"), 5), [3, 0], True),
    Polled(Poll("5f2c", "Which?", ("one", "two"), 5), [3, 0], True, 0),
    rows.Room(RoomInfo("demo", "title", False, RoomSettings(), 3, 4, 5)),
    Rank(Role.MODERATOR),
    Moderators([Appointed("u2", "u1", 5)]),
    Done(),
    Refused("muted", "until noon", 500),
    Elsewhere(),
    Open(),
]
MESSAGES: list[tuple[Any, Callable[[bytes], Any]]] = [
    (envelope.OwnerRequest("e1", 5000, ROWS), envelope.decode_owner_request),
    (envelope.RoomsRequest(5000, 20), envelope.decode_owner_request),
    (envelope.BroadcastRequest(5000, "u1", "c1", b"\x80"), envelope.decode_owner_request),
    (envelope.OwnerReply("p1", ANSWERS, {3: 7}), envelope.decode_owner_reply),
    (envelope.Owners("p1", {0: 5, 63: 9}, True, "1.2", 7), envelope.decode_owners),
    (envelope.Counts("e1", 77, {"demo": 3}), envelope.decode_counts),
    (envelope.Drain(True, 2.5), envelope.decode_drain),
    (envelope.EdgeReport("e1", ["ws://a"], 5, True, "1.2", "eu", 2.0, 500, 7), envelope.decode_edge_report),
    (envelope.Replaced("u1", "tv", 7), envelope.decode_replaced),
    (envelope.HistoryRequest("demo", 50, 100, Position(1, 2)), envelope.decode_history_request),
    (envelope.HistoryRequest("demo", 50, 100), envelope.decode_history_request),
    (envelope.HistoryReply([b"\x80", b""], False, 1, 2), envelope.decode_history_reply),
    (envelope.RoomsReply([RoomInfo("demo")]), envelope.decode_rooms_reply),
    (envelope.BroadcastReply(3), envelope.decode_broadcast_reply),
    (
        envelope.UsersRequest(
            100,
            [
                HelloRow("u1", 5),
                HelloRow("u1", 5, "tv", 7, "edge", "s1"),
                RefreshRow("u1", "f1", 2, 5),
                RevokeRow("u1"),
                SanctionEverywhereRow("ban", "u2", "root", Role.ADMIN, 60, "spam"),
                ConfigureRow(RoomSettings(slow_s=3), "root", Role.ADMIN),
            ],
        ),
        envelope.decode_users_request,
    ),
    (
        envelope.UsersReply([Done(), Refused("banned"), Refreshed(3, 9)]),
        envelope.decode_users_reply,
    ),
    (envelope.Heads({"demo": Position(1, 2)}), envelope.decode_heads),
    (envelope.ChangesRequest(100, "1-0"), envelope.decode_changes_request),
    (envelope.ChangesReply([(5, b"\x80")], "5-0", True, False), envelope.decode_changes_reply),
    (envelope.SanctionsRequest(100, 5, "ann"), envelope.decode_sanctions_request),
    (envelope.SanctionsReply([Sanction("ban", "u1", "root", 5)], "u1"), envelope.decode_sanctions_reply),
    (envelope.SettingsRequest(100), envelope.decode_settings_request),
    (envelope.SettingsReply(RoomSettings(slow_s=1), RoomSettings()), envelope.decode_settings_reply),
]
IDS = [type(message).__name__ for message, _ in MESSAGES]
POSITIONS = st.builds(Position, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
OUTS = st.builds(
    Out,
    kind=st.sampled_from(OutKind),
    lease=st.integers(0, 2**64 - 1),
    first=POSITIONS,
    count=st.integers(0, 2**32 - 1),
    prev=st.none() | POSITIONS,
    uid=st.text("abcXYZ019_-", max_size=64),
    frame=st.binary(max_size=200),
)


@pytest.mark.parametrize(("message", "decode"), MESSAGES, ids=IDS)
def test_messages_come_back_as_they_were(message: Any, decode: Callable[[bytes], Any]) -> None:
    assert decode(envelope.encode(message)) == message


@pytest.mark.parametrize(("message", "decode"), MESSAGES, ids=IDS)
def test_messages_are_arrays_that_a_second_opinion_reads(
    message: Any, decode: Callable[[bytes], Any]
) -> None:
    plain = msgpack.unpackb(envelope.encode(message), strict_map_key=False)
    assert isinstance(plain, list)
    assert decode(msgpack.packb([*plain, "a field of a later version"])) == message


DECODERS = [getattr(envelope, name) for name in dir(envelope) if name.startswith("decode_")]
DEEP = b"\x91" * 5000 + b"\x90"


def changed(message: Any) -> st.SearchStrategy[bytes]:
    """What a good message becomes when it is cut, written over, or given one more field, however deep."""
    good = envelope.encode(message)
    places = st.integers(0, len(good) - 1)
    more = bytes([good[0] + 1]) + good[1:]  # an array of one more field
    return (
        places.map(lambda end: good[:end])
        | st.tuples(places, st.binary(min_size=1, max_size=4)).map(
            lambda change: good[: change[0]] + change[1] + good[change[0] + len(change[1]) :]
        )
        | st.just(more + DEEP)
    )


@pytest.mark.parametrize("decode", DECODERS)
@given(st.binary(max_size=80) | st.sampled_from(MESSAGES).flatmap(lambda one: changed(one[0])))
def test_decoders_raise_nothing_but_value_errors(decode: Callable[[bytes], Any], message: bytes) -> None:
    try:
        decode(message)
    except ValueError:
        return


@pytest.mark.parametrize(("message", "decode"), MESSAGES, ids=IDS)
def test_nobody_nests_their_way_in(message: Any, decode: Callable[[bytes], Any]) -> None:
    good = envelope.encode(message)
    with pytest.raises(ValueError, match=r"."):
        decode(bytes([good[0] + 1]) + good[1:] + DEEP)


def test_no_decoder_is_forgotten() -> None:
    assert {decode for _, decode in MESSAGES} == set(DECODERS) - {decode_out}


def test_every_row_and_every_answer_is_tried() -> None:
    assert {type(row) for row in ROWS} == set(get_args(envelope.Row))
    assert {type(answer) for answer in ANSWERS} == set(get_args(envelope.Answer))


@given(OUTS)
def test_room_out_comes_back_as_it_was(out: Out) -> None:
    assert decode_out(encode_out(out)) == out


@given(st.binary(max_size=120) | st.binary(max_size=80).map(lambda rest: b"\x01\x01" + rest))
def test_room_out_raises_nothing_but_value_errors(message: bytes) -> None:
    try:
        decode_out(message)
    except ValueError:
        return


OUT = Out(OutKind.BATCH, 9, Position(5, 7), 2, Position(4, 3), "u1", b"frame")


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"", "version 1"),
        (encode_out(OUT)[:20], "version 1"),
        (b"\x02" + encode_out(OUT)[1:], "version 1"),
        (b"\x01\x09" + encode_out(OUT)[2:], "not a valid OutKind"),
        (encode_out(replace(OUT, uid="u" * 64, frame=b""))[:-1], "inside its header"),
    ],
)
def test_a_broken_room_out_is_refused(message: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        decode_out(message)


def test_room_out_has_fixed_bytes() -> None:
    assert encode_out(OUT).hex() == (
        "01"
        "01"
        "0000000000000009"
        "0000000000000005"
        "0000000000000007"
        "00000002"
        "01"
        "0000000000000004"
        "0000000000000003"
        "02"
        "7531" + b"frame".hex()
    )


def test_settings_that_are_not_set_do_not_travel() -> None:
    assert msgspec.msgpack.encode(RoomSettings()) == b"\x80"
