"""Real servers on temporary folders, one of each for a whole test run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from danmaku.servers import NatsServer, Running, Server, ValkeyServer


@contextmanager
def _served(server: Server) -> Iterator[str]:
    child = Running(server)
    child.start()
    try:
        asyncio.run(server.wait_ready(10))
        yield server.url
    finally:
        child.kill()


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A nats-server shared by all tests: use subjects or a prefix of your own."""
    with _served(NatsServer(tmp_path_factory.mktemp("nats"))) as url:
        yield url


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A valkey-server shared by all tests: use a prefix of your own."""
    with _served(ValkeyServer(tmp_path_factory.mktemp("valkey"))) as url:
        yield url
