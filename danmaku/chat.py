"""What edges and rooms processes say to each other about chat: msgpack arrays, as in danmaku.envelope.

Any rooms process answers a ChatRequest; rows and answers stand in the same order. A row whose outcome is
unknown (no answer, `unavailable`, `timeout`) may be asked again as it is: what was done is not done twice.
Ids, bodies and mentions are checked by the edge; who may do what is decided by rooms processes.
"""

from __future__ import annotations

from typing import Final

import msgspec

from danmaku.conversation import Change, GroupRole, Member, Mention
from danmaku.envelope import MAX_MESSAGE_BYTES, Sent, encode, reader
from danmaku.rows import Done, Refused

__all__ = ["Done", "Refused", "encode"]


class _Row(msgspec.Struct, array_like=True, tag=True):
    """One thing asked by `uid`."""


class SendRow(_Row, tag="send"):
    """A message. Answered by Said, or Refused.

    body: the list of parts as msgpack.
    session, n: the n-th `chat.send` of a connection. It is refused (`conflict`) once a later one was taken.
    Without a session no order is kept.
    """

    uid: str
    conv: str
    cid: str
    body: bytes
    mention: Mention | None = None
    session: str = ""
    n: int = 0


class PullRow(_Row, tag="pull"):
    """Of each conversation at most `limit` messages after a seq: (conv, after, limit). Answered by Pulled.

    max_bytes: of all as frames, about; but one message comes where there is one.
    """

    uid: str
    convs: list[tuple[str, int, int]]
    max_bytes: int = MAX_MESSAGE_BYTES


class SyncRow(_Row, tag="sync"):
    """The user's conversations behind `cursor`, by id, at most `limit`. Answered by Synced, or Refused.

    max_bytes: of all as they are told, about; but one conversation comes where there is one.
    """

    uid: str
    limit: int
    cursor: str = ""
    max_bytes: int = MAX_MESSAGE_BYTES


class ReadRow(_Row, tag="read"):
    """All up to `seq` was read. Answered by ReadUpTo, or Refused."""

    uid: str
    conv: str
    seq: int


class RecallRow(_Row, tag="recall"):
    """Take the message `seq` back. Answered by Said (of the recall), or Refused."""

    uid: str
    conv: str
    seq: int


class TypingRow(_Row, tag="typing"):
    """The user is writing. Answered by Done, or Refused; nothing is stored."""

    uid: str
    conv: str


class ChangeGroupRow(_Row, tag="change"):
    """Answered by Group, or Refused. What is so already is not done, and answered alike.

    cid: the change's own id, under which it is made once, and answered alike for a day, whatever holds
    by then. Without one it may be made twice.
    """

    uid: str
    gid: str
    change: Change
    cid: str = ""


class GroupRow(_Row, tag="group"):
    """Read a group that one is a member of. Answered by Group, or Refused."""

    uid: str
    gid: str


class BlockRow(_Row, tag="block"):
    """`other` may not (or may again) send to `uid` in private. Answered by Done, or Refused."""

    uid: str
    other: str
    blocked: bool


class BlockedRow(_Row, tag="blocked"):
    """Whom does `uid` block? Answered by Users."""

    uid: str


class GroupsRow(_Row, tag="groups"):
    """Which groups does `uid` belong to? Answered by Users, which are gids; some may be left already."""

    uid: str


class MembersRow(_Row, tag="members"):
    """Who belongs to a group? Asked by an edge for itself. Answered by Members."""

    gid: str


class LeftRow(_Row, tag="left"):
    """A counted connection of `uid` has ended. Answered by Done."""

    uid: str
    device: str
    session: str


class PresenceRow(_Row, tag="presence"):
    """Is `other` connected? `uid` is told who shares a conversation with him. Presence, or Refused."""

    uid: str
    other: str


class SessionsRow(_Row, tag="sessions"):
    """On which devices is `uid` connected? Answered by Sessions."""

    uid: str


class EndSessionRow(_Row, tag="end"):
    """What `uid` holds on this device is void there, and its connections are closed. Done, or Refused."""

    uid: str
    device: str


Row = (
    SendRow
    | PullRow
    | SyncRow
    | ReadRow
    | RecallRow
    | TypingRow
    | ChangeGroupRow
    | GroupRow
    | BlockRow
    | BlockedRow
    | GroupsRow
    | MembersRow
    | SessionsRow
    | EndSessionRow
    | LeftRow
    | PresenceRow
)


class ChatRequest(msgspec.Struct, array_like=True):
    """At most 1000 rows. Those that are answered with a list go alone: one may fill a message.

    Where the answers do not fit in one, all are refused (`unavailable`).
    """

    budget_ms: int
    rows: list[Row]
    sent: Sent | None = None


class _Answer(msgspec.Struct, array_like=True, tag=True):
    """What became of one row."""


class Said(_Answer, tag="said"):
    """Stored. `duplicate`: it was there already, and this is the first answer again."""

    conv: str
    seq: int
    at: int
    duplicate: bool = False


Stored = tuple[int, bytes]
"""A seq and the message as it is stored: empty where it is gone. See danmaku.conversation.frame."""


class PulledConversation(msgspec.Struct, array_like=True):
    """`messages` follow each other without a gap.

    complete: False where the first of them is not the next after the asked seq: what lies between is no
    longer kept, or was said before this user came.
    more: there are more behind them.
    refused: the name of the refusal where this user may not read it; then the rest says nothing.
    """

    conv: str
    messages: list[Stored]
    last_seq: int
    more: bool
    complete: bool = True
    refused: str | None = None


class Pulled(_Answer, tag="pulled"):
    """In the order in which they were asked for. What had no room is `more`."""

    results: list[PulledConversation]


class Summary(msgspec.Struct, array_like=True):
    """Where a user stands in a conversation. `last` is its newest message that he may see.

    unread: messages of others behind read_seq. mentions: how many of the last of them mention him, or all.

    name, role, version: of a group. other_read_seq: in private, how far the other one has read.
    """

    conv: str
    last_seq: int
    read_seq: int
    unread: int
    last: Stored | None = None
    name: str | None = None
    role: GroupRole | None = None
    version: int = 0
    mentions: int = 0
    other_read_seq: int = 0


class Synced(_Answer, tag="synced"):
    """`cursor`: where to go on; None when there is no more."""

    conversations: list[Summary]
    cursor: str | None = None


class ReadUpTo(_Answer, tag="read"):
    """Where the user stands now: it never goes back."""

    conv: str
    seq: int


class Group(_Answer, tag="group"):
    """version rises with each change. muted: only staff may speak. Members are in order of their uids.

    There are none for who does not belong to it any more: he is answered for what he did himself.
    """

    gid: str
    name: str
    version: int
    last_seq: int
    created_ms: int
    muted: bool
    dissolved: bool
    members: list[Member]


class Members(_Answer, tag="members"):
    """members: (uid, the seq with which he came). Of a group that was dissolved, who belonged to it then.

    Nobody where there is no such group.
    """

    gid: str
    version: int
    members: list[tuple[str, int]]


class Users(_Answer, tag="users"):
    """In order."""

    ids: list[str]


class Sessions(_Answer, tag="sessions"):
    """(device, edge, when it was heard of last in ms), in order of devices; no edge where that has ended."""

    devices: list[tuple[str, str, int]]


class Presence(_Answer, tag="presence"):
    """`seen_ms`: when he was heard of last; None where that is too long ago."""

    online: bool
    seen_ms: int | None = None


Answer = Said | Pulled | Synced | ReadUpTo | Group | Members | Users | Sessions | Presence | Done | Refused


class ChatReply(msgspec.Struct, array_like=True):
    answers: list[Answer]


# What edges are told: `to edge` of what concerns `uids`, and `chat out` of what concerns a group.


class _News(msgspec.Struct, array_like=True, tag=True):
    """A hint. uids: whom it is for, at `to edge`; empty at `chat out`, where it is for all members."""


class Delivery(_News, tag="chat"):
    """A message. `frame` is the finished msgpack client frame, of all edges the same bytes.

    version: of the group that it was stored at; 0 in private. An edge that knows an older one asks for the
    members before it hands it out. What changes who belongs to a group is also told `to edge` of those
    who come or go.
    """

    conv: str
    seq: int
    version: int
    uids: list[str]
    frame: bytes


class ReadBy(_News, tag="read"):
    """`uid` has read up to `seq`; in private only."""

    conv: str
    uid: str
    seq: int
    uids: list[str]


class Typing(_News, tag="typing"):
    """`uid` is writing. Whoever it is for, it is not for `uid`."""

    conv: str
    uid: str
    uids: list[str]


News = Delivery | ReadBy | Typing


class ChatHeads(msgspec.Struct, array_like=True):
    """To every edge: {conv: (last_seq, version)} of conversations in which something was said lately."""

    heads: dict[str, tuple[int, int]]


decode_request: Final = reader(msgspec.msgpack.Decoder(ChatRequest))
decode_reply: Final = reader(msgspec.msgpack.Decoder(ChatReply))
decode_news: Final = reader(msgspec.msgpack.Decoder(News))
decode_heads: Final = reader(msgspec.msgpack.Decoder(ChatHeads))
