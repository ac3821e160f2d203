"""What `danmaku doctor` looks at of a bus and a store that are configured: every server of them.

What the answers mean is told by danmaku/engine_findings.py.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from secrets import token_hex
from typing import Any, Final

import msgspec
import redis.asyncio as redis
from redis.exceptions import RedisClusterException, RedisError

from config.engines import urls
from config.settings import Nats, Store
from config.words import masked_url
from danmaku.bus import BusDown
from danmaku.bus.nats import NatsBus
from danmaku.engine_findings import (
    SLOTS,
    Facts,
    Seen,
    answering,
    copies,
    deposed,
    durability,
    memory,
    standing,
    together,
    watching,
)
from danmaku.finding import Finding
from danmaku.login import LoginError
from danmaku.store.valkey.options import sentinels
from danmaku.store.valkey.servers import Server, servers

_HEARD_S: Final = 2.0
_SAY_S: Final = 0.05
_ASKED: Final = "appendonly", "appendfsync", "maxmemory", "maxmemory-policy", "min-replicas-to-write"
_FAILURES: Final = (
    RedisError,
    RedisClusterException,
    OSError,
    TypeError,
    ValueError,
)  # the last two: bad URLs


async def bus(settings: Nats) -> AsyncIterator[Finding]:
    """Every configured server answers, and what is said at one is heard at the others."""
    opened: dict[str, NatsBus] = {}
    failed: dict[str, str] = {}
    try:
        for url in urls(settings.url):
            try:
                opened[masked_url(url)] = await NatsBus.connect(
                    msgspec.structs.replace(settings, url=url), "doctor"
                )
            except BusDown as error:
                failed[masked_url(url)] = str(error)
        yield answering(list(opened), failed)
        if len(opened) > 1:
            yield together(await _unheard(settings, opened))
    except LoginError as error:
        yield Finding("nats", "broken", str(error), "correct it in the section [nats]")
    finally:
        for connection in opened.values():
            await connection.close()


async def _unheard(settings: Nats, opened: Mapping[str, NatsBus]) -> list[str]:
    (_, first), *others = opened.items()
    subject = f"{settings.prefix}.doctor.{token_hex(8)}"
    left = {where for where, _ in others}
    heard = asyncio.Event()

    def hear(where: str) -> None:
        left.discard(where)
        if not left:
            heard.set()

    for where, connection in others:
        with suppress(BusDown):  # then nothing is heard there
            await connection.subscribe(subject, lambda _, __, where=where: hear(where))  # type: ignore[misc]  # of a default
            await connection.flush(_HEARD_S)
    try:
        async with asyncio.timeout(_HEARD_S):
            while not heard.is_set():
                await first.publish(subject, b"")
                await asyncio.sleep(_SAY_S)
    except (TimeoutError, BusDown):
        pass
    return sorted(left)


async def store(settings: Store) -> AsyncIterator[Finding]:
    """Every server that has keys, and what watches over them."""
    where, mend = masked_url(settings.url), "start that server, or correct store.url"
    try:
        there = servers(settings)
    except LoginError as error:
        yield Finding("store", "broken", str(error), "correct it in the section [store]")
        return
    except _FAILURES as error:
        yield Finding("store", "broken", f"{where} cannot be used: {masked_url(str(error))}", mend)
        return
    try:
        there.doubt()
        await there.settled()
        found = there.all()
        facts = [await _facts(server, settings.timeout_s) for server in found]
        slots = await _slots(found[0], settings.timeout_s) if found and there.several else SLOTS
        vouched = not settings.replicas or not found or await there.vouch(found[0], None)
    except _FAILURES as error:
        yield Finding("store", "broken", f"{where} does not answer: {masked_url(str(error))}", mend)
        return
    finally:
        await there.close()
    if not facts:
        yield Finding("store", "broken", f"nobody at {where} tells where the store is", mend)
        return
    yield standing(where, facts, slots)
    yield durability(facts)
    yield memory(facts)
    seen = await _seen(settings) if settings.kind == "sentinel" else {}
    if settings.kind != "single" or settings.replicas:
        known = max((one.replicas for one in seen.values() if isinstance(one, Seen)), default=0)
        yield copies(settings.replicas, facts, known)
    if settings.kind == "sentinel":
        yield deposed(facts)
        yield watching(len(urls(settings.url)), seen, vouched=vouched)


async def _facts(server: Server, timeout_s: float) -> Facts:
    """Raises one of _FAILURES."""
    client = redis.Redis(connection_pool=server.pool)
    try:
        async with asyncio.timeout(timeout_s):
            info = await client.info("server")
            info |= await client.info("replication")
            seconds, _ = await client.time()
            try:
                raw = await client.config_get(*_ASKED)
            except RedisError:  # whoever runs it may not let us
                raw = {}
    finally:
        await client.aclose(close_connection_pool=False)
    options = server.pool.connection_kwargs
    return Facts(
        where=str(options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"),
        version=str(info.get("valkey_version") or info.get("redis_version")),
        apart_s=seconds - time.time(),
        role=str(info["role"]),
        replicas=int(info["connected_slaves"]),
        config={_text(key): _text(value) for key, value in raw.items()},
    )


async def _slots(server: Server, timeout_s: float) -> int:
    """How many slots of the cluster have a server. Raises one of _FAILURES."""
    client = redis.Redis(connection_pool=server.pool)
    try:
        async with asyncio.timeout(timeout_s):
            rows: Any = await client.execute_command("CLUSTER", "SLOTS")  # type: ignore[no-untyped-call]  # it takes any words
    finally:
        await client.aclose(close_connection_pool=False)
    return sum(int(row[1]) - int(row[0]) + 1 for row in rows)


async def _seen(settings: Store) -> dict[str, Seen | str]:
    watcher = sentinels(settings)
    found: dict[str, Seen | str] = {}
    try:
        for url, one in zip(urls(settings.url), watcher.sentinels, strict=True):
            try:
                told: Any = await one.sentinel_master(settings.master)
                found[masked_url(url)] = Seen(int(told["num-other-sentinels"]), int(told["num-slaves"]))
            except (RedisError, OSError) as error:
                found[masked_url(url)] = str(error)
    finally:
        await watcher.aclose()
    return found


def _text(raw: Any) -> str:
    return raw.decode() if isinstance(raw, bytes) else str(raw)
