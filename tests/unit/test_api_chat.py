from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from danmaku import chat, conversation
from danmaku.conversation import Message
from danmaku.errors import Refusal
from edge.api.routing import CONV_SCHEMA
from tests.unit.api_service import Service

CONV = "p:ann:bob"
HELLO = [{"type": "text", "text": "hello"}]
BODY = msgspec.msgpack.encode(HELLO)
STORED = conversation.stored(Message("ann", 5, "message", "c-1", msgspec.Raw(BODY)))
TOLD = {
    "t": "chat",
    "conv": CONV,
    "seq": 3,
    "from": "ann",
    "at": 5,
    "kind": "message",
    "cid": "c-1",
    "body": HELLO,
}


@pytest.fixture
def service() -> Service:
    return Service()


async def test_a_message_is_sent(service: Service) -> None:
    body = {"to": "bob", "body": HELLO, "cid": "c-1", "mention": ["bob"]}
    answer = await service.call("POST", "/v1/chat/messages", body, service.token())
    assert (answer.status, answer.json) == (200, {"conv": CONV, "seq": 3, "at": 1234, "duplicate": False})
    assert service.chat.rows == [chat.SendRow("ann", CONV, "c-1", BODY, ["bob"])]


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"to": "bob", "body": HELLO}, "bad_frame"),
        ({"body": HELLO, "cid": "c"}, "bad_frame"),
        ({"to": "bob", "conv": CONV, "body": HELLO, "cid": "c"}, "bad_frame"),
        ({"to": "bob", "body": [], "cid": "c"}, "empty"),
        ({"to": "bob", "body": HELLO, "cid": "no id"}, "bad_id"),
        ({"to": "ann", "body": HELLO, "cid": "c"}, "bad_id"),
        ({"conv": "team", "body": HELLO, "cid": "c"}, "bad_id"),
        ({"to": "bob", "body": HELLO, "cid": "c", "mention": ["m"] * 10_000}, "too_large"),
        ({"to": "bob", "body": [{"type": "image", "url": "javascript:x"}], "cid": "c"}, "bad_frame"),
        ({"to": "bob", "body": [{"type": "text", "text": "弹" * 9000}], "cid": "c"}, "too_large"),
        ({"to": "bob", "body": HELLO, "cid": "c", "from": "eve"}, "bad_frame"),
    ],
)
async def test_what_is_no_message(service: Service, body: Any, refusal: str) -> None:
    answer = await service.call("POST", "/v1/chat/messages", body, service.token())
    assert answer.refusal[1] == refusal
    assert service.chat.rows == []


async def test_conversations_are_listed(service: Service) -> None:
    summary = chat.Summary(CONV, 3, 2, 1, (3, STORED), other_read_seq=3)
    service.chat.answers[chat.SyncRow] = chat.Synced([summary], "p:ann:bob")
    answer = await service.call("GET", "/v1/chat/conversations?limit=1&cursor=g:a", token=service.token())
    assert answer.json == {
        "conversations": [
            {"conv": CONV, "last_seq": 3, "read_seq": 2, "unread": 1, "last": TOLD, "other_read_seq": 3}
        ],
        "more": True,
        "cursor": CONV,
    }
    assert service.chat.rows == [chat.SyncRow("ann", 1, "g:a")]
    for cursor in ("%C3%A9", "bob", "p:b:a"):
        bad = await service.call("GET", f"/v1/chat/conversations?cursor={cursor}", token=service.token())
        assert bad.refusal == (400, "bad_frame")


@pytest.mark.parametrize("path", ["p:ann:bob", "p%3Aann%3Abob"])
async def test_messages_are_read(service: Service, path: str) -> None:
    page = chat.PulledConversation(CONV, [(3, STORED), (4, b"")], 9, more=True, complete=False)
    service.chat.answers[chat.PullRow] = chat.Pulled([page])
    url = f"/v1/chat/conversations/{path}/messages?after=2&limit=2"
    answer = await service.call("GET", url, token=service.token())
    assert answer.json == {
        "conv": CONV,
        "messages": [TOLD, {"t": "chat", "conv": CONV, "seq": 4, "kind": "gone"}],
        "last_seq": 9,
        "more": True,
        "complete": False,
    }
    assert service.chat.rows == [chat.PullRow("ann", [(CONV, 2, 2)])]


@pytest.mark.parametrize(
    ("refused", "name"), [("not_a_member", "not_a_member"), ("of a later version", "internal")]
)
async def test_a_conversation_that_cannot_be_read(service: Service, refused: str, name: str) -> None:
    page = chat.PulledConversation(CONV, [], 0, more=False, refused=refused)
    service.chat.answers[chat.PullRow] = chat.Pulled([page])
    answer = await service.call("GET", f"/v1/chat/conversations/{CONV}/messages", token=service.token())
    assert answer.refusal[1] == name


async def test_messages_are_read_and_recalled(service: Service) -> None:
    url = f"/v1/chat/conversations/{CONV}"
    read = await service.call("PUT", f"{url}/read", {"seq": 3}, service.token())
    assert read.json == {"conv": CONV, "read_seq": 3}
    recalled = await service.call("DELETE", f"{url}/messages/7", token=service.token())
    assert recalled.json == {"conv": CONV, "seq": 4, "at": 1235, "duplicate": False}
    assert service.chat.rows == [chat.ReadRow("ann", CONV, 3), chat.RecallRow("ann", CONV, 7)]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/chat/conversations/team/messages"),
        ("GET", "/v1/chat/conversations/p:bob:ann/messages"),
        ("DELETE", f"/v1/chat/conversations/{CONV}/messages/x"),
        ("DELETE", f"/v1/chat/conversations/{CONV}/messages/-1"),
        ("DELETE", f"/v1/chat/conversations/{CONV}/messages/{2**53}"),
        ("DELETE", "/v1/chat/blocks/no%20id"),
    ],
)
async def test_what_is_no_address(service: Service, method: str, path: str) -> None:
    assert (await service.call(method, path, token=service.token())).refusal == (400, "bad_id")


async def test_users_are_blocked(service: Service) -> None:
    token = service.token()
    for method, path, body in (
        ("POST", "/v1/chat/blocks", {"uid": "eve"}),
        ("DELETE", "/v1/chat/blocks/eve", None),
        ("GET", "/v1/chat/blocks", None),
    ):
        assert (await service.call(method, path, body, token)).json == {"uids": ["eve"]}
    blocks = [row for row in service.chat.rows if isinstance(row, chat.BlockRow)]
    assert blocks == [chat.BlockRow("ann", "eve", True), chat.BlockRow("ann", "eve", False)]
    assert (await service.call("POST", "/v1/chat/blocks", {"uid": "ann"}, token)).refusal[1] == "bad_frame"


async def test_sessions_are_listed_and_ended(service: Service) -> None:
    token = service.token()
    told = {"sessions": [{"device": "tv", "online": True, "edge": "e1", "seen_ms": 1234}]}
    assert (await service.call("GET", "/v1/chat/sessions", token=token)).json == told
    assert (await service.call("DELETE", "/v1/chat/sessions/tv", token=token)).json == told
    listed = chat.SessionsRow("ann")
    assert service.chat.rows == [listed, chat.EndSessionRow("ann", "tv"), listed]
    assert (await service.call("DELETE", "/v1/chat/sessions/no%20id", token=token)).refusal[1] == "bad_id"
    assert (await service.call("GET", "/v1/chat/sessions")).refusal == (401, "unauthorized")


async def test_whether_somebody_is_there(service: Service) -> None:
    token = service.token()
    answer = await service.call("GET", "/v1/chat/presence/bob", token=token)
    assert answer.json == {"uid": "bob", "online": True, "seen_ms": 1234}
    service.chat.answers[chat.PresenceRow] = chat.Presence(online=False)
    answer = await service.call("GET", "/v1/chat/presence/bob", token=token)
    assert answer.json == {"uid": "bob", "online": False, "seen_ms": None}
    assert service.chat.rows == [chat.PresenceRow("ann", "bob")] * 2
    service.chat.answers[chat.PresenceRow] = chat.Refused("forbidden")
    assert (await service.call("GET", "/v1/chat/presence/bob", token=token)).refusal == (403, "forbidden")


async def test_guests_have_no_conversations_and_refusals_are_passed_on(service: Service) -> None:
    assert (await service.call("GET", "/v1/chat/conversations")).refusal == (401, "unauthorized")
    service.chat.answers[chat.SendRow] = chat.Refused("muted", retry_ms=5000)
    body = {"to": "bob", "body": HELLO, "cid": "c-1"}
    answer = await service.call("POST", "/v1/chat/messages", body, service.token())
    assert answer.refusal == (403, "muted")
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize("conv", [CONV, "g:team", "g:", "p:a", "x:a", "p:a:b:c", ""])
def test_the_description_of_a_conversation_is_that_of_the_code(conv: str) -> None:
    try:
        conversation.check_conv(conv)
        good = True
    except Refusal:
        good = False
    assert bool(re.fullmatch(CONV_SCHEMA["pattern"], conv)) == good
