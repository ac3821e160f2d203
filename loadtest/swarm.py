"""Many viewers in one process: raw epoll, no asyncio, no object per frame.

What makes it hard: all are opened, greeted, read and, where the plan says so, brought back by one loop that
must never wait for one of them; and a frame may cost no more here than it cost the service to send.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import struct
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final

from loadtest import frames
from loadtest.talk import Danmaku, Foreign, Talk
from loadtest.viewers import Plan, Viewer, everybody

_BIND_ADDRESS_NO_PORT: Final = 24  # IP_BIND_ADDRESS_NO_PORT of Linux, which Python does not name
_CONNECTING_AT_ONCE: Final = 400
_PER_ADDRESS: Final = 10_000
_TELL_S: Final = 0.25  # how often the number of those who joined is told
_RETRY_S: Final = 0.2
_WAIT_S: Final = 0.05
_CLOSE: Final = 8
_PING: Final = 9
_NO_CODE: Final = "1006"


class Swarm:
    def __init__(self, plan: Plan) -> None:
        self.joined = 0
        self._plan = plan
        self._talk = _talk(plan)
        self._checker = self._talk.checker
        self._split = frames.Splitter().split
        self._epoll = select.epoll()
        self._opening: dict[int, Viewer] = {}
        self._inside: dict[int, Viewer] = {}
        self._outside = deque(everybody(plan))
        self._retry_at = 0.0
        self._hurried = not plan.bytes_per_s

    def connect_all(self, control: Connection, deadline_s: float) -> bool:
        """Open every viewer, at most a few hundred in flight; `control` is told how many are in.

        Returns False when something came on `control` meanwhile. Raises OSError, also when time is up.
        """
        deadline = time.monotonic() + deadline_s
        tell = time.monotonic()
        while self.joined < self._plan.viewers:
            if (now := time.monotonic()) > deadline:
                raise ConnectionError(
                    f"{self.joined} of {self._plan.viewers} viewers joined in {deadline_s:.0f} s"
                )
            self._open_some()
            for fd, _ in self._epoll.poll(0.2):
                self._advance(fd)
            if now >= tell:
                control.send({"joined_so_far": self.joined})
                tell = now + _TELL_S
                if control.poll():
                    return False
        return True

    def _advance(self, fd: int) -> None:
        if fd in self._inside:
            self._read(fd)
        elif fd in self._opening:
            self._greet(fd, self._opening[fd])

    def _open_some(self) -> None:
        while self._outside and len(self._opening) < _CONNECTING_AT_ONCE:
            self._open(self._outside.popleft())

    def _open(self, viewer: Viewer) -> None:
        sock = socket.socket(type=socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        if not self._hurried:
            # As over a real network: on loopback the kernel alone would hold megabytes for each.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        last = self._plan.first_address + viewer.number // _PER_ADDRESS
        # The port is chosen by connect: to find a free one here takes the longer the more are taken.
        sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        sock.bind((f"127.0.{last // 250}.{last % 250 + 1}", 0))
        viewer.sock, viewer.rest = sock, b""
        code = sock.connect_ex((self._plan.host, self._plan.port))
        if code not in {0, errno.EINPROGRESS}:
            raise OSError(code, os.strerror(code))
        try:
            viewer.began = self._ask_at_once(sock)
        except OSError as error:
            self._put_off(viewer, error)
            return
        self._opening[sock.fileno()] = viewer
        self._epoll.register(sock.fileno(), select.EPOLLIN if viewer.began else select.EPOLLOUT)

    def _ask_at_once(self, sock: socket.socket) -> bool:
        """Over loopback one is connected by now, nearly always. Raises OSError."""
        if self._plan.bare:
            return False
        try:
            return sock.send(self._talk.request) > 0
        except BlockingIOError:
            return False

    def _greet(self, fd: int, viewer: Viewer) -> None:
        """Take the next step of opening. Raises OSError when it is the first time that this viewer comes."""
        try:
            if self._step(fd, viewer):
                del self._opening[fd]
                self._inside[fd] = viewer
                self._came(viewer)
        except OSError as error:
            self._epoll.unregister(fd)
            del self._opening[fd]
            self._put_off(viewer, error)

    def _put_off(self, viewer: Viewer, error: OSError) -> None:
        """Who was inside before comes again later; of anybody else `error` is raised."""
        if not viewer.known:
            raise error
        self._checker.tally.retries += 1
        self._leave(viewer)
        self._retry_at = time.monotonic() + _RETRY_S

    def _came(self, viewer: Viewer) -> None:
        self.joined += 1
        if viewer.known:
            viewer.returns += 1
            self._checker.back(viewer.left_s, time.monotonic(), viewer.returns)
        viewer.known = True

    def _step(self, fd: int, viewer: Viewer) -> bool:
        """Whether the viewer has joined."""
        sock = viewer.sock
        assert sock  # noqa: S101  it is being opened
        if not viewer.began:
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, os.strerror(error))
            self._epoll.modify(fd, select.EPOLLIN)
            viewer.began = True
            if self._plan.bare:
                return True
            sock.sendall(self._talk.request)
            return False
        data = sock.recv(frames.READ_BYTES)
        if not data:
            raise ConnectionError("a viewer's connection was closed before it joined")
        data = viewer.rest + data
        if data.startswith(b"HTTP"):
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                viewer.rest = head
                return False
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                raise ConnectionError(head.split(b"\r\n", 1)[0].decode())
            sock.sendall(self._talk.greeting(viewer.reader, known=viewer.known))
        whole, viewer.rest = frames.split(data)
        joined = self._talk.at_once
        for opcode, payload in whole:
            if opcode == _CLOSE:
                raise ConnectionError(f"a viewer was turned away: {payload[2:].decode()}")
            if joined:
                self._check(viewer, payload)
            else:
                joined = self._talk.joins(viewer.reader, payload, known=viewer.known)
        return joined

    def run(self, control: Connection) -> None:
        """Read until told to stop. `take` is answered with the Tally since the last one; after `hurry`, which
        is not answered, those read all there is who did not before."""
        self._epoll.register(control.fileno(), select.EPOLLIN)
        for fd in () if self._hurried else self._inside:
            self._epoll.modify(fd, 0)
        beat_every = self._plan.heartbeat_s / self._plan.viewers
        beats = self._beats() if self._talk.beat and not self._plan.bare else iter(())
        next_beat = time.monotonic() + beat_every
        next_sip = time.monotonic()
        while True:
            if self._plan.returning and time.monotonic() >= self._retry_at:
                self._open_some()
            for fd, _ in self._epoll.poll(_WAIT_S):
                if fd != control.fileno():
                    self._advance(fd)
                elif not self._obey(control):
                    return
            now = time.monotonic()
            if not self._hurried and now >= next_sip:
                self._sip()
                next_sip = now + 0.1
            while next_beat <= now:
                next(beats, None)
                next_beat += beat_every

    def _obey(self, control: Connection) -> bool:
        message = control.recv()
        if message == "take":
            self._checker.tally.cpu_s = time.process_time()
            self._checker.tally.joined = self.joined
            control.send(self._checker.take())
        elif message == "hurry":
            self._hurried = True
            for fd in self._inside:
                self._epoll.modify(fd, select.EPOLLIN)
        return bool(message != "stop")

    def _beats(self) -> Iterator[None]:
        """Each step is the turn of one viewer, round and round: a ping, if nothing came since the last."""
        while True:
            for viewer in list(self._inside.values()):
                if not viewer.heard:
                    self._say(viewer, self._talk.beat)
                viewer.heard = False
                yield
            yield

    def _sip(self) -> None:
        for fd in list(self._inside):
            self._read(fd, max(1, self._plan.bytes_per_s // 10))

    def _read(self, fd: int, size: int = frames.READ_BYTES) -> None:
        viewer = self._inside[fd]
        try:
            data = os.read(fd, size)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost(fd, viewer, _NO_CODE)
            return
        tally = self._checker.tally
        tally.size += len(data)
        whole, viewer.rest = self._split(viewer.rest + data)
        tally.frames += len(whole)
        viewer.heard = True
        for opcode, payload in whole:
            if opcode < _CLOSE:
                self._check(viewer, payload)
            elif opcode == _PING:
                self._say(viewer, frames.masked(payload, "pong"))
            elif opcode == _CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
                self._lost(fd, viewer, str(code))
                return

    def _check(self, viewer: Viewer, payload: bytes) -> None:
        reader = viewer.reader
        self._checker.check(reader, payload, time.time_ns() if reader.timed else 0)
        if self._plan.dialect and (answer := self._talk.answer(payload)):
            self._say(viewer, answer)

    def _say(self, viewer: Viewer, message: bytes) -> None:
        with suppress(OSError):  # who does not take it is counted where nothing more is read
            if viewer.sock:
                viewer.sock.send(message)

    def _lost(self, fd: int, viewer: Viewer, code: str) -> None:
        ended = self._checker.tally.ended
        ended[code] = ended.get(code, 0) + 1
        self._epoll.unregister(fd)
        del self._inside[fd]
        self.joined -= 1
        viewer.left_s = time.monotonic()
        self._leave(viewer)

    def _leave(self, viewer: Viewer) -> None:
        if viewer.sock:
            viewer.sock.close()
        viewer.sock = None
        if self._plan.returning:
            self._outside.append(viewer)


def _talk(plan: Plan) -> Talk:
    host = f"{plan.host}:{plan.port}"
    return Foreign(host, plan.dialect) if plan.dialect else Danmaku(host, plan.protocol, deflate=plan.deflate)


def main(plan: Plan, control: Connection) -> None:
    """A swarm process: connect when told to, say how many joined and how fast, then serve commands until
    `stop`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it stops it
    swarm = Swarm(plan)
    control.send({})
    if control.recv() == "stop":
        return
    begin = time.monotonic()
    try:
        if not swarm.connect_all(control, 120.0):
            return
        control.send({"joined": swarm.joined, "seconds": time.monotonic() - begin})
        swarm.run(control)
    except (OSError, ValueError) as error:
        control.send({"error": str(error)})
