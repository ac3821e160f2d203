"""Servers that are not ours: one that is published to by HTTP, as Nchan is; and where there is none."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from loadtest.peers import PEERS, NoPeer, Starting, started

pytestmark = pytest.mark.long

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


async def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoPeer, match="give --at centrifugo=URL"):
        async with started("centrifugo", PEERS["centrifugo"], tmp_path, tmp_path):
            pass
    command = PEERS["ws"].command
    assert command is not None
    with pytest.raises(NoPeer, match="npm install ws" if shutil.which("node") else "node is not installed"):
        command(Starting(1, tmp_path, tmp_path))
