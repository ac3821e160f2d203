"""Rows on their way to the owners of their rooms, gathered by how soon they are answered there."""

from __future__ import annotations

from typing import Final

from prometheus_client import Histogram

from config.settings import Rooms
from danmaku import calls
from danmaku.bus import Bus
from danmaku.envelope import Row
from danmaku.moderation_rows import HeldRow, ModeratorsRow, SignsRow
from danmaku.rows import GetRoomRow, JoinRow, LikeRow, RankRow
from danmaku.wordlist import GetWordsRow, TryWordsRow
from edge.channels import Answer, Answered, ToOwners
from edge.gather import Gather, times
from edge.outbox import Bounds, Outbox
from edge.tracing import RowTraces

# What an owner answers at once, from memory. All else waits there for a batch, or for the store.
_AT_ONCE: Final = frozenset(
    (JoinRow, LikeRow, RankRow, GetRoomRow, ModeratorsRow, SignsRow, HeldRow, GetWordsRow, TryWordsRow)
)
_SPARE: Final = 1 / 5  # of the rooms' window: what waits there for a batch waits here for others,
_MOST_SPARE: Final = 1 / 10  # but not for more of the time within which it is answered


class OwnerRows:
    """A reply waits for all its answers, so what is answered at once is not asked with what is not."""

    def __init__(
        self,
        bus: Bus,
        channel: ToOwners,
        bus_seconds: Histogram,
        *,
        request_s: float,
        gather_s: float,
        bounds: Bounds,
        rooms_limits: Rooms,
        traces: RowTraces | None = None,
    ) -> None:
        self._request_s = request_s
        self._rooms_limits = rooms_limits
        batched: Outbox[Row, Answer] = Outbox(channel.route, bounds)
        at_once: Outbox[Row, Answer] = Outbox(channel.route, bounds)
        self._batched = Gather(
            bus,
            batched,
            channel,
            bus_seconds,
            times=times(calls.BATCHED, gather_s, request_s),
            spare_s=self._spare_s if gather_s else None,
            traces=traces,
        )
        self._at_once = Gather(
            bus,
            at_once,
            channel,
            bus_seconds,
            times=times(calls.AT_ONCE, gather_s, request_s),
            traces=traces,
        )

    def submit(self, row: Row, answered: Answered) -> None:
        """Never raises; `answered` is called once, within `request_s`."""
        (self._at_once if type(row) in _AT_ONCE else self._batched).submit(row, answered)

    def flush(self) -> None:
        """Make the requests that can be made now."""
        self._batched.flush()
        self._at_once.flush()

    async def close(self) -> None:
        """Answer whoever still waits."""
        await self._batched.close()
        await self._at_once.close()

    def _spare_s(self) -> float:
        return min(self._rooms_limits.window_ms / 1000 * _SPARE, self._request_s * _MOST_SPARE)
