"""How a server that is not ours is started, waited for and ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loadtest import frames
from loadtest.service import free_port
from loadtest.talk import Dialect

_START_S: Final = 20.0
_POLL_S: Final = 0.05
_HOST: Final = "127.0.0.1"


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
    """`command` makes the command line that starts it. Raises NoPeer."""

    dialect: Dialect
    command: Callable[[Starting], list[str]]


@dataclass(frozen=True, slots=True)
class Running:
    """Where it answers; `pid` 0 where it is not ours."""

    host: str
    port: int
    pid: int = 0


@asynccontextmanager
async def started(name: str, peer: Peer, folder: Path, modules: Path) -> AsyncIterator[Running]:
    """A server of our own, killed on the way out with all that it started. Raises NoPeer."""
    where = Starting(free_port(), folder, modules)
    command = peer.command(where)
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=out, stderr=out, start_new_session=True,
            env={**os.environ, "NODE_PATH": str(modules)},
        )  # fmt: skip
    try:
        if not await _answers(process, where.port, peer.dialect):
            said = (await asyncio.to_thread(log.read_text, errors="replace")).strip()
            raise NoPeer(f"{name} did not start: {said or 'it said nothing'}")
        yield Running(_HOST, where.port, process.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _answers(process: asyncio.subprocess.Process, port: int, dialect: Dialect) -> bool:
    """Whether it does in time; a listening socket alone may be there before the worker that serves it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_START_S):
            while process.returncode is None:
                with suppress(OSError, EOFError):
                    await _asked(port, dialect)
                    return True
                await asyncio.sleep(_POLL_S)
    return False


async def _asked(port: int, dialect: Dialect) -> None:
    """Raises OSError, EOFError where nothing answers."""
    reader, writer = await asyncio.open_connection(_HOST, port)
    try:
        writer.write(frames.upgrade(f"{_HOST}:{port}", dialect.path, dialect.protocol))
        await reader.readuntil(b"\r\n")
    finally:
        writer.close()
