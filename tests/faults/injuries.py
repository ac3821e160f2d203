"""What is done to parts of a service, and undone: at random, several at a time, by a seed.

What is promised bounds what may come together. In a replicated store a comment is not waited for by replicas:
its owner gives it back after a failover. So while a primary is away no rooms process suffers, nor the other
way round.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from danmaku.servers import Running
from tests.engines import SentinelSet, ValkeyCluster, primaries_of, role_of, until
from tests.faults.whole import SeveralFleet, SingleFleet, Wires
from tests.faults.wire import Wire
from tests.system.fleet import Edge, Part
from tests.system.nats_proxy import nothing, some

Act = Callable[[random.Random], Awaitable[None]]

_PAUSE_S: Final = (0.3, 2.0)  # between one fault and the next
_TAKEN: Final = "partitions taken"  # what a rooms process logs
_STUTTERS: Final = 15
_SYNCED_S: Final = 1.5  # after which all is on disk that was written before
_JUMPS_S: Final = 2.0, 30.0, 3600.0  # less and more than a lease lasts, and than a history is kept
_READY_S: Final = 150.0  # on a machine that has no time for it


@dataclass(frozen=True)
class Injury:
    """`act` injures and heals. `parts`: which nothing else is done to meanwhile."""

    name: str
    act: Act
    parts: frozenset[str]


class Injuries:
    """`only`: those with this in their name."""

    def __init__(self, whole: SingleFleet | SeveralFleet, seed: int, only: str = "") -> None:
        self._random = random.Random(seed)  # noqa: S311  a seed makes failures repeatable
        self._all = [one for one in _injuries(whole) if only in one.name]
        self._ill: set[str] = set()
        self.done: list[str] = []

    async def run(self, seconds: float) -> float:
        """One after the other for so long; when the last was healed, monotonic."""
        end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            while time.monotonic() < end:
                if possible := [one for one in self._all if not one.parts & self._ill]:
                    parts = self._random.choice(sorted({tuple(sorted(one.parts)) for one in possible}))
                    same = [one for one in possible if tuple(sorted(one.parts)) == parts]
                    tasks.create_task(self._suffer(self._random.choice(same)))
                await asyncio.sleep(self._random.uniform(*_PAUSE_S))
        return time.monotonic()

    async def _suffer(self, injury: Injury) -> None:
        self._ill |= injury.parts
        self.done.append(injury.name)
        await injury.act(random.Random(self._random.random()))  # noqa: S311  see above
        self._ill -= injury.parts


def _injuries(whole: SingleFleet | SeveralFleet) -> Iterator[Injury]:
    for part in [*whole.edges, *whole.rooms]:
        yield from _of_a_process(part)
    if isinstance(whole, SingleFleet):
        yield from _of_single_servers(whole)
        for name, wires in whole.wires.items():
            yield from _of_wires(name, wires)
        for part in [*whole.edges, *whole.rooms]:
            yield _of_a_clock(whole, part)
    else:
        yield from _of_the_bus(whole)
        yield from _of_a_primary(whole)


def _of_a_process(part: Part) -> Iterator[Injury]:
    async def start() -> None:
        """Healed is what works again: a process takes its time to start, on a busy machine a long one."""
        before = part.said.count(_TAKEN)
        part.start()

        async def works() -> bool:
            if isinstance(part, Edge):
                return await asyncio.to_thread(part.is_ready)
            return part.said.count(_TAKEN) > before

        await until(works, f"{part.name} works again", _READY_S)

    async def kill(dice: random.Random) -> None:
        part.kill()
        await asyncio.sleep(dice.uniform(0.2, 3.0))
        await start()

    async def stop(_: random.Random) -> None:
        await asyncio.to_thread(part.stop)
        await start()

    async def freeze(dice: random.Random) -> None:
        await _freeze(part.pid, dice.uniform(0.2, 5.0))

    for act in (kill, stop, freeze):
        yield Injury(f"{act.__name__} {part.name}", act, frozenset({part.name}))


def _of_single_servers(whole: SingleFleet) -> Iterator[Injury]:
    for running in (whole.nats, whole.valkey):
        yield from _of_a_server(running, running.server.name, whole.start_server)
    yield Injury(
        "stutter valkey-server", lambda dice: _stutter(whole.valkey, dice), frozenset({"valkey-server"})
    )
    if whole.disk.small:

        async def fill(dice: random.Random) -> None:
            """Nothing more can be appended. A server that syncs each write ends itself then; one that syncs
            each second refuses to write until it can."""
            ends = dice.random() < 0.5
            if not ends:
                await asyncio.to_thread(_sync, whole, "everysec")
            whole.disk.fill()
            await asyncio.sleep(dice.uniform(0.5, 3.0))
            whole.disk.free()
            if ends:
                whole.valkey.kill()
                await whole.start_server(whole.valkey)
            else:
                await asyncio.sleep(_SYNCED_S)
                await asyncio.to_thread(_sync, whole, "always")

        yield Injury("fill the disk of valkey-server", fill, frozenset({"valkey-server"}))


def _of_a_server(
    running: Running, name: str, start: Callable[[Running], Awaitable[None]]
) -> Iterator[Injury]:
    async def kill(dice: random.Random) -> None:
        running.kill()
        await asyncio.sleep(dice.uniform(0.2, 3.0))
        await start(running)

    async def freeze(dice: random.Random) -> None:
        await _freeze(running.pid, dice.uniform(0.2, 5.0))

    for act in (kill, freeze):
        yield Injury(f"{act.__name__} {name}", act, frozenset({name}))


def _of_wires(name: str, wires: Wires) -> Iterator[Injury]:
    yield from _of_a_wire(f"{name} to nats-server", wires.bus)
    if wires.store is not None:
        yield from _of_a_wire(f"{name} to valkey-server", wires.store)
    if (lossy := wires.lossy) is not None:

        async def lose(dice: random.Random) -> None:
            lossy.lose = some(dice.choice([0.1, 0.5, 1.0]), dice.randrange(1000))
            await asyncio.sleep(dice.uniform(1.0, 4.0))
            lossy.lose = nothing

        yield Injury(f"lose messages to {name}", lose, frozenset({f"messages to {name}"}))


def _of_a_wire(what: str, wire: Wire) -> Iterator[Injury]:
    async def cut(dice: random.Random) -> None:
        await wire.cut()
        await asyncio.sleep(dice.uniform(0.5, 4.0))
        wire.heal()

    async def silence(dice: random.Random) -> None:
        wire.silence(*dice.choice([("there",), ("back",), ("there", "back")]))
        await asyncio.sleep(dice.uniform(0.5, 5.0))
        wire.heal()

    async def delay(dice: random.Random) -> None:
        wire.slow(dice.uniform(0.02, 0.3))
        await asyncio.sleep(dice.uniform(1.0, 4.0))
        wire.heal()

    for act in (cut, silence, delay):
        yield Injury(f"{act.__name__} {what}", act, frozenset({what}))


def _of_a_clock(whole: SingleFleet, part: Part) -> Injury:
    async def jump(dice: random.Random) -> None:
        """Of an edge tokens stay within their time: they last longer than an hour."""
        most = 2 if isinstance(part, Edge) else 3  # by an hour tokens are out of date, or of another time
        whole.clock_is_wrong(part, dice.choice([-1, 1]) * dice.choice(_JUMPS_S[:most]))
        await asyncio.sleep(dice.uniform(0.5, 5.0))
        whole.clock_is_wrong(part, 0)

    return Injury(f"jump of the clock of {part.name}", jump, frozenset({f"clock of {part.name}"}))


def _of_the_bus(whole: SeveralFleet) -> Iterator[Injury]:
    nodes = whole.bus.nodes
    for node in nodes:
        yield from _of_a_server(node, node.server.name, start_again)

    async def kill_all(dice: random.Random) -> None:
        for node in nodes:
            node.kill()
        await asyncio.sleep(dice.uniform(0.5, 3.0))
        for node in nodes:
            await start_again(node)
        await whole.bus.form()

    yield Injury("kill all of nats", kill_all, frozenset(node.server.name for node in nodes))


def _of_a_primary(whole: SeveralFleet) -> Iterator[Injury]:
    store = whole.replicated
    parts = frozenset({"store", *(part.name for part in whole.rooms)})

    async def kill(dice: random.Random) -> None:
        primary = dice.choice(await primaries_of(store))
        primary.kill()
        await asyncio.sleep(dice.uniform(0.5, 5.0))
        await start_again(primary)
        await replicated(store)

    async def freeze(dice: random.Random) -> None:
        await _freeze((dice.choice(await primaries_of(store))).pid, dice.uniform(0.5, 5.0))
        await replicated(store)

    async def stutter(dice: random.Random) -> None:
        await _stutter(dice.choice(await primaries_of(store)), dice)
        await replicated(store)

    for act in (kill, freeze, stutter):
        yield Injury(f"{act.__name__} a primary of the store", act, parts)


def _sync(whole: SingleFleet, how: str) -> None:
    with whole.store() as store:
        store.config_set("appendfsync", how)


async def _freeze(pid: int, seconds: float) -> None:
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(seconds)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


async def _stutter(running: Running, dice: random.Random) -> None:
    """As on a slow disk, where each write is waited for by all."""
    for _ in range(_STUTTERS):
        await _freeze(running.pid, dice.uniform(0.02, 0.2))
        await asyncio.sleep(dice.uniform(0.01, 0.1))


async def start_again(running: Running) -> None:
    running.start()
    await running.server.wait_ready(_READY_S)


async def replicated(store: ValkeyCluster | SentinelSet) -> None:
    """Return when every primary has a replica again that follows it, so that the next one may be lost."""

    async def done() -> bool:
        roles = [await role_of(node) for node in store.nodes]
        primaries = [role for role in roles if role[0] == b"master"]
        expected = store.primaries if isinstance(store, ValkeyCluster) else 1
        following = sum(role[0] == b"slave" and role[3] == b"connected" for role in roles)
        return (
            len(primaries) == expected
            and all(role[2] for role in primaries)
            and (following == len(store.nodes) - expected)
        )

    await until(done, "each primary has its replicas again", _READY_S)
