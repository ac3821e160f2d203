"""Drives a libuv loop from asyncio: by its events, never by polling.

Why it is hard: libuv wants to own the thread, and so does asyncio. libuv's own epoll descriptor
becomes readable when one of its sockets has work, so asyncio can watch that one descriptor and let
libuv run for a moment. Three things do not show on the descriptor and have to be known here:

* libuv's timers: the next one is asked for after every run and becomes an asyncio timer;
* a socket that starts to wait for something else than before: libuv tells the kernel only when it
  runs again, and until then answers a waiting time of zero;
* work left behind by a call from outside of libuv (a publish, a close): `poke` after such a call.

A `uv_run` inside a `uv_run` aborts the process. Here it cannot happen: libuv only ever runs from a
callback of asyncio, and no native handler can run the asyncio loop.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from cffi import FFI

_RUN_NOWAIT: Final = 2
_SLACK_S: Final = 0.001  # libuv counts whole milliseconds, so its due times jitter by one


class LibuvMissing(RuntimeError):
    """The system's libuv is not installed."""

    def __init__(self) -> None:
        super().__init__("libuv.so.1 not found: apt-get install libuv1")


class LoopBridge:
    """Runs the libuv loop at address `native_loop` inside an asyncio loop until `detach`."""

    def __init__(self, native_loop: int, loop: asyncio.AbstractEventLoop) -> None:
        ffi: Any = FFI()
        ffi.cdef(
            """
            int uv_run(void *loop, int mode);
            int uv_loop_alive(void *loop);
            int uv_backend_fd(void *loop);
            int uv_backend_timeout(void *loop);
            """
        )
        try:
            self._libuv = ffi.dlopen("libuv.so.1")
        except OSError as error:
            raise LibuvMissing from error
        self._native_loop = ffi.cast("void *", native_loop)
        self._loop = loop
        self._backend: int = self._libuv.uv_backend_fd(self._native_loop)
        self._running = False
        self._poked = False
        self._detached = False
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._loop.add_reader(self._backend, self.run)
        self.poke()

    def poke(self) -> None:
        """Let libuv run soon. Wanted after any native call, free of charge inside native handlers."""
        if not (self._poked or self._running or self._detached):
            self._poked = True
            self._loop.call_soon(self._run_poked)

    def run(self) -> None:
        """Let libuv do what is ready now, without waiting."""
        if self._running or self._detached:
            return
        self._running = True
        self._poked = False
        try:
            self._libuv.uv_run(self._native_loop, _RUN_NOWAIT)
        finally:
            self._running = False
        self._schedule()

    def detach(self) -> None:
        """Leave the asyncio loop; the libuv loop stays as it is. May be called twice."""
        if self._detached:
            return
        self._detached = True
        self._loop.remove_reader(self._backend)
        if self._timer is not None:
            self._timer.cancel()

    def _run_poked(self) -> None:
        if self._poked:  # not when an event has made it run in the meantime
            self.run()

    def _run_timer(self) -> None:
        self._timer = None
        self.run()

    def _schedule(self) -> None:
        wait_ms = self._libuv.uv_backend_timeout(self._native_loop)
        if wait_ms == 0:
            # A loop without any socket or timer also says zero; to obey that would spin.
            if self._libuv.uv_loop_alive(self._native_loop):
                self.poke()
        elif wait_ms > 0:
            self._arm(self._loop.time() + wait_ms / 1000)

    def _arm(self, due: float) -> None:
        """One timer at a time: moving it at every run would cost more than running a little early."""
        if self._timer is not None:
            if self._due <= due + _SLACK_S:
                return
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._run_timer)
