"""Runs the bare append script beside the service, as `loadtest.floor` runs the bare send(2) loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

_ANSWER_S: Final = 60.0  # beyond the window's own length
_STOP_S: Final = 20.0


class Bare:
    """A running one. Windows may be run any number of times."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def window(self, seconds: float) -> tuple[int, float]:
        """Append for `seconds`: how many messages, and the CPU seconds of that process.

        Raises ConnectionError.
        """
        assert self._process.stdin  # noqa: S101  opened with a pipe
        self._process.stdin.write(f"go {seconds}\n".encode())
        appended, cpu = (await self._line(seconds)).split()
        return int(appended), float(cpu)

    async def _line(self, seconds: float = 0.0) -> str:
        assert self._process.stdout  # noqa: S101  opened with a pipe
        try:
            read = await asyncio.wait_for(self._process.stdout.readline(), seconds + _ANSWER_S)
        except TimeoutError:
            raise ConnectionError("the bare append script does not answer") from None
        line = read.decode().strip()
        if not line or line.startswith("error"):
            raise ConnectionError(f"the bare append script ended: {line or 'it said nothing'}")
        return line


@asynccontextmanager
async def bare_append(store: str, conversations: int, letters: int, pipelined: int) -> AsyncIterator[Bare]:
    """It is there, and has its connection to `store`. Raises ConnectionError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest.bare_append", store, str(conversations), str(letters), str(pipelined),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        running = Bare(process)
        await running._line()
        yield running
    finally:
        assert process.stdin  # noqa: S101  opened with a pipe
        process.stdin.close()  # so it ends
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _STOP_S)
        if process.returncode is None:
            process.kill()
            await process.wait()
