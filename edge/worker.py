"""One edge worker, from its bus to its end."""

from __future__ import annotations

import asyncio
import secrets

from config.live import Running
from danmaku import garbage
from danmaku.auth import AuthError, from_settings, key_ring
from danmaku.bus.nats import NatsBus
from danmaku.certificate import CertificateError
from danmaku.logs import configure_logging
from danmaku.retuning import retune
from danmaku.slow import Slow
from danmaku.supervisor import place
from danmaku.telemetry import BusMetrics, EdgeMetrics, SlowMetrics
from danmaku.tracing.opening import TracingMissing, tracing
from danmaku.tracing.spans import Spans
from edge import uws
from edge.keys import KeyLooks
from edge.node import Node
from edge.starting import NotStarted


async def work(running: Running, worker: int, stop: asyncio.Event, force: asyncio.Event) -> int:
    """Be worker number `worker` until `stop`; the exit code. Raises NotStarted."""
    settings = running.settings
    configure_logging(settings.log, f"edge-{worker}")
    name = f"edge-{worker}-{secrets.token_hex(6)}"
    try:
        async with tracing(settings.tracing, "danmaku-edge", name) as spans:
            await _serve(running, name, spans, stop, force)
    except TracingMissing as error:
        raise NotStarted(str(error)) from error
    return 0


async def _serve(
    running: Running, name: str, spans: Spans | None, stop: asyncio.Event, force: asyncio.Event
) -> None:
    settings = running.settings
    slow = Slow(settings.log.slow_ms, SlowMetrics())
    retune(running, slow, spans)
    bus = NatsBus.start(settings.nats, name, BusMetrics(), slow)
    try:
        auth, metrics = settings.auth, EdgeMetrics()
        ring = key_ring(auth) if auth.jwks_url or auth.jwks_file else None
        keys = None if ring is None else KeyLooks(auth, ring, metrics)
        node = Node(running, from_settings(auth, ring), bus, metrics, name, spans, slow, keys, place())
    except (AuthError, CertificateError, uws.LibuvMissing, ValueError) as error:
        await bus.close()
        raise NotStarted(str(error)) from error
    garbage.settle()
    try:
        await node.run(stop, force)
    except uws.PortInUse as error:
        raise NotStarted(str(error)) from error
