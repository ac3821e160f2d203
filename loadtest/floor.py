"""The floor beside which the service is measured: a bare send(2) loop in C, compiled on the spot."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class NoCompiler(RuntimeError):
    """There is no working C compiler."""


class Floor:
    """A running floor process. Windows may be run any number of times."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def accepted(self) -> None:
        """Return when all sockets are in."""
        await self._line()

    async def window(self, seconds: float) -> tuple[int, float, int]:
        """Send for `seconds`. Returns frames sent, CPU seconds spent, sends that did not fit the socket."""
        assert self._process.stdin  # noqa: S101  opened with a pipe
        self._process.stdin.write(f"go {seconds}\n".encode())
        frames, cpu, failed = (await self._line()).split()
        return int(frames), float(cpu), int(failed)

    async def _line(self) -> str:
        assert self._process.stdout  # noqa: S101  opened with a pipe
        line = await asyncio.wait_for(self._process.stdout.readline(), 180)
        if not line:
            raise RuntimeError("the floor process ended")
        return line.decode()


@asynccontextmanager
async def floor(port: int, sockets: int, payload: bytes, rate: float) -> AsyncIterator[Floor]:
    """Compile the loop and run it with one frame of `payload`. Raises NoCompiler."""
    with tempfile.TemporaryDirectory(prefix="danmaku-floor-") as folder:
        program = f"{folder}/floor"
        source = str(Path(__file__).with_name("floor.c"))
        try:
            compiler = await asyncio.create_subprocess_exec("cc", "-O2", "-o", program, source)
        except FileNotFoundError:
            raise NoCompiler("cc not found: apt-get install gcc libc6-dev") from None
        if await compiler.wait():
            raise NoCompiler("cc could not compile floor.c: apt-get install gcc libc6-dev")
        process = await asyncio.create_subprocess_exec(
            program, str(port), str(sockets), payload.hex(), str(rate),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            running = Floor(process)
            await running._line()
            yield running
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
