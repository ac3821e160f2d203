"""What a client hands to its user: plain values with their place in the room."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from danmaku import wire
from danmaku.client.reader import Placed
from danmaku.model import NORMAL_SIZE, WHITE, Mode, Position
from danmaku.recalls import SAID, role_of
from danmaku.wire_chat import Chat


@dataclass(frozen=True, slots=True)
class Comment:
    """One danmaku. `at` is when it was shown, in ms since 1970 by the server's clock."""

    room: str
    position: Position
    at: int
    uid: str
    name: str
    text: str
    mode: Mode = "scroll"
    color: int = WHITE
    size: int = NORMAL_SIZE
    role: str | None = None  # None: no role worth showing


@dataclass(frozen=True, slots=True)
class Event:
    """Anything else that has a place in the room: `announce`, `gift`, `settings`, `opened`, `closed` …

    `gone` stands in the place of what was recalled. `data` holds the fields of that kind.
    """

    room: str
    position: Position
    at: int
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Paid(Event):
    """A comment that `uid` paid for: `amount` in the smallest unit of `currency`.

    until: it stays in view until then, in ms since 1970; None: it does not.
    """

    uid: str
    name: str
    text: str
    amount: int
    currency: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Gift(Event):
    """`uid` gives something, `count` times. Where it was paid for, amount, currency, until: as of Paid."""

    uid: str
    name: str
    gift: str
    count: int = 1
    text: str | None = None
    amount: int | None = None
    currency: str | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Recall(Event):
    """What was said is taken back by somebody of this `role`: at position `of`, or by `uid` before this, or,
    with neither, all before this. Hide what it `takes`."""

    role: str
    of: wire.At | None = None
    uid: str | None = None

    def takes(self, item: Comment | Event) -> bool:
        """Whether it takes back this item of the same room."""
        if self.of is not None:
            return item.position == self.of.position
        uid: Any
        role: Any
        if isinstance(item, Comment):
            uid, role = item.uid, item.role
        elif item.kind in SAID:
            uid, role = item.data.get("uid"), item.data.get("role")
        else:
            return False
        is_theirs = self.uid in (None, uid) and role_of(role) <= role_of(self.role)
        return is_theirs and item.position < self.position


@dataclass(frozen=True, slots=True)
class PollOpened(Event):
    """A question to vote on with `Room.vote(id, option)`; `until` as of Paid, if it ends by itself."""

    id: str
    question: str
    options: list[str]
    until: int | None = None


@dataclass(frozen=True, slots=True)
class PollClosed(Event):
    """What came of a poll: votes for each option, in order."""

    id: str
    counts: list[int]


@dataclass(frozen=True, slots=True)
class Poll:
    """The open poll, and how it stood when that was told last."""

    id: str
    question: str
    options: list[str]
    counts: list[int]
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """The room's totals now; the latest wins. `position` is the room's newest.

    poll, counts: which poll is open, and the votes for each of its options.
    """

    room: str
    position: Position
    viewers: int
    likes: int
    poll: str | None = None
    counts: list[int] | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a comment: shown at (epoch, seq), in `delay_ms`, or left out of a full room."""

    shown: bool
    epoch: int | None = None
    seq: int | None = None
    at: int | None = None
    delay_ms: int | None = None

    @property
    def position(self) -> Position | None:
        return None if self.epoch is None or self.seq is None else Position(self.epoch, self.seq)


@dataclass(frozen=True, slots=True)
class History:
    """A page of the past, oldest first. Not `complete`: something before it is gone, or more is to come."""

    items: list[Comment | Event]
    complete: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the server tells this connection: `kicked`, `banned`, `muted`, `approved`, `denied`, …

    text: of one's own comment, which was approved or denied.
    """

    kind: str
    room: str | None = None
    reason: str | None = None
    retry_ms: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Number `seq` of a conversation. `at` is when it was stored, in ms since 1970 by the server's clock.

    kind: `message`, with `body`, the list of its parts as plain maps, and `mention` (uids, or "all");
    `recall` of number `of`; `member`: `change` tells what changed in a group; `gone`: stands in the place of
    what was recalled or removed, and has no `uid` and `at`.
    """

    conv: str
    seq: int
    at: int
    uid: str
    kind: str
    cid: str = ""
    body: list[dict[str, Any]] = field(default_factory=list)
    mention: list[str] | str | None = None
    of: int | None = None
    change: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        """Its text parts, one a line."""
        return "\n".join(str(part.get("text", "")) for part in self.body if part.get("type") == "text")


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where the user stands in a conversation. `name` and `role` are of a group, and of the user in it.

    mentions: how many of the unread messages mention the user, or all.
    other_read_seq: how far the other one of a private conversation has read.
    """

    conv: str
    last_seq: int
    read_seq: int
    unread: int
    last: Message | None = None
    name: str | None = None
    role: str | None = None
    mentions: int = 0
    other_read_seq: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in order. Not `complete`: something before the first is no longer kept, or not to be seen.

    error: the name of the refusal where the conversation cannot be read.
    """

    messages: list[Message]
    last_seq: int
    more: bool
    complete: bool
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A message is stored as number `seq`; `duplicate` where it was already."""

    conv: str
    seq: int
    at: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class GroupMember:
    """since: the number of the message with which he came. muted_until_ms: 0: not; -1: until it is lifted."""

    uid: str
    role: str  # owner, admin, member
    since: int
    muted_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """`muted`: only owner and admins may speak. `dissolved`: nobody does. Members stand in order of uids."""

    gid: str
    conv: str
    name: str
    last_seq: int
    created_ms: int
    muted: bool
    dissolved: bool
    members: list[GroupMember]


@dataclass(frozen=True, slots=True)
class ReadBy:
    """`uid` has read a private conversation up to `seq`."""

    conv: str
    uid: str
    seq: int


@dataclass(frozen=True, slots=True)
class TypingBy:
    """`uid` is writing; it is forgotten after some seconds."""

    conv: str
    uid: str


@dataclass(frozen=True, slots=True)
class ConnectionChange:
    """`connected`, `lost` (a new attempt follows after `retry_s`) or `closed` (for good)."""

    state: Literal["connected", "lost", "closed"]
    code: int | None = None
    reason: str = ""
    retry_s: float | None = None


_TYPED: Final[dict[str, tuple[type[msgspec.Struct], type[Event]]]] = {
    "gift": (wire.Gift, Gift),
    "paid": (wire.Paid, Paid),
    "poll": (wire.Poll, PollOpened),
    "poll_closed": (wire.PollClosed, PollClosed),
    "recall": (wire.Recall, Recall),
}


def read_item(codec: wire.Codec, room: str, placed: Placed) -> Comment | Event:
    """The typed value of one item; kinds that only a later version knows become events too."""
    position, at, raw = placed
    try:
        item = codec.read(raw, wire.Comment)
    except msgspec.ValidationError:
        fields = codec.read(raw)
        data = dict(fields) if isinstance(fields, dict) else {}
        event = Event(room, position, at, str(data.pop("k", "unknown")), data)
        return _typed(codec, event, raw)
    return Comment(
        room,
        position,
        at,
        item.uid,
        item.name,
        item.text,
        item.mode or "scroll",
        WHITE if item.color is None else item.color,
        NORMAL_SIZE if item.size is None else item.size,
        item.role,
    )


def _typed(codec: wire.Codec, event: Event, raw: msgspec.Raw) -> Event:
    """As one of the kinds of events that have a type of their own, where it is one."""
    struct, kind = _TYPED.get(event.kind, (None, Event))
    if struct is None:
        return event
    try:
        item = codec.read(raw, struct)
    except msgspec.ValidationError:  # only a later version knows it so
        return event
    fields = {name: getattr(item, name) for name in struct.__struct_fields__}
    return kind(event.room, event.position, event.at, event.kind, event.data, **fields)


def read_message(codec: wire.Codec, frame: Chat) -> Message:
    """A `chat` frame as a plain value; what only a later version knows in it stays a map."""
    body = codec.read(frame.body) if bytes(frame.body) else []
    change = codec.read(frame.change) if bytes(frame.change) else None
    return Message(
        frame.conv,
        frame.seq,
        frame.at,
        frame.from_,
        frame.kind,
        frame.cid,
        [part for part in body if isinstance(part, dict)] if isinstance(body, list) else [],
        frame.mention,
        frame.of,
        change if isinstance(change, dict) else None,
    )
