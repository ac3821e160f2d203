"""Starts a helper of these tests as a process of its own and sees to its end."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
END_S = 20


class Process:
    """A running helper. `output` and `errors` are there once it has ended."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port
        self.output = ""
        self.errors = ""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def end(self) -> int:
        """Ask it to end, by closing its stdin; its exit status, or minus the signal that ended it."""
        if self.alive:
            output, errors = await asyncio.wait_for(self._process.communicate(b""), END_S)
            self.output, self.errors = output.decode(), errors.decode()
        return self._process.returncode if self._process.returncode is not None else -1


class FailedToStart(Exception):
    """The helper ended without a port; its last words are in here."""


@asynccontextmanager
async def running(module: str, options: dict[str, Any]) -> AsyncIterator[Process]:
    """Run `module` with `options` as JSON. To leave asks it to end, and fails where it does not end well."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-X", "faulthandler", "-m", module, json.dumps(options)),
        cwd=ROOT,
        # Freed native memory is overwritten at once, so that a use after free does not pass by luck.
        env=os.environ | {"MALLOC_PERTURB_": "165"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), END_S)
        if not line:
            _, errors = await process.communicate()
            raise FailedToStart(errors.decode())
        helper = Process(process, int(line))
        yield helper
        status = await helper.end()
        assert status == 0, f"the server ended with {status}:\n{helper.errors}"
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
