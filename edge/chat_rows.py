"""Between what users say of conversations and what rooms processes are asked. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from danmaku import chat
from danmaku.conversation import Mention, frame, private
from danmaku.envelope import MAX_MESSAGE_BYTES
from danmaku.wire import Codec
from danmaku.wire_chat import After, Part

PULL_MESSAGES: Final = 50  # of one conversation, unless a limit says otherwise
MOST_PULL_MESSAGES: Final = 200
SYNC_CONVERSATIONS: Final = 100
MOST_SYNC_CONVERSATIONS: Final = 500

_encode: Final = msgspec.msgpack.Encoder().encode


def send_row(
    uid: str,
    to: str | None,
    conv: str | None,
    cid: str,
    body: list[Part],
    mention: Mention | None,
    order: tuple[str, int] = ("", 0),
) -> chat.SendRow:
    """Of what passed `wire_chat.check_send`. Raises Refusal (bad_id) where `to` is the sender himself."""
    target = conv if conv is not None else private(uid, to or "")
    session, n = order
    return chat.SendRow(uid, target, cid, _encode(body), mention, session, n)


def pull_row(uid: str, convs: list[After], max_bytes: int = MAX_MESSAGE_BYTES) -> chat.PullRow:
    asked = [(one.conv, one.after, _within(one.limit, PULL_MESSAGES, MOST_PULL_MESSAGES)) for one in convs]
    return chat.PullRow(uid, asked, max_bytes)


def sync_row(
    uid: str, limit: int | None, cursor: str | None, max_bytes: int = MAX_MESSAGE_BYTES
) -> chat.SyncRow:
    most = _within(limit, SYNC_CONVERSATIONS, MOST_SYNC_CONVERSATIONS)
    return chat.SyncRow(uid, most, cursor or "", max_bytes)


def results(codec: Codec, answer: chat.Pulled) -> msgspec.Raw:
    """A list of wire_chat.Pulled, in this subprotocol."""
    return codec.value([_pulled(codec, one) for one in answer.results])


def summaries(codec: Codec, answer: chat.Synced) -> msgspec.Raw:
    """A list of wire_chat.Synced, in this subprotocol."""
    return codec.value([_summary(codec, one) for one in answer.conversations])


def messages(codec: Codec, conv: str, stored: list[chat.Stored]) -> msgspec.Raw:
    """Those messages as a list of `chat` frames, in this subprotocol."""
    return codec.history([_frame(codec, conv, one) for one in stored])


def _pulled(codec: Codec, one: chat.PulledConversation) -> dict[str, Any]:
    if one.refused is not None:
        return {"conv": one.conv, "error": one.refused}
    told: dict[str, Any] = {
        "conv": one.conv,
        "messages": messages(codec, one.conv, one.messages),
        "last_seq": one.last_seq,
    }
    if one.more:
        told["more"] = True
    if not one.complete:
        told["complete"] = False
    return told


def _summary(codec: Codec, one: chat.Summary) -> dict[str, Any]:
    told: dict[str, Any] = {
        "conv": one.conv,
        "last_seq": one.last_seq,
        "read_seq": one.read_seq,
        "unread": one.unread,
    }
    if one.mentions:
        told["mentions"] = one.mentions
    if one.last is not None:
        told["last"] = msgspec.Raw(_frame(codec, one.conv, one.last))
    if one.name is not None:
        told["name"] = one.name
    if one.role is not None:
        told["role"] = one.role
    if one.other_read_seq:
        told["other_read_seq"] = one.other_read_seq
    return told


def _frame(codec: Codec, conv: str, stored: chat.Stored) -> bytes:
    seq, message = stored
    return codec.batch(frame(conv, seq, message))


def _within(limit: int | None, usual: int, most: int) -> int:
    return usual if limit is None else max(1, min(limit, most))
