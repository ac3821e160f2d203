"""The chat half of the client protocol: its frames, the parts of a body, and what may be in them.

`danmaku.wire` reads and writes these like all other frames. What a type cannot say is said by `check_send`
and `check_pull`, which refuse by name; sockets and the HTTP API both go by them.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec

from danmaku.conversation import Mention, check_conv
from danmaku.errors import BAD_FRAME, EMPTY, TOO_LARGE, TOO_LONG, Refusal
from danmaku.model import Number, check_id

MAX_PARTS: Final = 32  # of one body
MAX_BODY_BYTES: Final = 12 * 1024  # as msgpack; leaves room for the rest of a frame
MAX_TEXT: Final = 10_000  # code points of all text parts together
MAX_URL: Final = 2048
MAX_NAME: Final = 255
MAX_FACE: Final = 256
MAX_MENTIONS: Final = 100
MAX_PULL: Final = 100  # conversations in one chat.pull
MAX_CURSOR: Final = 256  # more than any conversation's id has

_ABSENT: Final = msgspec.Raw()
_MEDIA: Final = frozenset({"http", "https"})


# The parts of a body. Media travel by URL.


class Text(msgspec.Struct, tag_field="type", tag="text", frozen=True):
    text: str


class Image(msgspec.Struct, tag_field="type", tag="image", omit_defaults=True, frozen=True):
    url: str
    width: Number | None = None
    height: Number | None = None
    size: Number | None = None


class Face(msgspec.Struct, tag_field="type", tag="face", omit_defaults=True, frozen=True):
    index: Number
    data: str | None = None


class Video(msgspec.Struct, tag_field="type", tag="video", omit_defaults=True, frozen=True):
    url: str
    seconds: Number | None = None
    cover: str | None = None


class File(msgspec.Struct, tag_field="type", tag="file", frozen=True):
    url: str
    name: str
    size: Number


class Sound(msgspec.Struct, tag_field="type", tag="sound", frozen=True):
    url: str
    seconds: Number


Part = Text | Image | Face | Video | File | Sound


# What a client says.


class ChatSend(msgspec.Struct, tag_field="t", tag="chat.send", omit_defaults=True):
    """To a user (`to`) or into a conversation (`conv`); one of the two."""

    id: Number
    body: list[Part]
    cid: str
    to: str | None = None
    conv: str | None = None
    mention: Mention | None = None


class After(msgspec.Struct, omit_defaults=True):
    """What came after seq `after` in one conversation, at most `limit` messages of it."""

    conv: str
    after: Number
    limit: Number | None = None


class ChatPull(msgspec.Struct, tag_field="t", tag="chat.pull"):
    id: Number
    convs: list[After]


class ChatSync(msgspec.Struct, tag_field="t", tag="chat.sync", omit_defaults=True):
    id: Number
    limit: Number | None = None
    cursor: str | None = None


class ChatRead(msgspec.Struct, tag_field="t", tag="chat.read"):
    id: Number
    conv: str
    seq: Number


class ChatRecall(msgspec.Struct, tag_field="t", tag="chat.recall"):
    id: Number
    conv: str
    seq: Number


class ChatTyping(msgspec.Struct, tag_field="t", tag="chat.typing"):
    """Not stored, and lost without harm."""

    id: Number
    conv: str


ChatFrame = ChatSend | ChatPull | ChatSync | ChatRead | ChatRecall | ChatTyping


# What the server says, to connections whose hello said `chat`. Raw fields are empty bytes where they are
# absent: a client must be able to read frames that hold parts which only a later version knows.


class Chat(
    msgspec.Struct, tag_field="t", tag="chat", rename={"from_": "from"}, omit_defaults=True, kw_only=True
):
    """Number `seq` of a conversation; seqs run 1, 2, 3 … without gaps.

    kind: `message`, with cid, body and mention; `recall` of number `of`; `member`, what changed in a group,
    told in `change`; `gone`, in the place of what was recalled or removed, without anything else.
    """

    conv: str
    seq: int
    from_: str = ""
    at: int = 0
    kind: str
    cid: str = ""
    body: msgspec.Raw = _ABSENT
    mention: list[str] | str | None = None
    of: int | None = None
    change: msgspec.Raw = _ABSENT


class Head(msgspec.Struct, tag_field="t", tag="head"):
    """The last seq of conversations in which something was said of late: has one of them gone on unheard?"""

    heads: dict[str, int]


class Read(msgspec.Struct, tag_field="t", tag="read"):
    """`uid` has read the conversation up to `seq`."""

    conv: str
    uid: str
    seq: int


class Typing(msgspec.Struct, tag_field="t", tag="typing"):
    conv: str
    uid: str


# What lists in an `ok` hold.


class Pulled(msgspec.Struct, omit_defaults=True):
    """One of the `results` of chat.pull, messages in order.

    more: there are some after these. complete: False where something after `after` is no longer kept.
    error: the name of the refusal where this conversation cannot be read; it has no messages then.
    """

    conv: str
    messages: list[Chat] = []
    last_seq: int = 0
    more: bool = False
    complete: bool = True
    error: str | None = None


class Synced(msgspec.Struct, omit_defaults=True):
    """One of the `convs` of chat.sync. name, role: of a group, and of the user in it.

    other_read_seq: in private, how far the other one has read.

    mentions: how many of the unread messages mention him, or all.
    last: the newest message that the user may see, None where there is none.
    """

    conv: str
    last_seq: int
    read_seq: int
    unread: int
    mentions: int = 0
    last: Chat | None = None
    name: str | None = None
    role: str | None = None
    other_read_seq: int = 0


def check(frame: ChatFrame) -> None:
    """Raises Refusal for what no rooms process need be asked about."""
    match frame:
        case ChatSend():
            check_send(frame.to, frame.conv, frame.cid, frame.body, frame.mention)
        case ChatPull():
            check_pull(frame.convs)
        case ChatSync():
            check_cursor(frame.cursor)
        case _:
            check_conv(frame.conv)


def check_send(to: str | None, conv: str | None, cid: str, body: list[Part], mention: Mention | None) -> None:
    """What may be sent. Raises Refusal: bad_frame, bad_id, empty, too_long, too_large."""
    check_id(cid, "cid")
    if (to is None) is (conv is None):
        raise Refusal(BAD_FRAME, "say either to, a user, or conv, a conversation")
    if to is not None:
        check_id(to, "to")
    if conv is not None:
        check_conv(conv)
    _check_body(body)
    _check_mention(mention)


def check_pull(convs: list[After]) -> None:
    """What may be pulled at one time. Raises Refusal: bad_frame, bad_id, empty, too_large."""
    if not convs:
        raise Refusal(EMPTY, "no conversation is named")
    if len(convs) > MAX_PULL:
        raise Refusal(TOO_LARGE, f"at most {MAX_PULL} conversations at one time")
    for one in convs:
        check_conv(one.conv)
    if len({one.conv for one in convs}) < len(convs):
        raise Refusal(BAD_FRAME, "a conversation is named twice")


def check_cursor(cursor: str | None) -> None:
    """Raises Refusal (bad_frame) for what no answer can have held."""
    if cursor is None:
        return
    try:
        check_conv(cursor[:MAX_CURSOR])
    except Refusal:
        raise Refusal(BAD_FRAME, "the cursor is not one that was given") from None


def _check_body(body: list[Part]) -> None:
    if not body:
        raise Refusal(EMPTY, "the body has no parts")
    if len(body) > MAX_PARTS:
        raise Refusal(TOO_LARGE, f"a body has at most {MAX_PARTS} parts")
    if sum(len(part.text) for part in body if isinstance(part, Text)) > MAX_TEXT:
        raise Refusal(TOO_LONG, f"a message has at most {MAX_TEXT} characters of text")
    for part in body:
        _check_part(part)
    if len(msgspec.msgpack.encode(body)) > MAX_BODY_BYTES:
        raise Refusal(TOO_LARGE, f"a body has at most {MAX_BODY_BYTES} bytes")


def _check_part(part: Part) -> None:
    if isinstance(part, Text) and not part.text.strip():
        raise Refusal(EMPTY, "a part has no text")
    if isinstance(part, Face) and part.data is not None and len(part.data) > MAX_FACE:
        raise Refusal(TOO_LONG, f"data of a face has at most {MAX_FACE} characters")
    if isinstance(part, File) and not 0 < len(part.name) <= MAX_NAME:
        raise Refusal(BAD_FRAME, f"the name of a file has 1 to {MAX_NAME} characters")
    for url in _urls(part):
        _check_url(url)


def _urls(part: Part) -> list[str]:
    if isinstance(part, Text | Face):
        return []
    if isinstance(part, Video) and part.cover is not None:
        return [part.url, part.cover]
    return [part.url]


def _check_url(url: str) -> None:
    """Whoever shows a message may follow it: no script, and nothing that a client would have to guess."""
    if len(url) > MAX_URL:
        raise Refusal(TOO_LONG, f"a URL has at most {MAX_URL} characters")
    try:
        parts = urlsplit(url)
        good = parts.scheme in _MEDIA and bool(parts.hostname) and url.isprintable() and " " not in url
    except ValueError:
        good = False
    if not good:
        raise Refusal(BAD_FRAME, "a URL begins with http:// or https:// and names a host")


def _check_mention(mention: Mention | None) -> None:
    if mention is None or mention == "all":
        return
    if len(mention) > MAX_MENTIONS:
        raise Refusal(TOO_LARGE, f"at most {MAX_MENTIONS} users are mentioned by name; say all")
    for uid in mention:
        check_id(uid, "a mentioned uid")
