"""A whole service as `danmaku up` starts it, on a free port and a temporary folder."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Tests send faster than people may.
LOOSE = {
    "DANMAKU_POLICY_USER_BURST": "100000",
    "DANMAKU_POLICY_USER_COUNT": "100000",
    "DANMAKU_POLICY_GUEST_BURST": "100000",
    "DANMAKU_POLICY_GUEST_COUNT": "100000",
    "DANMAKU_POLICY_REPEAT_S": "0",
    "DANMAKU_POLICY_DISPLAY_PER_S": "5000",
    "DANMAKU_POLICY_DISPLAY_HIGH_PER_S": "5000",
    "DANMAKU_EDGE_FRAMES_PER_S": "10000",
    "DANMAKU_EDGE_FRAMES_BURST": "10000",
}


@dataclass
class Service:
    """A running `danmaku up`."""

    port: int
    data: Path
    log: Path
    process: asyncio.subprocess.Process
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/ws"

    async def call(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> tuple[int, Any]:
        """One HTTP call: status and decoded answer (None where there is none)."""
        return await asyncio.to_thread(self._call, method, path, body, token)

    def _call(self, method: str, path: str, body: Any, token: str | None) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.http + path, data, headers, method=method)  # noqa: S310  our own URL
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:  # noqa: S310  our own URL
                return answer.status, _decoded(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _decoded(error.read())

    async def token(self, uid: str, role: str = "viewer", *rooms: str) -> str:
        """A token minted by the command line with the secret of this service's data folder."""
        words = [sys.executable, "-m", "danmaku.cli", "token", "--uid", uid, "--role", role]
        for room in rooms:
            words += ["--room", room]
        process = await asyncio.create_subprocess_exec(
            *words, "--data", str(self.data), stdout=asyncio.subprocess.PIPE, env=self.environment
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        return out.decode().strip()

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 40)


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@asynccontextmanager
async def running_service(
    folder: Path, *arguments: str, settings: Mapping[str, str] = LOOSE, port: int = 0
) -> AsyncIterator[Service]:
    """`danmaku up` with its data in `folder`/data, ready; stopped on the way out."""
    folder.mkdir(exist_ok=True)
    port = port or free_port()
    log = folder / "log"
    environment = {**os.environ, "NO_COLOR": "1", **settings}
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "danmaku.cli", "up", "--host", "127.0.0.1", "--port", str(port),
            "--data", str(folder / "data"), *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out, env=environment,
            start_new_session=True,
        )  # fmt: skip
    service = Service(port, folder / "data", log, process, environment)
    try:
        await _ready(service)
        yield service
    finally:
        try:
            await service.stop()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise


async def _ready(service: Service) -> None:
    async with asyncio.timeout(40):
        while True:
            if service.process.returncode is not None:
                raise AssertionError(f"the service ended: {service.log.read_text()}")
            try:
                status, _ = await service.call("GET", "/readyz")
                if status == 200:
                    return
            except OSError:
                pass
            await asyncio.sleep(0.1)
