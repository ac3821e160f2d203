"""The embedded servers start, answer, survive a crash at the same address and refuse what cannot work."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from config.loading import load_with_origins
from config.settings import Nats
from danmaku import up
from danmaku.bus import BusDown
from danmaku.bus.nats import NatsBus
from danmaku.data_folder import DataFolder
from danmaku.ports import held_port
from danmaku.servers import NatsServer, Running, Server, ServerError, ValkeyServer, running
from tests.ports import connect_from, free_port


@pytest.fixture(params=["nats", "valkey"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    if request.param == "nats":
        return NatsServer(tmp_path / "nats", free_port())
    return ValkeyServer(tmp_path / "valkey")


async def test_answers_again_at_the_same_address_after_a_crash(server: Server) -> None:
    async with running(server) as child:
        url, pid = server.url, child.pid
        child.kill()
        child.start()
        await server.wait_ready(60)
        assert (server.url, child.pid == pid) == (url, False)


async def test_nothing_is_left_behind(server: Server) -> None:
    async with running(server) as child:
        pid = child.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_second_one_at_the_same_place_is_refused(server: Server) -> None:
    async with running(server):
        with pytest.raises(ServerError, match=r"cannot use|already runs"):
            Running(server).start()


async def test_says_where_to_look_when_it_does_not_become_ready(server: Server) -> None:
    with pytest.raises(ServerError, match=str(server.log)):
        await server.wait_ready(0)


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="shorter path"):
        ValkeyServer(tmp_path / ("x" * 120)).prepare()


async def test_nats_listens_on_a_port_that_is_held_for_it(tmp_path: Path) -> None:
    with held_port(NatsServer.host) as port:
        server = NatsServer(tmp_path, port)
        async with running(server) as child:
            child.kill()
            with pytest.raises(OSError, match="Cannot assign"):  # nobody is given it meanwhile
                connect_from(server.host, port)
            child.start()
            await server.wait_ready(60)


async def test_its_port_is_held_from_when_it_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NatsServer, "prepare", lambda server: connect_from(server.host, server.port))
    monkeypatch.setattr(up, "configure_logging", lambda *_: None)
    loaded = load_with_origins(None, {}, {"edge.port": free_port()})
    with pytest.raises(OSError, match="Cannot assign"):
        await up.run(DataFolder(tmp_path / "data"), lambda: loaded, 1, lambda _: None)


async def test_nats_lets_in_only_who_knows_the_password(tmp_path: Path) -> None:
    server = NatsServer(tmp_path, free_port(), password="open-sesame_1")
    async with running(server) as child:
        bus = await NatsBus.connect(Nats(url=server.url), "test")
        await bus.close()
        stranger = server.url.replace("sesame", "simsim")
        with pytest.raises(BusDown, match=r"Authorization|ConnectionReset"):  # it hangs up as it says why
            await NatsBus.connect(Nats(url=stranger), "stranger")
        assert stat.S_IMODE(server.config.stat().st_mode) == 0o600
        assert b"sesame" not in Path(f"/proc/{child.pid}/cmdline").read_bytes()


async def test_a_server_is_not_told_our_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANMAKU_AUTH_SECRET", "nobody else knows")
    async with running(NatsServer(tmp_path, free_port())) as child:
        assert b"nobody else knows" not in Path(f"/proc/{child.pid}/environ").read_bytes()


async def test_what_valkey_acknowledged_survives_a_crash(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path)
    async with running(server) as child:
        assert await _say(server, "SET name danmaku") == b"+OK\r\n"
        child.kill()
        child.start()
        await server.wait_ready(60)
        assert await _say(server, "GET name") == b"$7\r\n"


async def _say(server: ValkeyServer, line: str) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(server.socket))
    writer.write(line.encode() + b"\r\n")
    try:
        return await asyncio.wait_for(reader.readline(), 20)
    finally:
        writer.close()
        await writer.wait_closed()
