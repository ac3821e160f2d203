"""Conversations: their ids, their messages as they are stored and shown, and what changes a group.

A message is encoded once, before its seq is known: the script that appends it gives that out. So what is
stored is the message's map without `seq`, and `frame` puts the rest around the same bytes.
"""

from __future__ import annotations

from binascii import crc32
from functools import lru_cache
from typing import Final, Literal

import msgspec

from danmaku.errors import BAD_ID, Refusal
from danmaku.model import check_id

BUCKETS: Final = 256
MESSAGE: Final = "message"
RECALL: Final = "recall"
MEMBER: Final = "member"
GONE: Final = "gone"

GroupRole = Literal["owner", "admin", "member"]
Mention = list[str] | Literal["all"]
_ABSENT: Final = msgspec.Raw()


def private(one: str, other: str) -> str:
    """The conversation of two users. Raises Refusal (bad_id)."""
    if one == other:
        raise Refusal(BAD_ID, "nobody has a private conversation with himself")
    low, high = sorted((check_id(one, "uid"), check_id(other, "uid")))
    return f"p:{low}:{high}"


def group(gid: str) -> str:
    """The conversation of a group. Raises Refusal (bad_id)."""
    return f"g:{check_id(gid, 'gid')}"


@lru_cache(maxsize=16_384)  # these three are asked about a few times for every message
def check_conv(conv: str) -> str:
    """Return `conv` if it is the id of a conversation, else raise Refusal (bad_id)."""
    kind, *ids = conv.split(":", 2)
    made = None
    if kind == "p" and len(ids) == 2:
        made = private(*ids)
    elif kind == "g" and len(ids) == 1:
        made = group(*ids)
    if made != conv:
        raise Refusal(BAD_ID, "a conversation is p:<uid>:<uid>, the lower uid first, or g:<gid>")
    return conv


@lru_cache(maxsize=16_384)
def parties(conv: str) -> tuple[str, str] | None:
    """The two users of a private conversation, None for a group. `conv` is a good id."""
    if not conv.startswith("p:"):
        return None
    _, one, other = conv.split(":")
    return one, other


def gid_of(conv: str) -> str | None:
    """The group of a conversation, None for a private one. `conv` is a good id."""
    return conv[2:] if conv.startswith("g:") else None


@lru_cache(maxsize=16_384)
def bucket_of(conv: str) -> int:
    """What groups conversations in the store; stable for ever, its keys depend on it."""
    return crc32(conv.encode()) % BUCKETS


class Member(msgspec.Struct, array_like=True, frozen=True):
    """Of a group. since: the seq with which he came. muted_until_ms: 0 if not, -1 until it is lifted."""

    uid: str
    role: GroupRole
    since: int = 0
    muted_until_ms: int = 0

    def is_muted(self, now_ms: int) -> bool:
        return self.muted_until_ms < 0 or now_ms < self.muted_until_ms

    @property
    def is_staff(self) -> bool:
        return self.role != "member"


# What changes a group, as it is asked for and as its members are told of it.


class _Change(msgspec.Struct, tag_field="verb", omit_defaults=True, frozen=True):
    """A map with `verb`."""


class Create(_Change, tag="create", frozen=True):
    """`uids` are members from the start, besides whoever creates and so owns it."""

    name: str
    uids: list[str] = []


class Rename(_Change, tag="rename", frozen=True):
    name: str


class Dissolve(_Change, tag="dissolve", frozen=True):
    """For good: it can be read by those who were its members, and nothing is said in it any more."""


class Join(_Change, tag="join", frozen=True):
    pass


class Leave(_Change, tag="leave", frozen=True):
    pass


class Invite(_Change, tag="invite", frozen=True):
    """They are members at once."""

    uids: list[str]


class Kick(_Change, tag="kick", frozen=True):
    uid: str


class Appoint(_Change, tag="appoint", frozen=True):
    uid: str
    role: Literal["admin", "member"]


class HandOver(_Change, tag="hand_over", frozen=True):
    """`uid` becomes the owner, and the owner an admin."""

    uid: str


class Mute(_Change, tag="mute", frozen=True):
    """For `seconds`, or until it is lifted."""

    uid: str
    seconds: int | None = None


class Unmute(_Change, tag="unmute", frozen=True):
    uid: str


class MuteAll(_Change, tag="mute_all", frozen=True):
    """Only owner and admins may speak."""


class UnmuteAll(_Change, tag="unmute_all", frozen=True):
    pass


Change = (
    Create
    | Rename
    | Dissolve
    | Join
    | Leave
    | Invite
    | Kick
    | Appoint
    | HandOver
    | Mute
    | Unmute
    | MuteAll
    | UnmuteAll
)


class Message(msgspec.Struct, omit_defaults=True, rename={"from_": "from"}):
    """A message without its conversation and its seq.

    body, mention: of a `message`; the body is its list of parts, already encoded as msgpack.
    of: the seq that a `recall` takes back. change: what a `member` tells of.
    """

    from_: str
    at: int
    kind: str
    cid: str = ""
    body: msgspec.Raw = _ABSENT
    mention: Mention | None = None
    of: int | None = None
    change: Change | None = None


_encode: Final = msgspec.msgpack.Encoder().encode
_message: Final = msgspec.msgpack.Decoder(Message)
_T_CONV: Final = b"\xa1t\xa4chat\xa4conv"
_SEQ: Final = b"\xa3seq"
_GONE: Final = _encode({"kind": GONE})


def stored(message: Message) -> bytes:
    """As the store keeps it."""
    return _encode(message)


def read(stored: bytes) -> Message:
    """Raises ValueError on anything else."""
    try:
        return _message.decode(stored)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def frame(conv: str, seq: int, stored: bytes) -> bytes:
    """The finished msgpack `chat` frame of a stored message; empty `stored` is one that is gone."""
    stored = stored or _GONE
    begin = bytes((stored[0] + 3,))  # a map this small says its size in its first byte
    return b"".join((begin, _T_CONV, _encode(conv), _SEQ, _encode(seq), memoryview(stored)[1:]))
