"""Settings are adjusted, and gone back to, through any rooms process, as a queue group.

Two who adjust at one time follow each other, unless they say which version they expect. Who asks again,
for no answer came, is known by his act: it is done once.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any, Final

import msgspec

from config.keys import SettingsError
from config.live import NeedsRestart, Running, merged
from danmaku import adjustment
from danmaku.adapting import Adapting
from danmaku.adjustment import (
    KEPT,
    MAX_BYTES,
    NOTHING,
    Adjustment,
    AdjustmentRequest,
    AdjustmentsReply,
    AdjustmentsRow,
    AdjustRow,
    RollBackRow,
)
from danmaku.envelope import MAX_MESSAGE_BYTES
from danmaku.errors import (
    BAD_FRAME,
    CONFLICT,
    FORBIDDEN,
    NEEDS_RESTART,
    NO_SUCH_VERSION,
    TOO_LARGE,
    Refusal,
)
from danmaku.model import Act, Role
from danmaku.store.adjustments import Adjustments
from danmaku.subjects import Subjects
from danmaku.telemetry import RoomsMetrics
from rooms.acts import act_of, with_changes
from rooms.answering import Answering, refusable
from rooms.moment import Moment
from rooms.outbox import Outbox

_AT_ONCE: Final = 16
_ATTEMPTS: Final = 8  # where somebody else is first

Row = AdjustRow | RollBackRow


class Adjusting:
    """Every request is answered, with a refusal where nothing else is possible. All may be said again."""

    def __init__(
        self,
        store: Adjustments,
        running: Running,
        adapting: Adapting,
        outbox: Outbox,
        subjects: Subjects,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._running = running
        self._adapting = adapting
        self._outbox = outbox
        self._subjects = subjects
        self._metrics = metrics
        self._clock = clock
        self.answering: Final = Answering("adjustments", _AT_ONCE, outbox)
        self._asked = refusable(adjustment.decode_request, self._answer, AdjustmentsReply, adjustment.encode)

    def receive(self, payload: bytes, reply: str) -> None:
        self.answering.begin(self._asked, payload, reply)

    async def _answer(self, request: AdjustmentRequest) -> AdjustmentsReply:
        with self._metrics.store_seconds.labels("adjust").time():
            return await self._do(request)

    async def _do(self, request: AdjustmentRequest) -> AdjustmentsReply:
        if isinstance(request, AdjustmentsRow):
            return AdjustmentsReply(fitting(await self._store.newest(max(1, min(request.limit, KEPT)))))
        if request.role < Role.ADMIN:
            raise Refusal(FORBIDDEN)
        done = await self._adjust(request)
        self._outbox.post(self._subjects.changed, b"")
        self._adapting.keeping_up.wanted()  # who asks this very process next finds it done
        return AdjustmentsReply([done])

    async def _adjust(self, row: Row) -> Adjustment:
        act = act_of(row, self._clock().ms)
        for _ in range(_ATTEMPTS):
            done = await self._store.of_act(act.id)
            if done is not None:
                await self._store.adjust(done, [act])  # on as many replicas, before it is answered again
                return done
            newest = await self._store.newest(1)
            before = newest[0] if newest else NOTHING
            made = await self._made(row, before, act)
            if made.values == before.values:
                return before
            to = row.version if isinstance(row, RollBackRow) else None
            act = with_changes(act, before.values, made.values, self._running.base, to)
            if await self._store.adjust(made, [act]):
                return made
        raise Refusal(CONFLICT, "others adjust settings all the time")

    async def _made(self, row: Row, before: Adjustment, act: Act) -> Adjustment:
        """What would be in force after `before`. Raises Refusal."""
        if row.expected is not None and row.expected != before.version:
            raise Refusal(CONFLICT, f"version {before.version} is in force, by {before.by or 'nobody'}")
        of = 0
        if isinstance(row, AdjustRow):
            values = self._merged(row, before)
        else:
            values, of = await self._gone_back(row), row.version
        if len(msgspec.json.encode(values)) > MAX_BYTES:
            raise Refusal(TOO_LARGE, f"all that is adjusted may have {MAX_BYTES} bytes")
        return Adjustment(before.version + 1, values, row.by, act.at_ms, act.reason, of, act.id)

    async def _gone_back(self, row: RollBackRow) -> dict[str, Any]:
        """What was adjusted then, usable by now or not: a process passes over what it cannot use."""
        if not row.version:
            return {}
        found = await self._store.of_version(row.version)
        if found is None:
            raise Refusal(NO_SUCH_VERSION)
        return found.values

    def _merged(self, row: AdjustRow, before: Adjustment) -> dict[str, Any]:
        try:
            return merged(self._running.base, before.values, row.values, row.unset)
        except NeedsRestart as error:
            raise Refusal(NEEDS_RESTART, error.told) from None
        except SettingsError as error:
            raise Refusal(BAD_FRAME, error.told) from None


def fitting(found: list[Adjustment]) -> list[Adjustment]:
    """As many of the first as a message carries."""
    sizes = accumulate(len(adjustment.encode(one)) for one in found)
    return [one for one, size in zip(found, sizes, strict=True) if size <= MAX_MESSAGE_BYTES - 1024]
