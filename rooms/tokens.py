"""What is known of users and decided about them everywhere, from any rooms process, as a queue group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from config import settings as config
from danmaku import envelope
from danmaku.calls import budget_s
from danmaku.envelope import Replaced, UserRow, UsersReply, UsersRequest
from danmaku.errors import CONFLICT, REPLACED, TOO_MANY_DEVICES, UNAUTHORIZED, UNAVAILABLE, Refusal
from danmaku.moderation_rows import ConfigureRow, SanctionEverywhereRow
from danmaku.rows import Done, HelloRow, Refreshed, RefreshRow, Refused, RevokeRow
from danmaku.store import sessions, tokens
from danmaku.store.errors import StoreDown
from danmaku.store.sessions import Counted, Hello, Standing, Verdict
from danmaku.subjects import Subjects
from danmaku.telemetry import RoomsMetrics
from rooms.ages import Ages
from rooms.answering import Answering, Asked
from rooms.decrees import Decrees
from rooms.everywhere import Everywhere
from rooms.moment import Moment
from rooms.outbox import Outbox

_GRACE_MS: Final = 30_000  # a repeat within gets the same pair, for a reply that was lost
_SLACK_MS: Final = 60_000  # clocks of machines differ: so much longer is remembered what was spent
SESSION_MS: Final = 600_000  # a counted connection is forgotten so long after its edge told of it last
_AT_ONCE: Final = 1000

Decision = RefreshRow | RevokeRow | SanctionEverywhereRow | ConfigureRow
UserAnswer = Done | Refused | Refreshed

_UNAVAILABLE: Final = Refused.of(Refusal(UNAVAILABLE, retry_ms=1000))
_ANSWERS: Final[dict[Standing, UserAnswer]] = {
    Standing.GOOD: Done(),
    Standing.REVOKED: Refused.of(Refusal(UNAUTHORIZED, "the token was revoked")),
    Standing.CROWDED: Refused.of(Refusal(TOO_MANY_DEVICES)),
    Standing.REPLACED: Refused.of(Refusal(CONFLICT, REPLACED)),
}
_SPENT: Final = Refused.of(Refusal(UNAUTHORIZED, "the refresh token was used before, or revoked"))

_log: Any = structlog.get_logger("rooms.tokens")


class Tokens:
    """Answers UsersRequest. All its hellos are answered after one round trip."""

    def __init__(
        self,
        store: tokens.Tokens,
        sessions: sessions.Sessions,
        auth: config.Auth,
        decrees: Decrees,
        everywhere: Everywhere,
        outbox: Outbox,
        subjects: Subjects,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._devices = auth.devices
        self._refuses = auth.devices_full == "refuse"
        self._refresh_ttl_ms = auth.refresh_ttl_s * 1000
        self._decrees = decrees
        self._everywhere = everywhere
        self._outbox = outbox
        self._subjects = subjects
        self._metrics = metrics
        self._clock = clock
        self._ages = Ages()
        self.answering: Final = Answering("users", _AT_ONCE, outbox, repeated=True)
        read = envelope.decode_users_request
        self._asked = Asked(read, self._answer, self._unavailable, self._is_late)

    def receive(self, payload: bytes, reply: str) -> None:
        self.answering.begin(self._asked, payload, reply)

    async def _answer(self, request: UsersRequest) -> bytes:
        return self._encoded(await self._answers(request.rows))

    def _unavailable(self, request: UsersRequest) -> bytes:
        return self._encoded([_UNAVAILABLE] * len(request.rows))

    def _is_late(self, request: UsersRequest) -> bool:
        late = self._ages.age_s(request.sent, self._clock().s) >= budget_s(request.budget_ms)
        if late:
            self._metrics.late_rows.labels("users").inc(len(request.rows))
        return late

    async def _answers(self, rows: list[UserRow]) -> list[UserAnswer]:
        now_ms = self._clock().ms
        hellos = [row for row in rows if isinstance(row, HelloRow)]
        changes = [row for row in rows if not isinstance(row, HelloRow)]
        with self._metrics.store_seconds.labels("tokens").time():
            greeted, changed = await asyncio.gather(
                self._greet(hellos, now_ms), asyncio.gather(*(self._change(row, now_ms) for row in changes))
            )
        of_hellos, of_changes = iter(greeted), iter(changed)
        return [next(of_hellos if isinstance(row, HelloRow) else of_changes) for row in rows]

    async def _greet(self, rows: list[HelloRow], now_ms: int) -> list[UserAnswer]:
        """Never raises. None is said twice: who is replaced by it is told the first time only."""
        hellos = [_hello(row) for row in rows]
        try:
            verdicts = await self._sessions.greet(
                hellos, now_ms, SESSION_MS, self._devices, refuses=self._refuses
            )
        except StoreDown as error:
            _log.warning("what is known of users cannot be looked up", error=str(error))
            return [_UNAVAILABLE] * len(rows)
        return [
            _UNAVAILABLE if isinstance(verdict, StoreDown) else self._judged(row, verdict)
            for row, verdict in zip(rows, verdicts, strict=True)
        ]

    def _judged(self, row: HelloRow, verdict: Verdict) -> UserAnswer:
        if verdict.replaces is not None and row.device is not None and row.n is not None:
            # a hint: should it get lost, the replaced one's edge finds out when it says its hello again
            replaced = Replaced(row.uid, row.device, row.n)
            self._outbox.post(self._subjects.replaced, envelope.encode(replaced))
        if verdict.displaces is not None:
            device, n = verdict.displaces
            displaced = Replaced(row.uid, device, n + 1, why="displaced")
            self._outbox.post(self._subjects.replaced, envelope.encode(displaced))
        if verdict.standing is Standing.GOOD:
            try:
                self._everywhere.check_banned(row.uid, row.role, self._clock().ms)
            except Refusal as refusal:
                return Refused.of(refusal)
        return _ANSWERS[verdict.standing]

    async def _change(self, row: Decision, now_ms: int) -> UserAnswer:
        """Never raises."""
        try:
            match row:
                case RefreshRow():
                    return await self._refresh(row, now_ms)
                case RevokeRow():
                    await self._decrees.revoke(row)
                case SanctionEverywhereRow():
                    return Done(await self._decrees.sanction(row))
                case ConfigureRow():
                    await self._decrees.configure(row)
        except Refusal as refusal:
            return Refused.of(refusal)
        except StoreDown as error:
            _log.warning("what is known of a user cannot be changed", error=str(error))
            return _UNAVAILABLE
        return Done()

    async def _refresh(self, row: RefreshRow, now_ms: int) -> UserAnswer:
        """The new pair is issued at `now_ms`: what is revoked since then makes it void, too."""
        spent = await self._store.spend(
            row.uid,
            row.family,
            row.n,
            issued_ms=row.issued_ms,
            now_ms=now_ms,
            grace_ms=_GRACE_MS,
            until_ms=max(now_ms + self._refresh_ttl_ms, row.expires_ms) + _SLACK_MS,
        )
        return _SPENT if spent is None else Refreshed(spent.n, spent.issued_ms)

    def _encoded(self, answers: Sequence[UserAnswer]) -> bytes:
        for answer in answers:
            if isinstance(answer, Refused):
                self._metrics.refusals.labels(answer.name).inc()
        return envelope.encode(UsersReply([*answers]))


def _hello(row: HelloRow) -> Hello:
    counted = None
    if row.device is not None and row.n is not None:
        counted = Counted(row.device, row.n, row.edge, row.session)
    return Hello(row.uid, row.issued_ms, counted)
