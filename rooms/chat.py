"""Chat, as a member of a queue group: any rooms process serves any conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, assert_never

import structlog

from config import settings as config
from danmaku import calls, chat
from danmaku.chat import (
    Answer,
    BlockedRow,
    BlockRow,
    ChangeGroupRow,
    ChatReply,
    ChatRequest,
    Done,
    EndSessionRow,
    GroupRow,
    GroupsRow,
    LeftRow,
    MembersRow,
    PresenceRow,
    PullRow,
    ReadRow,
    RecallRow,
    Refused,
    Row,
    SendRow,
    SessionsRow,
    SyncRow,
    TypingRow,
    Users,
)
from danmaku.conversation import gid_of, private
from danmaku.envelope import MAX_MESSAGE_BYTES
from danmaku.errors import CONFLICT, TIMEOUT, UNAVAILABLE, Refusal
from danmaku.store import Store
from danmaku.store.errors import StoreDown
from danmaku.subjects import Subjects
from danmaku.telemetry import RoomsMetrics
from rooms.ages import Ages
from rooms.delivery import Deliveries
from rooms.devices import Devices
from rooms.groups import Groups
from rooms.living import LivingEdges
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.reading import Reading
from rooms.saying import Saying
from rooms.tasks import Tasks
from rooms.tracing import RoomTraces

_OfReader = PullRow | SyncRow | ReadRow | RecallRow | TypingRow
_OfUser = GroupsRow | BlockRow | BlockedRow
_OfDevices = SessionsRow | EndSessionRow | LeftRow | PresenceRow
_Other = ChangeGroupRow | GroupRow | MembersRow | _OfUser | _OfReader | _OfDevices

_AT_ONCE: Final = 4000  # requests
_ROWS: Final = 1000  # of one request

_UNAVAILABLE: Final = Refused.of(Refusal(UNAVAILABLE, retry_ms=1000))
_TIMEOUT: Final = Refused.of(Refusal(TIMEOUT))

_log: Any = structlog.get_logger("rooms.chat")


class Chat:
    """Answers ChatRequest within its time, each row by itself; `run` must be running."""

    def __init__(
        self,
        store: Store,
        limits: config.Chat,
        outbox: Outbox,
        subjects: Subjects,
        living: LivingEdges,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
        traces: RoomTraces | None = None,
    ) -> None:
        self._traces = traces
        self._contacts = contacts = store.contacts
        self._limits = limits
        self._outbox = outbox
        self._metrics = metrics
        self._clock = clock
        self._deliveries = told = Deliveries(
            store.conversations, store.sessions, outbox, subjects, metrics, clock
        )
        self._saying = Saying(store.conversations, contacts, told, limits, metrics, clock, traces)
        self._groups = Groups(store.conversations, contacts, told, limits, metrics, clock)
        self._reading = Reading(store.conversations, contacts, told, limits, metrics, clock)
        self._devices = Devices(
            store.sessions, store.conversations, contacts, outbox, subjects, living, clock
        )
        self._tasks = Tasks(_AT_ONCE)
        self._ages = Ages()

    def receive(self, payload: bytes, reply: str, trace: str = "") -> None:
        try:
            request = chat.decode_request(payload)
        except ValueError as error:
            _log.warning("a request cannot be read", error=str(error))
            return
        left_s = calls.budget_s(request.budget_ms) - self._ages.age_s(request.sent, self._clock().s)
        if left_s <= 0:
            self._metrics.late_rows.labels("chat").inc(len(request.rows))
        elif self._tasks.full or len(request.rows) > _ROWS:
            self._reply(reply, [_UNAVAILABLE] * len(request.rows))
        else:
            if trace and self._traces is not None:
                self._traces.came(request.rows, trace)
            self._tasks.start(self._answer(request, left_s, reply))

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._saying.run())
            tasks.create_task(self._deliveries.run())

    async def finish(self, timeout_s: float) -> None:
        """Answer what was asked and tell who is to know, but take no longer than that for each."""
        await self._tasks.finish(timeout_s)
        await self._deliveries.finish(timeout_s)

    async def close(self) -> None:
        await self._tasks.close()
        await self._saying.close()

    async def _answer(self, request: ChatRequest, left_s: float, reply: str) -> None:
        deadline_s = self._clock().s + left_s
        answers = [self._begin(row, deadline_s) for row in request.rows]
        try:
            if answers:
                await asyncio.wait(answers, timeout=left_s)
            self._reply(reply, [one.result() if one.done() else _TIMEOUT for one in answers])
        finally:
            left = [one for one in answers if not one.done()]
            for one in left:
                one.cancel()
            if left:
                await asyncio.wait(left)

    def _begin(self, row: Row, deadline_s: float) -> asyncio.Future[Any]:
        """The answer, which never raises. Messages are most of what is asked, and need no task each."""
        if isinstance(row, SendRow):
            try:
                return self._saying.say(row, deadline_s)
            except Refusal as refusal:
                answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
                answer.set_result(Refused.of(refusal))
                return answer
        return asyncio.create_task(self._served(row))

    async def _served(self, row: _Other) -> Answer:
        """Never raises."""
        try:
            return await self._serve(row)
        except Refusal as refusal:
            return Refused.of(refusal)
        except StoreDown as error:
            _log.warning("chat cannot be served", error=str(error))
            return _UNAVAILABLE

    async def _serve(self, row: _Other) -> Answer:
        match row:
            case ChangeGroupRow():
                return await self._groups.change(row)
            case GroupRow():
                return await self._groups.read(row)
            case MembersRow():
                return await self._groups.members(row)
            case PullRow() | SyncRow() | ReadRow() | RecallRow() | TypingRow():
                return await self._of_reader(row)
            case SessionsRow() | EndSessionRow() | LeftRow() | PresenceRow():
                return await self._of_devices(row)
            case _:
                return await self._of_user(row)

    async def _of_reader(self, row: _OfReader) -> Answer:
        match row:
            case PullRow():
                return await self._reading.pull(row)
            case SyncRow():
                return await self._reading.sync(row)
            case ReadRow():
                return await self._reading.read(row)
            case RecallRow():
                return await self._reading.recall(row)
            case TypingRow():
                await self._reading.typing(row.conv, row.uid)
                return Done()
            case _:
                assert_never(row)

    async def _of_user(self, row: _OfUser) -> Answer:
        match row:
            case GroupsRow():
                convs = await self._contacts.groups(row.uid)
                return Users([gid for conv in convs if (gid := gid_of(conv)) is not None])
            case BlockRow():
                return await self._block(row)
            case BlockedRow():
                return Users(await self._contacts.blocked(row.uid))
            case _:
                assert_never(row)

    async def _of_devices(self, row: _OfDevices) -> Answer:
        match row:
            case SessionsRow():
                return await self._devices.read(row)
            case EndSessionRow():
                return await self._devices.end(row)
            case LeftRow():
                return await self._devices.left(row)
            case PresenceRow():
                return await self._devices.presence(row)
            case _:
                assert_never(row)

    async def _block(self, row: BlockRow) -> Done:
        private(row.uid, row.other)
        most = self._limits.blocked_users
        if not row.blocked:
            await self._contacts.unblock(row.uid, row.other)
        elif not await self._contacts.block(row.uid, row.other, most):
            raise Refusal(CONFLICT, f"at most {most} users can be blocked")
        return Done()

    def _reply(self, reply: str, answers: list[Answer]) -> None:
        payload = chat.encode(ChatReply(answers))
        if len(payload) > MAX_MESSAGE_BYTES:  # the bus would not carry it, and nobody would be answered
            _log.warning("an answer is too large", rows=len(answers), bytes=len(payload))
            answers = [_UNAVAILABLE] * len(answers)
            payload = chat.encode(ChatReply(answers))
        for answer in answers:
            if isinstance(answer, Refused):
                self._metrics.refusals.labels(answer.name).inc()
        self._outbox.post(reply, payload)
