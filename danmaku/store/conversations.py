"""Conversations: their messages in one order, who belongs to a group, and who has read what."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from danmaku.chat import Stored
from danmaku.conversation import Member, Mention


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be known before something is decided in `conv`.

    uids: whose membership, and size: how many members, of a group. cid: whether (uid, cid) was taken already.
    seq: the message there. outcasts: also what is remembered of those of `uids` who went. change: whether a
    change of the group was made under this (uid, cid).
    """

    conv: str
    uids: tuple[str, ...] = ()
    cid: tuple[str, str] | None = None
    seq: int | None = None
    size: bool = False
    outcasts: bool = False
    change: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Outcast:
    """Who went from a group, where that is remembered: `kicked` and not let in again, or muted as Member."""

    uid: str
    kicked: bool = False
    muted_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """last_seq: 0 where nothing was ever said. The rest up to `members` is of a group.

    version: 0 where there is no such group; it rises with each change. size: 0 where it was not asked for.
    known: (seq, at) of the message that has the cid. message: as stored, None where there is none.
    recall: (seq, at) of the recall that took it back. made: (seq, at) of the change that has the cid.
    """

    last_seq: int
    version: int = 0
    name: str = ""
    created_ms: int = 0
    muted: bool = False
    dissolved: bool = False
    size: int = 0
    members: dict[str, Member] = field(default_factory=dict)
    known: tuple[int, int] | None = None
    message: bytes | None = None
    recall: tuple[int, int] | None = None
    outcasts: dict[str, Outcast] = field(default_factory=dict)
    made: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """A message by `uid`. `message` is as stored, with `at` in it.

    session, n: refused as late once a higher n of the session was taken here; none without a session.
    version: of the group when it was decided; None where it does not matter.
    indexed: whether the conversation is among those of its users, so that it may begin.
    mention: whom it mentions, to be counted until they have read it: of those only who can.
    """

    conv: str
    uid: str
    at: int
    message: bytes
    cid: str
    session: str = ""
    n: int = 0
    version: int | None = None
    indexed: bool = False
    mention: Mention | None = None


@dataclass(frozen=True, slots=True)
class Recall:
    """Removes the message `of`, which has this `mention`, and appends that it did. The rest as of Append."""

    conv: str
    uid: str
    at: int
    message: bytes
    of: int
    version: int | None = None
    mention: Mention | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of a group. put: new members have `since` 0, which becomes the seq of the change.

    outcasts: what is remembered of who goes, until he comes again or as many as a group may have went later.
    """

    name: str | None = None
    created_ms: int | None = None
    muted: bool | None = None
    dissolved: bool | None = None
    put: tuple[Member, ...] = ()
    drop: tuple[str, ...] = ()
    outcasts: tuple[Outcast, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Appends what tells of the change and carries `effect` out, in one step. The rest as of Append.

    cid: under which it is made once; messages have other ones. Empty: it may be made twice.
    """

    conv: str
    uid: str
    at: int
    message: bytes
    version: int
    effect: Effect
    cid: str = ""


class Outcome(Enum):
    OK = "ok"
    DUPLICATE = "duplicate"  # it was done before, and this is what it was answered with
    STALE = "stale"  # the group is of another version; nothing was written
    NEW = "new"  # nothing was said here yet, and it is not indexed; nothing was written
    LATE = "late"  # the session's messages after it are here already; nothing was written
    GONE = "gone"  # there is nothing to recall; nothing was written


@dataclass(frozen=True, slots=True)
class Appended:
    outcome: Outcome
    seq: int = 0
    at: int = 0


@dataclass(frozen=True, slots=True)
class Pull:
    """At most `limit` messages after a seq."""

    conv: str
    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class Run:
    """Messages oldest first, without a hole: what was recalled is empty in its place.

    begin: the first of them comes after it. Above the asked seq where the rest is not to be seen, for it is
    no longer kept or was said before the member came.
    member: of a group the reader, None where he is not one; then there are no messages.
    """

    conv: str
    last_seq: int
    begin: int
    messages: list[Stored]
    member: Member | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a user stands in a conversation: last is its newest message, None where there is none.

    unread counts messages of others behind read_seq, mentions those of them that mention him, as far as
    they are among the last MENTIONS. name, version and member are of a group. other_read_seq: how far the
    other one of a private conversation has read.
    """

    conv: str
    last_seq: int
    read_seq: int
    unread: int
    last: Stored | None
    name: str = ""
    version: int = 0
    member: Member | None = None
    mentions: int = 0
    other_read_seq: int = 0


MENTIONS: Final = 100


def without_holes(found: list[Stored], begin: int, limit: int) -> list[Stored]:
    """The first `limit` after `begin`, with something empty in each place that `found` leaves out."""
    filled: list[Stored] = []
    for seq, message in found:
        while len(filled) < limit and begin + len(filled) + 1 < seq:
            filled.append((begin + len(filled) + 1, b""))
        if len(filled) == limit:
            break
        filled.append((seq, message))
    return filled


class Conversations(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away.

    What is appended takes the next seq, is trimmed by count and age with what came before (never the newest
    message), moves its sender's own read position, and notes that something was said: all in one step.
    """

    async def facts(self, asks: list[Ask]) -> list[Facts]:
        """In one round trip."""

    async def append(self, appends: list[Append]) -> list[Appended | Exception]:
        """One pipelined write; one outcome each, a StoreDown where that one alone is unknown.

        A (uid, cid) that was taken is a duplicate whatever else is asked with it, and is remembered anew
        unless the version is another.
        """

    async def recall(self, recall: Recall) -> Appended: ...

    async def change(self, change: Change) -> Appended:
        """Stale also where the group is there and `version` is 0, or the other way round.

        A (uid, cid) that was taken is a duplicate whatever else is asked with it. It is not remembered anew.
        """

    async def read(self, conv: str, uid: str, seq: int) -> tuple[int, bool]:
        """Where the user stands now, and whether that is further than before: never back, or past the end."""

    async def pull(self, uid: str, pulls: list[Pull], max_bytes: int) -> list[Run]:
        """In one round trip. Of each at least one message where there is one, and about `max_bytes` of all.

        Whether `uid` is one of the two of a private conversation is asked by the caller.
        """

    async def places(self, uid: str, convs: list[str]) -> list[Place]:
        """In one round trip."""

    async def members(self, conv: str) -> tuple[Facts, list[Member]]:
        """Of a group, by uid; what is known of the group is as old as they are, or older."""

    async def sweep(self, process: str, ttl_ms: int, within_ms: int) -> dict[str, tuple[int, int]]:
        """(last seq, version) by conversation, where something was said so lately; older ones once more.

        Of the buckets that no other process swept within its `ttl_ms`; they are this one's for `ttl_ms` now.
        """
