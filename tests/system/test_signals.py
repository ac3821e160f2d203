"""What SIGHUP means: a file is read again, but where a terminal was closed the process stops."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from danmaku.signals import heard
from tests.system.deployment import until

# Tells what it hears, and ends when it is to stop.
_LISTENER: Final = """
import asyncio, pathlib, sys
from danmaku.signals import heard
book = pathlib.Path(sys.argv[1])
def note(word):
    with book.open("a") as file:
        file.write(word + "\\n")
async def main():
    stop, force, reread = asyncio.Event(), asyncio.Event(), asyncio.Event()
    with heard(stop, force, reread):
        note("listens")
        stopping = asyncio.create_task(stop.wait())
        while not stop.is_set():
            reading = asyncio.create_task(reread.wait())
            await asyncio.wait([stopping, reading], return_when=asyncio.FIRST_COMPLETED)
            if reread.is_set():
                reread.clear()
                note("rereads")
            reading.cancel()
        note("stops")
asyncio.run(main())
"""
# Makes its input the terminal that controls its session, as a login does.
_AT_TERMINAL: Final = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGHUP, signal.SIG_IGN if sys.argv[1] == "nohup" else signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""

# A shell at the end of its session: it hangs up on a job that runs in the background, and is gone.
_SHELL: Final = """
import fcntl, os, pathlib, signal, subprocess, sys, termios, time
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
book, *job = sys.argv[1:]
started = subprocess.Popen([sys.executable, *job], process_group=0)
print(started.pid, flush=True)
while not (os.path.exists(book) and "listens" in pathlib.Path(book).read_text()):
    time.sleep(0.02)
os.kill(started.pid, signal.SIGHUP)
"""


class Listener:
    def __init__(self, book: Path, process: subprocess.Popen[bytes], terminal: int) -> None:
        self._book = book
        self._terminal = terminal
        self.process = process

    def said(self, word: str, times: int = 1) -> bool:
        return self._book.exists() and self._book.read_text().split().count(word) == times

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def close_terminal(self) -> None:
        os.close(self._terminal)


@contextmanager
def listener(folder: Path, how: str) -> Iterator[Listener]:
    """At a terminal of its own; `how` it takes SIGHUP when it starts: "plain" or "nohup"."""
    book = folder / "book"
    ours, theirs = os.openpty()
    argv = [sys.executable, "-c", _AT_TERMINAL, how, "-c", _LISTENER, str(book)]
    with subprocess.Popen(argv, stdin=theirs, start_new_session=True) as process:
        os.close(theirs)
        found = Listener(book, process, ours)
        try:
            until(lambda: found.said("listens"), "it listens")
            yield found
        finally:
            process.kill()


def test_who_sends_it_has_the_file_read_again_and_who_closes_the_terminal_stops(tmp_path: Path) -> None:
    with listener(tmp_path, "plain") as one:
        one.hang_up()
        until(lambda: one.said("rereads"), "it reads again")
        one.close_terminal()
        assert one.process.wait(20) == 0
        assert one.said("stops")


def test_who_leaves_a_shell_that_hangs_up_on_its_jobs_stops_it(tmp_path: Path) -> None:
    book = tmp_path / "book"
    ours, theirs = os.openpty()
    argv = [sys.executable, "-c", _SHELL, str(book), "-c", _LISTENER, str(book)]
    with subprocess.Popen(argv, stdin=theirs, stdout=subprocess.PIPE, start_new_session=True) as shell:
        os.close(theirs)
        assert shell.stdout is not None
        job = int(shell.stdout.readline())
        try:
            assert shell.wait(20) == 0
            until(
                lambda: book.read_text().split() == ["listens", "rereads", "stops"],
                "it stops, a moment later",
            )
        finally:
            with suppress(ProcessLookupError):
                os.kill(job, signal.SIGKILL)
            os.close(ours)


def test_under_nohup_a_terminal_may_close(tmp_path: Path) -> None:
    with listener(tmp_path, "nohup") as one:
        one.close_terminal()
        until(lambda: one.said("rereads"), "the kernel has told that the terminal is gone")
        one.hang_up()
        until(lambda: one.said("rereads", 2), "it reads again")
        assert one.process.poll() is None


@pytest.fixture
def hangup() -> Iterator[Callable[[Any], None]]:
    """Sets what SIGHUP does; a test must not end the run of all."""

    def does(handler: Any) -> None:
        signal.signal(signal.SIGHUP, handler)

    before = signal.getsignal(signal.SIGHUP)
    does(lambda *_: None)
    yield does
    does(before)


async def test_a_second_signal_does_not_wait(hangup: Callable[[Any], None]) -> None:
    stop, force, reread = asyncio.Event(), asyncio.Event(), asyncio.Event()
    with heard(stop, force, reread):
        signal.raise_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            await stop.wait()
        assert not force.is_set()
        signal.raise_signal(signal.SIGINT)
        async with asyncio.timeout(5):
            await force.wait()
        assert not reread.is_set()


async def test_what_it_meant_before_it_means_after(hangup: Callable[[Any], None]) -> None:
    hangup(signal.SIG_IGN)
    with heard(asyncio.Event(), asyncio.Event(), asyncio.Event()):
        assert signal.getsignal(signal.SIGHUP) != signal.SIG_IGN
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
