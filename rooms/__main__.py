"""`python -m rooms`: one process that owns rooms; start as many as you like."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tomllib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from config.keys import SettingsError
from config.live import Running
from config.loading import Loaded, load_with_origins
from config.settings import Settings
from danmaku import garbage
from danmaku.bus.nats import NatsBus
from danmaku.login import LoginError, secret
from danmaku.logs import configure_logging, get_logger
from danmaku.rereading import Rereading
from danmaku.retuning import retune
from danmaku.scraped import scraped
from danmaku.signals import heard
from danmaku.slow import Slow
from danmaku.store.errors import LayoutMismatch, StoreDown
from danmaku.store.valkey import ValkeyStore
from danmaku.supervisor import USELESS, supervised_as
from danmaku.telemetry import BusMetrics, RoomsMetrics, SlowMetrics
from danmaku.tracing.opening import TracingMissing, tracing
from danmaku.tracing.spans import Spans
from rooms.process import RoomsProcess

_RETRY_S = 0.5


class NotStarted(Exception):
    """The process cannot start like this; the text says why and what helps."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. The exit code: 0, or 2 when the same start would fail again."""
    flags = _parse(arguments)

    def read() -> Loaded:
        return load_with_origins(flags.config, os.environ, _overrides(flags.set))

    try:
        asyncio.run(_run(read))
    except (SettingsError, LoginError, NotStarted, LayoutMismatch) as error:
        print(f"rooms: {error}", file=sys.stderr)
        return USELESS
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m rooms", description=__doc__)
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with settings")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="any setting: rooms.window_ms=20"
    )
    return parser.parse_args(arguments)


def _overrides(words: Sequence[str]) -> Mapping[str, object]:
    values: dict[str, object] = {}
    for word in words:
        key, _, text = word.partition("=")
        try:
            values[key] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            values[key] = text  # a word needs no quotes here
    return values


async def _run(read: Callable[[], Loaded]) -> None:
    loaded = read()
    settings = loaded.settings
    for key, url, example in (
        ("nats.url", settings.nats.url, "DANMAKU_NATS_URL=nats://HOST:4222"),
        ("store.url", settings.store.url, "DANMAKU_STORE_URL=redis://HOST:6379/0"),
    ):
        if not url:
            raise NotStarted(f"{key} is not set: give it ({example}), or let `danmaku up` start a server")
    running = Running(_with_secret(settings), loaded.origins)
    process = supervised_as() or "rooms"
    configure_logging(running.settings.log, process)
    running.listen(lambda _: configure_logging(running.settings.log, process))
    stop, force, reread = asyncio.Event(), asyncio.Event(), asyncio.Event()
    with heard(stop, force, reread):
        async with Rereading(read, loaded, running).follow(reread):
            await _until_forced(_serve(running, stop), force)


async def _until_forced(work: Coroutine[Any, Any, None], force: asyncio.Event) -> None:
    """To its end, or until `force` cancels it."""
    forced = asyncio.create_task(force.wait())
    serving = asyncio.create_task(work)
    await asyncio.wait([forced, serving], return_when=asyncio.FIRST_COMPLETED)
    for task in (forced, serving):
        task.cancel()
    await asyncio.wait([forced, serving])
    if not serving.cancelled():
        serving.result()


def _with_secret(settings: Settings) -> Settings:
    """With what stands in `review.secret_file`, instead of that. Raises LoginError."""
    review = settings.review
    known = secret("review.secret", review.secret, review.secret_file)
    return msgspec.structs.replace(
        settings, review=msgspec.structs.replace(review, secret=known, secret_file="")
    )


async def _serve(running: Running, stop: asyncio.Event) -> None:
    settings = running.settings
    limits = settings.rooms
    with ExitStack() as stack:
        try:
            stack.enter_context(scraped(limits.metrics_host, limits.metrics_port))
        except OSError as error:
            raise NotStarted(f"rooms.metrics_port: {error}") from error
        name = f"rooms-{secrets.token_hex(8)}"
        try:
            async with tracing(settings.tracing, "danmaku-rooms", name) as spans:
                await _own(running, name, spans, stop)
        except TracingMissing as error:
            raise NotStarted(str(error)) from error


async def _own(running: Running, name: str, spans: Spans | None, stop: asyncio.Event) -> None:
    settings = running.settings
    slow = Slow(settings.log.slow_ms, SlowMetrics())
    retune(running, slow, spans)
    bus = NatsBus.start(settings.nats, name, BusMetrics(), slow)
    try:
        metrics = RoomsMetrics()
        store = await _store(settings, slow, metrics, stop)
        if store is not None:
            try:
                process = RoomsProcess(name, bus, store, running, metrics, spans=spans, slow=slow)
                garbage.settle()
                await process.run(stop)
            finally:
                await store.close()
    finally:
        await bus.close()


async def _store(
    settings: Settings, slow: Slow, metrics: RoomsMetrics, stop: asyncio.Event
) -> ValkeyStore | None:
    """As soon as it answers; None when `stop` comes before."""
    told = False
    while not stop.is_set():
        try:
            return await ValkeyStore.connect(
                settings.store, settings.rooms, settings.chat, slow, metrics.store_lost.inc
            )
        except (ValueError, TypeError) as error:  # TypeError: an option that the client does not know
            raise NotStarted(f"store.url: {error}") from error
        except StoreDown as error:
            if not told:
                get_logger("rooms").warning("waiting for the store", error=str(error))
            told = True
            await asyncio.sleep(_RETRY_S)
    return None


if __name__ == "__main__":
    sys.exit(main())
