"""Ports for servers that are started later, which nobody else takes meanwhile.

A port that the system chooses is anybody's again until it is listened on: another process of the tests may be
given it, or a connection. These are below those the system gives out, and each process has its own: half of
its share for itself, the rest for runs of programs of ours that it starts side by side (PORTS_OF_RUN).
"""

from __future__ import annotations

import os
import random
import socket
import struct
from itertools import cycle
from typing import Final

import pytest

from danmaku import ports

_HOST: Final = "127.0.0.1"
_LOCAL_PORT_RANGE: Final = 51  # of a socket, since Linux 6.3
_FIRST: Final = 12_000
_EACH: Final = 1000  # for each of ten processes: ten thousand above are the bus ports of a cluster of Valkey
_PROCESS: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 10
PORTS_OF_RUN: Final = "TESTS_RUN"  # 0, 1, 2 …
_RUN: Final = os.environ.get(PORTS_OF_RUN)
_SIZE: Final = _EACH // 2 if _RUN is None else _EACH // 10
_SHARE: Final = _FIRST + _PROCESS * _EACH + (0 if _RUN is None else _EACH // 2 + int(_RUN) % 5 * _SIZE)
_BEGIN: Final = random.randrange(_SIZE)  # noqa: S311  another run at the same time begins elsewhere
_NEXT: Final = cycle(_SHARE + (_BEGIN + number) % _SIZE for number in range(_SIZE))


def free_port(also: int = 0) -> int:
    """One that is free now, and so is the one that is `also` above it."""
    for _ in range(_SIZE):
        port = next(_NEXT)
        if _is_free(port) and (not also or _is_free(port + also)):
            return port
    raise AssertionError("no port is free")


def free_ports(count: int, also: int = 0) -> list[int]:
    """Different ones."""
    return [free_port(also) for _ in range(count)]


def connect_from(host: str, port: int) -> None:
    """Connect somewhere from this very port, as the system may choose it for anybody. Raises OSError."""
    with socket.create_server((host, 0)) as there, socket.socket() as client:
        try:
            client.setsockopt(socket.IPPROTO_IP, _LOCAL_PORT_RANGE, struct.pack("I", port | port << 16))
        except OSError:
            pytest.skip("this system cannot be told which ports to choose from")
        client.connect(there.getsockname())


def _is_free(port: int) -> bool:
    try:
        return ports.free_port(_HOST, port) == port
    except ports.PortInUse:
        return False
