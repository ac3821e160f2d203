"""What an edge asks of rooms processes, over the bus."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from secrets import token_hex
from typing import Final, TypeVar

from prometheus_client import Histogram

from config.settings import Rooms
from danmaku import adjustment, calls, envelope, records, wordlist
from danmaku.adjustment import Adjustment, AdjustmentRequest, AdjustmentsRow, AdjustRow, RollBackRow
from danmaku.bus import Bus, BusDown
from danmaku.calls import Call
from danmaku.envelope import (
    MAX_MESSAGE_BYTES,
    BroadcastRequest,
    ChangesReply,
    ChangesRequest,
    Drain,
    EdgeReport,
    HistoryReply,
    HistoryRequest,
    Owners,
    Replaced,
    RoomsRequest,
    Row,
    SanctionsReply,
    SanctionsRequest,
    SettingsReply,
    SettingsRequest,
    UserRow,
)
from danmaku.errors import INTERNAL, NO_SUCH_EDGE, RATE_LIMITED, UNAVAILABLE, Refusal
from danmaku.model import Position, Role, RoomInfo
from danmaku.rows import ActRow, Done, Refreshed, Refused
from danmaku.subjects import Subjects
from danmaku.wordlist import GetPiece, ReplaceWords, StagePiece, WordsReply, WordsRequest
from edge.channels import Answer, Answered, ToAnybody, ToOwners
from edge.gather import Gather, times
from edge.lately import Lately
from edge.outbox import Bounds, Outbox
from edge.owner_rows import OwnerRows
from edge.owners import OwnerMap
from edge.tracing import RowTraces

logger = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R", bound=records.Reply)

_RETRY_S: Final = 0.5
_READINGS: Final = 5  # of what may be replaced while it is read
_PROBE_S: Final = 2.0
_BROADCAST_MS: Final = 5000  # until some of those that are under way have ended, maybe
_FRESH_S: Final = 6.0
_PROBE_ROOM: Final = "_"  # reading its history shows that the store answers
_MAX_EDGES: Final = 10_000


class RoomsClient:
    """Everything is bounded by `request_s`. `run` must run for it to learn who owns what."""

    def __init__(
        self,
        bus: Bus,
        subjects: Subjects,
        edge: str,
        bus_seconds: Histogram,
        *,
        request_s: float,
        gather_s: float,
        rooms_limits: Rooms,
        bounds: Bounds = Bounds(),  # noqa: B008  it is frozen
        traces: RowTraces | None = None,
    ) -> None:
        self._bus = bus
        self._subjects = subjects
        self._bus_seconds = bus_seconds
        self._request_s = request_s
        self.owners = OwnerMap()
        self._edges: Lately[EdgeReport] = Lately(_FRESH_S, _MAX_EDGES)
        self._processes: Lately[Owners] = Lately(_FRESH_S, _MAX_EDGES)
        self._asking = asyncio.Event()
        bus.on_reconnect(self._asking.set)
        self._store_seen = -_FRESH_S
        self._rows = OwnerRows(
            bus,
            ToOwners(edge, subjects, self.owners, self._asking.set),
            bus_seconds,
            request_s=request_s,
            gather_s=gather_s,
            bounds=bounds,
            rooms_limits=rooms_limits,
            traces=traces,
        )
        to_anybody = ToAnybody(edge, subjects)
        of_users = replace(bounds, requests=calls.USERS.at_once)
        users: Outbox[UserRow, Answer] = Outbox(to_anybody.route, of_users)
        self._users = Gather(
            bus, users, to_anybody, bus_seconds, times=times(calls.USERS, gather_s, request_s)
        )

    def submit(self, row: Row, answered: Answered) -> None:
        """Ask the owner of `row.room`. Never raises; `answered` is called once, within `request_s`."""
        self._rows.submit(row, answered)

    def submit_user(self, row: UserRow, answered: Answered) -> None:
        """The same for a row about a user."""
        self._users.submit(row, answered)

    async def ask(self, row: Row) -> envelope.Answer:
        """Ask the owner of `row.room`. Raises Refusal; may be cancelled, the row is asked all the same."""
        answer = await _answer_of(partial(self.submit, _numbered(row)))
        if isinstance(answer, Refreshed):
            raise Refusal(INTERNAL)
        return answer

    async def users(self, row: UserRow) -> Done | Refreshed:
        """Ask about a user. Raises Refusal; may be cancelled, the row is asked all the same."""
        answer = await _answer_of(partial(self.submit_user, _numbered(row)))
        if not isinstance(answer, Done | Refreshed):
            raise Refusal(INTERNAL)
        return answer

    async def history(
        self,
        room: str,
        since: Position | None,
        limit: int,
        timeout_s: float | None = None,
        max_bytes: int = MAX_MESSAGE_BYTES,
    ) -> HistoryReply:
        """Batches of a room as stored, from any rooms process, within `timeout_s`. Raises Refusal."""
        timeout_s = self._waits(calls.HISTORY) if timeout_s is None else timeout_s
        request = envelope.encode(HistoryRequest(room, limit, round(timeout_s * 1000), since, max_bytes))
        return await self._request(self._subjects.history, request, envelope.decode_history_reply, timeout_s)

    async def rooms(self, limit: int) -> list[RoomInfo]:
        """The rooms of all owners, most viewers first. Raises Refusal when an owner does not answer."""
        request = envelope.encode(RoomsRequest(round(self._request_s * 1000), limit))
        replies = await self._ask_every_owner(request, envelope.decode_rooms_reply)
        rooms = [info for reply in replies for info in reply.rooms]
        return sorted(rooms, key=lambda info: (-info.viewers, info.room))[:limit]

    async def broadcast(self, uid: str, cid: str, item: bytes, pin_s: int = 0) -> int:
        """Post an item to every open room; how many it goes to. Raises Refusal; `cid` makes it repeatable."""
        request = envelope.encode(BroadcastRequest(round(self._request_s * 1000), uid, cid, item, pin_s))
        replies = await self._ask_every_owner(request, envelope.decode_broadcast_reply)
        if any(reply.busy for reply in replies):
            raise Refusal(RATE_LIMITED, "too many broadcasts are under way", retry_ms=_BROADCAST_MS)
        return sum(reply.rooms for reply in replies)

    async def changes(self, since: str | None) -> ChangesReply:
        """What is new in the changes log, from any rooms process. Raises Refusal."""
        timeout_s = self._waits(calls.CHANGES)
        request = envelope.encode(ChangesRequest(round(timeout_s * 1000), since))
        return await self._request(self._subjects.changes, request, envelope.decode_changes_reply, timeout_s)

    async def sanctions(self, users: int, after: str) -> SanctionsReply:
        """So many users above `after` who are sanctioned in all rooms. Raises Refusal."""
        request = envelope.encode(SanctionsRequest(round(self._request_s * 1000), users, after))
        decode = envelope.decode_sanctions_reply
        return await self._request(self._subjects.sanctions, request, decode, self._waits(calls.EVERYWHERE))

    async def settings(self) -> SettingsReply:
        """What rooms go by that have no setting of their own. Raises Refusal."""
        request = envelope.encode(SettingsRequest(round(self._request_s * 1000)))
        decode = envelope.decode_settings_reply
        return await self._request(self._subjects.settings, request, decode, self._waits(calls.EVERYWHERE))

    async def read(self, request: records.Request, kind: type[R]) -> R:
        """What moderators read, from any rooms process. Raises Refusal."""
        request.budget_ms = round(self._request_s * 1000)
        encoded, decode = envelope.encode(request), records.decode_reply
        reply = await self._request(self._subjects.records, encoded, decode, self._waits(calls.RECORDS))
        if not isinstance(reply, kind):
            raise Refusal(INTERNAL)
        return reply

    async def words(self) -> tuple[str, bytes]:
        """The list of words for all rooms, packed, and its version. Raises Refusal."""
        budget_ms = round(self._request_s * 1000)
        for _ in range(_READINGS):
            first = await self._ask_words(GetPiece(budget_ms, 0))
            further = [await self._ask_words(GetPiece(budget_ms, n)) for n in range(1, first.pieces)]
            if all(one.version == first.version for one in further):
                return first.version, b"".join(one.piece for one in (first, *further))
        raise Refusal(UNAVAILABLE, "the list is replaced all the time", retry_ms=1000)

    async def replace_words(self, packed: bytes, by: str, role: Role, over: str | None) -> str:
        """Replace that list, with `over` only that version of it; the new version. Raises Refusal."""
        budget_ms, version, pieces = round(self._request_s * 1000), token_hex(8), wordlist.pieces(packed)
        for number, piece in enumerate(pieces):
            await self._ask_words(StagePiece(budget_ms, version, number, piece))
        what = f"{len(packed)} bytes, packed"
        await self._ask_words(ReplaceWords(budget_ms, version, len(pieces), by, role, what, over))
        return version

    async def _ask_words(self, request: WordsRequest) -> WordsReply:
        asked, decode = wordlist.encode(request), wordlist.decode_words_reply
        reply = await self._request(self._subjects.words, asked, decode, self._waits(calls.EVERYWHERE))
        if reply.refused is not None:
            raise Refused(
                reply.refused, reply.detail, 1000 if reply.refused == UNAVAILABLE.name else None
            ).refusal()
        return reply

    async def adjust(self, row: AdjustRow | RollBackRow) -> Adjustment:
        """Adjust settings, or go back; what is in force then. Raises Refusal."""
        row.act = row.act or token_hex(8)  # asked again, it is the same one
        (adjustment,) = await self._ask_adjustments(row)
        return adjustment

    async def adjustments(self, limit: int) -> list[Adjustment]:
        """The newest adjustments, newest first. Raises Refusal."""
        return await self._ask_adjustments(AdjustmentsRow(limit=limit))

    async def _ask_adjustments(self, row: AdjustmentRequest) -> list[Adjustment]:
        """Asked again until `request_s` is over, where no answer comes."""
        timeout_s = self._waits(calls.ADJUSTMENTS)
        row.budget_ms = round(timeout_s * 1000)
        asked, decode = adjustment.encode(row), adjustment.decode_reply
        until = time.monotonic() + self._request_s
        while True:
            try:
                reply = await self._request(self._subjects.adjustments, asked, decode, timeout_s)
                if reply.refused is None:
                    return reply.adjustments
                raise Refused(reply.refused, reply.detail).refusal()
            except Refusal as refusal:
                if refusal.kind is not UNAVAILABLE or time.monotonic() + timeout_s > until:
                    raise
                await asyncio.sleep(_RETRY_S / 5)

    async def order(self, edge: str, order: Drain) -> EdgeReport:
        """Have an edge worker drain, or come back; what it tells of itself then. Raises Refusal."""
        if edge not in (report.edge for report in self.edges()):
            raise Refusal(NO_SUCH_EDGE)
        subject, asked = self._subjects.orders(edge), envelope.encode(order)
        report = await self._request(subject, asked, envelope.decode_edge_report, self._waits(calls.DRAIN))
        self._heard_edge(report)
        return report

    def edges(self) -> list[EdgeReport]:
        """What the edge workers said of late, this one included."""
        return self._edges.all(time.monotonic())

    def processes(self) -> list[Owners]:
        """What the rooms processes said of late."""
        return self._processes.all(time.monotonic())

    def ready(self) -> dict[str, bool]:
        """What of the service this edge can reach."""
        return {
            "bus": self._bus.connected,
            "store": self._bus.connected and time.monotonic() - self._store_seen < _FRESH_S,
            "owners": self._bus.connected and self.owners.complete,
        }

    async def run(self, replaced: Callable[[Replaced], None]) -> None:
        """Listen to owners and edges until cancelled; `replaced` is told of newer connections of devices."""
        await self._listen(self._subjects.owners, envelope.decode_owners, self._heard_owners)
        await self._listen(self._subjects.edge_report, envelope.decode_edge_report, self._heard_edge)
        await self._listen(self._subjects.replaced, envelope.decode_replaced, replaced)
        self._asking.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_asking())
            tasks.create_task(self._keep_probing())

    async def close(self) -> None:
        """Answer whoever still waits."""
        await self._rows.close()
        await self._users.close()

    async def _listen(self, subject: str, decode: Callable[[bytes], T], heard: Callable[[T], None]) -> None:
        """Tell `heard` what comes, from when the bus is there."""

        def receive(payload: bytes, _: str) -> None:
            try:
                message = decode(payload)
            except ValueError:
                logger.warning("a message on %s cannot be read", subject)
            else:
                heard(message)

        while True:
            try:
                await self._bus.subscribe(subject, receive)
            except BusDown:
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _keep_asking(self) -> None:
        """Make the owners tell who they are when that is wanted, and as long as one is missing."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if self.owners.complete else _RETRY_S):
                    await self._asking.wait()
            self._asking.clear()
            with contextlib.suppress(BusDown):  # then it is asked again
                await self._bus.publish(self._subjects.ask_owners, b"")
            await asyncio.sleep(_RETRY_S / 5)

    async def _keep_probing(self) -> None:
        while True:
            try:
                await self.history(_PROBE_ROOM, None, 1)
            except Refusal:
                await asyncio.sleep(_RETRY_S / 5)
            else:
                self._store_seen = time.monotonic()
                await asyncio.sleep(_PROBE_S)

    def _heard_owners(self, message: Owners) -> None:
        self._processes.hear(message.process, message, time.monotonic())
        if self.owners.hear(message):
            self._rows.flush()

    def _heard_edge(self, report: EdgeReport) -> None:
        self._edges.hear(report.edge, report, time.monotonic())

    async def _ask_every_owner(self, request: bytes, decode: Callable[[bytes], T]) -> list[T]:
        if not self.owners.complete:
            self._asking.set()
            raise Refusal(UNAVAILABLE, "some rooms have no owner at the moment", retry_ms=1000)
        subjects = [self._subjects.owner(process) for process in sorted(self.owners.processes)]
        timeout_s = self._waits(calls.ALL_OWNERS)
        requests = [self._request(subject, request, decode, timeout_s) for subject in subjects]
        replies = await asyncio.gather(*requests, return_exceptions=True)
        for reply in replies:
            if isinstance(reply, BaseException):
                raise reply
        return [reply for reply in replies if not isinstance(reply, BaseException)]

    def _waits(self, call: Call) -> float:
        """Seconds."""
        return call.timeout_s(self._request_s)

    async def _request(
        self, subject: str, request: bytes, decode: Callable[[bytes], T], timeout_s: float
    ) -> T:
        begin = time.monotonic()
        try:
            reply = decode(await self._bus.request(subject, request, timeout_s))
        except BusDown as error:
            raise Refusal(UNAVAILABLE, retry_ms=1000) from error
        except ValueError as error:  # its store is away, or it is of another version
            raise Refusal(UNAVAILABLE, "no usable answer", retry_ms=1000) from error
        self._bus_seconds.observe(time.monotonic() - begin)
        return reply


def _numbered(row: T) -> T:
    """An act of moderation has an id before it is asked: asked again, it is the same one."""
    if isinstance(row, ActRow) and not row.act:
        row.act = token_hex(8)
    return row


async def _answer_of(submit: Callable[[Answered], None]) -> Answer:
    future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def answered(answer: Answer) -> None:
        if not future.done():  # whoever asked may have left meanwhile
            future.set_result(answer)

    submit(answered)
    answer = await future
    if isinstance(answer, Refused):
        raise answer.refusal()
    return answer
