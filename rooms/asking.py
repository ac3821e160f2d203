"""Asks a webhook about comments, and lets their room go on with what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from config.settings import Review
from rooms.advice import Advice, Adviser
from rooms.asked import Question
from rooms.flush import Flush
from rooms.loaded import LoadedRoom
from rooms.moment import Moment
from rooms.review import Reviews
from rooms.tasks import Tasks
from rooms.whisper import Whisper

_log: Any = structlog.get_logger("rooms.asking")


class Asking:
    """A room that is gone meanwhile shows nothing, and whoever waits asks its next owner."""

    def __init__(
        self,
        adviser: Adviser,
        settings: Review,
        reviews: Reviews,
        flush: Flush,
        whisper: Whisper,
        clock: Callable[[], Moment],
    ) -> None:
        self._adviser = adviser
        self._reviews = reviews
        self._flush = flush
        self._whisper = whisper
        self._clock = clock
        self._settings = settings
        self._tasks = Tasks(lambda: settings.at_once)

    def ask(self, loaded: LoadedRoom) -> None:
        """About all that is new in the room. Never raises, never waits."""
        for question in loaded.room.asked.take_new():
            advice = self._adviser.unasked(busy=self._tasks.full)
            if advice is None:
                self._tasks.start(self._ask(loaded, question))
            else:
                self._advised(loaded, question, advice)

    async def close(self) -> None:
        await self._tasks.close()
        await self._adviser.close()

    async def _ask(self, loaded: LoadedRoom, question: Question) -> None:
        try:
            advice = await self._adviser.ask(question.row, self._clock().ms)
        except Exception:  # whatever it is, its sender waits
            _log.exception("asking about a comment failed")
            advice = Advice(self._settings.fallback)
        if not loaded.gone:
            self._advised(loaded, question, advice)

    def _advised(self, loaded: LoadedRoom, question: Question, advice: Advice) -> None:
        room, now = loaded.room, self._clock()
        for ticket, answer in room.advised(question, advice, now):
            ticket.answer(answer)
        self._whisper.tell_asides(room, now.ms)
        self._flush.mark(loaded)
        if room.held.has_unsaved:
            self._reviews.hold(loaded)
