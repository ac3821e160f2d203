"""The list of words for all rooms: read and replaced through any rooms process, as a queue group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from danmaku import wordlist
from danmaku.change import Reworded
from danmaku.errors import BAD_FRAME, CONFLICT, FORBIDDEN, Refusal
from danmaku.model import Act, Role, check_id
from danmaku.store.words import Words
from danmaku.subjects import Subjects
from danmaku.telemetry import RoomsMetrics
from danmaku.wordlist import GetPiece, ReplaceWords, StagePiece, WordsReply, WordsRequest, unpack
from rooms.answering import Answering, refusable
from rooms.making import make
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.rewording import Rewording

_AT_ONCE: Final = 16  # each may hold a piece, or a whole list


class Wording:
    """Every request is answered, with a refusal where nothing else is possible. All may be said again."""

    def __init__(
        self,
        store: Words,
        rewording: Rewording,
        outbox: Outbox,
        subjects: Subjects,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._rewording = rewording
        self._outbox = outbox
        self._subjects = subjects
        self._metrics = metrics
        self._clock = clock
        self.answering: Final = Answering("words", _AT_ONCE, outbox)
        self._asked = refusable(wordlist.decode_words_request, self._answer, WordsReply, wordlist.encode)

    def receive(self, payload: bytes, reply: str) -> None:
        self.answering.begin(self._asked, payload, reply)

    async def _answer(self, request: WordsRequest) -> WordsReply:
        with self._metrics.store_seconds.labels("words").time():
            return await self._do(request)

    async def _do(self, request: WordsRequest) -> WordsReply:
        match request:
            case StagePiece():
                check_id(request.version, "version")
                if not 0 <= request.number < wordlist.MOST_PIECES:
                    raise Refusal(BAD_FRAME, "a list has not so many pieces")
                await self._store.stage(request.version, request.number, request.piece)
            case ReplaceWords():
                await self._replace(request)
            case GetPiece():
                found = await self._store.piece(request.number)
                return WordsReply(found.version, found.pieces, found.piece)
        return WordsReply()

    async def _replace(self, request: ReplaceWords) -> None:
        if request.role < Role.ADMIN:
            raise Refusal(FORBIDDEN)
        version = check_id(request.version, "version")
        if not 1 <= request.pieces <= wordlist.MOST_PIECES:
            raise Refusal(BAD_FRAME, "a list has not so many pieces")
        packed = await self._store.staged(version, request.pieces)
        if packed is not None:  # else it may have been done before
            await self._check(version, packed)
        act = Act(version, self._clock().ms, request.by, request.role, "words", what=request.what)
        change = Reworded(version, request.by)
        if not await self._store.replace(change, request.pieces, [act], request.over):
            raise Refusal(CONFLICT, await self._why_not(request))
        self._outbox.post(self._subjects.changed, b"")

    async def _why_not(self, request: ReplaceWords) -> str:
        if request.over is not None and request.over != (await self._store.piece(0)).version:
            return "the list was replaced by another one meanwhile"
        return "not all of the list is there any more: it took too long; send it again"

    async def _check(self, version: str, packed: bytes) -> None:
        try:
            words = await asyncio.to_thread(unpack, packed)
        except ValueError as error:
            raise Refusal(BAD_FRAME, str(error)) from None
        self._rewording.offer(version, await make(words))
