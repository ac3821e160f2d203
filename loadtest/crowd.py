"""The viewers of a load test: swarm processes, and what goes to and fro between them and here."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Final

from loadtest import swarm
from loadtest.talk import Dialect
from loadtest.viewers import Plan

PER_PROCESS: Final = 18_000
_STOP_S: Final = 10.0


class Helper:
    """A process that puts load on, and the pipe to it."""

    def __init__(self, main: Callable[[Any, Connection], None], plan: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(target=main, args=(plan, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def say(self, word: Any) -> None:
        """Raises ConnectionError when the process is gone."""
        try:
            self._pipe.send(word)
        except OSError:
            raise ConnectionError("a client process ended") from None

    async def hear(self) -> dict[str, Any]:
        """What it says next. Raises ConnectionError, with the process' own words if it had any."""
        try:
            answer: dict[str, Any] = await asyncio.to_thread(self._pipe.recv)
        except (EOFError, OSError):
            raise ConnectionError("a client process ended") from None
        if "error" in answer:
            raise ConnectionError(answer["error"])
        return answer

    async def stop(self, word: Any) -> None:
        """Say `word` and wait for the end, for ten seconds at most."""
        with suppress(OSError):
            self._pipe.send(word)
        await asyncio.to_thread(self._process.join, _STOP_S)
        if self._process.is_alive():
            self._process.kill()


@asynccontextmanager
async def helper(
    main: Callable[[Any, Connection], None], plan: Any, last_word: Any = "stop"
) -> AsyncIterator[Helper]:
    """A running one, stopped on the way out."""
    running = Helper(main, plan)
    try:
        yield running
    finally:
        await running.stop(last_word)


class Crowd:
    """Swarm processes."""

    def __init__(self, swarms: list[Helper]) -> None:
        self._swarms = swarms
        self._ready = False

    async def ready(self) -> None:
        """Return when nothing is left to do but to connect. May be called twice."""
        if not self._ready:
            await self._hear()
            self._ready = True

    async def joined(self, progress: Callable[[int], None] = lambda _: None) -> tuple[int, float]:
        """Connect all; `progress` is told how many are in. How many came, and the seconds it took.

        Raises ConnectionError.
        """
        await self.ready()
        self._say("go")
        inside = [0] * len(self._swarms)

        async def follow(number: int) -> dict[str, Any]:
            while "seconds" not in (answer := await self._swarms[number].hear()):
                inside[number] = answer["joined_so_far"]
                progress(sum(inside))
            return answer

        answers = await asyncio.gather(*(follow(number) for number in range(len(inside))))
        return sum(answer["joined"] for answer in answers), max(answer["seconds"] for answer in answers)

    async def take(self) -> list[dict[str, Any]]:
        """A checks.Tally of each process: what came since the last one. Raises ConnectionError."""
        self._say("take")
        return await self._hear()

    def hurry(self) -> None:
        """Those who read slowly read all there is from now on."""
        self._say("hurry")

    async def stop(self) -> None:
        await asyncio.gather(*(one.stop("stop") for one in self._swarms))

    def _say(self, word: str) -> None:
        for one in self._swarms:
            one.say(word)

    async def _hear(self) -> list[dict[str, Any]]:
        return list(await asyncio.gather(*(one.hear() for one in self._swarms)))


@dataclass(frozen=True, slots=True)
class Audience:
    """Who comes: `rooms` with their viewers, over `processes` or as many as that takes."""

    rooms: tuple[tuple[str, int], ...]
    protocol: str
    processes: int = 1
    first_address: int = 0
    bare: bool = False
    returning: bool = False
    bytes_per_s: int = 0
    dialect: Dialect | None = None
    deflate: bool = False

    def plans(self, host: str, port: int) -> list[Plan]:
        """One of each process; viewers of a room are spread over them."""
        count = max(self.processes, -(-sum(viewers for _, viewers in self.rooms) // PER_PROCESS))
        return [
            Plan(
                host, port, rooms, self.protocol, self.first_address + 10 * (number + 1), self.bare,
                self.returning, self.bytes_per_s, self.dialect, self.deflate,
            )
            for number, rooms in enumerate(dealt(self.rooms, count))
            if rooms
        ]  # fmt: skip


def dealt(rooms: Sequence[tuple[str, int]], hands: int) -> list[tuple[tuple[str, int], ...]]:
    """Viewers dealt out one by one; what each hand holds of each room, nothing left out."""
    held: list[list[tuple[str, int]]] = [[] for _ in range(hands)]
    dealt_before = 0
    for room, viewers in rooms:
        for hand in range(hands):
            offset = (hand - dealt_before) % hands
            share = len(range(offset, viewers, hands))
            if share:
                held[hand].append((room, share))
        dealt_before += viewers
    return [tuple(hand) for hand in held]


@asynccontextmanager
async def crowd(host: str, port: int, audience: Audience) -> AsyncIterator[Crowd]:
    """The viewers. They come with `joined`."""
    people = Crowd([Helper(swarm.main, plan) for plan in audience.plans(host, port)])
    try:
        yield people
    finally:
        await people.stop()
