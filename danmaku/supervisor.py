"""Keeps child processes running: starts them in order, restarts what dies, stops them in reverse.

Why it is hard: a child must not outlive its parent, whatever ends the parent, or it would go on
holding a port or a file that the next start needs. So a child first asks the kernel to be killed with
its parent and only then becomes what it is meant to be; and whoever ends takes with it what it left
behind in its session.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

USELESS: Final = 2
"""By this exit code a child of ours says that it would end the same way again: bad settings, port in use."""

# Runs in a Python of its own before the child's program takes its place. Not a `preexec_fn`: that
# would run our code between fork and exec, which is not safe in a process that has threads.
_TIE_TO_PARENT: Final = """
import ctypes, os, signal, sys
parent, place, argv = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
if os.getppid() != parent:
    sys.exit(1)
os.environ["SUPERVISED_AS"] = f"{os.getpid()}:{place}"
try:
    os.execvp(argv[0], argv)
except OSError as error:
    sys.exit(f"cannot run {argv[0]}: {error.strerror}")
"""

PLACE_VARIABLE: Final = "SUPERVISED_AS"
"""In a child's environment: "4711:9f3c/edge/edge-1", its pid and place; with another pid a parent's."""

_log: Any = structlog.get_logger("danmaku.supervisor")


def supervised_as() -> str:
    """The name under which a Supervisor runs this process; "" where none does."""
    return place().rpartition("/")[2]


def place() -> str:
    """What this process has in common with those that a Supervisor ran before in its stead, also where that
    was itself one that died and came back, and with no other anywhere; "" where none runs it."""
    pid, _, own = os.environ.get(PLACE_VARIABLE, "").partition(":")
    return own if pid == str(os.getpid()) else ""


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep running.

    env: its whole environment; None: ours. Children of a lower `stage` are started, and `ready`,
    before those of a higher one. `ready` returns when the child can be used; one that ends before, or
    takes longer than `ready_s`, ends the whole start. Without it a child is ready once it runs.
    `ours` knows what USELESS means; others say something else with that code (a Go program: a panic).
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    stage: int = 0
    ready: Callable[[], Awaitable[None]] | None = None
    ready_s: float = 60.0
    ours: bool = True


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a child is started again, in seconds: doubled until it lives `healthy_s`."""

    first_s: float = 0.2
    most_s: float = 10.0
    healthy_s: float = 10.0

    def after(self, waited_s: float, lived_s: float) -> float:
        """The next wait; `waited_s` is the one before (0: none), `lived_s` how long it ran since."""
        if waited_s == 0 or lived_s >= self.healthy_s:
            return self.first_s
        return min(waited_s * 2, self.most_s)


def reason_of(code: int) -> str:
    """What a return code of `subprocess` says: "exit code 3", "SIGKILL"."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


class Supervisor:
    """Runs `children`, each in a session of its own; what they print passes through untouched.

    stop_s: how long a child may take to end after SIGTERM. exited: called with a child and the pid
    of each of its processes that has ended.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        stop_s: float = 15.0,
        backoff: Backoff | None = None,
        exited: Callable[[Child, int], None] | None = None,
    ) -> None:
        self.ready = asyncio.Event()  # every child was started and is ready
        self._failed = asyncio.Event()
        self._code = 0
        own = place() or secrets.token_hex(6)
        keepers = [
            _Keeper(child, f"{own}/{child.name}", backoff or Backoff(), stop_s, exited, self._fail)
            for child in children
        ]
        stages = sorted({child.stage for child in children})
        self._stages = [[keeper for keeper in keepers if keeper.child.stage == stage] for stage in stages]

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run now, by the name of the child."""
        running = [keeper for stage in self._stages for keeper in stage if keeper.pid is not None]
        return {keeper.child.name: keeper.pid for keeper in running if keeper.pid is not None}

    async def run(self, stop: asyncio.Event, force: asyncio.Event | None = None) -> int:
        """Start all, keep them running until `stop`, then stop all; the exit code for our own process.

        0 after `stop`; 1 when a child could not be started; 2 when one ended with USELESS. `force` stops
        without waiting for anybody. Cancelling stops all children, too.
        """
        begun: list[list[_Keeper]] = []
        try:
            for stage in self._stages:
                begun.append(stage)
                await self._start(stage, stop)
                if stop.is_set() or self._failed.is_set():
                    return self._code
            self.ready.set()
            await _first(stop, self._failed)
            return self._code
        finally:
            for stage in reversed(begun):
                await asyncio.gather(*(keeper.stop(force) for keeper in stage))

    def reread(self) -> None:
        """Have the children of ours that run read their settings again. One that cannot hear it yet has not
        read them, or does so again once it can."""
        for stage in self._stages:
            for keeper in stage:
                if keeper.child.ours:
                    keeper.hang_up()

    async def _start(self, stage: list[_Keeper], stop: asyncio.Event) -> None:
        """Start a stage; returns when all of it is ready, or `stop` is set, or one has failed."""
        ending = asyncio.create_task(_first(stop, self._failed))
        starting = asyncio.gather(*(keeper.start() for keeper in stage))
        either: list[asyncio.Future[Any]] = [ending, starting]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            starting.cancel()
            await asyncio.gather(ending, starting, return_exceptions=True)

    def _fail(self, code: int) -> None:
        self._code = self._code or code
        self._failed.set()


class _Keeper:
    """One child, through all its processes."""

    def __init__(
        self,
        child: Child,
        place: str,
        backoff: Backoff,
        stop_s: float,
        exited: Callable[[Child, int], None] | None,
        fail: Callable[[int], None],
    ) -> None:
        self.child = child
        self._place = place
        self._backoff = backoff
        self._stop_s = stop_s
        self._exited = exited
        self._fail = fail
        self._ready = child.ready is None
        self._died = False
        self._stopping = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Begin to keep the child running; returns when it is ready, or will not be."""
        self._keeping = asyncio.create_task(self._keep(), name=f"keeper of {self.child.name}")
        if self.child.ready is None:
            return
        try:
            async with asyncio.timeout(self.child.ready_s):
                await self.child.ready()
        except Exception as error:
            why = f"after {self.child.ready_s:g} s" if isinstance(error, TimeoutError) else f": {error}"
            _log.error(f"{self.child.name} is not ready {why}")
            self._fail(1)
        else:
            self._ready = True

    def hang_up(self) -> None:
        """Send SIGHUP, unless it would still end the child."""
        if self.pid is not None and _hears(self.pid, signal.SIGHUP):
            self._signal(signal.SIGHUP)

    async def stop(self, force: asyncio.Event | None) -> None:
        """End the child: SIGTERM, and SIGKILL when it takes too long or `force` is set."""
        self._stopping.set()
        keeping = self._keeping
        if keeping is None:
            return
        self._signal(signal.SIGTERM)
        hurry = asyncio.create_task((force or asyncio.Event()).wait())
        try:
            await asyncio.wait([keeping, hurry], timeout=self._stop_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hurry.cancel()
            if not keeping.done():
                _log.warning(f"{self.child.name} is killed", pid=self.pid)
                self._kill_session()
        await keeping

    async def _keep(self) -> None:
        waited_s = 0.0
        while not self._stopping.is_set():
            began = time.monotonic()
            why = await self._run()
            if self._stopping.is_set() or why is None:
                return
            self._died = True
            waited_s = self._backoff.after(waited_s, time.monotonic() - began)
            _log.warning(f"{self.child.name} died: {why}; it is started again in {waited_s:g} s")
            with suppress(TimeoutError):
                async with asyncio.timeout(waited_s):
                    await self._stopping.wait()

    async def _run(self) -> str | None:
        """One process from beginning to end; says why it ended, or None where that is final."""
        try:
            process = await _spawn(self.child, self._place)
        except OSError as error:
            return f"cannot be started: {error}"
        self._process = process
        if self._stopping.is_set():
            self._signal(signal.SIGTERM)
        say = _log.info if self._died else _log.debug
        say(f"{self.child.name} started", pid=process.pid)
        code = await process.wait()
        self._kill_session()
        self._process = None
        if self._exited is not None:
            self._exited(self.child, process.pid)
        useless = self.child.ours and code == USELESS
        if not self._stopping.is_set() and (useless or not self._ready):
            _log.error(f"{self.child.name} did not start: {reason_of(code)}", pid=process.pid)
            self._fail(USELESS if useless else 1)
            return None
        return reason_of(code)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    def _kill_session(self) -> None:
        """End the child, or what it leaves behind of its own children."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


async def _spawn(child: Child, place: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", _TIE_TO_PARENT, str(os.getpid()), place, *child.argv,
        env=None if child.env is None else dict(child.env),
        stdin=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


async def _first(*events: asyncio.Event) -> None:
    """Return when one of `events` is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _hears(pid: int, number: signal.Signals) -> bool:
    """Whether a process handles a signal by itself; false where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)
