"""Messages about chat between edges and rooms processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from danmaku import chat, conversation

CHANGES: list[conversation.Change] = [
    conversation.Create("Team", ["bob"]),
    conversation.Rename("Team"),
    conversation.Dissolve(),
    conversation.Join(),
    conversation.Leave(),
    conversation.Invite(["bob", "cid"]),
    conversation.Kick("bob"),
    conversation.Appoint("bob", "admin"),
    conversation.HandOver("bob"),
    conversation.Mute("bob", 60),
    conversation.Unmute("bob"),
    conversation.MuteAll(),
    conversation.UnmuteAll(),
]
ROWS: list[chat.Row] = [
    chat.SendRow("ann", "p:ann:bob", "c1", b"\x90"),
    chat.SendRow("ann", "g:team", "c1", b"\x90", ["bob"], "s1", 7),
    chat.SendRow("ann", "g:team", "c1", b"\x90", "all"),
    chat.PullRow("ann", [("p:ann:bob", 0, 50), ("g:team", 7, 1)]),
    chat.SyncRow("ann", 100, "g:team"),
    chat.ReadRow("ann", "g:team", 4),
    chat.RecallRow("ann", "g:team", 4),
    chat.TypingRow("ann", "p:ann:bob"),
    *(chat.ChangeGroupRow("ann", "team", change) for change in CHANGES),
    chat.GroupRow("ann", "team"),
    chat.BlockRow("ann", "bob", True),
    chat.BlockedRow("ann"),
    chat.GroupsRow("ann"),
    chat.MembersRow("team"),
]
ANSWERS: list[chat.Answer] = [
    chat.Said("g:team", 4, 1000, True),
    chat.Pulled(
        [
            chat.PulledConversation("g:team", [(1, b"\x80"), (2, b"")], 9, True, False),
            chat.PulledConversation("g:other", [], 0, False, refused="not_a_member"),
        ]
    ),
    chat.Synced([chat.Summary("g:team", 9, 4, 5, (9, b"\x80"), "Team", "owner", 3)], "g:team"),
    chat.ReadUpTo("g:team", 4),
    chat.Group("team", "Team", 3, 9, 1000, False, False, [conversation.Member("ann", "owner", 1, -1)]),
    chat.Members("team", 3, [("ann", 1), ("bob", 2)]),
    chat.Users(["bob"]),
    chat.Done(),
    chat.Refused("blocked"),
]
MESSAGES: list[tuple[Any, Callable[[bytes], Any]]] = [
    (chat.ChatRequest(5000, ROWS), chat.decode_request),
    (chat.ChatReply(ANSWERS), chat.decode_reply),
    (chat.Delivery("g:team", 9, 3, [], b"\x80"), chat.decode_news),
    (chat.ReadBy("p:ann:bob", "bob", 3, ["ann"]), chat.decode_news),
    (chat.Typing("p:ann:bob", "bob", ["ann"]), chat.decode_news),
    (chat.ChatHeads({"g:team": (9, 3)}), chat.decode_heads),
]


@pytest.mark.parametrize(("message", "decode"), MESSAGES)
def test_what_is_said_is_what_is_heard(message: Any, decode: Callable[[bytes], Any]) -> None:
    assert decode(chat.encode(message)) == message


@pytest.mark.parametrize("decode", {decode for _, decode in MESSAGES})
@pytest.mark.parametrize("junk", [b"", b"\xc1", b"\x80", b"\x91" * 5000])
def test_junk_is_refused(decode: Callable[[bytes], Any], junk: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(junk)
