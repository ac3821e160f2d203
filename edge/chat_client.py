"""What an edge asks of rooms processes about conversations, over the bus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from prometheus_client import Histogram

from danmaku import calls, chat
from danmaku.bus import Bus
from danmaku.calls import Call
from danmaku.errors import INTERNAL, Refusal
from danmaku.subjects import Subjects
from edge.channels import ToChat
from edge.gather import Gather, times
from edge.outbox import Bounds, Outbox
from edge.tracing import RowTraces

A = TypeVar("A", bound=chat.Answer)
Answered = Callable[[chat.Answer], None]

_GATHERED: Final = Bounds(rows=20_000, rows_per_request=200, requests=calls.CHAT.at_once)
_ALONE: Final = Bounds(
    rows=5_000, rows_per_request=1, requests=calls.CHAT_LISTS.at_once
)  # their answers fill a message
_LARGE: Final = (
    chat.PullRow,
    chat.SyncRow,
    chat.GroupRow,
    chat.ChangeGroupRow,
    chat.MembersRow,
    chat.GroupsRow,
    chat.BlockedRow,
    chat.SessionsRow,
)


class ChatClient:
    """Everything is bounded by `request_s`. A row may be asked twice: what was done is not done again."""

    def __init__(
        self,
        bus: Bus,
        subjects: Subjects,
        edge: str,
        bus_seconds: Histogram,
        *,
        request_s: float,
        gather_s: float,
        traces: RowTraces | None = None,
    ) -> None:
        channel = ToChat(edge, subjects)

        def gather(call: Call, bounds: Bounds, window_s: float) -> Gather[chat.Row, chat.Answer]:
            outbox: Outbox[chat.Row, chat.Answer] = Outbox(channel.route, bounds)
            waits = times(call, window_s, request_s)
            return Gather(bus, outbox, channel, bus_seconds, times=waits, traces=traces)

        self._gathered = gather(calls.CHAT, _GATHERED, gather_s)
        self._alone = gather(calls.CHAT_LISTS, _ALONE, 0.0)

    def submit(self, row: chat.Row, answered: Answered) -> None:
        """Never raises; `answered` is called once, within `request_s`."""
        (self._alone if isinstance(row, _LARGE) else self._gathered).submit(row, answered)

    async def ask(self, row: chat.Row, kind: type[A]) -> A:
        """The answer, which is a `kind`. Raises Refusal; may be cancelled, the row is asked all the same."""
        future: asyncio.Future[chat.Answer] = asyncio.get_running_loop().create_future()

        def answered(answer: chat.Answer) -> None:
            if not future.done():  # whoever asked may have left meanwhile
                future.set_result(answer)

        self.submit(row, answered)
        answer = await future
        if isinstance(answer, chat.Refused):
            raise answer.refusal()
        if not isinstance(answer, kind):
            raise Refusal(INTERNAL)
        return answer

    async def close(self) -> None:
        """Answer whoever still waits."""
        await self._gathered.close()
        await self._alone.close()
