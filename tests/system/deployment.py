"""A whole service of its own for a test: `danmaku up` as a process, on a free port and a temporary folder."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from config.settings import Settings
from danmaku.auth import from_settings
from danmaku.caller import Caller, CallFailed
from danmaku.data_folder import DataFolder
from danmaku.model import Identity, Role
from tests.ports import free_port

HOST = "127.0.0.1"
_DEADLINE_S = 60.0

# Tests send faster than people may.
LOOSE: Final[Mapping[str, str]] = {
    "DANMAKU_POLICY_USER_BURST": "100000",
    "DANMAKU_POLICY_USER_COUNT": "100000",
    "DANMAKU_POLICY_GUEST_BURST": "100000",
    "DANMAKU_POLICY_GUEST_COUNT": "100000",
    "DANMAKU_POLICY_REPEAT_S": "0",
    "DANMAKU_POLICY_DISPLAY_PER_S": "5000",
    "DANMAKU_POLICY_DISPLAY_HIGH_PER_S": "5000",
    "DANMAKU_EDGE_FRAMES_PER_S": "10000",
    "DANMAKU_EDGE_FRAMES_BURST": "10000",
    "DANMAKU_EDGE_CONNECTIONS_PER_ADDRESS": "0",
    "DANMAKU_EDGE_ADDRESS_PER_S": "0",
}


def until(done: Callable[[], bool], what: str, deadline_s: float = _DEADLINE_S) -> None:
    """Wait for something that happens in other processes."""
    deadline = time.monotonic() + deadline_s
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {deadline_s:g} s: {what}")
        time.sleep(0.05)


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DANMAKU_")}
    return {**clean, "NO_COLOR": "1", **more}


def danmaku(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    argv = [sys.executable, "-m", "danmaku.cli", *words]
    return subprocess.run(argv, env=environment(**more), capture_output=True, text=True, timeout=60)


@contextmanager
def following(*words: str, **more: str) -> Iterator[Callable[[], Any]]:
    """Run a command that goes on until Ctrl-C, which it has to take well: gives the next line, of JSON."""
    argv = [sys.executable, "-m", "danmaku.cli", *words]
    with subprocess.Popen(argv, env=environment(**more), stdout=subprocess.PIPE, text=True) as process:
        lines = process.stdout
        assert lines is not None
        try:
            yield lambda: json.loads(lines.readline())
            process.send_signal(signal.SIGINT)
            assert process.wait(_DEADLINE_S) == 0
        finally:
            process.kill()


class Deployment:
    """`danmaku up` on `folder`. Start and stop it as often as you like."""

    def __init__(self, folder: Path, *flags: str, **more: str) -> None:
        self.data = DataFolder(folder / "data")
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.ws = f"ws://{HOST}:{self.port}/v1/ws"
        self._log = folder / "up.log"
        self._flags = flags
        self._more = more
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def said(self) -> str:
        """All that was printed so far, by it and its children."""
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        """Start and wait until it is ready."""
        argv = [sys.executable, "-m", "danmaku.cli", "up", "--data", str(self.data.path)]
        argv += ["--host", HOST, "--port", str(self.port), *self._flags]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                argv, env=environment(**self._more), stdout=log, stderr=log, start_new_session=True
            )
        until(lambda: self.ended() or self.data.url() is not None, "ready")
        assert not self.ended(), self.said

    def ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop as Ctrl-C does; the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(_DEADLINE_S)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def processes(self) -> dict[int, str]:
        """All processes below `up` now: {pid: command line}."""
        parents: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if fields[0] != "Z":
                parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found: dict[int, str] = {}
        waiting = [self.pid]
        while waiting:
            for pid in parents.get(waiting.pop(), []):
                found[pid] = command_of(pid)
                waiting.append(pid)
        return found

    def pid_of(self, words: str) -> int:
        """The process right below `up` whose command line holds `words`."""
        found = [pid for pid, command in self.processes().items() if words in command]
        assert found, (words, self.processes())
        return min(found)

    def workers(self) -> list[int]:
        """The edge processes that hold sockets, where there are several."""
        return [pid for pid, command in self.processes().items() if "-m edge --worker" in command]

    def token(self, uid: str, role: str = "viewer", *rooms: str) -> str:
        """An access token, signed with the secret of the data folder; with `rooms` the role is for these."""
        given = Role.parse(role)
        in_rooms = Identity(uid, uid, Role.VIEWER, dict.fromkeys(rooms, given))
        who = in_rooms if rooms else Identity(uid, uid, given)
        return from_settings(self.data.with_secret(Settings()).auth).issue(who, time.time()).access

    async def call(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> tuple[int, Any]:
        """One HTTP call, whatever comes of it: status and decoded answer (None where there is none)."""
        return await asyncio.to_thread(call, method, self.url + path, body, token)

    def caller(self, token: str | None = None) -> Caller:
        return Caller(self.url, token)

    def read(self, path: str) -> str:
        """A page as text; raises where the status is not a good one."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:  # noqa: S310  our own http
            text: str = answer.read().decode()
            return text

    def ready(self) -> bool:
        """What one of its workers says."""
        try:
            return bool(self.caller().get("/readyz")["ready"])
        except CallFailed:
            return False

    def post(self, room: str, text: str, token: str) -> dict[str, Any]:
        """Post a comment, again until the service has got over what was done to it."""
        body = {"kind": "comment", "text": text, "cid": os.urandom(8).hex()}
        answers: list[dict[str, Any]] = []
        failures: list[str] = []

        def posted() -> bool:
            try:
                answers.append(self.caller(token).post(f"/v1/rooms/{room}/messages", body))
            except CallFailed as error:
                failures.append(str(error))
            return bool(answers)

        until(posted, f"a comment is taken; {failures[-1:]}")
        return answers[0]


@contextmanager
def deployed(folder: Path, *flags: str, **more: str) -> Iterator[Deployment]:
    """A service that runs while the block lasts."""
    deployment = Deployment(folder, *flags, **more)
    try:
        deployment.start()
        yield deployment
    finally:
        deployment.kill()


@asynccontextmanager
async def serving(folder: Path, *flags: str, **more: str) -> AsyncIterator[Deployment]:
    """A service, for tests with an event loop, that lets everybody say much; it has to stop well."""
    deployment = Deployment(folder, *flags, **{**LOOSE, **more})
    try:
        await asyncio.to_thread(deployment.start)
        yield deployment
        assert await asyncio.to_thread(deployment.stop, signal.SIGTERM) == 0, deployment.said
    finally:
        await asyncio.to_thread(deployment.kill)


def call(method: str, url: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
    """One HTTP call, whatever comes of it: status and decoded answer (None where there is none)."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  our own http
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:  # noqa: S310  our own http
            return answer.status, _decoded(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _decoded(error.read())


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
