"""The frames of the client protocol: what a client says, and what the server says.

`danmaku.wire` makes bytes of them, and frames of bytes.
"""

from __future__ import annotations

from typing import Final

import msgspec

from danmaku.model import Mode, Number
from danmaku.wire_chat import Chat, ChatFrame, Head, Read, Typing
from danmaku.wire_items import At

ABSENT: Final = msgspec.Raw()  # a Raw field cannot be None; left out because it is the default


# What a client says. Each frame gets exactly one `ok` or `err` with its `id`.


class Hello(msgspec.Struct, tag_field="t", tag="hello", omit_defaults=True, gc=False):
    id: Number
    token: str | None = None
    device: str | None = None
    name: str | None = None
    n: Number | None = None
    chat: bool = False
    deflate: bool = False


class Join(msgspec.Struct, tag_field="t", tag="join", omit_defaults=True, gc=False):
    id: Number
    room: str
    since: At | None = None


class Leave(msgspec.Struct, tag_field="t", tag="leave", gc=False):
    id: Number
    room: str


class Send(msgspec.Struct, tag_field="t", tag="send", omit_defaults=True, gc=False):
    id: Number
    room: str
    text: str
    cid: str
    mode: Mode | None = None
    color: Number | None = None
    size: Number | None = None


class Like(msgspec.Struct, tag_field="t", tag="like", gc=False):
    id: Number
    room: str
    n: Number


class Vote(msgspec.Struct, tag_field="t", tag="vote", gc=False):
    """`option`: its place in the poll's list, from 0."""

    id: Number
    room: str
    poll: str
    option: Number


class History(msgspec.Struct, tag_field="t", tag="history", omit_defaults=True, gc=False):
    id: Number
    room: str
    since: At
    limit: Number | None = None


class Ping(msgspec.Struct, tag_field="t", tag="ping", gc=False):
    id: Number


RoomFrame = Join | Leave | Send | Like | Vote | History
ClientFrame = Hello | RoomFrame | Ping | ChatFrame


# What the server says.


class Ok(msgspec.Struct, tag_field="t", tag="ok", omit_defaults=True, gc=False):
    """The answer to one client frame; which fields are set depends on that frame.

    `history` is a list of batches, each the very frame that viewers got when it was shown. `pinned` is a
    list of Pinned, `poll` an OpenPoll. `results` is a list of wire_chat.Pulled, `convs` of wire_chat.Synced.
    Like `settings` they are empty bytes where absent.
    """

    id: int
    uid: str | None = None
    name: str | None = None
    role: str | None = None
    session: str | None = None
    heartbeat_ms: int | None = None
    frame_bytes: int | None = None
    deflate: bool | None = None
    server_time: int | None = None
    room: str | None = None
    epoch: int | None = None
    seq: int | None = None
    viewers: int | None = None
    likes: int | None = None
    settings: msgspec.Raw = ABSENT
    history: msgspec.Raw = ABSENT
    complete: bool | None = None
    pinned: msgspec.Raw = ABSENT
    poll: msgspec.Raw = ABSENT
    shown: bool | None = None
    at: int | None = None
    conv: str | None = None
    duplicate: bool | None = None
    read_seq: int | None = None
    results: msgspec.Raw = ABSENT
    convs: msgspec.Raw = ABSENT
    more: bool | None = None
    cursor: str | None = None
    delay_ms: int | None = None
    title: str | None = None


class Err(msgspec.Struct, tag_field="t", tag="err", omit_defaults=True, gc=False):
    id: int | None
    code: int
    error: str
    message: str
    retry_ms: int | None = None


class Batch(msgspec.Struct, tag_field="t", tag="batch", omit_defaults=True, gc=False):
    """Items of a room in order; item i has position (epoch, seq + i)."""

    room: str
    epoch: int
    seq: int
    at: int
    items: list[msgspec.Raw]
    prev: At | None = None


class Aside(msgspec.Struct, tag_field="t", tag="aside", gc=False):
    """Items of a room that nobody but this user is shown. They have no position, and are in no history."""

    room: str
    at: int
    items: list[msgspec.Raw]


class Skip(msgspec.Struct, tag_field="t", tag="skip", rename={"from_": "from"}, omit_defaults=True, gc=False):
    """Positions from..to that this edge could not show in time; not a gap.

    `prev` where it begins another epoch than that of the position it follows.
    """

    room: str
    epoch: int
    from_: int
    to: int
    prev: At | None = None


class Pinned(msgspec.Struct, gc=False):
    """An item that is kept in view, where it stands in the room, and when it was shown."""

    epoch: int
    seq: int
    at: int
    item: msgspec.Raw


class OpenPoll(msgspec.Struct, omit_defaults=True, gc=False):
    """A Poll and how it stands."""

    id: str
    question: str
    options: list[str]
    counts: list[int]
    until: int | None = None


class Stats(msgspec.Struct, tag_field="t", tag="stats", omit_defaults=True, gc=False):
    """The room's head and totals, and how the open poll stands; unnumbered, the latest wins."""

    room: str
    epoch: int
    seq: int
    viewers: int
    likes: int
    poll: str | None = None
    counts: list[int] | None = None


class Notice(msgspec.Struct, tag_field="t", tag="notice", omit_defaults=True, gc=False):
    """text: of one's comment about which was decided."""

    kind: str
    room: str | None = None
    reason: str | None = None
    retry_ms: int | None = None
    text: str | None = None


ServerFrame = Ok | Err | Batch | Aside | Skip | Stats | Notice | Chat | Head | Read | Typing
