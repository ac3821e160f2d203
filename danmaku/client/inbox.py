"""A bounded queue between the connection and one reader."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """What came in and was not yet read, as an async iterator.

    When it is full the oldest is dropped and counted in `dropped`: what a live room says now is
    worth more than what it said before, and no reader can hold up the others of its connection.
    Of what replaces what came before it, only the latest is kept, and read first.
    Cancel-safe: a cancelled read loses nothing.
    """

    def __init__(self, size: int) -> None:
        self.dropped = 0
        self._items: deque[T] = deque()
        self._latest: T | None = None
        self._size = size
        self._ended = False
        self._error: Exception | None = None
        self._news = asyncio.Event()

    def put(self, item: T) -> None:
        if self._ended:
            return
        if len(self._items) >= self._size:
            self._items.popleft()
            self.dropped += 1
        self._items.append(item)
        self._news.set()

    def put_latest(self, item: T) -> None:
        """Replaces the one before it, and takes no room from the others."""
        if not self._ended:
            self._latest = item
            self._news.set()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more will come: once drained, iteration stops, or raises `error`."""
        if not self._ended:
            self._ended, self._error = True, error
            self._news.set()

    def __aiter__(self) -> Inbox[T]:
        return self

    async def __anext__(self) -> T:
        while self._latest is None and not self._items:
            if self._ended:
                raise self._error or StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        if self._latest is not None:
            latest, self._latest = self._latest, None
            return latest
        return self._items.popleft()
