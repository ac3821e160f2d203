"""Whether a port can be listened on, asked before anybody relies on it, and who has it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_LISTENING: Final = "0A"  # a state in /proc/net/tcp


class PortInUse(OSError):
    """The address cannot be listened on, or somebody else already listens there."""


def ensure_port_free(host: str, port: int) -> None:
    """Raise PortInUse if anything listens on this address, be it one that lets others share its port.

    A port is shared only among those who all ask for it, which this probe does not. What an earlier
    process left behind, connections that only linger, does not count.
    """
    free_port(host, port)


def free_port(host: str, port: int = 0) -> int:
    """Bind to every address that `host` stands for, for a moment; the port that was bound last.

    Port 0 lets the system choose. Raises PortInUse.
    """
    bound = port
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                bound = probe.getsockname()[1]
    except OSError as error:
        raise PortInUse(error.errno, f"cannot listen on {host} port {port}: {error.strerror}") from error
    return bound


@contextmanager
def held_port(host: str) -> Iterator[int]:
    """A port of the system's choice that it gives to nobody else while the block lasts, nor to a connection.

    It is bound but not listened on: a server that reuses addresses, as most do, can listen there, and
    again after it died. So can a stranger, but only one who asks for this very port.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, 0))
        yield held.getsockname()[1]


def listeners(port: int) -> list[str]:
    """Who listens on `port`, like "nginx (pid 4711)", as far as we may see."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*") if sockets else ():
        with suppress(OSError):  # it ended, or belongs to somebody else
            if any(str(descriptor.readlink()) in sockets for descriptor in (process / "fd").iterdir()):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found.append(f"{command.strip()[:80]} (pid {process.name})")
    return found


def _listening_inodes(port: int) -> set[str]:
    inodes: set[str] = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                    inodes.add(words[9])
    return inodes
