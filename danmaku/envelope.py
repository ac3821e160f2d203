"""What servers say to each other on the bus: msgpack arrays, typed, one decoder per message.

Rows of a request and answers of its reply stand in the same order, so that no row needs an id.
Times are milliseconds; `budget_ms` is what is left of the caller's deadline, so clocks need not agree.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Final, Literal, TypeVar

import msgspec

from danmaku.event_rows import ClosePollRow, GetPollRow, PaidRow, Polled, PollRow, UnpinRow, VoteRow
from danmaku.model import Position, RoomInfo, RoomSettings, Sanction
from danmaku.moderation_rows import (
    AppointRow,
    ConfigureRow,
    DecideRow,
    HeldRow,
    Moderators,
    ModeratorsRow,
    RaidRow,
    RecallRow,
    RoomSettingsRow,
    SanctionEverywhereRow,
    SanctionRow,
    Signs,
    SignsRow,
)
from danmaku.rows import (
    Admitted,
    Delayed,
    DeleteRoomRow,
    Done,
    Elsewhere,
    EventRow,
    GetRoomRow,
    HeldPage,
    HelloRow,
    JoinRow,
    LikeRow,
    Open,
    PutRoomRow,
    Rank,
    RankRow,
    Refreshed,
    RefreshRow,
    Refused,
    RevokeRow,
    Room,
    RoomRules,
    SendRow,
    Shadowed,
    Shed,
    Shown,
)
from danmaku.wordlist import GetWordsRow, PutWordsRow, RoomWords, TryWordsRow, WordsTried

T = TypeVar("T")

MAX_MESSAGE_BYTES: Final = 512 * 1024

_EventRow = EventRow | PaidRow | UnpinRow | PollRow | ClosePollRow | GetPollRow | VoteRow
_RoomRow = PutRoomRow | GetRoomRow | DeleteRoomRow
_ModerationRow = SanctionRow | RecallRow | HeldRow | DecideRow | AppointRow | ModeratorsRow
_RulesRow = RoomSettingsRow | RaidRow | SignsRow
_WordsRow = PutWordsRow | GetWordsRow | TryWordsRow
Row = SendRow | _EventRow | JoinRow | LikeRow | RankRow | _RoomRow | _ModerationRow | _RulesRow | _WordsRow


class Sent(msgspec.Struct, array_like=True, gc=False):
    """Which process sent a request, and when, by a clock of its own that never goes back."""

    sender: str
    at_ms: int


class OwnerRequest(msgspec.Struct, array_like=True, tag="rows"):
    """`room in`: rows for rooms that this process is thought to own."""

    edge: str
    budget_ms: int
    rows: list[Row]
    sent: Sent | None = None


_Posted = Shown | Shed | Shadowed | Delayed
_Words = RoomWords | WordsTried
_Found = HeldPage | Rank | Moderators | Room | Polled | RoomRules | Signs | _Words
Answer = _Posted | Admitted | _Found | Done | Refused | Elsewhere | Open


class OwnerReply(msgspec.Struct, array_like=True):
    """`epochs`: {partition: epoch} of those that the rows were about and that `process` owned as it answered.

    An answer about another partition, or with an epoch below the latest known, comes from an owner that
    was replaced: it counts as Elsewhere.
    """

    process: str
    answers: list[Answer]
    epochs: dict[int, int]


# Who owns what, and how full rooms and edges are.


class Owners(msgspec.Struct, array_like=True):
    """All partitions `process` owns, as {partition: epoch}. `leaving` when it hands back for good."""

    process: str
    partitions: dict[int, int]
    leaving: bool = False
    version: str = ""  # of danmaku, for people to see
    adjusted: int = 0  # the version of adjustments it goes by


class Counts(msgspec.Struct, array_like=True):
    """Viewers per room at one edge worker; a room that is left out has none there.

    edge: its place, which is that of all that ran in its stead, and behind a dash which shard of its rooms
    this is; `incarnation` says which of them it is.
    """

    edge: str
    incarnation: int
    rooms: dict[str, int]


class Heads(msgspec.Struct, array_like=True):
    """The owner's answer to Counts: where those of the rooms stand that it has in memory."""

    rooms: dict[str, Position]


class EdgeReport(msgspec.Struct, array_like=True):
    edge: str
    addresses: list[str]
    connections: int
    draining: bool = False
    version: str = ""  # of danmaku, for people to see
    region: str = ""
    weight: float = 1.0  # of newcomers it wants, beside others
    capacity: int = 0  # connections it takes at most; 0: it does not tell
    adjusted: int = 0  # the version of adjustments it goes by


class Drain(msgspec.Struct, array_like=True):
    """To an edge worker: send your viewers elsewhere, or take newcomers again. It answers EdgeReport."""

    draining: bool
    seconds: float | None = None  # within which they are told; None: as when it stops


class Replaced(msgspec.Struct, array_like=True):
    """To every edge: close the counted connections of this user's device with an `n` below `below`.

    why: a newer connection of the device took their place, or that of another device (`displaced`), or the
    user ended them himself from elsewhere.
    """

    uid: str
    device: str
    below: int
    why: Literal["replaced", "displaced", "ended"] = "replaced"


# Requests that any rooms process can answer.


class HistoryRequest(msgspec.Struct, array_like=True):
    """Batches after `since`, oldest first, or the newest that hold about `limit` items when it is None.

    No more than `max_bytes` of frames, but one batch at least.
    """

    room: str
    limit: int
    budget_ms: int
    since: Position | None = None
    max_bytes: int = MAX_MESSAGE_BYTES


class HistoryReply(msgspec.Struct, array_like=True):
    """Frames as stored. `complete` is False where `since` is older than what is kept, or more is to come."""

    frames: list[bytes]
    complete: bool
    epoch: int
    seq: int


class RoomsRequest(msgspec.Struct, array_like=True, tag="rooms"):
    """To every owner, on its own `room in`: the rooms it owns, most viewers first."""

    budget_ms: int
    limit: int


class BroadcastRequest(msgspec.Struct, array_like=True, tag="broadcast"):
    """To every owner: post an item to each open room it owns, paced; pinned for so long."""

    budget_ms: int
    uid: str
    cid: str
    item: bytes
    pin_s: int = 0


class RoomsReply(msgspec.Struct, array_like=True):
    rooms: list[RoomInfo]


class BroadcastReply(msgspec.Struct, array_like=True):
    """How many rooms it goes to. busy: to none yet, too many broadcasts are under way here."""

    rooms: int
    busy: bool = False


UserRow = HelloRow | RefreshRow | RevokeRow | SanctionEverywhereRow | ConfigureRow


class UsersRequest(msgspec.Struct, array_like=True):
    budget_ms: int
    rows: list[UserRow]
    sent: Sent | None = None


class UsersReply(msgspec.Struct, array_like=True):
    answers: list[Done | Refused | Refreshed]


class ChangesRequest(msgspec.Struct, array_like=True):
    """What came after `since` in the changes log? None: nothing, only where it ends now."""

    budget_ms: int
    since: str | None = None


class ChangesReply(msgspec.Struct, array_like=True):
    """`changes` are (when, entry of danmaku.change), oldest first.

    last: where to go on; at once with `more`.
    complete: False where the log cannot tell all that came after `since`.
    """

    changes: list[tuple[int, bytes]]
    last: str
    complete: bool
    more: bool


class SanctionsRequest(msgspec.Struct, array_like=True):
    """Who is sanctioned in all rooms: so many users with a uid above `after`."""

    budget_ms: int
    users: int
    after: str = ""


class SanctionsReply(msgspec.Struct, array_like=True):
    """By uid. `after`: the last of them where there are more, else None."""

    sanctions: list[Sanction]
    after: str | None = None


class SettingsRequest(msgspec.Struct, array_like=True):
    """What do rooms go by that have no setting of their own?"""

    budget_ms: int


class SettingsReply(msgspec.Struct, array_like=True):
    """settings: what was set. in_force: every key, with the service's default where it was not."""

    settings: RoomSettings
    in_force: RoomSettings


# `room out`: a header of fixed size before bytes that nobody on the way needs to read.


class OutKind(IntEnum):
    BATCH = 1
    STATS = 2
    NOTICE = 3


class Out(msgspec.Struct, frozen=True, gc=False):
    """One message of `room out`.

    lease: the owner's epoch for the partition; an edge drops what is lower than the latest it saw.
    first: position of the first item (BATCH), or the room's head (STATS, NOTICE).
    prev: in the first batch of an epoch, the head before it.
    uid: whom a NOTICE concerns, empty otherwise.
    frame: the finished msgpack client frame.
    """

    kind: OutKind
    lease: int
    first: Position
    count: int
    prev: Position | None
    uid: str
    frame: bytes


OUT_VERSION: Final = 1
_HEADER: Final = struct.Struct("!BBQQQIBQQB")


def encode_out(out: Out) -> bytes:
    prev = out.prev or Position(0, 0)
    uid = out.uid.encode()
    header = _HEADER.pack(
        OUT_VERSION,
        out.kind,
        out.lease,
        out.first.epoch,
        out.first.seq,
        out.count,
        out.prev is not None,
        prev.epoch,
        prev.seq,
        len(uid),
    )
    return header + uid + out.frame


def decode_out(message: bytes) -> Out:
    """Raises ValueError on anything that is not a message of this version."""
    if len(message) < _HEADER.size or message[0] != OUT_VERSION:
        raise ValueError("not a room out message of version 1")
    _, kind, lease, epoch, seq, count, has_prev, prev_epoch, prev_seq, uid_size = _HEADER.unpack_from(message)
    begin = _HEADER.size + uid_size
    if len(message) < begin:
        raise ValueError("the message ends inside its header")
    return Out(
        OutKind(kind),
        lease,
        Position(epoch, seq),
        count,
        Position(prev_epoch, prev_seq) if has_prev else None,
        message[_HEADER.size : begin].decode(),
        message[begin:],
    )


def reader(decoder: msgspec.msgpack.Decoder[T]) -> Callable[[bytes], T]:
    """What reads a message. It raises ValueError on any other, also on one that is nested too deep."""
    decode = decoder.decode

    def read(message: bytes) -> T:
        try:
            return decode(message)
        except RecursionError as error:
            raise ValueError("nested too deep") from error

    return read


encode: Final = msgspec.msgpack.Encoder().encode
decode_owner_request: Final = reader(msgspec.msgpack.Decoder(OwnerRequest | RoomsRequest | BroadcastRequest))
decode_owner_reply: Final = reader(msgspec.msgpack.Decoder(OwnerReply))
decode_owners: Final = reader(msgspec.msgpack.Decoder(Owners))
decode_counts: Final = reader(msgspec.msgpack.Decoder(Counts))
decode_heads: Final = reader(msgspec.msgpack.Decoder(Heads))
decode_edge_report: Final = reader(msgspec.msgpack.Decoder(EdgeReport))
decode_drain: Final = reader(msgspec.msgpack.Decoder(Drain))
decode_replaced: Final = reader(msgspec.msgpack.Decoder(Replaced))
decode_history_request: Final = reader(msgspec.msgpack.Decoder(HistoryRequest))
decode_history_reply: Final = reader(msgspec.msgpack.Decoder(HistoryReply))
decode_rooms_reply: Final = reader(msgspec.msgpack.Decoder(RoomsReply))
decode_broadcast_reply: Final = reader(msgspec.msgpack.Decoder(BroadcastReply))
decode_users_request: Final = reader(msgspec.msgpack.Decoder(UsersRequest))
decode_changes_request: Final = reader(msgspec.msgpack.Decoder(ChangesRequest))
decode_changes_reply: Final = reader(msgspec.msgpack.Decoder(ChangesReply))
decode_sanctions_request: Final = reader(msgspec.msgpack.Decoder(SanctionsRequest))
decode_sanctions_reply: Final = reader(msgspec.msgpack.Decoder(SanctionsReply))
decode_settings_request: Final = reader(msgspec.msgpack.Decoder(SettingsRequest))
decode_settings_reply: Final = reader(msgspec.msgpack.Decoder(SettingsReply))
decode_users_reply: Final = reader(msgspec.msgpack.Decoder(UsersReply))
