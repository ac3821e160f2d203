"""`danmaku up`: everything on one machine, as children of one process."""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import cache
from typing import Any, Final

import msgspec
import structlog

from config.live import Running
from config.loading import Loaded
from config.settings import Settings
from danmaku.address import Address, in_url
from danmaku.auth import from_settings
from danmaku.data_folder import DataFolder
from danmaku.logs import configure_logging
from danmaku.ports import PortInUse, free_port, held_port, listeners
from danmaku.rereading import Handing, Rereading
from danmaku.servers import NatsServer, Server, ValkeyServer, server_environment
from danmaku.signals import heard
from danmaku.supervisor import Child, Supervisor
from danmaku.telemetry import FOLDER_VARIABLE, forget_process

_SERVERS, _ROOMS, _EDGE = 0, 1, 2  # stages
_SERVER_S: Final = 60.0  # reading back a large store takes its time
_EDGE_S: Final = 60.0
_POLL_S: Final = 0.05
_PROBE_S: Final = 2.0
_PROBES_PER_WORKER: Final = 8  # enough to have met each of them, nearly for sure
_GRACE_S: Final = 10.0  # what a stopping edge may take longer than its drain time
_NEXT_PORTS: Final = 50
_PASSWORD_BYTES: Final = 24

_log: Any = structlog.get_logger("danmaku.up")


async def run(
    folder: DataFolder, read: Callable[[], Loaded], rooms: int, announce: Callable[[Address], None]
) -> int:
    """Start everything, keep it running until SIGINT or SIGTERM, stop it; the exit code.

    `read` reads the settings, now and at each SIGHUP. `announce` is called once the service answers.
    Raises SettingsError, FolderError, PortInUse, ServerError, AuthError.
    """
    loaded = read()
    settings = loaded.settings
    configure_logging(settings.log, "up")
    folder.make()
    with ExitStack() as stack:
        stack.enter_context(folder.locked())
        address = Address(settings.edge.host, _port(settings), bool(settings.edge.tls_certificate))
        servers, settings = _own_servers(folder, settings, stack)
        for server in servers:
            server.prepare()
        folder.ensure_secret()
        edge = msgspec.structs.replace(settings.edge, port=address.port)
        settings = folder.with_secret(msgspec.structs.replace(settings, edge=edge))
        from_settings(settings.auth)  # what is wrong with keys is better said now than by a child
        running = Running(settings, loaded.origins)
        running.listen(lambda _: configure_logging(running.settings.log, "up"))
        handing = Handing(Loaded(settings, loaded.origins), folder.settings)
        children = _children(folder, settings, handing, servers, rooms, address)
        _log.info("starting " + ", ".join(child.name for child in children), data=str(folder.path))

        def exited(child: Child, pid: int) -> None:
            for process in (child.name, pid):
                forget_process(folder.metrics, process)
            handing.ensure()

        supervisor = Supervisor(children, stop_s=settings.edge.drain_s + _GRACE_S, exited=exited)

        def took(read: Loaded) -> None:
            handing.hand(read)
            supervisor.reread()

        rereading = Rereading(read, loaded, running, took)
        stop, force, reread = asyncio.Event(), asyncio.Event(), asyncio.Event()
        with heard(stop, force, reread):
            async with rereading.follow(reread):
                announcing = asyncio.create_task(_announce(supervisor, folder, address, announce))
                try:
                    return await supervisor.run(stop, force)
                finally:
                    announcing.cancel()
                    await asyncio.gather(announcing, return_exceptions=True)
                    _log.info("stopped")


async def _announce(
    supervisor: Supervisor, folder: DataFolder, address: Address, announce: Callable[[Address], None]
) -> None:
    await supervisor.ready.wait()
    with folder.serving(address.http):
        announce(address)
        await asyncio.Event().wait()  # until cancelled


def _port(settings: Settings) -> int:
    """The port to listen on, known to be free."""
    host, port = settings.edge.host, settings.edge.port
    try:
        return free_port(host, port)
    except PortInUse as error:
        holders = listeners(port)
        if not holders:
            raise
        other = _next_free(host, port)
        raise PortInUse(
            error.errno,
            f"port {port} is in use by {', '.join(holders)}: stop it, or choose another port"
            + (f", like --port {other}" if other else " with --port"),
        ) from None


def _next_free(host: str, port: int) -> int | None:
    for other in range(port + 1, min(port + _NEXT_PORTS, 65_536)):
        with suppress(PortInUse):
            return free_port(host, other)
    return None


def _own_servers(folder: DataFolder, settings: Settings, stack: ExitStack) -> tuple[list[Server], Settings]:
    """The servers that nobody configured, and settings that lead to them; what they need lasts as `stack`."""
    servers: list[Server] = []
    if not settings.nats.url:
        port = stack.enter_context(held_port(NatsServer.host))
        nats = NatsServer(folder.nats, port, secrets.token_urlsafe(_PASSWORD_BYTES))
        servers.append(nats)
        own = msgspec.structs.replace(settings.nats, url=nats.url)
        settings = msgspec.structs.replace(settings, nats=own)
    if not settings.store.url:
        valkey = ValkeyServer(folder.valkey)
        servers.append(valkey)
        store = msgspec.structs.replace(settings.store, url=valkey.url)
        settings = msgspec.structs.replace(settings, store=store)
    return servers, settings


def _children(
    folder: DataFolder,
    settings: Settings,
    handing: Handing,
    servers: list[Server],
    rooms: int,
    address: Address,
) -> list[Child]:
    # Exactly these settings, wherever they came from.
    environment = {
        **server_environment(),
        **handing.environment,
        FOLDER_VARIABLE: str(folder.fresh_metrics()),
    }
    python = [sys.executable, "-m"]

    workers = settings.edge.workers or os.cpu_count() or 1

    async def edge_ready() -> None:
        await _until_ready(address, workers * _PROBES_PER_WORKER)

    names = ["rooms"] if rooms == 1 else [f"rooms-{number}" for number in range(1, rooms + 1)]
    return [
        *(_server_child(server) for server in servers),
        *(Child(name, [*python, "rooms", *handing.flags], environment, _ROOMS) for name in names),
        Child("edge", [*python, "edge", *handing.flags], environment, _EDGE, edge_ready, _EDGE_S),
    ]


def _server_child(server: Server) -> Child:
    async def ready() -> None:
        await server.wait_ready(_SERVER_S)

    ready_s = _SERVER_S + _GRACE_S
    return Child(server.name, server.argv, server_environment(), _SERVERS, ready, ready_s, ours=False)


async def _until_ready(address: Address, times: int) -> None:
    """Return when the service said `times` times in a row that it is ready. Has no deadline of its own.

    Each time another one of the workers that share the port may be the one that answers.
    """
    good = 0
    while good < times:
        if await _is_ready(address):
            good += 1
        else:
            good = 0
            await asyncio.sleep(_POLL_S)


async def _is_ready(address: Address) -> bool:
    try:
        async with asyncio.timeout(_PROBE_S):
            reader, writer = await asyncio.open_connection(
                address.dialled, address.port, ssl=_any_certificate() if address.tls else None
            )
            try:
                ask = f"GET /readyz HTTP/1.1\r\nHost: {in_url(address.dialled)}\r\nConnection: close\r\n\r\n"
                writer.write(ask.encode())
                return (await reader.readline()).split()[1:2] == [b"200"]
            finally:
                writer.close()
    except OSError:  # TimeoutError is one
        return False


@cache
def _any_certificate() -> ssl.SSLContext:
    """For a child of ours on this machine, whose certificate is for another name than it is asked by."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
