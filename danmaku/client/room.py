"""A joined room, as its user holds it. Methods with an underscore are for the Client that made it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from danmaku.client.inbox import Inbox
from danmaku.client.link import Link, Lost, at_most_once, until_answered
from danmaku.client.pace import Timing
from danmaku.client.reader import Placed, RoomReader
from danmaku.client.results import (
    Comment,
    Event,
    History,
    Poll,
    PollClosed,
    PollOpened,
    Sent,
    Stats,
    read_item,
)
from danmaku.errors import NOT_JOINED, Refusal
from danmaku.model import START, Mode, Position
from danmaku.wire import Aside, At, Batch, Codec, Join, Leave, Like, Ok, OpenPoll, Pinned, Send, Skip, Vote
from danmaku.wire import History as HistoryFrame
from danmaku.wire import Stats as StatsFrame

_PULL_LIMIT = 500
_MOST_PULL_WAIT_S = 15.0


class Room:
    """An async iterator over what the room shows, and the calls one can make there.

    Comments and events come once each and in the order of their positions, also across lost
    connections; what was missed in between is read back. Of stats only the latest waits, and is read first.
    A comment of one's own that nobody else is shown has the position of what came before it.
    One reader per room: iterating twice shares the items between the two.

    A reader that is too slow for its buffer loses the oldest items; they are counted in `missed`.
    Iteration stops after `leave` or when the client is closed, and raises Refusal when the room was
    taken away (`banned`, `room_closed`, …).
    """

    def __init__(
        self,
        name: str,
        codec: Codec,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        left: Callable[[Room], None],
        timing: Timing,
        random: Callable[[], float],
        *,
        since: Position | None,
        history: bool,
        buffer: int,
    ) -> None:
        self.name = name
        self.settings: dict[str, Any] = {}
        self.title = ""
        self.stats: Stats | None = None
        self.pinned: list[Comment | Event] = []  # what was in view at the last join
        self.poll: Poll | None = None
        self._closed_poll = ""
        self._codec = codec
        self._spawn = spawn
        self._left = left
        self._timing = timing
        self._random = random
        self._wants_history = history or since is not None
        self._reader = RoomReader(since)
        self._inbox: Inbox[Comment | Event | Stats] = Inbox(buffer)
        self._entered = False
        self._link: Link | None = None
        self._refusal: Refusal | None = None
        self._changed = asyncio.Event()
        self._pulling = False

    @property
    def position(self) -> Position:
        """The last position that came in; give it to `Client.join` as `since` to resume here."""
        return self._reader.position

    @property
    def missed(self) -> int:
        """At least so many items were lost: this reader was too slow, or nobody keeps them any more."""
        return self._reader.missed + self._inbox.dropped

    @property
    def skipped(self) -> int:
        """So many items the server left out, because this viewer or the server was too slow for them."""
        return self._reader.skipped

    def __aiter__(self) -> Room:
        return self

    async def __anext__(self) -> Comment | Event | Stats:
        return await self._inbox.__anext__()

    async def send(
        self,
        text: str,
        *,
        mode: Mode | None = None,
        color: int | None = None,
        size: int | None = None,
        cid: str | None = None,
        timeout_s: float | None = None,
    ) -> Sent:
        """Send a comment; `color` is 0xRRGGBB. Returns once the room's owner has decided.

        A send whose outcome is unknown (connection lost, service not available for a moment) is
        repeated under the same `cid` until `timeout_s` is over, and shown once. Give a `cid` of your
        own to be able to repeat it yourself after that. Raises Refusal. Cancel-safe, but whether a
        cancelled comment is shown is unknown.
        """
        cid = cid or secrets.token_urlsafe(12)
        ok = await self._ask(Send(0, self.name, text, cid, mode, color, size), timeout_s)
        return Sent(bool(ok.shown), ok.epoch, ok.seq, ok.at, ok.delay_ms)

    async def like(self, n: int = 1, *, timeout_s: float | None = None) -> None:
        """Add `n` (1 to 100) likes. Counted at most once: after a Refusal they may be counted or not."""
        limit = self._timing.answer if timeout_s is None else timeout_s
        await at_most_once(self._linked, lambda link: link.ask(Like(0, self.name, n)), timeout_s=limit)

    async def vote(self, poll: str, option: int, *, timeout_s: float | None = None) -> None:
        """Vote in a poll for the option at that place, from 0. Counts once, however often it is said.

        Returns once the vote is stored. Raises Refusal: `conflict` where something else was voted for,
        `poll_closed`, `no_such_poll` … Cancel-safe, but whether the vote counts is unknown then.
        """
        await self._ask(Vote(0, self.name, poll, option), timeout_s)

    async def history(
        self, since: Position = START, limit: int | None = None, *, timeout_s: float | None = None
    ) -> History:
        """What the room showed after `since`, oldest first, about `limit` items. Raises Refusal.

        Go on with the position of the last item while there are items. Does not touch the iteration.
        """
        ok = await self._ask(HistoryFrame(0, self.name, At.of(since), limit), timeout_s)
        reader = RoomReader(since)
        placed = reader.history(since, self._batches(ok), complete=True)
        return History([read_item(self._codec, self.name, one) for one in placed], ok.complete is not False)

    async def leave(self) -> None:
        """Stop watching. Iteration stops once what has come in is read. Idempotent; cancel-safe."""
        link, self._link = self._link, None
        self._end(Refusal(NOT_JOINED), quietly=True)
        self._left(self)
        if link is not None:
            await self._say_leave(link)

    # For the Client.

    async def _enter(self, link: Link) -> None:
        """Join, or join again, over `link`. Raises Refusal or Lost."""
        since, stats = self._reader.since, self.stats
        ok = await link.ask(Join(0, self.name, None if since is None else At.of(since)))
        head = Position(ok.epoch or 0, ok.seq or 0)
        batches = self._batches(ok) if self._entered or self._wants_history else []
        self._entered, self._link = True, link
        self.settings = self._codec.read(ok.settings) if bytes(ok.settings) else {}
        self.title = ok.title or ""
        if self.stats is stats:  # else newer ones came in right behind the answer
            self._tell_stats(Stats(self.name, head, ok.viewers or 0, ok.likes or 0))
        self._show_view(ok)
        told = self.poll
        self._show(self._reader.joined(since, head, batches, complete=ok.complete is not False))
        if told is not None and self.poll is not None and self.poll.id == told.id:
            self.poll = told  # which has its counts
        self._changed.set()
        self._close_gap()

    def _take(self, frame: Batch | Aside | Skip | StatsFrame) -> None:
        if isinstance(frame, Aside):
            self._show([Placed(self._reader.position, frame.at, item) for item in frame.items])
            return
        if isinstance(frame, StatsFrame):
            head = Position(frame.epoch, frame.seq)
            told = (frame.viewers, frame.likes, frame.poll, frame.counts)
            self._tell_stats(Stats(self.name, head, *told))
            self._reader.stats(head)
        else:
            self._show(self._reader.take(frame))
        self._close_gap()

    def _lose(self) -> None:
        """The connection is gone, or the server asks to join again."""
        self._link = None
        self._reader.lost()

    def _end(self, refusal: Refusal, *, quietly: bool) -> None:
        """For good: calls raise `refusal` from now on; iteration stops, or raises it unless `quietly`."""
        if self._refusal is None:
            self._refusal = refusal
            self._inbox.end(None if quietly else refusal)
            self._changed.set()

    async def _say_leave(self, link: Link) -> None:
        """Without an answer the room is left all the same: the next connection does not join it."""
        with suppress(Lost, Refusal, TimeoutError):
            async with asyncio.timeout(self._timing.answer):
                await link.ask(Leave(0, self.name))

    async def _linked(self) -> Link:
        """The connection this room is joined on, waited for. Raises Refusal when there will be none."""
        while True:
            if self._refusal is not None:
                raise self._refusal
            if self._link is not None and self._link.alive:
                return self._link
            self._changed.clear()
            await self._changed.wait()

    async def _ask(self, frame: Send | Vote | HistoryFrame, timeout_s: float | None) -> Ok:
        limit = self._timing.answer if timeout_s is None else timeout_s
        return await until_answered(
            self._linked, lambda link: link.ask(frame), timeout_s=limit, random=self._random
        )

    def _batches(self, ok: Ok) -> list[Batch]:
        batches: list[Batch] = self._codec.read(ok.history, list[Batch]) if bytes(ok.history) else []
        return batches

    def _show(self, placed: list[Placed]) -> None:
        for one in placed:
            item = read_item(self._codec, self.name, one)
            if isinstance(item, Event) and item.kind == "settings":
                self.settings = item.data.get("settings", {})
            elif isinstance(item, Event) and item.kind == "title":
                self.title = str(item.data.get("title", ""))
            elif isinstance(item, PollOpened):
                self.poll = Poll(item.id, item.question, item.options, [0] * len(item.options), item.until)
            elif isinstance(item, PollClosed):
                self.poll, self._closed_poll = None, item.id
            self._inbox.put(item)

    def _show_view(self, ok: Ok) -> None:
        """What was in view a moment before the head of the answer."""
        pins = self._codec.read(ok.pinned, list[Pinned]) if bytes(ok.pinned) else []
        placed = [Placed(Position(pin.epoch, pin.seq), pin.at, pin.item) for pin in pins]
        self.pinned = [read_item(self._codec, self.name, one) for one in placed]
        poll = self._codec.read(ok.poll, OpenPoll) if bytes(ok.poll) else None
        is_open = poll is not None and poll.id != self._closed_poll  # that may have come in first
        self.poll = (
            Poll(poll.id, poll.question, poll.options, poll.counts, poll.until) if poll and is_open else None
        )

    def _tell_stats(self, stats: Stats) -> None:
        self.stats = stats
        if self.poll is not None and stats.poll == self.poll.id and stats.counts is not None:
            self.poll = replace(self.poll, counts=stats.counts)
        self._inbox.put_latest(self.stats)

    def _close_gap(self) -> None:
        if self._reader.gap is not None and not self._pulling:
            self._pulling = True
            self._spawn(self._pull())

    async def _pull(self) -> None:
        """Ask for what is missing until nothing is; waits first, because a gap often closes by itself."""
        wait_s, least_s = self._timing.pull_jitter, 0.0
        try:
            while True:
                await asyncio.sleep(least_s + self._random() * wait_s)
                since = self._reader.gap
                if since is None or self._refusal is not None:
                    return
                frame = HistoryFrame(0, self.name, At.of(since), _PULL_LIMIT)
                try:
                    ok = await self._ask(frame, None)
                    batches = self._batches(ok)
                    self._show(self._reader.history(since, batches, complete=ok.complete is not False))
                    wait_s, least_s = self._timing.pull_jitter, 0.0
                except Refusal as refusal:
                    if not refusal.kind.retry:
                        self._show(self._reader.history(since, [], complete=False))
                    least_s = min((refusal.retry_ms or 0) / 1000, _MOST_PULL_WAIT_S)
                    wait_s = min(wait_s * 2, _MOST_PULL_WAIT_S)
        finally:
            self._pulling = False
