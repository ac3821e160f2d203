"""One edge worker: what it is made of, and its life from start to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

from prometheus_client import CollectorRegistry

from config import settings as config
from config.live import Running
from danmaku.adapting import Adapting
from danmaku.auth import Authority
from danmaku.bus import Bus
from danmaku.certificate import Certificate
from danmaku.envelope import EdgeReport
from danmaku.errors import Refusal
from danmaku.slow import Slow
from danmaku.subjects import Subjects
from danmaku.telemetry import EdgeMetrics, LoopLag, SlowMetrics
from danmaku.tracing.spans import Spans
from danmaku.version import version
from edge.admission import Admission
from edge.allowance import Allowances
from edge.api import Api
from edge.certificates import Renewal
from edge.changes import Changes
from edge.chat_client import ChatClient
from edge.conversing import Conversing
from edge.deliveries import Deliveries
from edge.draining import Draining
from edge.fanout import Fanout
from edge.feeds import Feeds
from edge.gateway import Gateway
from edge.journeys import Journeys
from edge.keys import KeyLooks
from edge.pacing import Pacing
from edge.patience import Newcomers, Rounds
from edge.pulls import Pulls
from edge.replies import Replies
from edge.reports import Reports
from edge.rooms_client import RoomsClient
from edge.roster import Roster
from edge.tracing import HandedTraces, RowTraces
from edge.upkeep import Upkeep
from edge.uws import Connection, Server
from edge.viewing import Viewing
from edge.welcome import Welcome

logger = logging.getLogger(__name__)

PATH: Final = "/v1/ws"
_FIND_ROOMS_S: Final = 3.0
_LOOK_S: Final = 0.02
_GOODBYE: Final = 0.6  # of the time to drain is for viewers to move, the rest for what is under way
_SHORTEST_END_S: Final = 0.5
_READ_FACTOR: Final = 2
_MOST_READ_BYTES: Final = 2**30
_OTHER_FILES: Final = 128
_MANY_SOCKETS: Final = 2**31
_HTTP_SLACK_S: Final = 5.0  # what an HTTP request may take beyond its one question to the rooms processes


class Node:
    """Made inside the running loop; `name` is its id among all edges. It closes the bus in the end."""

    def __init__(
        self,
        running: Running,
        authority: Authority,
        bus: Bus,
        metrics: EdgeMetrics,
        name: str,
        spans: Spans | None = None,
        slow: Slow | None = None,
        keys: KeyLooks | None = None,
        place: str = "",
    ) -> None:
        """Raises LibuvMissing, CertificateError, and ValueError for a trusted proxy that is no address.

        place: see Reports.
        """
        settings = running.settings
        edge = settings.edge
        self._keys = keys
        self.port = 0  # where it listens, once it does
        self._settings = edge
        self._bus = bus
        self._metrics = metrics
        allowances = Allowances(edge)
        admission = Admission(edge, allowances, _most_sockets(), _open_files)
        welcome = Welcome(edge)
        subjects = Subjects(settings.nats.prefix)
        slow = slow or Slow(0, SlowMetrics(CollectorRegistry()))
        self._late = slow.took
        asked = None if spans is None else RowTraces(spans, name)
        handed = None if spans is None else HandedTraces(spans, name)
        self._renewal: Renewal | None = None
        if edge.tls_certificate:
            self._renewal = Renewal(edge.tls_certificate, edge.tls_key, self._renew, metrics)
        self._server = Server(
            # What is only somewhat too large is read, so that its sender can be told why it is closed.
            max_frame_bytes=min(edge.frame_bytes * _READ_FACTOR, _MOST_READ_BYTES),
            max_buffered_bytes=edge.buffered_bytes,
            idle_timeout_s=edge.idle_s,
            max_body_bytes=edge.body_bytes,
            certificate=None if self._renewal is None else self._renewal.first,
        )
        roster: Roster[Connection] = Roster()
        newcomers: Newcomers[Connection] = Newcomers(edge)
        counted: Rounds[Connection] = Rounds(edge)
        fanout = Fanout(self._server, roster, metrics, edge)
        self._client = RoomsClient(
            self._bus,
            subjects,
            name,
            metrics.bus_seconds,
            request_s=edge.request_s,
            gather_s=edge.gather_ms / 1000,
            rooms_limits=settings.rooms,
            traces=asked,
        )
        self._adapting = Adapting(running, partial(self._client.adjustments, 1), Refusal)
        self._reports = Reports(
            self._bus,
            subjects,
            lambda: _about(name, edge, self._adapting.version),
            self._client.owners,
            roster,
            lambda: self._server.connection_count,
            lambda: admission.is_closed,
            metrics,
            heard=lambda heads: self.feeds.hear(heads),
            place=place,
        )
        self.feeds = Feeds(
            self._bus,
            subjects,
            self._client,
            roster,
            fanout,
            Pacing(edge),
            self._server.push,
            metrics,
            limits=edge,
            rooms=settings.rooms,
            changed=self._reports.soon,
            traces=handed,
        )
        self._bus.on_reconnect(self.feeds.check)
        self._bus.on_reconnect(self._reports.soon)
        replies = Replies(metrics)
        self._pulls = Pulls(self._client, edge.buffered_bytes // 2, metrics)
        viewing = Viewing(
            self._client,
            self.feeds,
            self._pulls,
            replies,
            allowances,
            metrics,
            slow,
            monotonic=time.monotonic,
            patience_s=edge.request_s,
            rooms_limits=settings.rooms,
            snapshot_bytes=edge.buffered_bytes // 2,
        )
        self._chat = ChatClient(
            self._bus,
            subjects,
            name,
            metrics.bus_seconds,
            request_s=edge.request_s,
            gather_s=edge.gather_ms / 1000,
            traces=asked,
        )
        journeys = Journeys(metrics.chat_delivery_seconds.observe)
        self._deliveries = Deliveries(self._bus, subjects, name, self._chat, journeys, metrics, handed)
        self._gateway = Gateway(
            name,
            authority,
            self._client,
            self.feeds,
            viewing,
            Conversing(self._chat, replies, journeys, metrics, answer_bytes=edge.buffered_bytes // 2),
            self._deliveries,
            replies,
            roster,
            newcomers,
            counted,
            admission,
            welcome,
            edge,
            metrics,
            frame_bytes=edge.frame_bytes,
            monotonic=time.monotonic,
            wall=time.time,
        )
        self._changes = Changes(
            self._bus,
            subjects,
            self._client,
            self._server,
            roster,
            replies,
            metrics,
            _now_ms,
            self._adapting.keeping_up.wanted,
        )
        self._bus.on_reconnect(self._changes.soon)
        self._upkeep = Upkeep(
            self._server,
            fanout,
            newcomers,
            counted,
            self._gateway.check,
            metrics,
            behind_bytes=edge.buffered_bytes * 3 // 4,
            limits=edge,
        )
        self._draining = Draining(
            self._bus,
            subjects.orders(name),
            self._server,
            self._listen,
            self._reports,
            admission,
            replies.release,
            edge.drain_s * _GOODBYE,
        )
        self._server.door(self._gateway)
        self._server.websocket(PATH, self._gateway)
        api = Api(authority, self._client, self._chat, running, admission, metrics, time.time, time.monotonic)
        timeout_s = edge.request_s + _HTTP_SLACK_S
        self._server.http(api, timeout_s=timeout_s, waits_s=api.waits_s, body_bytes=api.body_bytes)

    async def run(self, stop: asyncio.Event, force: asyncio.Event) -> None:
        """Serve until `stop`, then let viewers move on for `drain_s`, or until `force`. Raises PortInUse."""
        edge = self._settings
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._end)
            await stack.enter_async_context(
                LoopLag(self._metrics.loop_lag_seconds.observe, self._metrics.tasks.set, slow=self._late)
            )
            self._adapting.keeping_up.wanted()
            work = [
                asyncio.create_task(self._client.run(self._gateway.replaced), name="rooms client"),
                asyncio.create_task(self._reports.run(), name="reports"),
                asyncio.create_task(self._upkeep.run(), name="upkeep"),
                asyncio.create_task(self._changes.run(), name="changes"),
                asyncio.create_task(self._adapting.keeping_up.run(), name="adapting"),
                asyncio.create_task(self._deliveries.run(), name="deliveries"),
            ]
            stack.push_async_callback(_cancel, work)  # also what is added to it
            stopping = asyncio.create_task(stop.wait(), name="stop")
            stack.push_async_callback(_cancel, [stopping])
            if self._keys is not None:
                looking = asyncio.create_task(self._keys.look(), name="first keys")
                stack.push_async_callback(_cancel, [looking])
                await asyncio.wait([looking, stopping], return_when=asyncio.FIRST_COMPLETED)
                work.append(asyncio.create_task(self._keys.run(), name="keys"))
            await self._find_rooms(stop)
            self._listen()
            logger.info("listening on %s port %d", edge.host, self.port)
            # Both are about how it listens, so they begin once it does.
            work.append(asyncio.create_task(self._draining.run(), name="draining"))
            if self._renewal is not None:
                work.append(asyncio.create_task(self._renewal.run(), name="certificate"))
            await asyncio.wait([stopping, *work], return_when=asyncio.FIRST_COMPLETED)
            for task in work:
                if task.done():
                    task.result()  # it never ends but by an error
            logger.info("stopping: %d viewers are sent elsewhere", self._server.connection_count)
            await self._draining.leave(force)

    def _listen(self) -> None:
        """At the same port every time. Raises PortInUse."""
        self.port = self._server.listen(self._settings.host, self.port or self._settings.port, shared=True)

    def _renew(self, certificate: Certificate) -> None:
        self._server.renew(certificate)

    async def _find_rooms(self, stop: asyncio.Event) -> None:
        """Reach the rest of the service before viewers come; without it they are let in a little later."""
        deadline = time.monotonic() + _FIND_ROOMS_S
        while not (self._adapting.began.is_set() and all(self._client.ready().values())):
            if stop.is_set() or time.monotonic() > deadline:
                found = {**self._client.ready(), "adjustments": self._adapting.began.is_set()}
                logger.warning("listening without the rest of the service: %s", found)
                return
            await asyncio.sleep(_LOOK_S)

    async def _end(self) -> None:
        """Whatever is still there ends, in time, also when the bus does not answer."""
        try:
            async with asyncio.timeout(max(self._settings.drain_s * (1 - _GOODBYE), _SHORTEST_END_S)):
                await self.feeds.close()
                await self._pulls.close()
                await self._client.close()
                await self._chat.close()
                await self._bus.close()
        except TimeoutError:
            logger.warning("the bus did not close in time")
        await self._server.shut_down()
        self._metrics.hand_over()


def _about(name: str, edge: config.Edge, adjusted: int) -> EdgeReport:
    return EdgeReport(
        name,
        edge.addresses,
        0,
        version=version(),
        region=edge.region,
        weight=edge.weight,
        capacity=edge.connections,
        adjusted=adjusted,
    )


def _now_ms() -> int:
    return int(time.time() * 1000)


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  a Path for each would cost ten times as much


def _most_sockets() -> int:
    """What descriptors allow, with some for everything else: without any left nobody could come or go."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MANY_SOCKETS if soft == resource.RLIM_INFINITY else max(1, soft - _OTHER_FILES)
