"""Hands what is said in conversations to the devices that are connected here.

What comes is a hint: a device that misses something finds out by a head, by a later message, or when it
syncs. So nothing waits for a slow reader, and nothing is said twice.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from danmaku import chat, wire
from danmaku.bus import Bus, BusDown
from danmaku.chat import Delivery, News, ReadBy
from danmaku.conversation import gid_of, group, parties
from danmaku.subjects import Subjects
from danmaku.telemetry import EdgeMetrics
from danmaku.wire_chat import Head, Read, Typing
from edge.devices import Devices
from edge.groups import ChatService, Groups
from edge.heads import Heads
from edge.journeys import Journeys
from edge.tracing import HandedTraces
from edge.uws import Connection

logger = logging.getLogger(__name__)

_RETRY_S: Final = 0.5
_RESYNC_S: Final = 2.0  # over which devices are told to sync; longer where there are many
_RESYNCS_PER_S: Final = 1000
_RESYNC: Final = wire.MSGPACK.encode(wire.Notice("resync"))


class Deliveries:
    """`edge` is the name of this worker. `run` must run for anything to come."""

    def __init__(
        self,
        bus: Bus,
        subjects: Subjects,
        edge: str,
        client: ChatService,
        journeys: Journeys,
        metrics: EdgeMetrics,
        traces: HandedTraces | None = None,
    ) -> None:
        self._bus = bus
        self._subjects = subjects
        self._edge = edge
        self._journeys = journeys
        self._metrics = metrics
        self._devices = Devices(metrics)
        self._heads = Heads()
        self._traces = traces
        self._groups = Groups(bus, subjects, client, self._hand_out, self._came_to, metrics, traces)
        self._reconnected = asyncio.Event()
        bus.on_reconnect(self._reconnected.set)

    async def run(self) -> None:
        """Until cancelled."""
        try:
            await self._listen(self._subjects.to_edge(self._edge), self._heard_news)
            await self._listen(self._subjects.chat_heads, self._heard_heads)
            while True:
                await self._reconnected.wait()
                self._reconnected.clear()
                await self._resync()
        finally:
            await self._groups.close()

    # What edge.gateway calls.

    def arrive(self, device: Connection) -> None:
        """A connection that wants chat was greeted."""
        uid = device.session.identity.uid
        self._devices.arrive(uid, device)
        self._groups.arrive(uid)

    def depart(self, device: Connection) -> None:
        """Not an error when it never arrived."""
        identity = device.session.identity
        if identity is not None:
            self._devices.depart(identity.uid, device)
            if not self._devices.are_here(identity.uid):
                self._groups.depart(identity.uid)

    def check(self, device: Connection) -> None:
        """In its round: that its user belongs to another group may have got lost."""
        if device.session.chat:
            self._groups.look_up(device.session.identity.uid)

    # What the bus says.

    async def _listen(self, subject: str, heard: Callable[[bytes], None]) -> None:
        """From when the bus is there."""
        receive = partial(_read, subject, heard)
        traced = None if self._traces is None else self._traces.around(receive)
        while True:
            try:
                await self._bus.subscribe(subject, receive, traced=traced)
            except BusDown:
                await asyncio.sleep(_RETRY_S)
            else:
                return

    def _heard_news(self, payload: bytes) -> None:
        news = chat.decode_news(payload)
        gid = gid_of(news.conv)
        if gid is not None and isinstance(news, Delivery):
            self._groups.claim(news.uids, gid, news.version)
        self._hand_out(news, news.uids)

    def _heard_heads(self, payload: bytes) -> None:
        """A head tells of the version, too: who belongs to a group is asked for again where that is news."""
        for conv, (last_seq, version) in chat.decode_heads(payload).heads.items():
            gid = gid_of(conv)
            if gid is not None:
                here = self._groups.members_here(gid, version, last_seq)
            else:
                here = [uid for uid in parties(conv) or () if self._devices.are_here(uid)]
            if here and self._heads.is_news(conv, last_seq):
                self._metrics.chat_late_heads.inc()
                all_took_it = self._devices.tell(wire.MSGPACK.encode(Head({conv: last_seq})), here)
                self._heads.told(conv, last_seq, complete=all_took_it)

    def _hand_out(self, news: News, uids: Iterable[str]) -> None:
        if isinstance(news, Delivery):
            all_took_it = self._devices.tell(news.frame, uids)
            self._heads.told(news.conv, news.seq, complete=all_took_it)
            self._journeys.handed(news.conv, news.seq, time.monotonic())
        elif isinstance(news, ReadBy):
            self._devices.tell(wire.MSGPACK.encode(Read(news.conv, news.uid, news.seq)), uids)
        else:
            frame = wire.MSGPACK.encode(Typing(news.conv, news.uid))
            self._devices.tell(frame, (uid for uid in uids if uid != news.uid))

    def _came_to(self, gid: str) -> None:
        self._heads.forget(group(gid))

    async def _resync(self) -> None:
        """What was said while the bus was away did not come, so all are to sync; not all at one time."""
        self._groups.doubt()
        self._heads.doubt()
        uids = self._groups.users
        random.shuffle(uids)
        pause_s = max(_RESYNC_S, len(uids) / _RESYNCS_PER_S) / max(1, len(uids))
        for uid in uids:
            self._groups.look_up(uid)
            self._devices.tell(_RESYNC, (uid,))
            await asyncio.sleep(pause_s * random.uniform(0.0, 2.0))  # noqa: S311  only spreads load


def _read(subject: str, heard: Callable[[bytes], None], payload: bytes, _reply: str) -> None:
    try:
        heard(payload)
    except ValueError:
        logger.warning("a message on %s cannot be read", subject)
