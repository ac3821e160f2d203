"""What `danmaku chat` makes of messages and conversations."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from danmaku.chatting import conversation_of, json_of, last_of, line_of, other_of, said
from danmaku.client import Conversation, Message
from danmaku.conversation import Change
from danmaku.errors import Refusal


def _message(kind: str = "message", **more: Any) -> Message:
    return Message("p:ann:bob", 7, 1_800_000_000_000, "ann", kind, **more)


def test_a_target_is_a_user_or_a_conversation() -> None:
    assert conversation_of("ann", "bob") == conversation_of("bob", "ann") == "p:ann:bob"
    assert conversation_of("ann", "g:team") == "g:team"
    for wrong in ("ann", "p:bob:ann", "x:1", "no spaces", "g:"):
        with pytest.raises(Refusal, match="bad_id"):
            conversation_of("ann", wrong)


def test_a_conversation_is_called_by_whom_it_is_with() -> None:
    assert other_of("ann", Conversation("p:ann:bob", 1, 0, 1)) == "bob"
    assert other_of("bob", Conversation("p:ann:bob", 1, 0, 1)) == "ann"
    assert (
        other_of("ann", Conversation("g:team", 1, 0, 1, name="Our\x1b team"))
        == "Our\N{REPLACEMENT CHARACTER} team"
    )
    assert other_of("ann", Conversation("g:team", 1, 0, 1)) == "team"


def test_parts_stand_in_one_line() -> None:
    parts = [
        {"type": "text", "text": "look\nhere"},
        {"type": "image", "url": "https://a.example/1.png"},
        {"type": "face", "index": 3},
        {"type": "hologram"},
    ]
    assert said(_message(body=parts)) == "look here [image https://a.example/1.png] [face 3] [hologram ]"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (_message(body=[{"type": "text", "text": "hi\x1b[31m"}]), "ann: hi\N{REPLACEMENT CHARACTER}[31m"),
        (_message("recall", of=3), "* ann took message 3 back"),
        (_message("member", change={"verb": "invite", "uids": ["bob", "eve"]}), "* ann invited bob, eve"),
        (
            _message("member", change={"verb": "hand_over", "uid": "bob"}),
            "* ann handed the group over to bob",
        ),
        (
            _message("member", change={"verb": "create", "name": "Tea {uid}"}),
            "* ann made the group Tea {uid}",
        ),
        (
            _message("member", change={"verb": "create", "name": "Tea", "uids": ["bob", "eve"]}),
            "* ann made the group Tea with bob, eve",
        ),
        (
            _message("member", change={"verb": "rename", "name": "Dinner"}),
            "* ann renamed the group to Dinner",
        ),
        (_message("member", change={"verb": "mute", "uid": "bob"}), "* ann muted bob"),
        (
            _message("member", change={"verb": "mute", "uid": "bob", "seconds": 600}),
            "* ann muted bob for 600 s",
        ),
        (_message("member", change={"verb": "shuffle", "uid": "bob"}), "* ann changed the group"),
        (_message("member"), "* ann changed the group"),
        (_message("gone"), "* gone"),
    ],
)
def test_a_message_is_a_line_that_says_what_it_is(message: Message, shown: str) -> None:
    line = line_of(message).plain
    assert line.startswith("    7 2027-01-1")
    assert line.endswith(shown)
    assert f" p:ann:bob {shown}" in line_of(message, where=True).plain


def test_every_change_of_a_group_is_told_in_words() -> None:
    for change in get_args(Change):
        verb = change.__struct_config__.tag
        told = line_of(_message("member", change={"verb": verb, "uid": "bob", "role": "admin"})).plain
        assert "changed the group" not in told


def test_the_last_message_is_shortened() -> None:
    long = _message(body=[{"type": "text", "text": "x" * 200}])
    assert len(last_of(Conversation("p:ann:bob", 7, 0, 7, long))) == 60
    assert last_of(Conversation("p:ann:bob", 7, 0, 7, _message("gone"))) == "* gone"
    assert last_of(Conversation("p:ann:bob", 0, 0, 0)) == ""


def test_json_has_all_fields() -> None:
    read = json.loads(json_of(_message(cid="c", body=[{"type": "text", "text": "hi"}])))
    assert (read["conv"], read["seq"], read["uid"], read["kind"]) == ("p:ann:bob", 7, "ann", "message")
    assert read["body"] == [{"type": "text", "text": "hi"}]
