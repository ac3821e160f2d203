"""The rooms that have viewers here: subscribed by interest, filled from history, handed out in turns.

The subscription comes first and history after it, so that nothing falls between the two. All viewers
of a room share one subscription, one ring, and one question to history when something is missing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

from config.settings import Edge, Rooms
from danmaku import calls
from danmaku.bus import Bus, BusDown
from danmaku.envelope import decode_out
from danmaku.errors import Refusal
from danmaku.model import Position
from danmaku.subjects import Subjects
from danmaku.telemetry import EdgeMetrics
from edge.fanout import Fanout
from edge.feed import Feed, Shown
from edge.handout import Arrival, Handout, Turn
from edge.mending import Mending
from edge.pacing import Pacing
from edge.pulls import History
from edge.roster import Roster
from edge.session import Session
from edge.showing import Showing
from edge.stage import Opened, Stage
from edge.tracing import HandedTraces
from edge.uws import Connection

logger = logging.getLogger(__name__)

T = TypeVar("T")

_RETRY_S: Final = 0.2


class Feeds:
    """`push` makes the kernel have what was published. `changed` is told when a room gets its first viewer
    here or loses its last."""

    def __init__(
        self,
        bus: Bus,
        subjects: Subjects,
        history: History,
        roster: Roster[Connection],
        fanout: Fanout,
        pacing: Pacing,
        push: Callable[[], None],
        metrics: EdgeMetrics,
        *,
        limits: Edge,
        rooms: Rooms,
        changed: Callable[[], None],
        traces: HandedTraces | None = None,
    ) -> None:
        self._bus = bus
        self._subjects = subjects
        self._history = history
        self._roster = roster
        self._showing = Showing(fanout, roster, self.leave)
        self._pacing = pacing
        self._handout: Handout[Stage] = Handout(pacing, self._take, push, self._handed_out)
        self._metrics = metrics
        self._limits = limits
        self._rooms = rooms
        self._request_s = limits.request_s
        self._changed = changed
        self._traces = traces
        self._loop = asyncio.get_running_loop()
        self._stages: dict[str, Stage] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._mending = Mending(history, self._show, self._spawn, metrics)

    def __len__(self) -> int:
        return len(self._stages)

    @property
    def checking(self) -> bool:
        """Whether `check` has not come to all rooms yet."""
        return self._mending.checking

    def enter(self, room: str, opened: Opened) -> None:
        """Call `opened` with the room's stage, at once or when it is filled; None: not within `request_s`."""
        stage = self._stages.get(room)
        if stage is None:
            stage = self._stages[room] = Stage(
                room, Feed(room, self._limits.ring_batches, self._limits.ring_bytes)
            )
            stage.waiting.append(opened)
            stage.task = self._spawn(self._open(stage))
        elif stage.open:
            self._linger(stage)
            opened(stage)
        else:
            stage.waiting.append(opened)

    def get(self, room: str) -> Stage | None:
        """The room's stage, if it is filled."""
        stage = self._stages.get(room)
        return stage if stage is not None and stage.open else None

    def seat(self, connection: Connection, stage: Stage) -> None:
        """From now on the connection gets what the room shows."""
        session: Session = connection.session
        room, form = stage.topics.room, session.form
        session.enter(room)
        connection.subscribe(stage.topics.of(form))
        self._pacing.came()
        if self._roster.enter(room, form):
            self._linger(stage)
            self._changed()

    def leave(self, connection: Connection, room: str) -> bool:
        """False when it was not in there. Also for connections that are closed."""
        session: Session = connection.session
        if not session.leave(room):
            return False
        stage = self._stages[room]
        connection.unsubscribe(stage.topics.of(session.form))
        if self._roster.leave(room, session.form):
            self._linger(stage)
            self._changed()
        return True

    def hear(self, heads: Mapping[str, Position]) -> None:
        """Where owners say that rooms stand: some may have missed something here."""
        heard: list[Stage] = []
        for room, head in heads.items():
            stage = self.get(room)
            if stage is not None and not self._handout.waits(stage):  # what waits may be what is missing
                stage.feed.hear(head)
                heard.append(stage)
        self._mending.look_after(heard)

    def check(self) -> None:
        """Something may have been missed by all rooms, as when the bus was away."""
        self._handout.run()  # what is said there was said before
        self._mending.check(list(self._stages.values()))

    async def close(self) -> None:
        """End all tasks and timers. Subscriptions end with the bus."""
        self._handout.close()
        for stage in self._stages.values():
            if stage.linger is not None:
                stage.linger.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _open(self, stage: Stage) -> None:
        """Try until it is filled, or nobody waits any longer."""
        room = stage.topics.room
        try:
            async with asyncio.timeout(self._request_s):
                while not stage.open:
                    try:
                        await self._fill(stage)
                    except (BusDown, Refusal):
                        await asyncio.sleep(_RETRY_S)
        except TimeoutError:
            logger.warning("room %s cannot be opened: the bus or its history is away", room)
        finally:
            stage.task = None
            if stage.open:
                self._linger(stage)
                self._mending.look_after([stage])
            else:
                self._forget(stage)
            waiting, stage.waiting = stage.waiting, []
            for opened in waiting:
                _call(opened, stage if stage.open else None)

    async def _fill(self, stage: Stage) -> None:
        room = stage.topics.room
        attempt_s = calls.OPEN_ROOM.timeout_s(self._request_s)
        if stage.subscription is None:
            stage.subscription = await self._bus.subscribe(
                self._subjects.room_out(room),
                lambda payload, _: self._received(stage, payload),
                traced=lambda payload, _, trace: self._received(stage, payload, trace),
            )
        await self._bus.flush(attempt_s)
        self._metrics.history_requests.labels("open").inc()
        reply = await self._history.history(room, None, self._rooms.join_history, attempt_s)
        self._show(stage, stage.feed.begin(reply.frames, Position(reply.epoch, reply.seq)))
        stage.open = True

    def _received(self, stage: Stage, payload: bytes, trace: str = "") -> None:
        room = stage.topics.room
        if self._stages.get(room) is stage:  # or it ended, and its subscription is about to
            if trace and self._traces is not None:
                self._traces.came(room, trace)
            self._handout.put(stage, payload)

    def _take(self, stage: Stage, arrivals: list[Arrival]) -> None:
        """What came for the room, in its turn: first the oldest, for which it may be too late."""
        sizes = [len(arrival.payload) for arrival in arrivals]
        late = self._pacing.late([arrival.at for arrival in arrivals], sizes)
        if late:
            self._showing.show(stage.topics, self._read(stage, arrivals[:late]), late=True)
        self._showing.show(stage.topics, self._read(stage, arrivals[late:]))
        self._mending.look_after([stage])
        if self._traces:
            viewers = self._roster.viewers(stage.topics.room)
            self._traces.shown(stage.topics.room, 0 if viewers is None else viewers.total)

    def _read(self, stage: Stage, arrivals: list[Arrival]) -> list[Shown]:
        """What of it is to be shown now."""
        shown: list[Shown] = []
        for payload, _ in arrivals:
            try:
                shown += stage.feed.take(decode_out(payload))
            except ValueError:
                logger.warning("a message of room %s cannot be read", stage.topics.room)
        return stage.ride.along(shown)

    def _show(self, stage: Stage, shown: list[Shown]) -> None:
        """What history brought."""
        if shown := stage.ride.along(shown):
            self._handout.beside(lambda: self._showing.show(stage.topics, shown))

    def _handed_out(self, turn: Turn) -> None:
        self._metrics.publish_seconds.observe(turn.took)
        self._metrics.waited_seconds.observe(turn.waited)

    def _linger(self, stage: Stage) -> None:
        """An empty room stays for a moment: somebody may come back, or is on the way in."""
        if stage.linger is not None:
            stage.linger.cancel()
            stage.linger = None
        if self._roster.viewers(stage.topics.room) is None:
            stage.linger = self._loop.call_later(self._limits.linger_s, self._forget, stage)

    def _forget(self, stage: Stage) -> None:
        stage.open = False
        del self._stages[stage.topics.room]
        self._handout.forget(stage)
        if self._traces is not None:
            self._traces.forgot(stage.topics.room)
        if stage.task is not None:
            stage.task.cancel()
        # Both lead back to it: it would keep its ring until it was found by the garbage collector.
        stage.linger = None
        subscription, stage.subscription = stage.subscription, None
        if subscription is not None:
            self._spawn(subscription.unsubscribe())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a room's task failed", exc_info=error)


def _call(wanted: Callable[[T], None], what: T) -> None:
    """Whoever waits may fail; the others must still be called."""
    try:
        wanted(what)
    except Exception:
        logger.exception("somebody who waited for a room could not be told")
