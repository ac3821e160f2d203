"""What is known of users' tokens, from any rooms process, as a member of a queue group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog

from config import settings as config
from danmaku import envelope
from danmaku.envelope import (
    Done,
    HelloRow,
    Refreshed,
    RefreshRow,
    Refused,
    RevokeRow,
    UsersReply,
    UsersRequest,
)
from danmaku.errors import UNAUTHORIZED, UNAVAILABLE, Refusal
from danmaku.store import tokens
from danmaku.store.errors import StoreDown
from danmaku.telemetry import RoomsMetrics
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.tasks import Tasks

_GRACE_MS: Final = 30_000  # a repeat within gets the same pair, for a reply that was lost
_YEAR_MS: Final = 366 * 24 * 3600 * 1000  # the longest life a token can have
_AT_ONCE: Final = 1000

_UNAVAILABLE: Final = Refused.of(Refusal(UNAVAILABLE, retry_ms=1000))
_REVOKED: Final = Refused.of(Refusal(UNAUTHORIZED, "the token was revoked"))
_SPENT: Final = Refused.of(Refusal(UNAUTHORIZED, "the refresh token was used before, or revoked"))

UserRow = HelloRow | RefreshRow | RevokeRow
UserAnswer = Done | Refused | Refreshed

_log: Any = structlog.get_logger("rooms.tokens")


class Tokens:
    """Answers UsersRequest. All its revocations are looked up in one round trip."""

    def __init__(
        self,
        store: tokens.Tokens,
        auth: config.Auth,
        outbox: Outbox,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._refresh_ttl_ms = auth.refresh_ttl_s * 1000
        self._outbox = outbox
        self._metrics = metrics
        self._clock = clock
        self._tasks = Tasks(_AT_ONCE)

    def receive(self, payload: bytes, reply: str) -> None:
        try:
            request = envelope.decode_users_request(payload)
        except ValueError as error:
            _log.warning("a request cannot be read", error=str(error))
            return
        if self._tasks.full:
            self._reply(reply, [_UNAVAILABLE] * len(request.rows))
        else:
            self._tasks.start(self._answer(request, reply))

    async def finish(self, timeout_s: float) -> None:
        """Answer what was asked, but take no longer than that."""
        await self._tasks.finish(timeout_s)

    async def close(self) -> None:
        await self._tasks.close()

    async def _answer(self, request: UsersRequest, reply: str) -> None:
        rows = request.rows
        asked_ms = self._clock().ms
        try:
            with self._metrics.store_seconds.labels("tokens").time():
                revoked = await self._revoked([row for row in rows if not isinstance(row, RevokeRow)])
        except StoreDown as error:
            _log.warning("revocations cannot be looked up", error=str(error))
            self._reply(reply, [_UNAVAILABLE] * len(rows))
        else:
            answers = (self._one(row, revoked, asked_ms) for row in rows)
            self._reply(reply, await asyncio.gather(*answers))

    async def _revoked(self, rows: list[HelloRow | RefreshRow]) -> dict[str, int]:
        uids = sorted({row.uid for row in rows})
        return dict(zip(uids, await self._store.revoked_ms(uids), strict=True)) if uids else {}

    async def _one(self, row: UserRow, revoked: dict[str, int], asked_ms: int) -> UserAnswer:
        """Never raises. `asked_ms`: a time before `revoked` was looked up."""
        try:
            if isinstance(row, RevokeRow):
                await self._store.revoke(row.uid, self._clock().ms, _YEAR_MS)
                return Done()
            void_ms = revoked[row.uid]
            if void_ms and row.issued_ms <= void_ms:
                return _REVOKED
            return await self._refresh(row, asked_ms) if isinstance(row, RefreshRow) else Done()
        except StoreDown as error:
            _log.warning("a token's state cannot be changed", error=str(error))
            return _UNAVAILABLE

    async def _refresh(self, row: RefreshRow, now_ms: int) -> UserAnswer:
        """The new pair is issued at `now_ms`: what is revoked since then makes it void, too."""
        keep_ms = max(self._refresh_ttl_ms, row.expires_ms - now_ms)
        spent = await self._store.spend(row.uid, row.family, row.n, now_ms, _GRACE_MS, keep_ms)
        return _SPENT if spent is None else Refreshed(spent.n, spent.issued_ms)

    def _reply(self, reply: str, answers: list[UserAnswer]) -> None:
        for answer in answers:
            if isinstance(answer, Refused):
                self._metrics.refusals.labels(answer.name).inc()
        self._outbox.post(reply, envelope.encode(UsersReply(answers)))
