from __future__ import annotations

import pytest

from danmaku import wire
from danmaku.client.connection import refusal_of_close, socket_url
from danmaku.client.link import refusal_of
from danmaku.client.reader import Placed
from danmaku.client.results import (
    Comment,
    Event,
    Gift,
    Paid,
    PollClosed,
    PollOpened,
    Recall,
    Sent,
    read_item,
    read_message,
)
from danmaku.errors import MUTED
from danmaku.model import Position
from danmaku.wire import JSON, MSGPACK, Codec, Err
from danmaku.wire_chat import Chat

CODECS = pytest.mark.parametrize("codec", [MSGPACK, JSON], ids=["msgpack", "json"])
HERE = Position(5, 7)
PAID = {"uid": "u1", "name": "ann", "text": "go", "amount": 500, "currency": "CNY", "until": 9000}
GIFT = {
    "uid": "u1",
    "name": "ann",
    "gift": "rocket",
    "count": 2,
    "amount": 500,
    "currency": "CNY",
    "until": 9000,
}
POLL = {"id": "p1", "question": "Which?", "options": ["one", "two"]}


def read(codec: Codec, item: object) -> Comment | Event:
    return read_item(codec, "demo", Placed(HERE, 99, codec.value(item)))


@CODECS
def test_a_comment_gets_its_defaults(codec: Codec) -> None:
    assert read(codec, wire.Comment("u1", "ann", "hi")) == Comment(
        "demo", HERE, 99, "u1", "ann", "hi", "scroll", 0xFFFFFF, 25, None
    )


@CODECS
def test_a_comment_keeps_what_was_said(codec: Codec) -> None:
    item = wire.Comment("u1", "ann", "hi", "top", 0, 0, "admin")
    assert read(codec, item) == Comment("demo", HERE, 99, "u1", "ann", "hi", "top", 0, 0, "admin")


@CODECS
@pytest.mark.parametrize(
    ("item", "kind", "data"),
    [
        (wire.Announce("hear"), "announce", {"text": "hear"}),
        (wire.Gone(), "gone", {}),
        ({"k": "of tomorrow", "x": [1]}, "of tomorrow", {"x": [1]}),
        ({"k": "c", "text": 5}, "c", {"text": 5}),
        ({"no": "kind"}, "unknown", {"no": "kind"}),
        ([1], "unknown", {}),
    ],
)
def test_everything_else_is_an_event(codec: Codec, item: object, kind: str, data: dict[str, object]) -> None:
    assert read(codec, item) == Event("demo", HERE, 99, kind, data)


@CODECS
def test_a_recall_tells_what_it_takes(codec: Codec) -> None:
    def at(seq: int, item: object) -> Comment | Event:
        return read_item(codec, "demo", Placed(Position(5, seq), 99, codec.value(item)))

    def taken(recall: wire.Recall) -> list[int]:
        read = at(6, recall)
        assert isinstance(read, Recall)
        return [item.position.seq for item in said if read.takes(item)]

    said = [
        at(1, wire.Comment("u1", "ann", "one")),
        at(2, wire.Comment("u2", "bob", "two", role="streamer")),
        at(3, wire.Announce("three", "u1", "ann")),
        at(4, wire.Opened()),
        at(7, wire.Comment("u1", "ann", "later")),
    ]
    assert taken(wire.Recall("moderator", of=wire.At(5, 2))) == [2]
    assert taken(wire.Recall("moderator", uid="u1")) == [1, 3]
    assert taken(wire.Recall("moderator", uid="u2")) == []
    assert taken(wire.Recall("moderator")) == [1, 3]
    assert taken(wire.Recall("admin")) == [1, 2, 3]


@CODECS
@pytest.mark.parametrize(
    ("item", "event"),
    [
        (
            wire.Paid("u1", "ann", "go", 500, "CNY", 9000),
            Paid("demo", HERE, 99, "paid", PAID, "u1", "ann", "go", 500, "CNY", 9000),
        ),
        (
            wire.Gift("u1", "ann", "rocket", 2, amount=500, currency="CNY", until=9000),
            Gift(
                "demo",
                HERE,
                99,
                "gift",
                GIFT,
                "u1",
                "ann",
                "rocket",
                2,
                None,
                500,
                "CNY",
                9000,
            ),
        ),
        (
            wire.Poll("p1", "Which?", ["one", "two"]),
            PollOpened("demo", HERE, 99, "poll", POLL, "p1", "Which?", ["one", "two"]),
        ),
        (
            wire.PollClosed("p1", [3, 0]),
            PollClosed("demo", HERE, 99, "poll_closed", {"id": "p1", "counts": [3, 0]}, "p1", [3, 0]),
        ),
        ({"k": "poll", "id": 5}, Event("demo", HERE, 99, "poll", {"id": 5})),
    ],
)
def test_some_events_have_a_type(codec: Codec, item: object, event: Event) -> None:
    assert read(codec, item) == event


def test_sent_knows_its_position_only_when_shown() -> None:
    assert Sent(True, 5, 7, 99).position == HERE
    assert Sent(False).position is None


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://host:8080", "ws://host:8080/v1/ws"),
        ("https://host/", "wss://host/v1/ws"),
        ("ws://host:1/v1/ws", "ws://host:1/v1/ws"),
        ("host:8080", "ws://host:8080/v1/ws"),
        ("wss://host/behind/v1/ws?x=1", "wss://host/behind/v1/ws?x=1"),
    ],
)
def test_an_address_becomes_that_of_the_socket(given: str, url: str) -> None:
    assert socket_url(given) == url


@pytest.mark.parametrize(
    ("code", "name"),
    [(4401, "unauthorized"), (4403, "banned"), (4409, "conflict"), (4413, "too_large"), (4450, "forbidden")],
)
def test_why_a_connection_was_closed_for_good(code: int, name: str) -> None:
    assert refusal_of_close(code, "").name == name
    assert refusal_of_close(code, "because").message == "because"


def test_an_err_becomes_the_refusal_of_the_table() -> None:
    refusal = refusal_of(Err(1, 4031, "muted", "be quiet", 500))
    assert refusal.kind is MUTED
    assert (refusal.code, refusal.name, refusal.message, refusal.retry_ms) == (4031, "muted", "be quiet", 500)


@pytest.mark.parametrize("retry_ms", [None, 20])
def test_a_refusal_of_tomorrow_keeps_what_was_said(retry_ms: int | None) -> None:
    refusal = refusal_of(Err(1, 4999, "too_strange", "no", retry_ms))
    assert (refusal.code, refusal.name, refusal.message) == (4999, "too_strange", "no")
    assert refusal.kind.retry is (retry_ms is not None)


@CODECS
def test_a_message_is_read_with_all_it_has(codec: Codec) -> None:
    frame = Chat(
        conv="g:team",
        seq=7,
        from_="ann",
        at=5,
        kind="message",
        cid="c-1",
        body=codec.value(
            [{"type": "text", "text": "a"}, {"type": "later", "x": 1}, {"type": "text", "text": "b"}]
        ),
        mention="all",
    )
    message = read_message(codec, frame)
    assert (message.conv, message.seq, message.uid, message.at) == ("g:team", 7, "ann", 5)
    assert (message.kind, message.cid, message.mention) == ("message", "c-1", "all")
    assert message.text == "a\nb"
    assert message.body[1] == {"type": "later", "x": 1}


@CODECS
def test_a_message_of_another_kind_has_no_body(codec: Codec) -> None:
    gone = read_message(codec, Chat(conv="g:team", seq=7, kind="gone"))
    assert (gone.kind, gone.body, gone.text, gone.change, gone.of) == ("gone", [], "", None, None)
    change = {"verb": "rename", "name": "Team"}
    member = read_message(codec, Chat(conv="g:team", seq=8, kind="member", change=codec.value(change)))
    assert member.change == change


@CODECS
@pytest.mark.parametrize("odd", [5, None, "x", [5, None]])
def test_what_no_version_should_say_is_read_as_nothing(codec: Codec, odd: object) -> None:
    frame = Chat(conv="g:team", seq=7, kind="later", body=codec.value(odd), change=codec.value(odd))
    message = read_message(codec, frame)
    assert (message.body, message.change) == ([], None)
