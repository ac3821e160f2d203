from __future__ import annotations

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku import conversation
from danmaku.conversation import (
    GroupRole,
    Member,
    Message,
    bucket_of,
    check_conv,
    gid_of,
    group,
    parties,
    private,
)
from danmaku.errors import BAD_ID, Refusal

ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
BODY = msgspec.Raw(msgspec.msgpack.encode([{"type": "text", "text": "hi"}]))


@given(ids, ids)
def test_two_users_have_one_conversation_whoever_names_it(one: str, other: str) -> None:
    if one == other:
        with pytest.raises(Refusal) as refused:
            private(one, other)
        assert refused.value.kind is BAD_ID
        return
    conv = private(one, other)
    assert conv == private(other, one) == check_conv(conv)
    assert parties(conv) == tuple(sorted((one, other)))
    assert gid_of(conv) is None


@given(ids)
def test_a_group_has_one_conversation(gid: str) -> None:
    assert gid_of(check_conv(group(gid))) == gid
    assert parties(group(gid)) is None


@pytest.mark.parametrize(
    "conv",
    [
        "",
        "p",
        "p:",
        "p:a",
        "p:b:a",
        "p:a:a",
        "p:a:b:c",
        "p:a:b ",
        "g:",
        "g:a:b",
        "g:a b",
        "x:a",
        "x:a:b",
        "a:b",
    ],
)
def test_nothing_else_is_a_conversation(conv: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_conv(conv)
    assert refused.value.kind is BAD_ID


@pytest.mark.parametrize(("conv", "bucket"), [("p:ann:bob", 14), ("g:team", 101), ("g:a", 0)])
def test_a_conversation_never_changes_its_bucket(conv: str, bucket: int) -> None:
    assert bucket_of(conv) == bucket


@pytest.mark.parametrize("seq", [1, 127, 128, 70_000, 2**53 - 1])
@pytest.mark.parametrize(
    "message",
    [
        Message("ann", 5, "message", "c1", BODY),
        Message("ann", 5, "message", "c1", BODY, ["bob"]),
        Message("ann", 5, "message", "c1", BODY, "all"),
        Message("ann", 5, "recall", of=3),
        Message("ann", 5, "member", change=conversation.Mute("bob", 60)),
    ],
)
def test_a_frame_is_the_stored_message_with_its_place(message: Message, seq: int) -> None:
    stored = conversation.stored(message)
    assert conversation.read(stored) == message
    inner = msgpack.unpackb(stored)
    place = {"t": "chat", "conv": "g:team", "seq": seq}
    assert msgpack.unpackb(conversation.frame("g:team", seq, stored)) == place | inner


def test_what_members_are_told_is_a_map() -> None:
    told = msgpack.unpackb(
        conversation.stored(Message("ann", 5, "member", change=conversation.Invite(["b"])))
    )
    assert told == {"from": "ann", "at": 5, "kind": "member", "change": {"verb": "invite", "uids": ["b"]}}


@pytest.mark.parametrize(
    ("until_ms", "now_ms", "muted"), [(0, 5, False), (-1, 5, True), (6, 5, True), (5, 5, False)]
)
def test_a_member_is_muted_for_a_while_or_until_it_is_lifted(until_ms: int, now_ms: int, muted: bool) -> None:
    assert Member("ann", "member", 1, until_ms).is_muted(now_ms) is muted


def test_owner_and_admins_are_staff() -> None:
    roles: list[GroupRole] = ["owner", "admin", "member"]
    assert [Member("ann", role).is_staff for role in roles] == [True, True, False]


def test_in_the_place_of_what_is_gone() -> None:
    frame = msgpack.unpackb(conversation.frame("g:team", 4, b""))
    assert frame == {"t": "chat", "conv": "g:team", "seq": 4, "kind": "gone"}


@pytest.mark.parametrize("junk", [b"", b"\xc1", b"\x80", msgspec.msgpack.encode([1]), b"\x91" * 5000])
def test_junk_is_no_message(junk: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        conversation.read(junk)


def test_a_message_nested_too_deep_is_none() -> None:
    stored = conversation.stored(Message("ann", 5, "message", "c1", msgspec.Raw(b"\x91" * 5000 + b"\x01")))
    with pytest.raises(ValueError, match="nested"):
        conversation.read(stored)
