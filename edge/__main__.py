"""`python -m edge`: the edge workers of one node, sharing one port."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from config.keys import SettingsError
from config.live import Running
from config.loading import Loaded, load_with_origins
from danmaku.login import LoginError
from danmaku.logs import configure_logging, get_logger
from danmaku.ports import PortInUse, ensure_port_free, free_port
from danmaku.rereading import Handing, Rereading
from danmaku.signals import heard
from danmaku.supervisor import USELESS, Child, Supervisor
from danmaku.telemetry import FOLDER_VARIABLE, forget_process
from edge.starting import NotStarted


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. The exit code: 0, or 2 when the same start would fail again."""
    flags = _parse(arguments)

    def read() -> Loaded:
        return load_with_origins(flags.config, os.environ, _overrides(flags))

    try:
        return asyncio.run(_run(read, flags.worker))
    except (SettingsError, LoginError, NotStarted, PortInUse) as error:
        print(f"edge: {error}", file=sys.stderr)
        return USELESS


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m edge", description=__doc__)
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with settings")
    parser.add_argument("--host", help="the address to listen on")
    parser.add_argument("--port", type=int, help="the port to listen on")
    parser.add_argument("--workers", type=int, help="worker processes; 0: one less than there are cores")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="any setting: edge.drain_s=30"
    )
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)  # how workers are started
    return parser.parse_args(arguments)


def _overrides(flags: argparse.Namespace) -> Mapping[str, object]:
    values: dict[str, object] = {}
    for word in flags.set:
        key, _, text = word.partition("=")
        try:
            values[key] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            values[key] = text  # a word needs no quotes here
    given = {"edge.host": flags.host, "edge.port": flags.port, "edge.workers": flags.workers}
    return {**values, **{key: value for key, value in given.items() if value is not None}}


async def _run(read: Callable[[], Loaded], worker: int | None) -> int:
    loaded = read()
    settings = loaded.settings
    if not settings.nats.url:
        raise NotStarted(
            "nats.url is not set: say where NATS is (DANMAKU_NATS_URL=nats://HOST:4222), "
            "or let `danmaku up` start one"
        )
    workers = settings.edge.workers or max(1, (os.cpu_count() or 1) - 1)
    stop, force, reread = asyncio.Event(), asyncio.Event(), asyncio.Event()
    with heard(stop, force, reread):
        if worker is None:
            ensure_port_free(settings.edge.host, settings.edge.port)
            if workers > 1:
                return await _supervise(loaded, workers, read, stop, force, reread)
        from edge.worker import work  # who only watches over workers needs nothing of what they do

        number = worker or 1
        running = Running(settings, loaded.origins)
        running.listen(lambda _: configure_logging(running.settings.log, f"edge-{number}"))
        async with Rereading(read, loaded, running).follow(reread):
            return await work(running, number, stop, force)


async def _supervise(
    loaded: Loaded,
    workers: int,
    read: Callable[[], Loaded],
    stop: asyncio.Event,
    force: asyncio.Event,
    reread: asyncio.Event,
) -> int:
    """Keep workers running, all with these settings, and their metrics in one folder."""
    settings = loaded.settings
    configure_logging(settings.log, "edge")
    port = settings.edge.port or free_port(settings.edge.host)
    with tempfile.TemporaryDirectory(prefix="danmaku-metrics-") as own_folder:
        folder = os.environ.get(FOLDER_VARIABLE, own_folder)
        handing = Handing(loaded, Path(own_folder, "settings.toml"))
        environment = {
            **os.environ,
            **handing.environment,
            "DANMAKU_EDGE_PORT": str(port),
            FOLDER_VARIABLE: folder,
        }
        program = [sys.executable, "-m", "edge", *handing.flags]
        children = [
            Child(f"edge-{number}", [*program, "--worker", str(number)], environment)
            for number in range(1, workers + 1)
        ]

        def exited(child: Child, _: int) -> None:
            forget_process(Path(folder), child.name)
            handing.ensure()

        supervisor = Supervisor(children, stop_s=settings.edge.drain_s + 5.0, exited=exited)
        log: Any = get_logger("edge")
        log.info("starting", workers=workers, port=port)

        def took(found: Loaded) -> None:
            handing.hand(found)
            supervisor.reread()

        running = Running(settings, loaded.origins)
        running.listen(lambda _: configure_logging(running.settings.log, "edge"))
        async with Rereading(read, loaded, running, took).follow(reread):
            return await supervisor.run(stop, force)


if __name__ == "__main__":
    sys.exit(main())
