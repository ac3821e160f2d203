from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku import envelope, records
from danmaku.model import Act, Appointed, Role, Sanction
from danmaku.store.audit import Recorded
from rooms.records import fitting, page

BAN, MUTE = Sanction("ban", "bob", "mod", 5), Sanction("mute", "bob", "mod", 6, 70, "spam")
ACT = Act("id", 5, "mod", Role.MODERATOR, "mute", "r", "bob", "", "spam", 60)
MESSAGES: list[Any] = [
    records.ActsRequest(100, "r", 5, "1-0", None),
    records.SanctionedRequest(100, "r", 5, "ann"),
    records.CardRequest(100, "r", "bob"),
    records.Acts([("1-0", ACT)]),
    records.Sanctioned([BAN, MUTE], "bob"),
    records.Card(Appointed("bob", "ann", 5), [BAN], [MUTE], 3),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_messages_come_back_as_they_were(message: Any) -> None:
    is_request = isinstance(message, records.Request)
    decode: Any = records.decode_request if is_request else records.decode_reply
    assert decode(envelope.encode(message)) == message


@given(st.binary(max_size=80))
def test_decoders_raise_nothing_but_value_errors(message: bytes) -> None:
    for decode in (records.decode_request, records.decode_reply):
        try:
            decode(message)
        except ValueError:
            continue


def test_sanctions_are_told_by_user() -> None:
    kept = [Sanction(kind, uid, "mod", 5) for kind in ("ban", "mute") for uid in ("cat", "ann", "bob")]
    first = page(kept, "", 2)
    assert [(one.uid, one.kind) for one in first.sanctions] == [
        ("ann", "ban"), ("ann", "mute"), ("bob", "ban"), ("bob", "mute"),
    ]  # fmt: skip
    assert first.after == "bob"
    last = page(kept, "bob", 2)
    assert ([one.uid for one in last.sanctions], last.after) == (["cat", "cat"], None)
    assert page(kept, "cat", 2) == records.Sanctioned([])


def test_the_largest_answers_fit_into_a_message() -> None:
    uid, reason = "u" * 64, "\N{MAHJONG TILE EAST WIND}" * 200
    sanction = Sanction("ban", uid, uid, 2**53, 2**53, reason)
    sanctioned = records.Sanctioned([sanction] * 2 * records.MAX_USERS, uid)
    assert len(envelope.encode(sanctioned)) < envelope.MAX_MESSAGE_BYTES
    long = Act("i" * 32, 2**53, uid, Role.ADMIN, "dismiss", uid, uid, reason * 5, reason, 10**9)
    found = [Recorded(f"{number}-0", long) for number in range(records.MAX_ENTRIES)]
    acts = records.Acts(fitting(found))
    assert len(envelope.encode(acts)) < envelope.MAX_MESSAGE_BYTES
    assert acts.entries[0] == ("0-0", long)
    assert 50 < len(acts.entries) < records.MAX_ENTRIES
