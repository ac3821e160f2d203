"""Requests that any rooms process can answer, each in a task of its own and in its time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import structlog

from danmaku.calls import budget_s, owner_s
from danmaku.errors import UNAVAILABLE, Refusal
from danmaku.store.errors import StoreDown
from rooms.outbox import Outbox
from rooms.tasks import Tasks


class Request(Protocol):
    @property
    def budget_ms(self) -> int:
        """How long the asker waits."""


R = TypeVar("R", bound=Request)
T = TypeVar("T")

_log: Any = structlog.get_logger("rooms.answering")


def nothing(_: object) -> bytes:
    """The empty reply, which comes before his time-out to whom it was asked in time."""
    return b""


def never(_: object) -> bool:
    """Nobody knows how long it was on its way."""
    return False


@dataclass(frozen=True, slots=True)
class Asked(Generic[R]):
    """A kind of request.

    read: raises ValueError and Refusal.
    answer: raises StoreDown, and ValueError for what only shows when it is looked for.
    instead: the answer where there are too many, the store is away, or time is up.
    is_late: whether nobody waits for it any more; then there is no answer.
    """

    read: Callable[[bytes], R]
    answer: Callable[[R], Awaitable[bytes]]
    instead: Callable[[R], bytes] = nothing
    is_late: Callable[[R], bool] = never


def refusable(
    read: Callable[[bytes], R],
    answer: Callable[[R], Awaitable[T]],
    refused: Callable[..., T],
    encode: Callable[[T], bytes],
) -> Asked[R]:
    """A kind of request whose `answer` may raise Refusal, which is told in a reply: `refused` makes it of the
    refusal's name and text, `refused=` and `detail=`. Where there can be no answer it is unavailable.
    """
    unavailable = encode(refused(refused=UNAVAILABLE.name))

    async def told(request: R) -> bytes:
        try:
            return encode(await answer(request))
        except Refusal as refusal:
            return encode(refused(refused=refusal.name, detail=refusal.message))

    return Asked(read, told, lambda _: unavailable)


class Answering:
    """Every request that can be read in time is answered; at most `most` are under way. To be closed.

    what: names them in the log. repeated: who gets no answer asks again, maybe another process; so there is
    none when time is up, for the outcome is open.
    """

    def __init__(self, what: str, most: int, outbox: Outbox, *, repeated: bool = False) -> None:
        self._what = what
        self._repeated = repeated
        self._outbox = outbox
        self._tasks = Tasks(most)

    def begin(self, asked: Asked[R], payload: bytes, reply: str) -> None:
        """Never raises, never waits."""
        try:
            request = asked.read(payload)
        except (ValueError, Refusal) as error:
            _log.warning("a request cannot be read", what=self._what, error=str(error))
            return
        if asked.is_late(request):
            return
        if self._tasks.full:
            self._outbox.post(reply, asked.instead(request))
        else:
            self._tasks.start(self._answer(asked, request, reply))

    async def finish(self, timeout_s: float) -> None:
        """Answer what was asked, but take no longer than that."""
        await self._tasks.finish(timeout_s)

    async def close(self) -> None:
        await self._tasks.close()

    async def _answer(self, asked: Asked[R], request: R, reply: str) -> None:
        most_s = budget_s(request.budget_ms) if self._repeated else owner_s(request.budget_ms)
        try:
            async with asyncio.timeout(most_s):
                told = await asked.answer(request)
        except (StoreDown, ValueError, TimeoutError) as error:
            _log.warning("a request cannot be answered", what=self._what, error=repr(error))
            if self._repeated and isinstance(error, TimeoutError):
                return
            told = asked.instead(request)
        self._outbox.post(reply, told)
