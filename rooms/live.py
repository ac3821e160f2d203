"""`room in`: what edges gathered for rooms of this process, row by row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog

from config.settings import Rooms
from danmaku import envelope, rows
from danmaku.calls import budget_s, owner_s
from danmaku.envelope import MAX_MESSAGE_BYTES, Answer, BroadcastRequest, OwnerReply, OwnerRequest, Row
from danmaku.errors import FORBIDDEN, ROOM_NOT_FOUND, Refusal
from danmaku.event_rows import ClosePollRow, GetPollRow, PaidRow, PollRow, UnpinRow, VoteRow
from danmaku.model import Role
from danmaku.moderation_rows import (
    AppointRow,
    DecideRow,
    HeldRow,
    Moderators,
    ModeratorsRow,
    RaidRow,
    RecallRow,
    RoomSettingsRow,
    SanctionRow,
    Signs,
    SignsRow,
)
from danmaku.rows import (
    Delayed,
    DeleteRoomRow,
    Done,
    Elsewhere,
    EventRow,
    GetRoomRow,
    JoinRow,
    LikeRow,
    PutRoomRow,
    Rank,
    RankRow,
    Refused,
    SendRow,
    Shadowed,
)
from danmaku.subjects import partition_of
from danmaku.telemetry import RoomsMetrics
from danmaku.wordlist import GetWordsRow, PutWordsRow, RoomWords, TryWordsRow, WordsTried
from rooms.ages import Ages
from rooms.asking import Asking
from rooms.broadcast import Broadcasts
from rooms.changes import Changes
from rooms.events import PostedRow
from rooms.flush import Flush
from rooms.generations import Generations
from rooms.leases import Leases
from rooms.listing import Listing
from rooms.loaded import ELSEWHERE, LoadedRoom, LoadedRooms
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.pending import Pending, Ticket
from rooms.polls import RoomPolls
from rooms.review import Reviews
from rooms.staff import Staff
from rooms.text import clean
from rooms.tracing import RoomTraces
from rooms.view import once
from rooms.viewers import Viewers
from rooms.whisper import Whisper

_ASKED_AGAIN_S: Final = 10.0  # within which the same likes may come again, because an answer got lost
_MAX_LIKES: Final = 50_000
_VIEW_BYTES: Final = MAX_MESSAGE_BYTES // 2  # of what rooms keep in view, in one reply

_UNRANKED: Final = (GetRoomRow, GetPollRow)
_ACTS: Final = (SanctionRow, RecallRow, DecideRow, AppointRow, RoomSettingsRow, RaidRow, PutWordsRow)
_CREATING: Final = (SendRow, JoinRow, EventRow, PaidRow, PollRow, LikeRow)

_log: Any = structlog.get_logger("rooms.live")


class Live:
    """Takes requests as they come from the bus; answers go to the outbox."""

    def __init__(
        self,
        process: str,
        leases: Leases,
        rooms: LoadedRooms,
        flush: Flush,
        changes: Changes,
        polls: RoomPolls,
        reviews: Reviews,
        asking: Asking | None,
        broadcasts: Broadcasts,
        listing: Listing,
        viewers: Viewers,
        whisper: Whisper,
        outbox: Outbox,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
        limits: Rooms,
        *,
        traces: RoomTraces | None = None,
    ) -> None:
        self._process = process
        self._leases = leases
        self._rooms = rooms
        self._flush = flush
        self._changes = changes
        self._polls = polls
        self._reviews = reviews
        self._asking = asking
        self._broadcasts = broadcasts
        self._listing = listing
        self._viewers = viewers
        self._whisper = whisper
        self._outbox = outbox
        self._metrics = metrics
        self._clock = clock
        self._limits = limits
        self._traces = traces
        self._ages = Ages()
        self._liked: Generations[tuple[str, int], bool] = Generations(_ASKED_AGAIN_S, _MAX_LIKES)

    def receive(self, payload: bytes, reply: str, trace: str = "") -> None:
        """One message of `room in`."""
        try:
            request = envelope.decode_owner_request(payload)
        except ValueError as error:
            _log.warning("a request cannot be read", error=str(error))
            return
        if isinstance(request, OwnerRequest):
            came = self._traces.came(request.rows, trace) if trace and self._traces is not None else []
            self._take(request, reply)
            if came and self._traces is not None:
                self._traces.judged(came)
        elif isinstance(request, BroadcastRequest):
            self._broadcasts.answer(request, reply)
        else:
            self._listing.answer(request, reply)

    def _take(self, request: OwnerRequest, reply: str) -> None:
        now = self._clock()
        age_s = self._ages.age_s(request.sent, now.s)
        if age_s >= budget_s(request.budget_ms):
            self._metrics.late_rows.labels("rooms").inc(len(request.rows))
            return
        rooms = [row.room for row in request.rows]
        pending = Pending(len(rooms), partial(self._reply, reply, rooms))
        serving = self._rooms.serving(set(map(partition_of, rooms)))
        for number, row in enumerate(request.rows):
            if partition_of(row.room) in serving:
                self._row(row, Ticket(pending, number), now)
            else:
                pending.answer(number, ELSEWHERE)
        if not pending.is_over:
            left_s = max(0.0, owner_s(request.budget_ms) - age_s)
            pending.expires_by(asyncio.get_running_loop().call_later(left_s, pending.expire))

    def _reply(self, reply: str, rooms: list[str], answers: list[Answer]) -> None:
        for answer in answers:
            if isinstance(answer, Refused):
                self._metrics.refusals.labels(answer.name).inc()
        epochs = self._leases.epochs(set(map(partition_of, rooms)))
        lighter = once(rooms, answers, _VIEW_BYTES)
        self._outbox.post(reply, envelope.encode(OwnerReply(self._process, lighter, epochs)))

    def _row(self, row: Row, ticket: Ticket, now: Moment) -> None:
        loaded = self._rooms.get(row.room)
        if loaded is not None:
            self._judge(loaded, row, ticket, now)
        else:
            self._rooms.open(row.room, partial(self._opened, row, ticket), create=self._may_create(row))

    def _may_create(self, row: Row) -> bool:
        if isinstance(row, PutRoomRow):
            return row.role >= Role.STREAMER
        return self._limits.auto_create and isinstance(row, _CREATING)

    def _opened(self, row: Row, ticket: Ticket, loaded: LoadedRoom | Elsewhere | Refused) -> None:
        if not isinstance(loaded, LoadedRoom):
            ticket.answer(loaded)
        elif not ticket.is_over:
            self._judge(loaded, row, ticket, self._clock())

    def _judge(self, loaded: LoadedRoom, row: Row, ticket: Ticket, now: Moment) -> None:
        loaded.touched_s = now.s
        _rank(row, loaded.staff, loaded.room.sanctions, now)
        try:
            answer = self._answer(loaded, row, ticket, now)
        except Refusal as refusal:
            answer = Refused.of(refusal)
        if answer is not None:
            ticket.answer(answer)

    def _answer(self, loaded: LoadedRoom, row: Row, ticket: Ticket, now: Moment) -> Answer | None:
        """None when it comes later. Raises Refusal."""
        room = loaded.room
        match row:
            case SendRow():
                return self._item(loaded, row, ticket, now)
            case PaidRow() | EventRow() if row.ask:
                room.check_paid(row, now)
                return Done()
            case EventRow() | PaidRow() | UnpinRow() | PollRow():
                return self._item(loaded, row, ticket, now)
            case JoinRow():
                return room.join(row, self._viewers.of(row.room), now)
            case LikeRow():
                return self._like(loaded, row, now)
            case VoteRow() | GetPollRow() | ClosePollRow():
                return self._polls.answer(loaded, row, ticket, now)
            case HeldRow() | DecideRow():
                return self._reviews.answer(loaded, row, ticket)
            case RankRow() | ModeratorsRow() | SignsRow() | GetRoomRow():
                return self._read(loaded, row)
            case GetWordsRow() | TryWordsRow():
                return _words(loaded, row)
            case PutRoomRow() | DeleteRoomRow() | SanctionRow() | RecallRow() | AppointRow():
                self._changes.begin(loaded, row, ticket)
                return None
            case RoomSettingsRow() | RaidRow() | PutWordsRow():
                self._changes.begin(loaded, row, ticket)
                return None

    def _read(self, loaded: LoadedRoom, row: RankRow | ModeratorsRow | SignsRow | GetRoomRow) -> Answer:
        """What is only read. Raises Refusal."""
        match row:
            case RankRow():
                return Rank(row.role)
            case ModeratorsRow():
                if not row.role.is_staff:
                    raise Refusal(FORBIDDEN)
                return Moderators(loaded.staff.appointed)
            case SignsRow():
                if not row.role.is_staff:
                    raise Refusal(FORBIDDEN)
                return Signs(loaded.room.abuse.after(row.after))
            case GetRoomRow():
                if not loaded.room.is_there:
                    raise Refusal(ROOM_NOT_FOUND)
                return rows.Room(self._listing.describe(loaded))

    def _like(self, loaded: LoadedRoom, row: LikeRow, now: Moment) -> Done:
        key = row.uid, row.id
        if not row.id or self._liked.get(key) is None:
            loaded.room.like(row, now)
            loaded.news = True
            self._liked.put(key, True, now.s)
        return Done()

    def _item(
        self, loaded: LoadedRoom, row: SendRow | PostedRow, ticket: Ticket, now: Moment
    ) -> Answer | None:
        room = loaded.room
        answer = room.take(row, ticket, now)
        if answer is None:
            self._flush.mark(loaded)
            if room.held.has_unsaved:
                self._reviews.hold(loaded)
            if room.asked.has_new and self._asking is not None:
                self._asking.ask(loaded)
        elif isinstance(answer, Shadowed):  # a repeat has no aside: what was said once is not said again
            self._whisper.tell_asides(room, answer.at)
        elif isinstance(answer, Delayed):
            self._flush.mark(loaded)
        return answer


def _rank(row: Row, staff: Staff, sanctions: Sanctions, now: Moment) -> None:
    """Give it the role that whoever asks has in the room."""
    if isinstance(row, SendRow):  # as most are
        row.role = staff.role_of(row.uid, row.role, sanctions, now)
    elif not isinstance(row, _UNRANKED):
        uid = row.by if isinstance(row, _ACTS) else row.uid
        row.role = staff.role_of(uid, row.role, sanctions, now)


def _words(loaded: LoadedRoom, row: GetWordsRow | TryWordsRow) -> Answer:
    """Raises Refusal."""
    if row.role < Role.MODERATOR:
        raise Refusal(FORBIDDEN)
    if isinstance(row, GetWordsRow):
        return RoomWords(loaded.words)
    return WordsTried(loaded.room.sanctions.look(clean(row.text)))
