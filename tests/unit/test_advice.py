from __future__ import annotations

import json

import pytest

from danmaku.model import Role
from danmaku.rows import SendRow
from rooms.advice import Advice, answered, question, signature
from rooms.asked import Asked, Question


def row(uid: str = "u1", cid: str = "c1") -> SendRow:
    return SendRow("a", uid, "Ann", Role.VIEWER, "弹幕", cid)


def test_the_question_tells_who_says_what_where_and_when() -> None:
    assert json.loads(question(row(), 1234)) == {
        "room": "a", "uid": "u1", "name": "Ann", "role": "viewer", "text": "弹幕", "cid": "c1", "at": 1234,
    }  # fmt: skip


def test_the_signature_is_an_hmac_of_timestamp_and_body() -> None:
    # printf '1767225600.{"room":"a"}' | openssl dgst -sha256 -hmac secret
    told = signature(b"secret", "1767225600", b'{"room":"a"}')
    assert told == "sha256=dd9813d03a9c8ba4e31d8880fc994738e1d97cd4976a9eedc663f83b33044c0c"
    assert signature(b"secret", "1767225601", b'{"room":"a"}') != told


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (b'{"decision":"allow"}', Advice("allow")),
        (b'{"decision":"change","text":"***","more":1}', Advice("change", "***")),
        (b'{"decision":"deny","reason":"' + b"x" * 300 + b'"}', Advice("deny", "", "x" * 200)),
        (b'{"decision":"hold","text":null}', Advice("hold")),
        (b'{"decision":"shadow"}', Advice("shadow")),
    ],
)
def test_answers_are_read(body: bytes, advice: Advice) -> None:
    assert answered(body) == advice


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b"\xff", b'{"decision":"maybe"}', b'{"decision":"change"}',
        b'{"decision":"change","text":""}', b'{"decision":"allow","text":3}',
        b'{"decision":"allow","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        answered(body)


def test_one_sender_is_decided_in_order_and_nobody_waits_for_another() -> None:
    asked = Asked()
    assert not bool(asked)
    first, second, other = (Question(row(*key), b"") for key in (("u1", "1"), ("u1", "2"), ("u2", "1")))
    for one in (first, second, other):
        asked.add(one)
    assert (asked.has_new, asked.take_new(), asked.has_new) == (True, [first, second, other], False)
    assert asked.advised(second, Advice("deny")) == []
    assert asked.advised(other, Advice("allow")) == [(other, Advice("allow"))]
    assert bool(asked)
    assert asked.advised(first, Advice("hold")) == [(first, Advice("hold")), (second, Advice("deny"))]
    assert not bool(asked)
