from __future__ import annotations

import json
from typing import Any

import pytest

from danmaku.caller import CallFailed
from tests.unit.command_line import Desk

SOLD = ("--from", "bob", "--amount", "5000", "--currency", "CNY")
POLL = {
    "poll": "p1",
    "question": "Which\x1b[2J?",
    "options": ["one", "two"],
    "counts": [1200, 1],
    "open": True,
}
ANSWERS: dict[str, Any] = {
    "/messages": {"shown": True, "epoch": 7, "seq": 3, "at": 9},
    "/pinned": {"epoch": 7, "seq": 4, "at": 9},
    "/polls": {"poll": "p1", "epoch": 7, "seq": 5, "at": 9},
    "/polls/p1": POLL,
    "/r": {"room": "r", "title": "Friday", "open": True, "viewers": 2, "likes": 5},
}


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.answer = lambda _, path, __: next(answer for end, answer in ANSWERS.items() if path.endswith(end))
    return desk


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (("post", "r", "hi"), {"kind": "comment", "text": "hi"}),
        (
            ("post", "r", "hi", "--mode", "top", "--color", "#ff8800"),
            {"kind": "comment", "text": "hi", "mode": "top", "color": 0xFF8800},
        ),
        (("announce", "r", "hi"), {"kind": "announce", "text": "hi"}),
        (("announce", "r", "hi", "--pin", "60"), {"kind": "announce", "text": "hi", "pin_s": 60}),
        (("gift", "r", "rose"), {"kind": "gift", "gift": "rose", "count": 1}),
        (
            ("gift", "r", "rose", "--count", "9", "--name", "Bob", "--text", "for you", *SOLD),
            {
                "kind": "gift", "gift": "rose", "count": 9, "text": "for you", "uid": "bob", "name": "Bob",
                "amount": 5000, "currency": "CNY",
            },
        ),
        (
            ("pay", "r", "go", *SOLD),
            {"kind": "paid", "text": "go", "uid": "bob", "name": "bob", "amount": 5000, "currency": "CNY"},
        ),
    ],
)  # fmt: skip
def test_what_is_posted(desk: Desk, words: tuple[str, ...], body: Any) -> None:
    assert desk.told(*words, "--cid", "c1") == "shown at 7-3\n"
    assert desk.asked == [("POST", "/v1/rooms/r/messages", {**body, "cid": "c1"})]
    desk.told(*words)
    desk.told(*words)
    assert desk.asked[-1][2]["cid"] != desk.asked[-2][2]["cid"]


def test_whether_it_would_be_taken_is_asked(desk: Desk) -> None:
    for words in (("gift", "r", "rose"), ("pay", "r", "go")):
        assert desk.told(*words, *SOLD, "--ask") == "it would be taken\n"
        assert desk.asked[-1][2]["ask"] is True


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ({"shown": False}, "accepted, but not shown: the room is too busy\n"),
        ({"shown": False, "delay_ms": 3000}, "accepted, and shown in 3 s\n"),
    ],
)
def test_what_is_not_shown_yet(desk: Desk, answer: Any, line: str) -> None:
    desk.answer = lambda *_: answer
    assert desk.told("post", "r", "hi") == line
    assert json.loads(desk.told("post", "r", "hi", "--json")) == answer


def test_the_pinned_announcement_is_taken_down(desk: Desk) -> None:
    assert "nothing is pinned in r any more" in desk.told("unpin", "r")
    assert desk.asked == [("DELETE", "/v1/rooms/r/pinned", None)]


def test_a_poll_is_opened_shown_and_closed(desk: Desk) -> None:
    opened = desk.told("poll", "open", "r", "Which?", "one", "two", "--seconds", "60", "--cid", "c1")
    assert opened == "p1\n"
    lines = desk.told("poll", "show", "r", "p1").splitlines()
    assert lines[1:] == ["    1,200 votes  one", "        1 vote   two"]
    assert "\x1b" not in lines[0]
    assert json.loads(desk.told("poll", "close", "r", "p1", "--json")) == POLL
    asked = {"question": "Which?", "options": ["one", "two"], "cid": "c1", "seconds": 60}
    assert desk.asked == [
        ("POST", "/v1/rooms/r/polls", asked),
        ("GET", "/v1/rooms/r/polls/p1", None),
        ("DELETE", "/v1/rooms/r/polls/p1", None),
    ]


def test_without_an_id_it_is_the_open_poll(desk: Desk) -> None:
    desk.answer = lambda _, __, ___: POLL
    assert json.loads(desk.told("poll", "show", "r", "--json")) == POLL
    assert json.loads(desk.told("poll", "close", "r", "--json")) == POLL
    assert desk.asked == [
        ("GET", "/v1/rooms/r/polls", None),
        ("GET", "/v1/rooms/r/polls", None),
        ("DELETE", "/v1/rooms/r/polls/p1", None),
    ]


def test_a_room_is_shown_opened_and_closed(desk: Desk) -> None:
    line = "r – Friday: open, 2 viewers, 5 likes\n"
    assert desk.told("room", "show", "r") == line
    assert desk.told("room", "open", "r", "--title", "Friday") == line
    desk.told("room", "open", "r")
    desk.told("room", "close", "r")
    assert desk.told("room", "close", "r", "--for-good") == "r is closed for good\n"
    path = "/v1/rooms/r"
    assert desk.asked == [
        ("GET", path, None),
        ("PUT", path, {"open": True, "title": "Friday"}),
        ("PUT", path, {"open": True}),
        ("GET", path, None),
        ("PUT", path, {"open": False}),
        ("DELETE", path, None),
    ]


def test_a_room_that_is_not_there_is_not_closed(desk: Desk) -> None:
    def answer(method: str, path: str, _: Any) -> Any:
        if method == "GET":
            raise CallFailed("room_not_found: there is no such room", 404)
        return ANSWERS["/r"]

    desk.answer = answer
    done = desk.run("room", "close", "r")
    assert (done.exit_code, done.stderr) == (1, "error: room_not_found: there is no such room\n")
    assert [method for method, *_ in desk.asked] == ["GET"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("gift", "a b", "rose"), 1, "bad_id: the room must match"),
        (("room", "show", "a b"), 1, "bad_id: the room must match"),
        (("unpin", "r", "--uid", "a b"), 1, "bad_id: --uid must match"),
        (("poll", "close", "r", "p 1"), 1, "bad_id: POLL must match"),
        (("pay", "r", "go", "--from", "bob"), 2, "Missing option"),
        (("gift", "r", "rose", "--amount", "0"), 2, "--amount"),
        (("announce", "r", "hi", "--pin", "0"), 2, "--pin"),
    ],
)
def test_what_cannot_be_meant_is_told(desk: Desk, words: tuple[str, ...], code: int, said: str) -> None:
    done = desk.run(*words)
    assert (done.exit_code, said in done.stderr, desk.asked) == (code, True, []), done.output
