"""Rows on their way to the owners of their rooms, apart by how soon they are answered there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from prometheus_client import Histogram

from config.settings import Rooms
from danmaku import calls
from danmaku.bus import Bus
from danmaku.calls import Call
from danmaku.envelope import Row
from danmaku.moderation_rows import HeldRow, ModeratorsRow, SignsRow
from danmaku.rows import GetRoomRow, JoinRow, LikeRow, RankRow, SendRow
from danmaku.wordlist import GetWordsRow, TryWordsRow
from edge.channels import Answer, Answered, ToOwners
from edge.gather import Gather, times
from edge.outbox import Bounds, Outbox
from edge.tracing import RowTraces

# What an owner answers at once, from memory.
_AT_ONCE: Final = frozenset(
    (JoinRow, LikeRow, RankRow, GetRoomRow, ModeratorsRow, SignsRow, HeldRow, GetWordsRow, TryWordsRow)
)
# Comments wait here for a part of the window of rooms, as they wait there for a batch, but for no more than a
# part of the time within which they are answered.
_SPARE: Final = 1 / 5
_MOST_SPARE: Final = 1 / 10


class OwnerRows:
    """A reply waits for all its answers. So comments are asked by themselves, which wait for a batch and
    maybe for somebody who reads them first; and what is answered at once is not asked with acts, events and
    votes, which wait for a batch or for the store."""

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

        def gathered(call: Call, spare_s: Callable[[], float] | None = None) -> Gather[Row, Answer]:
            of_one = replace(bounds, requests=call.at_once)
            outbox: Outbox[Row, Answer] = Outbox(channel.route, of_one)
            of_call = times(call, gather_s, request_s)
            return Gather(bus, outbox, channel, bus_seconds, times=of_call, spare_s=spare_s, traces=traces)

        self._comments = gathered(calls.COMMENTS, self._spare_s if gather_s else None)
        self._rows = gathered(calls.ROWS)
        self._at_once = gathered(calls.AT_ONCE)

    def submit(self, row: Row, answered: Answered) -> None:
        """Never raises; `answered` is called once, within `request_s`."""
        kind = type(row)
        if kind is SendRow:
            self._comments.submit(row, answered)
        else:
            (self._at_once if kind in _AT_ONCE else self._rows).submit(row, answered)

    def flush(self) -> None:
        """Make the requests that can be made now."""
        for gather in self._gathers:
            gather.flush()

    async def close(self) -> None:
        """Answer whoever still waits."""
        for gather in self._gathers:
            await gather.close()

    @property
    def _gathers(self) -> tuple[Gather[Row, Answer], ...]:
        return self._comments, self._rows, self._at_once

    def _spare_s(self) -> float:
        return min(self._rooms_limits.window_ms / 1000 * _SPARE, self._request_s * _MOST_SPARE)
