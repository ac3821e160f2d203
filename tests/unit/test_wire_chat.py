from __future__ import annotations

from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku import wire, wire_chat
from danmaku.conversation import Create, Mention, Message, frame, stored
from danmaku.errors import Refusal
from danmaku.model import MAX_NUMBER
from danmaku.wire import JSON, MSGPACK
from danmaku.wire_chat import (
    After,
    Chat,
    ChatFrame,
    ChatPull,
    ChatRead,
    ChatRecall,
    ChatSend,
    ChatSync,
    ChatTyping,
    Face,
    File,
    Image,
    Part,
    Sound,
    Text,
    Video,
)

HELLO = Text("hello")
URL = "https://media.example/a"
LONG_URL = URL + "a" * wire_chat.MAX_URL


def send(*body: Part, mention: Mention | None = None) -> ChatSend:
    return ChatSend(1, list(body), "c-1", to="bob", mention=mention)


def pull(*convs: str) -> ChatPull:
    return ChatPull(1, [After(conv, 0) for conv in convs])


@pytest.mark.parametrize(
    "good",
    [
        send(HELLO),
        ChatSend(1, [HELLO], "c-1", conv="g:team"),
        send(HELLO, mention="all"),
        send(HELLO, mention=[]),
        send(HELLO, mention=["bob"] * wire_chat.MAX_MENTIONS),
        send(Image(URL), Image("http://h/"), Video(URL), Video(URL, 1, URL), Sound(URL, 5)),
        send(Face(0), Face(3, "x" * wire_chat.MAX_FACE), File(URL, "n" * wire_chat.MAX_NAME, 0)),
        send(*[HELLO] * wire_chat.MAX_PARTS),
        send(Text("a" * wire_chat.MAX_TEXT)),
        pull("p:ann:bob", "g:team"),
        pull(*[f"g:{number}" for number in range(wire_chat.MAX_PULL)]),
        ChatSync(1),
        ChatSync(1, 10, "p:ann:bob"),
        ChatRead(1, "p:ann:bob", 0),
        ChatRecall(1, "g:team", 5),
        ChatTyping(1, "g:team"),
    ],
)
def test_what_may_be_said(good: ChatFrame) -> None:
    wire_chat.check(good)


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        (ChatSend(1, [HELLO], "c-1"), "bad_frame"),
        (ChatSend(1, [HELLO], "c-1", to="bob", conv="g:team"), "bad_frame"),
        (ChatSend(1, [HELLO], "no id", to="bob"), "bad_id"),
        (ChatSend(1, [HELLO], "c-1", to="no id"), "bad_id"),
        (ChatSend(1, [HELLO], "c-1", conv="team"), "bad_id"),
        (send(), "empty"),
        (send(Text("")), "empty"),
        (send(Text(" \n\t")), "empty"),
        (send(*[HELLO] * (wire_chat.MAX_PARTS + 1)), "too_large"),
        (send(Text("a" * wire_chat.MAX_TEXT), Text("b")), "too_long"),
        (send(Text("弹" * (wire_chat.MAX_BODY_BYTES // 3))), "too_large"),
        (send(Face(1, "x" * (wire_chat.MAX_FACE + 1))), "too_long"),
        (send(File(URL, "", 1)), "bad_frame"),
        (send(File(URL, "n" * (wire_chat.MAX_NAME + 1), 1)), "bad_frame"),
        (send(File("a", "a", 1)), "bad_frame"),
        (send(Sound("a", 1)), "bad_frame"),
        (send(Video("a")), "bad_frame"),
        (send(Video(URL, cover="a")), "bad_frame"),
        (send(Image(LONG_URL)), "too_long"),
        (send(Image("javascript:alert(1)")), "bad_frame"),
        (send(Image("data:text/html,x")), "bad_frame"),
        (send(Image("https://")), "bad_frame"),
        (send(Image("//host/a")), "bad_frame"),
        (send(Image("https://[::1")), "bad_frame"),
        (send(Image("https://host/a b")), "bad_frame"),
        (send(Image("https://host/a\nb")), "bad_frame"),
        (send(HELLO, mention=["bob"] * (wire_chat.MAX_MENTIONS + 1)), "too_large"),
        (send(HELLO, mention=["no id"]), "bad_id"),
        (pull(), "empty"),
        (pull("team"), "bad_id"),
        (pull("g:team", "g:team"), "bad_frame"),
        (pull(*[f"g:{number}" for number in range(wire_chat.MAX_PULL + 1)]), "too_large"),
        (ChatSync(1, 10, "c" * (wire_chat.MAX_CURSOR + 1)), "bad_frame"),
        (ChatSync(1, 10, "é"), "bad_frame"),
        (ChatSync(1, 10, "a\nb"), "bad_frame"),
        (ChatRead(1, "p:bob:ann", 1), "bad_id"),
        (ChatRecall(1, "", 1), "bad_id"),
        (ChatTyping(1, "g:"), "bad_id"),
    ],
)
def test_what_may_not_be_said_is_refused_by_name(bad: ChatFrame, name: str) -> None:
    with pytest.raises(Refusal) as refused:
        wire_chat.check(bad)
    assert refused.value.name == name


@given(st.text(max_size=40) | st.text(max_size=40).map("https://".__add__))
def test_whatever_a_url_is_it_is_judged_and_not_raised_about(url: str) -> None:
    refused = None
    try:
        wire_chat.check(send(Image(url)))
    except Refusal as refusal:
        refused = refusal.name
    good = url.lower().startswith(("http://", "https://"))
    assert refused == "bad_frame" or (good and refused is None)


@pytest.mark.parametrize("codec", [MSGPACK, JSON], ids=["msgpack", "json"])
@pytest.mark.parametrize(
    "fields",
    [
        {"body": "hello"},
        {"body": [{"type": "text"}]},
        {"body": [{"type": "text", "text": 5}]},
        {"body": [{"type": "dance", "text": "x"}]},
        {"body": [{"text": "x"}]},
        {"body": [{"type": "image", "url": "u", "width": -1}]},
        {"body": [{"type": "sound", "url": "u", "seconds": MAX_NUMBER + 1}]},
        {"body": [], "mention": "everybody"},
        {"body": [], "mention": [5]},
        {"body": [], "to": 5},
    ],
)
def test_what_is_no_frame_keeps_its_id(codec: wire.Codec, fields: dict[str, Any]) -> None:
    value = {"t": "chat.send", "id": 7, "cid": "c-1", **fields}
    [came] = codec.decode(msgpack.packb(value) if codec.binary else msgspec.json.encode(value))
    assert isinstance(came, wire.Malformed)
    assert came.id == 7


BODY = msgspec.Raw(msgpack.packb([{"type": "later", "x": 1}]))


@pytest.mark.parametrize(
    "message",
    [
        Message("ann", 5, "message", "c-1", BODY, ["bob"]),
        Message("ann", 5, "recall", of=3),
        Message("ann", 5, "member", change=Create("Team", ["bob"])),
        None,
    ],
)
def test_what_is_stored_is_read_as_a_frame_also_where_a_later_version_wrote_it(
    message: Message | None,
) -> None:
    told = frame("g:team", 7, b"" if message is None else stored(message))
    for codec in (MSGPACK, JSON):
        [came] = codec.decode_server(codec.batch(told))
        assert isinstance(came, Chat)
        assert codec.encode(came) == codec.batch(told)
        assert (came.conv, came.seq) == ("g:team", 7)
        if message is None:
            assert came.kind == "gone"
        else:
            assert (came.from_, came.at, came.kind, came.cid) == ("ann", 5, message.kind, message.cid)
            assert came.of == message.of
            if bytes(came.body):
                assert codec.read(came.body) == [{"type": "later", "x": 1}]
            if bytes(came.change):
                assert codec.read(came.change) == {"verb": "create", "name": "Team", "uids": ["bob"]}
