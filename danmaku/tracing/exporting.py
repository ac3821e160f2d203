"""Hands spans to OpenTelemetry, which sends them over HTTP from a thread of its own.

What waits is bounded, and dropped beyond that. A collector that is away costs its spans, and a line in the
log each minute. The SDK's tracers are not used: spans are measured here, and their numbers come over the bus.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from threading import Thread
from typing import Any, Final

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from danmaku.telemetry import TracingMetrics
from danmaku.tracing.context import Context
from danmaku.tracing.spans import Span
from danmaku.version import version

_WAITING: Final = 4096
_AT_ONCE: Final = 512
_EVERY_MS: Final = 1000
_TIMEOUT_S: Final = 3.0
_LAST_S: Final = 2.0  # for what waits when the process ends
_LOOK_S: Final = 0.02
_TELL_S: Final = 60.0
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)

_log: Any = structlog.get_logger("danmaku.tracing")


class Exporting:
    """`export` neither waits nor raises. `close` takes a few seconds at most, in a thread."""

    def __init__(self, url: str, service: str, process: str, metrics: TracingMetrics) -> None:
        # What goes wrong is told here, once in a while.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._metrics = metrics
        self._resource = Resource.create(
            {"service.name": service, "service.instance.id": process, "service.version": version()}
        )
        self._scope = InstrumentationScope("danmaku", version())
        self._sender = BatchSpanProcessor(
            _Telling(OTLPSpanExporter(endpoint=url, timeout=_TIMEOUT_S), metrics),
            max_queue_size=_WAITING,
            schedule_delay_millis=_EVERY_MS,
            max_export_batch_size=_AT_ONCE,
        )

    def export(self, span: Span) -> None:
        self._metrics.spans.labels("ended").inc()
        self._sender.on_end(
            ReadableSpan(
                span.name,
                _context(span.context),
                None if span.parent is None else _context(span.parent),
                self._resource,
                attributes=dict(span.words),
                start_time=span.begin_ns,
                end_time=span.end_ns,
                instrumentation_scope=self._scope,
            )
        )

    async def close(self) -> None:
        """Send what waits; a collector that does not answer is given up."""
        # No thread of the loop's executor, for which the loop would wait however long it takes.
        closing = Thread(target=self._sender.shutdown, name="last traces", daemon=True)
        closing.start()
        deadline = time.monotonic() + _LAST_S
        while closing.is_alive() and time.monotonic() < deadline:  # noqa: ASYNC110  a thread sets no event
            await asyncio.sleep(_LOOK_S)


class _Telling(SpanExporter):
    """Counts what was sent and what was not, which it says once a minute. Called in the sender's thread."""

    def __init__(self, sends: SpanExporter, metrics: TracingMetrics) -> None:
        self._sends = sends
        self._metrics = metrics
        self._told_s = -_TELL_S

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._sends.export(spans)
        is_sent = result is SpanExportResult.SUCCESS
        self._metrics.spans.labels("sent" if is_sent else "lost").inc(len(spans))
        if not is_sent and time.monotonic() - self._told_s >= _TELL_S:
            self._told_s = time.monotonic()
            _log.warning("traces cannot be sent: the collector is away, or refuses them", spans=len(spans))
        return result

    def shutdown(self) -> None:
        self._sends.shutdown()


def _context(one: Context) -> SpanContext:
    return SpanContext(one.trace, one.span, is_remote=False, trace_flags=_SAMPLED)
