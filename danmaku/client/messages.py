"""The messages of all conversations, as one stream: each once, and in the order of its conversation."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from danmaku.client.conversations import ChatReader
from danmaku.client.pace import Timing
from danmaku.client.results import Conversation, Message, read_message
from danmaku.errors import TOO_LARGE, Refusal
from danmaku.wire import Codec
from danmaku.wire_chat import MAX_PULL, After, Chat, Head, Pulled

_PULL_MESSAGES: Final = 200  # of one conversation at one time
_MOST_WAIT_S: Final = 15.0

Pull = Callable[[list[After]], Awaitable[list[Pulled]]]
Sync = Callable[[], Awaitable[list[tuple[Conversation, Chat | None]]]]


class Messages:
    """An async iterator over what is said, made by `Chat.messages`.

    What was missed, while the connection was lost or before it was made, is read back. A reader that is too
    slow loses nothing: what comes while `buffer` messages wait is pulled later. `missed` counts what the
    service itself no longer keeps. Iteration stops when the client is closed, and raises Refusal when the
    service says no for good. Cancel-safe: a cancelled read loses nothing.
    """

    def __init__(
        self,
        codec: Codec,
        pull: Pull,
        sync: Sync,
        timing: Timing,
        random: Callable[[], float],
        *,
        since: Mapping[str, int] | None,
        buffer: int,
    ) -> None:
        self._codec = codec
        self._pull = pull
        self._sync = sync
        self._timing = timing
        self._random = random
        self._buffer = buffer
        self._reader = ChatReader(since)
        self._from_unread = since is None
        self._stale = True  # what was said while nobody was connected is not known
        self._at_once = True
        self._at_one_time = MAX_PULL
        self._waiting: deque[Message] = deque()
        self._news = asyncio.Event()
        self._changed = asyncio.Event()
        self._ended = False
        self._error: Refusal | None = None

    @property
    def positions(self) -> dict[str, int]:
        """Up to which number each conversation was read here: keep them, and give them to `Chat.messages`
        as `since` another time.
        """
        positions = self._reader.positions
        for message in reversed(self._waiting):
            positions[message.conv] = message.seq - 1
        return positions

    @property
    def missed(self) -> int:
        """So many messages are kept nowhere any more."""
        return self._reader.missed

    def __aiter__(self) -> Messages:
        return self

    async def __anext__(self) -> Message:
        while not self._waiting:
            if self._ended:
                raise self._error or StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        message = self._waiting.popleft()
        if len(self._waiting) == self._buffer - 1:
            self._changed.set()
        return message

    def close(self) -> None:
        """Nothing more comes in; iteration stops once what is there was read. Idempotent."""
        self._end(None)

    # For the Chat.

    def _take(self, frame: Chat | Head) -> None:
        if self._ended:
            return
        if self._from_unread:  # where each conversation begins is not known before the first sync
            self._resync()
            return
        now = time.monotonic()
        if isinstance(frame, Head):
            self._reader.heads(frame.heads, now)
        elif self._is_full:
            self._reader.heads({frame.conv: frame.seq}, now)
        else:
            self._show(self._reader.take(frame, now))
        if self._reader.due is not None:
            self._changed.set()

    def _resync(self) -> None:
        """Something may have been said that nobody was told of."""
        self._stale = True
        self._changed.set()

    def _end(self, error: Refusal | None) -> None:
        """Nothing more will come: iteration stops, or raises `error`."""
        if not self._ended:
            self._ended, self._error = True, error
            self._news.set()
            self._changed.set()

    async def _follow(self) -> None:
        """Sync and pull whenever there is something to; ends with the iterator."""
        wait_s = self._timing.first_retry
        while not self._ended:
            self._changed.clear()
            try:
                await self._catch_up()
                wait_s = self._timing.first_retry
            except Refusal as refusal:
                if not refusal.kind.retry:
                    self._end(refusal)
                    return
                await asyncio.sleep(max(self._random() * wait_s, (refusal.retry_ms or 0) / 1000))
                wait_s = min(wait_s * 2, _MOST_WAIT_S)
                continue
            await self._pause()

    async def _pause(self) -> None:
        """Until there may be something to do."""
        due = None if self._is_full else self._reader.due
        left_s = None if due is None else max(0.0, due - time.monotonic())
        try:
            async with asyncio.timeout(left_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _catch_up(self) -> None:
        """Raises Refusal."""
        if self._stale:
            self._stale = False
            try:
                await self._look_where_all_end()
            except BaseException:
                self._stale = True
                raise
        due = self._reader.due
        if self._is_full or due is None or due > time.monotonic():
            return
        if not self._at_once:  # many may have the same gap, and it may close by itself
            await asyncio.sleep(self._random() * self._timing.pull_jitter)
        await self._close_gaps()

    async def _look_where_all_end(self) -> None:
        for conversation, last in await self._sync():
            conv = conversation.conv
            self._reader.begin(conv, conversation.read_seq if self._from_unread else 0)
            self._reader.synced(conv, conversation.last_seq, last, time.monotonic() - 1.0)
        self._from_unread = False  # what is new from now on is read from its beginning
        self._at_once = self._reader.due is not None

    async def _close_gaps(self) -> None:
        gaps = self._reader.gaps(time.monotonic(), self._at_one_time)
        if not gaps:
            return
        try:
            answers = await self._pull([After(gap.conv, gap.after, _PULL_MESSAGES) for gap in gaps])
        except BaseException as error:
            self._reader.failed(gaps, time.monotonic(), 0.0)
            if isinstance(error, Refusal) and error.kind is TOO_LARGE and self._at_one_time > 1:
                self._at_one_time //= 2
                self._changed.set()
                return
            raise
        self._show(self._reader.pulled(gaps, answers, time.monotonic()))
        self._at_once = any(answer.more for answer in answers)

    @property
    def _is_full(self) -> bool:
        return len(self._waiting) >= self._buffer

    def _show(self, messages: list[Chat]) -> None:
        if messages and not self._ended:
            self._waiting.extend(read_message(self._codec, one) for one in messages)
            self._news.set()
