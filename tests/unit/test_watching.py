from __future__ import annotations

import json
from typing import Any

import pytest

from danmaku.client import Comment, Event, Position
from danmaku.printable import printable
from danmaku.watching import json_of, line_of

_COMMENT = Comment("lobby", Position(5, 7), 1000, "ann", "Ann", "弹幕 hi", color=0xFF8800, role="streamer")
_EVENT = Event("lobby", Position(5, 8), 1001, "announce", {"text": "a break"})


def test_a_line_says_who_and_what() -> None:
    assert line_of(_COMMENT).plain == "Ann: 弹幕 hi"
    assert line_of(_EVENT).plain == "* announce: a break"
    assert line_of(Event("lobby", Position(5, 9), 1, "gone", {})).plain == "* gone"


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        ("gift", {"uid": "u1", "name": "Bob", "gift": "rose", "count": 3}, ": Bob  rose × 3"),
        ("gift", {"uid": "u1", "name": "Bob", "gift": "rose"}, ": Bob  rose × 1"),
        ("announce", {"uid": "ann", "name": "Ann", "text": "a break"}, ": Ann  a break"),
        ("poll", {"id": "p", "question": "Next?", "options": ["a", "b"]}, ": Next?  a / b"),
        ("poll_closed", {"id": "p", "counts": [70000, 0]}, ": 70000 : 0"),
        ("settings", {"settings": {"slow_s": 1, "links": "hold"}}, ": slow_s 1, links hold"),
        ("settings", {"settings": {"review": True, "emoji_only": False}}, ": review on, emoji_only off"),
        ("settings", {"settings": {}}, ""),
        ("recall", {"role": "moderator", "of": {"epoch": 5, "seq": 7}}, ": 5-7"),
        ("recall", {"role": "moderator", "uid": "bob"}, ": bob"),
        ("recall", {"role": "moderator"}, ""),
        ("title", {"title": "Friday"}, ": Friday"),
        ("closed", {"reason": "good\x1bnight"}, ": good\ufffdnight"),
    ],
)
def test_an_event_says_who_and_what(kind: str, data: dict[str, Any], told: str) -> None:
    assert line_of(Event("lobby", Position(5, 9), 1, kind, data)).plain == f"* {kind}{told}"


def test_people_cannot_steer_the_terminal() -> None:
    evil = Comment("lobby", Position(1, 1), 1, "x", "\x1b[2Jx", "[red]a\x1b]0;b\x07\nc\u202ed")
    assert line_of(evil).plain == "\ufffd[2Jx: [red]a\ufffd]0;b\ufffd\ufffdc\ufffdd"
    assert printable("plain 弹幕") == "plain 弹幕"


def test_json_lines_hold_everything() -> None:
    comment = json.loads(json_of(_COMMENT))
    assert comment == {
        "kind": "comment", "room": "lobby", "epoch": 5, "seq": 7, "at": 1000, "uid": "ann", "name": "Ann",
        "text": "弹幕 hi", "mode": "scroll", "color": 0xFF8800, "size": 25, "role": "streamer",
    }  # fmt: skip
    event = json.loads(json_of(_EVENT))
    assert (event["kind"], event["data"], event["seq"]) == ("announce", {"text": "a break"}, 8)
    assert "\n" not in json_of(_COMMENT)
