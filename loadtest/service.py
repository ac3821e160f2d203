"""A service of our own for a load test: `danmaku up` on a temporary data folder, stopped at the end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from danmaku.data_folder import DataFolder
from danmaku.servers import ValkeyServer

# What a load test sends is not what a person may send.
_LOOSE = {
    "DANMAKU_POLICY_USER_COUNT": "1000000",
    "DANMAKU_POLICY_USER_BURST": "1000000",
    "DANMAKU_POLICY_REPEAT_S": "0",
    "DANMAKU_EDGE_FRAMES_PER_S": "100000",
    "DANMAKU_EDGE_FRAMES_BURST": "100000",
    "DANMAKU_EDGE_CONNECTIONS_PER_ADDRESS": "0",
    "DANMAKU_EDGE_ADDRESS_PER_S": "0",
}


@dataclass(frozen=True, slots=True)
class Service:
    """A running deployment. `pid` 0 when it is not ours; then its processes cannot be measured.

    store: the URL of its store, where that is known.
    """

    host: str
    port: int
    token: str
    pid: int = 0
    store: str = ""


class ServiceFailed(RuntimeError):
    """The service did not start; the message is what it printed."""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@asynccontextmanager
async def own_service(
    settings: dict[str, str], workers: int = 1, role: str = "viewer", rooms: int = 1
) -> AsyncIterator[Service]:
    """Start with `settings` (environment variables); stop and clean up on the way out.

    role: that of its token. rooms: so many rooms processes. Raises ServiceFailed.
    """
    with tempfile.TemporaryDirectory(prefix="danmaku-load-") as folder:
        port = free_port()
        environment = {**os.environ, **_LOOSE, "NO_COLOR": "1", **settings}
        log = (Path(folder) / "log").open("wb+")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "danmaku.cli", "up", "--host", "127.0.0.1", "--port", str(port),
            "--data", f"{folder}/data", "--workers", str(workers), "--rooms", str(rooms),
            env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            await _ready(process, port, Path(folder) / "log")
            token = await _token(f"{folder}/data", role)
            store = ValkeyServer(DataFolder(Path(folder) / "data").valkey).url
            yield Service("127.0.0.1", port, token, process.pid, store)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 30.0)
            log.close()


async def _ready(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    for _ in range(300):
        if process.returncode is not None:
            break
        if await asyncio.to_thread(_is_ready, port):
            return
        await asyncio.sleep(0.1)
    raise ServiceFailed(await asyncio.to_thread(log.read_text, errors="replace"))


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


async def _token(data: str, role: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "danmaku.cli", "token", "--uid", "load", "--role", role, "--data", data,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    return out.decode().strip()
