"""A user's own devices: where they are connected, and the end of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from danmaku import envelope
from danmaku.chat import Done, EndSessionRow, Sessions, SessionsRow
from danmaku.envelope import Replaced
from danmaku.errors import NO_SUCH_DEVICE, Refusal
from danmaku.store import sessions
from danmaku.subjects import Subjects
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.tokens import SESSION_MS

_REMEMBERED_MS: Final = 366 * 24 * 3600 * 1000  # the longest life a token can have
_REMEMBERED: Final = 256  # devices of one user that were ended


class Devices:
    """Both methods raise StoreDown, and are safe to repeat."""

    def __init__(
        self,
        store: sessions.Sessions,
        outbox: Outbox,
        subjects: Subjects,
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._subjects = subjects
        self._clock = clock

    async def read(self, row: SessionsRow) -> Sessions:
        found = await self._store.devices(row.uid, self._clock().ms, SESSION_MS)
        return Sessions([(one.device, one.edge, one.seen_ms) for one in found])

    async def end(self, row: EndSessionRow) -> Done:
        """Raises Refusal where the device is not known."""
        now_ms = self._clock().ms
        n = await self._store.end(row.uid, row.device, now_ms, SESSION_MS, _REMEMBERED_MS, _REMEMBERED)
        if n is None:
            raise Refusal(NO_SUCH_DEVICE)
        # a hint: should it get lost, the edge finds out when it says the connection's hello again
        ended = Replaced(row.uid, row.device, n + 1, ended=True)
        self._outbox.post(self._subjects.replaced, envelope.encode(ended))
        return Done()
