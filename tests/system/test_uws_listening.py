"""Who may listen where: taken ports, strays that share them, and what an earlier process left behind."""

from __future__ import annotations

import errno
import socket
from contextlib import closing

import pytest

from edge.uws import PortInUse, ensure_port_free
from tests.system.uws_process import FailedToStart
from tests.system.uws_talk import a_child, report


def listener(*options: int) -> socket.socket:
    listening = socket.socket()
    for option in options:
        listening.setsockopt(socket.SOL_SOCKET, option, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening


@pytest.mark.parametrize("shared", [False, True])
async def test_taken_port_is_refused(shared: bool) -> None:
    with closing(listener()) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FailedToStart, match="PortInUse"):
            async with a_child(port=port, shared=shared):
                pass
        with pytest.raises(PortInUse) as refused:
            ensure_port_free("127.0.0.1", port)
        assert refused.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize("shared", [False, True])
async def test_address_of_another_host_is_refused(shared: bool) -> None:
    with pytest.raises(FailedToStart, match="PortInUse"):
        async with a_child(host="203.0.113.1", shared=shared):
            pass


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])  # noqa: S104 - a port of ours, probed only
async def test_stray_process_that_shares_its_port_is_found(host: str) -> None:
    async with a_child(shared=True) as stray:
        with pytest.raises(PortInUse):
            ensure_port_free(host, stray.port)
        with pytest.raises(FailedToStart, match="PortInUse"):
            async with a_child(port=stray.port):
                pass
        async with a_child(port=stray.port, shared=True) as worker:  # what the probe is there to prevent
            assert worker.port == stray.port
    ensure_port_free(host, stray.port)


@pytest.mark.parametrize("shared", [False, True])
async def test_connections_that_linger_do_not_hold_the_port(shared: bool) -> None:
    with closing(listener(socket.SO_REUSEADDR)) as before:
        port = before.getsockname()[1]
        with closing(socket.create_connection(("127.0.0.1", port))) as peer:
            accepted, _ = before.accept()
            accepted.close()  # the side that closes first keeps the port in TIME_WAIT
            assert peer.recv(1) == b""
    ensure_port_free("127.0.0.1", port)
    async with a_child(port=port, shared=shared) as child:
        assert child.port == port
        assert (await report(child))["connections"] == 0
