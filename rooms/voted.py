"""How a poll stands, and what somebody voted in it.

The one is in memory, the other only in the store. Looking it up waits for no replicas and takes nothing from
votes; where the store does not say so soon, or too many ask, the poll is told without it.
"""

from __future__ import annotations

import asyncio
from typing import Final

from msgspec.structs import replace

from danmaku.calls import VOTED_S
from danmaku.envelope import Answer
from danmaku.errors import Refusal
from danmaku.event_rows import GetPollRow, Polled
from danmaku.rows import Refused
from danmaku.store.errors import StoreDown
from danmaku.store.polls import Polls
from danmaku.telemetry import RoomsMetrics
from rooms.loaded import ELSEWHERE, LoadedRoom
from rooms.pending import Ticket
from rooms.tasks import Tasks

_MOST: Final = 2000  # that wait
_AT_ONCE: Final = 8  # in the store, which has other things to do


class Voted:
    def __init__(self, store: Polls, metrics: RoomsMetrics) -> None:
        self._store = store
        self._metrics = metrics
        self._tasks = Tasks(_MOST)
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._asked: set[asyncio.Task[int | None]] = set()

    def answer(self, loaded: LoadedRoom, row: GetPollRow, ticket: Ticket) -> Polled | None:
        """None where the ticket is answered later. Raises Refusal."""
        voting, board = loaded.room.voting, loaded.room.board
        polled = voting.polled(board, row.poll) if row.poll else voting.now_open(board)
        if row.uid == "" or self._tasks.full:
            return polled
        self._tasks.start(self._tell(loaded, replace(row, poll=polled.poll.id), ticket))
        return None

    async def close(self) -> None:
        await self._tasks.close()
        for task in self._asked:
            task.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)

    async def _tell(self, loaded: LoadedRoom, row: GetPollRow, ticket: Ticket) -> None:
        voted = await self._look_up(row)
        ticket.answer(ELSEWHERE if loaded.gone else _polled(loaded, row.poll, voted))

    async def _look_up(self, row: GetPollRow) -> int | None:
        """None also where it is not known.

        What was asked keeps its place until the store's own time-out: to cut it short would close the
        connection, and say of the store that it hangs.
        """
        try:
            async with asyncio.timeout(VOTED_S):
                await self._places.acquire()
                task = asyncio.get_running_loop().create_task(self._ask(row))
                self._asked.add(task)
                task.add_done_callback(self._ended)
                return await asyncio.shield(task)
        except (StoreDown, TimeoutError):
            return None

    async def _ask(self, row: GetPollRow) -> int | None:
        with self._metrics.store_seconds.labels("voted").time():
            return await self._store.voted(row.room, row.poll, row.uid)

    def _ended(self, task: asyncio.Task[int | None]) -> None:
        self._asked.discard(task)
        self._places.release()


def _polled(loaded: LoadedRoom, poll: str, voted: int | None) -> Answer:
    """As it stands by now."""
    try:
        return replace(loaded.room.voting.polled(loaded.room.board, poll), voted=voted)
    except Refusal as refusal:  # meanwhile there were other polls
        return Refused.of(refusal)
