"""How these tests talk to their child server: by WebSocket, by HTTP, and by asking what it has seen."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.system.uws_process import ROOT, Process, running
from tests.system.uws_raw import RawClient

DEADLINE_S = 15


@asynccontextmanager
async def a_child(**options: Any) -> AsyncIterator[Process]:
    async with asyncio.timeout(120), running("tests.system.uws_child", options) as child:
        yield child


@asynccontextmanager
async def client(child: Process, path: str = "/ws", **options: Any) -> AsyncIterator[RawClient]:
    one = await RawClient.open(child.port, path, **options)
    try:
        yield one
    finally:
        await one.leave()


@asynccontextmanager
async def web(child: Process) -> AsyncIterator[RawClient]:
    one = await RawClient.connect(child.port)
    try:
        yield one
    finally:
        await one.leave()


def http(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def fetch(child: Process, method: str, path: str, body: bytes = b"") -> tuple[int, str, bytes]:
    async with web(child) as one:
        one.send_bytes(http(method, path, body))
        return await one.response()


async def report(child: Process) -> dict[str, Any]:
    status, _, body = await fetch(child, "GET", "/report")
    assert status == 200
    answer: dict[str, Any] = json.loads(body)
    return answer


async def report_when(child: Process, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first report that fits, or the last one before the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        seen = await report(child)
        if holds(seen) or time.monotonic() > deadline:
            return seen
        await asyncio.sleep(0.02)


async def ask(one: RawClient, text: str) -> str:
    one.send(text)
    async with asyncio.timeout(DEADLINE_S):
        return await one.text()


def run_python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
