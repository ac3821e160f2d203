"""What a process follows, from its settings."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from config.settings import Tracing
from danmaku.tracing.spans import Spans


class TracingMissing(Exception):
    """What would send traces is not installed; the text says what helps."""


@asynccontextmanager
async def tracing(settings: Tracing, service: str, process: str) -> AsyncIterator[Spans | None]:
    """None where nothing is to be followed: then OpenTelemetry is not even imported.

    What waits is sent in the end, within a few seconds. Raises TracingMissing.
    """
    if not settings.url:
        yield None
        return
    try:
        from danmaku.tracing.exporting import Exporting  # few have what it imports
    except ImportError as error:
        raise TracingMissing(
            f"tracing.url needs pip install -e '.[tracing]', or the wheel with [tracing] ({error})"
        ) from error
    from danmaku.telemetry import TracingMetrics

    exporting = Exporting(settings.url, service, process, TracingMetrics())
    try:
        yield Spans(settings.ratio, exporting.export, time.time_ns)
    finally:
        await exporting.close()
