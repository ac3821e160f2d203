"""What was said is told to the edges that have somebody to tell it to. All of it are hints."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import structlog

from danmaku import chat, conversation
from danmaku.chat import Delivery, News, ReadBy, Typing
from danmaku.conversation import gid_of, parties
from danmaku.store.conversations import Ask, Conversations
from danmaku.store.errors import StoreDown
from danmaku.store.sessions import Sessions
from danmaku.subjects import Subjects
from danmaku.telemetry import RoomsMetrics
from rooms.apart import each
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.tokens import SESSION_MS
from rooms.tracing import Publication

_AT_ONCE: Final = 256
_WAITING: Final = 10_000

_log: Any = structlog.get_logger("rooms.chat")


@dataclass(frozen=True, slots=True)
class _Repeat:
    """A message that is to be told once more, as the store has it."""

    conv: str
    seq: int


class Deliveries:
    """Groups by their subject, users by the edges where they have connections; `run` must be running."""

    def __init__(
        self,
        conversations: Conversations,
        sessions: Sessions,
        outbox: Outbox,
        subjects: Subjects,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
    ) -> None:
        self._conversations = conversations
        self._sessions = sessions
        self._outbox = outbox
        self._subjects = subjects
        self._metrics = metrics
        self._private = metrics.chat_deliveries.labels("private")
        self._group = metrics.chat_deliveries.labels("group")
        self._clock = clock
        self._waiting: deque[_Repeat | News] = deque()
        self._followed: dict[tuple[str, int], Publication] = {}  # of what waits
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._lost = 0

    def deliver(
        self,
        conv: str,
        seq: int,
        version: int,
        stored: bytes,
        concerned: Sequence[str] = (),
        followed: Publication | None = None,
    ) -> None:
        """A message. concerned: whose membership changed with it, of a group. followed: if it is."""
        frame = conversation.frame(conv, seq, stored)
        self._tell(Delivery(conv, seq, version, list(parties(conv) or ()), frame), followed)
        if concerned:
            self._queue(Delivery(conv, seq, version, list(concerned), frame))

    def repeat(self, conv: str, seq: int) -> None:
        """A message that may not have been delivered when it was said."""
        self._queue(_Repeat(conv, seq))

    def read_by(self, conv: str, uid: str, seq: int, *, only_himself: bool = False) -> None:
        """In private only: both users' devices are told, or only his own."""
        two = parties(conv)
        if two is not None:
            self._tell(ReadBy(conv, uid, seq, [uid] if only_himself else list(two)))

    def typing(self, conv: str, uid: str) -> None:
        self._tell(Typing(conv, uid, [other for other in parties(conv) or () if other != uid]))

    async def run(self) -> None:
        """Tell what waits until cancelled. Each round ends within the store's time-out."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                count = min(_AT_ONCE, len(self._waiting))
                await self._round([self._waiting.popleft() for _ in range(count)])
            self._empty.set()
            if self._lost:
                _log.warning("messages are not delivered, there are too many", messages=self._lost)
                self._lost = 0

    async def finish(self, timeout_s: float) -> None:
        """Return when nothing waits any more, or it takes longer than that; `run` must be running."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()

    def _tell(self, news: News, followed: Publication | None = None) -> None:
        gid = gid_of(news.conv)
        if gid is None:
            if followed is not None and isinstance(news, Delivery):
                self._followed[news.conv, news.seq] = followed
            self._queue(news)
        else:
            self._outbox.post(self._subjects.chat_out(gid), chat.encode(news), followed)
            self._group.inc()

    def _queue(self, one: _Repeat | News) -> None:
        if len(self._waiting) >= _WAITING:
            self._lost += 1
            return
        self._waiting.append(one)
        self._empty.clear()
        self._wake.set()

    async def _round(self, batch: list[_Repeat | News]) -> None:
        news = [one for one in batch if not isinstance(one, _Repeat)]
        try:
            news += await self._repeated([one for one in batch if isinstance(one, _Repeat)])
            await self._to_edges([one for one in news if one.uids])
        except StoreDown as error:  # heads tell what was missed
            _log.warning("messages are not delivered", messages=len(batch), error=str(error))
        finally:
            if not self._waiting:
                self._followed.clear()

    async def _repeated(self, repeats: list[_Repeat]) -> list[News]:
        """Those to users; groups are told right away. What was recalled meanwhile is told nobody."""
        if not repeats:
            return []
        asks = [Ask(one.conv, seq=one.seq) for one in repeats]
        facts = await each(self._conversations.facts, asks)
        private: list[News] = []
        for one, known in zip(repeats, facts, strict=True):
            if not isinstance(known, StoreDown) and known.message is not None:
                frame = conversation.frame(one.conv, one.seq, known.message)
                news = Delivery(one.conv, one.seq, known.version, list(parties(one.conv) or ()), frame)
                if news.uids:
                    private.append(news)
                else:
                    self._tell(news)
        return private

    async def _to_edges(self, news: list[News]) -> None:
        """Each edge is told once, whom it is for."""
        uids = sorted({uid for one in news for uid in one.uids})
        if not uids:
            return
        with self._metrics.store_seconds.labels("chat_edges").time():
            found = await each(self._edges, uids)
        known = zip(uids, found, strict=True)
        edges = {uid: where for uid, where in known if not isinstance(where, StoreDown)}
        posted = 0
        for one in news:
            payload = chat.encode(one)
            followed = None
            if self._followed and isinstance(one, Delivery):
                followed = self._followed.pop((one.conv, one.seq), None)
            for edge in sorted({edge for uid in one.uids for edge in edges.get(uid, ())}):
                self._outbox.post(self._subjects.to_edge(edge), payload, followed)
                posted += 1
        self._private.inc(posted)

    async def _edges(self, uids: list[str]) -> list[set[str]]:
        return await self._sessions.edges(uids, self._clock().ms, SESSION_MS)
