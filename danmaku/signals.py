"""What signals mean to a process of ours: stop, stop at once, read the settings again.

Why it is hard: SIGHUP means two things. Somebody sends it so that a service reads its file again, and the
kernel sends it, or a shell does, when a terminal was closed. Whoever closes the terminal in which a service
runs wants it to stop, and then the terminal no longer controls the process: that tells which it was. Only a
shell that hangs up on its jobs before it ends does so a moment too early.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_TERMINAL: Final = "/dev/tty"  # the one that controls who opens it
_SHELL_ENDS_S: Final = 1.0


@contextmanager
def heard(stop: asyncio.Event, force: asyncio.Event, reread: asyncio.Event) -> Iterator[None]:
    """SIGINT or SIGTERM set `stop`, the second one sets `force`. For the running loop's main thread.

    SIGHUP sets `reread`. Only where it comes of a terminal that was closed it sets `stop`, as often as it
    comes; under nohup not even then.
    """
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGHUP)
    is_bound = before != signal.SIG_IGN and _has_terminal()

    def ended() -> None:
        (force if stop.is_set() else stop).set()

    def end_without_terminal() -> None:
        if is_bound and not _has_terminal():
            stop.set()

    def hung_up() -> None:
        end_without_terminal()
        if not stop.is_set():
            reread.set()
            loop.call_later(_SHELL_ENDS_S, end_without_terminal)

    handlers: dict[signal.Signals, Callable[[], None]] = {
        signal.SIGINT: ended,
        signal.SIGTERM: ended,
        signal.SIGHUP: hung_up,
    }
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
        signal.signal(signal.SIGHUP, before or signal.SIG_DFL)


def _has_terminal() -> bool:
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError:
        return False
    return True
