"""Metrics of a process that serves nothing else, over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY, CollectorRegistry, start_http_server

from danmaku.telemetry import FOLDER_VARIABLE


@contextmanager
def scraped(host: str, port: int, registry: CollectorRegistry = REGISTRY) -> Iterator[int]:
    """Answer with all metrics, at any path, from a thread of its own while the block lasts; gives the port.

    It does nothing for port 0, and where processes share a folder, for an edge tells of all of them then.
    Raises OSError: the port is taken.
    """
    if port == 0 or FOLDER_VARIABLE in os.environ:
        yield 0
        return
    server, thread = start_http_server(port, host, registry)
    try:
        yield port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
