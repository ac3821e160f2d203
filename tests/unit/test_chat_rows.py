from __future__ import annotations

import msgspec
import pytest

from danmaku import chat, conversation
from danmaku.conversation import Message
from danmaku.errors import Refusal
from danmaku.wire import JSON, MSGPACK, Codec
from danmaku.wire_chat import After, Chat, Pulled, Synced, Text
from edge import chat_rows

CODECS = pytest.mark.parametrize("codec", [MSGPACK, JSON], ids=["msgpack", "json"])
BODY = msgspec.msgpack.encode([{"type": "text", "text": "hi"}])
STORED = conversation.stored(Message("ann", 5, "message", "c-1", msgspec.Raw(BODY)))
FRAME = {"t": "chat", "conv": "g:a", "from": "ann", "at": 5, "kind": "message", "cid": "c-1"}


def test_a_message_goes_to_the_conversation_with_a_user_or_to_the_one_that_is_named() -> None:
    to_user = chat_rows.send_row("bob", "ann", None, "c-1", [Text("hi")], None)
    assert to_user == chat.SendRow("bob", "p:ann:bob", "c-1", BODY)
    to_group = chat_rows.send_row("bob", None, "g:a", "c-1", [Text("hi")], "all", ("s", 3))
    assert to_group == chat.SendRow("bob", "g:a", "c-1", BODY, "all", "s", 3)
    with pytest.raises(Refusal) as refused:
        chat_rows.send_row("bob", "bob", None, "c-1", [Text("hi")], None)
    assert refused.value.name == "bad_id"


def test_limits_are_kept_within_bounds() -> None:
    asked = [After("g:a", 1), After("g:b", 2, 0), After("g:c", 3, 7), After("g:d", 4, 10**6)]
    assert [limit for _, _, limit in chat_rows.pull_row("ann", asked).convs] == [50, 1, 7, 200]
    assert chat_rows.sync_row("ann", None, None) == chat.SyncRow("ann", 100)
    assert chat_rows.sync_row("ann", 10**6, "g:a") == chat.SyncRow("ann", 500, "g:a")
    assert chat_rows.pull_row("ann", asked, 7000).max_bytes == 7000
    assert chat_rows.sync_row("ann", None, None, 7000).max_bytes == 7000


@CODECS
def test_what_was_pulled_is_told_as_the_protocol_says(codec: Codec) -> None:
    answer = chat.Pulled(
        [
            chat.PulledConversation("g:a", [(3, STORED), (4, b"")], 9, more=True, complete=False),
            chat.PulledConversation("g:b", [], 0, more=False),
            chat.PulledConversation("g:c", [], 0, more=False, refused="not_a_member"),
        ]
    )
    told = chat_rows.results(codec, answer)
    assert codec.read(told) == [
        {
            "conv": "g:a",
            "messages": [
                {**FRAME, "seq": 3, "body": [{"type": "text", "text": "hi"}]},
                {"t": "chat", "conv": "g:a", "seq": 4, "kind": "gone"},
            ],
            "last_seq": 9,
            "more": True,
            "complete": False,
        },
        {"conv": "g:b", "messages": [], "last_seq": 0},
        {"conv": "g:c", "error": "not_a_member"},
    ]
    [first, _, last] = codec.read(told, list[Pulled])
    assert [type(one) for one in first.messages] == [Chat, Chat]
    assert last.error == "not_a_member"


@CODECS
def test_what_was_synced_is_told_as_the_protocol_says(codec: Codec) -> None:
    answer = chat.Synced(
        [
            chat.Summary("g:a", 9, 7, 2, (9, STORED), "Team", "owner", 3, 1),
            chat.Summary("p:ann:bob", 0, 0, 0),
        ]
    )
    told = chat_rows.summaries(codec, answer)
    last = {**FRAME, "seq": 9, "body": [{"type": "text", "text": "hi"}]}
    assert codec.read(told) == [
        {
            "conv": "g:a",
            "last_seq": 9,
            "read_seq": 7,
            "unread": 2,
            "mentions": 1,
            "last": last,
            "name": "Team",
            "role": "owner",
        },
        {"conv": "p:ann:bob", "last_seq": 0, "read_seq": 0, "unread": 0},
    ]
    assert [one.name for one in codec.read(told, list[Synced])] == ["Team", None]
