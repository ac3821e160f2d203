"""Servers that are not ours: those that are installed, one at an address; what is said of the others."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import websockets

from loadtest.peers import PEERS, NoPeer, Peer, Starting, commands, started
from loadtest.processes import Family, family
from loadtest.publisher import Publisher
from loadtest.talk import Dialect
from tests.waiting import until

pytestmark = pytest.mark.long
MODULES = Path(__file__).parents[1] / "javascript" / "node_modules"

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
TAKEN = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Channel:
    """What is posted goes to all who have upgraded; `drop` names messages that get lost."""

    def __init__(self, drop: frozenset[int] = frozenset()) -> None:
        self._all: list[asyncio.StreamWriter] = []
        self._readers: list[asyncio.StreamWriter] = []
        self._drop = drop
        self._posted = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._all.append(writer)  # also those who ask for nothing until the end
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET /sub?id=hot "):
            writer.write(UPGRADED)
            self._readers.append(writer)
            return
        assert head.startswith(b"POST /pub?id=hot ")
        size = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        text = await reader.readexactly(int(size.split(b":")[1]))
        self._posted += 1
        if self._posted not in self._drop:
            for other in self._readers:
                other.write(bytes([0x81, len(text)]) + text)
        writer.write(TAKEN)
        writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        try:
            yield f"http://{host}:{port}"
        finally:
            server.close()
            for writer in self._all:
                writer.close()
            await asyncio.gather(*(writer.wait_closed() for writer in self._all), return_exceptions=True)


@pytest.mark.parametrize(("drop", "lost", "gaps"), [(frozenset(), 0, 0), (frozenset({3, 4}), 2 * 20, 20)])
async def test_a_server_at_an_address_is_driven_and_checked(
    tmp_path: Path, drop: frozenset[int], lost: int, gaps: int
) -> None:
    figures = tmp_path / "figures.json"
    async with Channel(drop).listening() as url:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "loadtest", "peer", "nchan", "--at", f"nchan={url}", "--viewers", "20",
            "--rate", "10", "--seconds", "1", "--rounds", "1", "--no-floor", "--quiet",
            "--json", str(figures),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == (1 if lost or gaps else 0)
    assert (b"something went wrong" in said) == bool(lost or gaps)
    result = json.loads(await asyncio.to_thread(figures.read_text))
    assert (result["offered"], result["expected"]) == (10, 200)
    assert result["delivered"] == 200 - lost
    assert (result["lost"], result["out_of_order"], result["duplicates"]) == (lost, gaps, 0)
    assert result["cpu_s"] == {}, "it is not ours"


@pytest.mark.parametrize("name", sorted(PEERS))
async def test_a_server_that_is_installed_is_started_and_driven(tmp_path: Path, name: str) -> None:
    try:
        PEERS[name].command(Starting(1, tmp_path, MODULES))
    except NoPeer as missing:
        pytest.skip(str(missing))
    figures = tmp_path / "figures.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", "peer", name, "--modules", str(MODULES), "--viewers", "20",
        "--rate", "10", "--seconds", "1", "--rounds", "2", "--no-floor", "--quiet", "--json", str(figures),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, said
    result = json.loads(await asyncio.to_thread(figures.read_text))
    assert result["delivered"] == result["expected"] == 2 * 10 * 20
    assert result["cpu_s"]["edge"] > 0


async def test_what_a_server_started_ends_with_it(tmp_path: Path) -> None:
    async with started("forking", Peer(Dialect("/"), forking), tmp_path, tmp_path) as running:
        children = [child.pid for child in family(running.pid)]
        assert children, "it is the child that answers"
        assert set(Family.as_one(running.pid, "edge").pids("edge")) == {running.pid, *children}
    await until(lambda: not any(alive(pid) for pid in (running.pid, *children)))


def forking(where: Starting) -> list[str]:
    serve = f"python -m http.server --bind 127.0.0.1 {where.port}".replace("python", sys.executable)
    return ["/bin/sh", "-c", f"{serve} & wait"]


def alive(pid: int) -> bool:
    """One that ended and was not asked how yet is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def test_what_does_not_start_says_why(tmp_path: Path) -> None:
    failing = Peer(Dialect("/"), lambda _: ["/bin/sh", "-c", "echo no such luck >&2; exit 1"])
    with pytest.raises(NoPeer, match="it did not start: no such luck"):
        async with started("it", failing, tmp_path, tmp_path):
            pass


async def test_what_a_server_refuses_to_publish_ends_the_run() -> None:
    async def refuse(connection: websockets.ServerConnection) -> None:
        async for _ in connection:
            await connection.send('{"id":3,"error":{"code":103,"message":"permission denied"}}')

    dialect = PEERS["centrifugo"].dialect
    async with websockets.serve(refuse, "127.0.0.1", 0) as server:
        host, port = next(iter(server.sockets)).getsockname()
        async with Publisher(host, port, dialect, 1000.0, 100) as publisher:
            with pytest.raises(ConnectionError, match=r"publishing was refused: .*permission denied"):
                await publisher.run(time.time_ns(), 30.0)


@pytest.mark.parametrize(
    ("name", "help_for"),
    [("ws", "node is"), ("socketio", "node is"), ("nchan", "nginx is"), ("centrifugo", "centrifugo is")],
)
def test_what_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, help_for: str
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(NoPeer, match=f"{help_for} not installed"):
        PEERS[name].command(Starting(1, tmp_path, tmp_path))


def test_a_module_of_node_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: "node")
    with pytest.raises(NoPeer, match="npm install ws"):
        PEERS["ws"].command(Starting(1, tmp_path, tmp_path))


def test_nchan_may_be_a_module_built_in_or_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nginx = tmp_path / "nginx"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def config(arguments: str) -> str:
        nginx.write_text(f"#!/bin/sh\necho configure arguments: {arguments} >&2\n")
        nginx.chmod(0o755)
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        command = PEERS["nchan"].command(Starting(18088, folder, tmp_path))
        assert command[0] == str(nginx)
        return Path(command[-1]).read_text()

    with pytest.raises(NoPeer, match="apt install libnginx-mod-nchan"):
        config(f"--modules-path={tmp_path}")
    assert "load_module" not in config(f"--modules-path={tmp_path} --add-module=/src/nchan-1.3.7")
    (tmp_path / "ngx_nchan_module.so").touch()
    written = config(f"--modules-path={tmp_path}")
    assert written.startswith(f"load_module {tmp_path}/ngx_nchan_module.so;\n")
    assert "listen 127.0.0.1:18088 " in written


@pytest.mark.parametrize(
    ("does", "in_s", "says"), [("exit 1", 20.0, "exit status 1"), ("exec sleep 60", 0.1, "timed out")]
)
def test_an_nginx_that_does_not_tell_of_itself_is_no_peer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, does: str, in_s: float, says: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(commands, "_ASKED_S", in_s)
    nginx, files = tmp_path / "nginx", tmp_path / "files"
    files.mkdir()
    nginx.write_text(f"#!/bin/sh\n{does}\n")
    nginx.chmod(0o755)
    with pytest.raises(NoPeer, match=f"does not say how it was built: .*{says}"):
        PEERS["nchan"].command(Starting(18088, files, tmp_path))
