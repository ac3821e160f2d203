"""The probe against real sockets: what counts as in use and what does not."""

from __future__ import annotations

import os
import socket

import pytest

from danmaku.ports import PortInUse, ensure_port_free, free_port, held_port, listeners

_HOST = "127.0.0.1"
_EVERYWHERE = "0.0.0.0"  # noqa: S104  for a moment, on a port of the system's choice


def _listener(host: str = _HOST, *, shared: bool = False) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((host, 0))
    one.listen()
    return one


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("asked", [_HOST, _EVERYWHERE, "localhost"])
@pytest.mark.parametrize("held", [_HOST, _EVERYWHERE])
def test_a_listener_is_seen_even_one_that_shares_its_port(held: str, asked: str, shared: bool) -> None:
    with _listener(held, shared=shared) as one:
        port = one.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port}"):
            ensure_port_free(asked, port)


def test_it_is_known_who_listens() -> None:
    with _listener(shared=True) as one:
        (holder,) = listeners(one.getsockname()[1])
    assert holder.endswith(f"(pid {os.getpid()})")
    assert listeners(free_port(_HOST)) == []


def test_connections_that_only_linger_do_not_count() -> None:
    with _listener() as one:
        port = one.getsockname()[1]
        client = socket.create_connection((_HOST, port))
        server, _ = one.accept()
        server.close()  # closes first, and so keeps the address in TIME_WAIT
        client.close()
    with socket.socket() as strict, pytest.raises(OSError, match="in use"):
        strict.bind((_HOST, port))  # it does linger
    ensure_port_free(_HOST, port)


def test_an_address_of_somebody_else() -> None:
    with pytest.raises(PortInUse, match=r"cannot listen on 192\.0\.2\.1"):
        ensure_port_free("192.0.2.1", 8080)


def test_a_free_port_can_be_had() -> None:
    port = free_port(_HOST)
    assert port > 0
    ensure_port_free(_HOST, port)


def test_a_port_that_is_held_is_given_to_nobody_but_who_reuses_it() -> None:
    with held_port(_HOST) as port:
        with socket.socket() as strict, pytest.raises(OSError, match="in use"):
            strict.bind((_HOST, port))
        for _ in range(2):  # as a server that is started again
            with socket.create_server((_HOST, port)), socket.create_connection((_HOST, port), timeout=20):
                pass
    ensure_port_free(_HOST, port)
