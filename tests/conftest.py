"""Real servers on temporary folders, one of each for a whole test run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import hypothesis
import pytest
import structlog

from danmaku.servers import NatsServer, Running, Server, ValkeyServer
from tests.engines import ValkeyCluster
from tests.ports import free_port

# As servers do it: to draw a traceback with all its variables holds up the loop for longer than tests wait.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

hypothesis.settings.register_profile("untimed", deadline=None)  # how long something takes says nothing here
hypothesis.settings.load_profile("untimed")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """`--dist loadscope` is ours (tests/sharing.py); the others are the plugin's."""
    if config.getoption("dist") != "loadscope":
        return None
    from tests.sharing import Sharing  # the plugin may not be there

    return Sharing(config, log)


@contextmanager
def _served(server: Server) -> Iterator[str]:
    child = Running(server)
    child.start()
    try:
        asyncio.run(server.wait_ready(60))
        yield server.url
    finally:
        child.kill()


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyCluster]:
    """Three valkey-servers that are a cluster, shared by all tests: use a prefix of your own."""
    whole = ValkeyCluster(tmp_path_factory.mktemp("cluster"), primaries=3, servers=3, options={})
    with ExitStack() as stack:
        for node in whole.nodes:
            node.start()
            stack.callback(node.kill)
            asyncio.run(node.server.wait_ready(60))
        asyncio.run(whole.form())
        yield whole


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A nats-server shared by all tests: use subjects or a prefix of your own."""
    with _served(NatsServer(tmp_path_factory.mktemp("nats"), free_port())) as url:
        yield url


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A valkey-server shared by all tests: use a prefix of your own."""
    with _served(ValkeyServer(tmp_path_factory.mktemp("valkey"))) as url:
        yield url
