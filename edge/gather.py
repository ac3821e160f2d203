"""Gathers rows for a short window and asks about them in few requests.

A request per comment would cost ten times as much as one per window. A row that is likely to be alone is
asked about at once, with all that came in the same turn of the loop. A row that gets no answer is asked
about again, of whoever is in charge by then, until its time is up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Generic, NamedTuple, TypeVar

from prometheus_client import Histogram

from danmaku.bus import Bus, BusDown, NoResponder
from danmaku.calls import Call
from danmaku.envelope import MAX_MESSAGE_BYTES
from danmaku.rows import Refused
from edge.channels import Channel
from edge.outbox import PAUSE_S, Outbox, Parcel, Waiting
from edge.tracing import RowTraces
from edge.window import Window

logger = logging.getLogger(__name__)

R = TypeVar("R")
A = TypeVar("A")
TOO_BUSY: Final = Refused("unavailable", retry_ms=1000)
NO_ANSWER: Final = Refused("unavailable", "nobody could answer in time", retry_ms=1000)
TOO_LARGE: Final = Refused("too_large")
BROKEN: Final = Refused("internal")


class Times(NamedTuple):
    """Seconds: a row waits for others where few come, for one request, for all attempts together."""

    window_s: float
    attempt_s: float
    patience_s: float


def times(call: Call, window_s: float, request_s: float) -> Times:
    """Of a call that takes `request_s` in all."""
    return Times(window_s, call.timeout_s(request_s), request_s)


class Gather(Generic[R, A]):
    """Each row is answered within `times.patience_s`, by as many requests as that takes."""

    def __init__(
        self,
        bus: Bus,
        outbox: Outbox[R, A | Refused],
        channel: Channel[R, A],
        seconds: Histogram,
        *,
        times: Times,
        spare_s: Callable[[], float] | None = None,
        traces: RowTraces | None = None,
    ) -> None:
        """spare_s: for so long rows wait at least; asked each time."""
        self._bus = bus
        self._outbox = outbox
        self._channel = channel
        self._seconds = seconds
        self._window = Window(times.window_s, spare_s)
        self._attempt_s, self._patience_s = times.attempt_s, times.patience_s
        self._traces = traces
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._requests: set[asyncio.Task[bytes | None]] = set()
        self._closed = False

    def submit(self, row: R, answered: Callable[[A | Refused], None]) -> None:
        """Never raises; `answered` is called exactly once, later, within `patience_s`."""
        now = self._loop.time()
        if self._traces is not None:
            answered = self._traces.follow(row, answered)
        waiting: Waiting[R, A | Refused] = Waiting(row, answered, now + self._patience_s)
        if self._closed or not self._outbox.put(waiting):
            self._loop.call_soon(_tell, waiting, TOO_BUSY)
            return
        self._flush_at(self._window.due(now))

    def flush(self) -> None:
        """Make the requests that can be made now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._loop.time()
        self._window.ended(now)
        parcels, late, lost = self._outbox.take(now)
        for parcel in parcels:
            self._start(parcel)
        if lost:
            self._channel.seek()
        if self._outbox.queued:
            self._flush_in(PAUSE_S)
        for waiting in late:
            _tell(waiting, NO_ANSWER)

    async def close(self) -> None:
        """Give up; whoever still waits is told so."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        requests = list(self._requests)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        for waiting in self._outbox.drain():
            _tell(waiting, NO_ANSWER)

    def _flush_in(self, delay_s: float) -> None:
        self._flush_at(self._loop.time() + delay_s)

    def _flush_at(self, due: float) -> None:
        """One timer at a time; a sooner one replaces a later one."""
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._timer_rang)

    def _timer_rang(self) -> None:
        self._timer = None
        self.flush()

    def _start(self, parcel: Parcel[R, A | Refused]) -> None:
        now = self._loop.time()
        timeout_s = min(self._attempt_s, parcel.deadline - now)
        request = self._channel.encode(parcel.rows, round(timeout_s * 1000), round(now * 1000))
        if len(request) <= MAX_MESSAGE_BYTES:
            trace = "" if self._traces is None else self._traces.sent(parcel.rows)
            task = self._loop.create_task(self._request(parcel, request, timeout_s, trace))
            self._requests.add(task)
            task.add_done_callback(partial(self._ended, parcel))
        elif len(parcel.waiting) > 1:
            for half in self._outbox.split(parcel):
                self._start(half)
        else:
            self._settle(parcel, [TOO_LARGE])

    async def _request(
        self, parcel: Parcel[R, A | Refused], request: bytes, timeout_s: float, trace: str
    ) -> bytes | None:
        """The reply, or None when there was none."""
        begin = self._loop.time()
        try:
            subject = self._channel.subject(parcel.destination)
            reply = await self._bus.request(subject, request, timeout_s, trace)
        except NoResponder:
            self._channel.lose(parcel.destination)
            return None
        except BusDown:
            return None
        self._seconds.observe(self._loop.time() - begin)
        return reply

    def _ended(self, parcel: Parcel[R, A | Refused], task: asyncio.Task[bytes | None]) -> None:
        """However it ended, also when it was cancelled before it began, its rows are not lost."""
        self._requests.discard(task)
        reply = None
        if not task.cancelled():
            if (error := task.exception()) is not None:
                logger.error("a request failed", exc_info=error)
            else:
                reply = task.result()
        if self._traces is not None:
            self._traces.came_back(parcel.rows, answered=reply is not None)
        if reply is None:
            self._outbox.give_back(parcel, self._loop.time())
        else:
            self._replied(parcel, reply)
        if self._outbox.queued and not self._closed:
            self._flush_in(self._window.s)

    def _replied(self, parcel: Parcel[R, A | Refused], reply: bytes) -> None:
        try:
            answers = self._channel.decode(reply, parcel.rows)
        except ValueError:
            logger.exception("a reply of %s cannot be read", parcel.destination)
            answers = []
        if len(answers) != len(parcel.waiting):
            self._settle(parcel, [BROKEN] * len(parcel.waiting))
            return
        self._channel.refer(parcel.destination, parcel.rows, answers)
        self._settle(parcel, answers)

    def _settle(self, parcel: Parcel[R, A | Refused], answers: Sequence[A | Refused]) -> None:
        for waiting, answer in self._outbox.settle(parcel, answers):
            _tell(waiting, answer)


def _tell(waiting: Waiting[R, A | Refused], answer: A | Refused) -> None:
    """Whoever waits may fail; the others must still be told."""
    try:
        waiting.answered(answer)
    except Exception:
        logger.exception("an answer could not be delivered")
