"""The viewers of a load test: swarm processes, and what goes to and fro between them and here."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from typing import Any, Final

from loadtest import swarm

PER_PROCESS: Final = 18_000


class Crowd:
    """Swarm processes and their pipes."""

    def __init__(self, plans: list[swarm.Plan]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        self._ready = False
        for plan in plans:
            ours, theirs = context.Pipe()
            process = context.Process(target=swarm.main, args=(plan, theirs), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    async def ready(self) -> None:
        """Return when nothing is left to do but to connect. May be called twice."""
        if not self._ready:
            await self._hear()
            self._ready = True

    async def joined(self) -> tuple[int, float]:
        """Connect all. How many viewers are in, and the seconds it took. Raises ConnectionError."""
        await self.ready()
        self._say("go")
        answers = await self._hear()
        for answer in answers:
            if "error" in answer:
                raise ConnectionError(answer["error"])
        return sum(answer["joined"] for answer in answers), max(answer["seconds"] for answer in answers)

    async def take(self) -> list[dict[str, Any]]:
        """A swarm.Tally of each process: what came since the last one."""
        self._say("take")
        return await self._hear()

    async def stop(self) -> None:
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            if process.is_alive():
                pipe.send("stop")
            await asyncio.to_thread(process.join, 10)
            if process.is_alive():
                process.kill()

    def _say(self, word: str) -> None:
        for pipe in self._pipes:
            pipe.send(word)

    async def _hear(self) -> list[dict[str, Any]]:
        return [await asyncio.to_thread(pipe.recv) for pipe in self._pipes]


@asynccontextmanager
async def crowd(
    host: str,
    port: int,
    room: str,
    viewers: int,
    protocol: str,
    *,
    processes: int = 1,
    first_address: int = 0,
    bare: bool = False,
) -> AsyncIterator[Crowd]:
    """So many viewers of one room, over as many processes as that takes. They come with `joined`."""
    count = max(processes, -(-viewers // PER_PROCESS))
    shares = [viewers // count + (number < viewers % count) for number in range(count)]
    people = Crowd(
        [
            swarm.Plan(host, port, share, room, protocol, first_address + 10 * (number + 1), bare)
            for number, share in enumerate(shares)
        ]
    )
    try:
        yield people
    finally:
        await people.stop()
