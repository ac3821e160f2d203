"""Listens to the groups whose members are here, and keeps asking who belongs to them as that changes.

Hard because a message of a group must not reach somebody who does not belong to it (any more), while all
that comes over the bus may be late or lost. So what was stored at a newer version of the group than is known
here waits until the members were asked for; that who comes or goes is told of is only what makes it quick.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, Final, Protocol

from danmaku import chat
from danmaku.bus import Bus, BusDown, Subscription
from danmaku.chat import Delivery, News
from danmaku.subjects import Subjects
from danmaku.telemetry import EdgeMetrics
from edge.belonging import Belonging
from edge.tracing import HandedTraces

logger = logging.getLogger(__name__)

_HELD: Final = 256  # messages of one group that wait for its members
_ASKED: Final = 16  # groups at one time; so what users ask for goes on
_RETRY_S: Final = 0.5


class ChatService(Protocol):
    """What of edge.chat_client.ChatClient is needed here."""

    def submit(self, row: chat.Row, answered: Callable[[chat.Answer], None]) -> None: ...


class Groups:
    """`hand_out` is called with what is said in a group, and its members here.

    `came` is called with a group when it got to be known that somebody here belongs to it: what was handed
    out in it before did not reach him.
    """

    def __init__(
        self,
        bus: Bus,
        subjects: Subjects,
        client: ChatService,
        hand_out: Callable[[News, list[str]], None],
        came: Callable[[str], None],
        metrics: EdgeMetrics,
        traces: HandedTraces | None = None,
    ) -> None:
        self._bus = bus
        self._subjects = subjects
        self._client = client
        self._hand_out = hand_out
        self._came = came
        self._metrics = metrics
        self._traces = traces
        self._belonging = Belonging()
        self._feeds: dict[str, _Feed] = {}
        self._looked_up: set[str] = set()  # users whose groups are being asked for
        self._asked = 0  # groups whose members are
        self._to_ask: OrderedDict[str, None] = OrderedDict()  # groups whose turn it is not yet
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def close(self) -> None:
        """End what was begun; nothing is handed out any more."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def users(self) -> list[str]:
        """Who is here."""
        return self._belonging.users

    def arrive(self, uid: str) -> None:
        """A device of the user is here now."""
        if self._belonging.arrive(uid):
            self.look_up(uid)

    def depart(self, uid: str) -> None:
        """No device of the user is here any more."""
        for gid in self._belonging.depart(uid):
            self._drop(gid)

    def look_up(self, uid: str) -> None:
        """Ask for the groups of somebody who is here: a hint may have been lost."""
        if uid not in self._looked_up:
            self._looked_up.add(uid)
            self._ask_groups(uid)

    def claim(self, uids: Iterable[str], gid: str, version: int) -> None:
        """These came to the group or left it, as of `version`."""
        for uid in uids:
            if self._belonging.claim(uid, gid, version):
                self._ask_members(gid)
        self._follow(gid)

    def members_here(self, gid: str, version: int, seq: int) -> list[str]:
        """Whom `seq` is for, as of `version` or later. While that is not known, nobody: it is asked for."""
        if self._belonging.hear(gid, version):
            return self._belonging.here(gid, seq)
        self._ask_members(gid)
        return []

    def doubt(self) -> None:
        """The bus was away: all may have changed."""
        for gid in self._belonging.doubt():
            self._ask_members(gid)

    def _heard(self, feed: _Feed, payload: bytes, _reply: str) -> None:
        if feed.closed or self._closed:
            return
        try:
            news = chat.decode_news(payload)
        except ValueError:
            logger.warning("a message of group %s cannot be read", feed.gid)
            return
        version = news.version if isinstance(news, Delivery) else 0
        if self._belonging.hear(feed.gid, version):
            self._hand_out_here(feed.gid, news)
            return
        if isinstance(news, Delivery) and len(feed.held) < _HELD:  # nobody misses the others
            feed.held.append(news)
        self._ask_members(feed.gid)

    def _hand_out_here(self, gid: str, news: News) -> None:
        seq = news.seq if isinstance(news, Delivery) else None
        self._hand_out(news, self._belonging.here(gid, seq))

    def _ask_groups(self, uid: str) -> None:
        """Until it is known, or he left."""
        if self._belonging.is_here(uid):
            self._client.submit(chat.GroupsRow(uid), partial(self._told_groups, uid))
        else:
            self._looked_up.discard(uid)

    def _told_groups(self, uid: str, answer: chat.Answer) -> None:
        if isinstance(answer, chat.Users):
            self._looked_up.discard(uid)
            for gid in answer.ids:
                self.claim((uid,), gid, 0)
        else:
            self._later(partial(self._ask_groups, uid))

    def _follow(self, gid: str) -> None:
        """Listen to the group if somebody here is said to belong to it."""
        if gid in self._feeds or not self._belonging.is_followed(gid):
            return
        feed = self._feeds[gid] = _Feed(gid)
        self._metrics.chat_groups.inc()
        self._spawn(self._open(feed))

    async def _open(self, feed: _Feed) -> None:
        """Listen first and ask then: what is decided between the two is heard of."""
        subject, receive = self._subjects.chat_out(feed.gid), partial(self._heard, feed)
        traced = None if self._traces is None else self._traces.around(receive)
        while feed.subscription is None and not feed.closed:
            try:
                feed.subscription = await self._bus.subscribe(subject, receive, traced=traced)
            except BusDown:
                await asyncio.sleep(_RETRY_S)
        if feed.closed:
            await feed.unsubscribe()
        else:
            self._ask_members(feed.gid)

    def _ask_members(self, gid: str) -> None:
        """Once at a time for each group, of few groups at a time: first of those where something waits."""
        feed = self._feeds.get(gid)
        if feed is None or feed.subscription is None or feed.asking:
            return
        self._to_ask[gid] = None
        if feed.held:
            self._to_ask.move_to_end(gid, last=False)
        self._ask_next()

    def _ask_next(self) -> None:
        while self._to_ask and self._asked < _ASKED and not self._closed:
            gid, _ = self._to_ask.popitem(last=False)
            feed = self._feeds[gid]
            feed.asking = True
            self._asked += 1
            self._belonging.ask(gid)
            self._metrics.chat_lookups.inc()
            self._client.submit(chat.MembersRow(gid), partial(self._told_members, feed))

    def _told_members(self, feed: _Feed, answer: chat.Answer) -> None:
        if isinstance(answer, chat.Members):
            self._answered(feed)
            if not feed.closed:
                self._learn(feed, answer)
            self._ask_next()
        else:
            self._later(partial(self._ask_again, feed))

    def _answered(self, feed: _Feed) -> None:
        feed.asking = False
        self._asked -= 1

    def _ask_again(self, feed: _Feed) -> None:
        """Only now another one has its turn: who cannot answer is not asked faster."""
        self._answered(feed)
        self._ask_members(feed.gid)
        self._ask_next()

    def _learn(self, feed: _Feed, answer: chat.Members) -> None:
        learned = self._belonging.learn(feed.gid, answer.version, answer.members)
        if learned is None:
            self._drop(feed.gid)
        elif not learned.known:
            self._later(partial(self._ask_members, feed.gid))
        else:
            if learned.came:
                self._came(feed.gid)
            held, feed.held = feed.held, []
            for news in held:
                self._hand_out_here(feed.gid, news)
            if learned.again:
                self._ask_members(feed.gid)

    def _drop(self, gid: str) -> None:
        self._to_ask.pop(gid, None)
        feed = self._feeds.pop(gid, None)
        if feed is not None:
            feed.closed = True
            feed.held = []
            self._metrics.chat_groups.dec()
            self._spawn(feed.unsubscribe())

    def _later(self, act: Callable[[], None]) -> None:
        self._spawn(_after(_RETRY_S * random.uniform(0.5, 1.5), act))  # noqa: S311  only spreads load

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Feed:
    """What comes from one group, and what of it waits."""

    __slots__ = ("asking", "closed", "gid", "held", "subscription")

    def __init__(self, gid: str) -> None:
        self.gid = gid
        self.subscription: Subscription | None = None
        self.asking = False
        self.closed = False
        self.held: list[Delivery] = []

    async def unsubscribe(self) -> None:
        subscription, self.subscription = self.subscription, None
        if subscription is not None:
            with contextlib.suppress(BusDown):
                await subscription.unsubscribe()


async def _after(seconds: float, act: Callable[[], None]) -> None:
    await asyncio.sleep(seconds)
    act()
