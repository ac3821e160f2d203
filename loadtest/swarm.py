"""Many viewers in one process: raw epoll, no asyncio, no object per frame.

Every viewer checks what it gets: positions must continue, none twice. That is affordable because all
viewers of a room get the same bytes, so a payload is decoded once and looked up ever after.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from hdrh.histogram import HdrHistogram

from danmaku import wire
from loadtest import frames

_BIND_ADDRESS_NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT of Linux, which Python does not name
_CONNECTING_AT_ONCE = 400
_SEEN_PAYLOADS = 4096
_CONTROL = 8  # opcodes from here on
_PING = 9
_STAMP_DIGITS = 19
_STAMPS = 8  # about so many of a batch, evenly: more would cost the client more than reading


@dataclass(frozen=True, slots=True)
class Plan:
    """What one swarm process does. `bare`: there is no handshake (the floor); frames are read as ever."""

    host: str
    port: int
    viewers: int
    room: str
    protocol: str
    first_address: int
    bare: bool = False
    latency_every: int = 10
    heartbeat_s: float = 25.0


@dataclass(slots=True)
class Tally:
    """What arrived in a window, over all viewers of the process."""

    frames: int = 0
    size: int = 0
    batches: int = 0
    deliveries: int = 0
    duplicates: int = 0
    gaps: int = 0
    skipped: int = 0
    closed: int = 0
    cpu_s: float = 0.0
    heads: list[tuple[int, int]] = field(default_factory=list)
    latency: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class _Seen:
    """A frame that moves readers on, decoded once. `sent_ns` per item, 0 without a stamp; None: a skip."""

    epoch: int
    first: int
    last: int
    sent_ns: tuple[int, ...] | None


class Swarm:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.codec = wire.JSON if plan.protocol == wire.JSON_PROTOCOL else wire.MSGPACK
        self.epoll = select.epoll()
        self.sockets: list[socket.socket] = []
        self.rest: dict[int, bytes] = {}
        self.position: dict[int, tuple[int, int]] = {}
        self.seen: dict[bytes, tuple[_Seen, ...]] = {}
        self.tally = Tally()
        self.latency = HdrHistogram(1, 60_000_000, 3)
        self.timed: set[int] = set()
        self.heard: set[int] = set()
        kind = "binary" if self.codec.binary else "text"
        self.ping = frames.masked(self.codec.encode(wire.Ping(0)), kind)
        separator = b"" if self.codec.binary else b"\n"
        hello = self.codec.encode(wire.Hello(1))
        self.greeting = frames.masked(hello + separator + self.codec.encode(wire.Join(2, plan.room)), kind)

    def connect_all(self, deadline_s: float) -> int:
        """Open every viewer, at most a few hundred in flight. Returns how many joined."""
        deadline = time.monotonic() + deadline_s
        waiting: dict[int, socket.socket] = {}
        opened = joined = 0
        while joined < self.plan.viewers and time.monotonic() < deadline:
            while opened < self.plan.viewers and len(waiting) < _CONNECTING_AT_ONCE:
                sock = self._open(opened)
                waiting[sock.fileno()] = sock
                opened += 1
            for fd, _ in self.epoll.poll(0.2):
                if fd in waiting and self._greet(waiting[fd]):
                    sock = waiting.pop(fd)
                    self.sockets.append(sock)
                    if len(self.sockets) % self.plan.latency_every == 1 or self.plan.latency_every == 1:
                        self.timed.add(fd)
                    joined += 1
                elif fd not in waiting:
                    self._read(fd)
        return joined

    def _open(self, number: int) -> socket.socket:
        sock = socket.socket()
        sock.setblocking(False)
        last = self.plan.first_address + number // 10_000
        # The port is chosen by connect: to find a free one here takes the longer the more are taken.
        sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        sock.bind((f"127.0.{last // 250}.{last % 250 + 1}", 0))
        code = sock.connect_ex((self.plan.host, self.plan.port))
        if code not in {0, errno.EINPROGRESS}:
            raise OSError(code, os.strerror(code))
        self.epoll.register(sock.fileno(), select.EPOLLOUT)
        return sock

    def _greet(self, sock: socket.socket) -> bool:
        """Take the next step of opening; True when the viewer has joined."""
        fd = sock.fileno()
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        if fd not in self.rest:
            self.epoll.modify(fd, select.EPOLLIN)
            self.rest[fd] = b""
            if self.plan.bare:
                self.position[fd] = (0, 0)
                return True
            sock.sendall(frames.upgrade(f"{self.plan.host}:{self.plan.port}", "/v1/ws", self.plan.protocol))
            return False
        data = self.rest[fd] + sock.recv(65536)
        if data.startswith(b"HTTP"):
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self.rest[fd] = head
                return False
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                raise ConnectionError(head.split(b"\r\n", 1)[0].decode())
            sock.sendall(self.greeting)
        whole, self.rest[fd] = frames.split(data)
        for _, payload in whole:
            if fd in self.position:
                self._check(fd, payload)  # shown while the answer to the join was on its way
            else:
                self._joined(fd, payload)
        return fd in self.position

    def _joined(self, fd: int, payload: bytes) -> None:
        for frame in self.codec.decode_server(payload):
            if isinstance(frame, wire.Err):
                raise ConnectionError(f"{frame.error}: {frame.message}")
            if isinstance(frame, wire.Ok) and frame.id == 2:
                self.position[fd] = (frame.epoch or 0, frame.seq or 0)

    def run(self, control: Connection) -> None:
        """Read until told to stop; each message on `control` is answered once. See `command`."""
        self.epoll.register(control.fileno(), select.EPOLLIN)
        beat_every = self.plan.heartbeat_s / max(len(self.sockets), 1)
        beat, next_beat = 0, time.monotonic() + beat_every
        while True:
            for fd, _ in self.epoll.poll(0.05):
                if fd == control.fileno():
                    message = control.recv()
                    if message == "stop":
                        return
                    control.send(self.command(message))
                else:
                    self._read(fd)
            if self.plan.bare:
                continue
            now = time.monotonic()
            while next_beat <= now and self.sockets:
                self._beat(self.sockets[beat % len(self.sockets)].fileno())
                beat, next_beat = beat + 1, next_beat + beat_every

    def _beat(self, fd: int) -> None:
        """It is its turn: a ping, if nothing came since the last one."""
        if fd in self.heard:
            self.heard.remove(fd)
        else:
            self._say(fd, self.ping)

    def _say(self, fd: int, frame: bytes) -> None:
        with suppress(OSError):  # counted as closed where it is read
            os.write(fd, frame)

    def command(self, message: str) -> dict[str, Any]:
        """`take`: the tally since the last one, and begin anew."""
        tally = self.tally
        tally.cpu_s = time.process_time()
        tally.heads = sorted(set(self.position.values()))
        tally.latency = [self.latency.encode()]
        self.tally = Tally()
        self.latency.reset()
        return asdict(tally)

    def _read(self, fd: int) -> None:
        try:
            data = os.read(fd, 262_144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.epoll.unregister(fd)
            self.tally.closed += 1
            return
        tally = self.tally
        tally.size += len(data)
        whole, self.rest[fd] = frames.split(self.rest[fd] + data)
        tally.frames += len(whole)
        self.heard.add(fd)
        for opcode, payload in whole:
            if opcode < _CONTROL:
                self._check(fd, payload)
            elif opcode == _PING:
                self._say(fd, frames.masked(payload, "pong"))

    def _check(self, fd: int, payload: bytes) -> None:
        seen = self.seen.get(payload)
        if seen is None:
            seen = self._decode(payload)
        for frame in seen:
            self._follow(fd, frame)

    def _follow(self, fd: int, frame: _Seen) -> None:
        tally = self.tally
        epoch, seq = self.position[fd]
        if frame.epoch == epoch and frame.first != seq + 1:
            if frame.first <= seq:
                tally.duplicates += 1
            else:
                tally.gaps += 1
        self.position[fd] = (frame.epoch, frame.last)
        count = frame.last + 1 - frame.first
        if frame.sent_ns is None:
            tally.skipped += count
            return
        tally.batches += 1
        tally.deliveries += count
        if fd in self.timed:
            now = time.time_ns()
            for sent in frame.sent_ns:
                if sent:
                    self.latency.record_value(max((now - sent) // 1000, 1))

    def _decode(self, payload: bytes) -> tuple[_Seen, ...]:
        seen: list[_Seen] = []
        for frame in self.codec.decode_server(payload):
            if isinstance(frame, wire.Batch):
                some = frame.items[:: max(1, len(frame.items) // _STAMPS)]
                stamps = tuple(self._stamp(item) for item in some)
                seen.append(_Seen(frame.epoch, frame.seq, frame.seq + len(frame.items) - 1, stamps))
            elif isinstance(frame, wire.Skip):
                seen.append(_Seen(frame.epoch, frame.from_, frame.to, None))
        if len(self.seen) >= _SEEN_PAYLOADS:
            self.seen.clear()
        self.seen[payload] = whole = tuple(seen)
        return whole

    def _stamp(self, item: Any) -> int:
        text = self.codec.read(item, dict).get("text", "")
        digits = text[:_STAMP_DIGITS]
        return int(digits) if len(digits) == _STAMP_DIGITS and digits.isdigit() else 0


def main(plan: Plan, control: Connection) -> None:
    """A swarm process: connect when told to, say how many joined and how fast, then serve commands until
    `stop`."""
    swarm = Swarm(plan)
    control.send({})
    if control.recv() == "stop":
        return
    begin = time.monotonic()
    try:
        joined = swarm.connect_all(120.0)
    except OSError as error:
        control.send({"error": str(error)})
        return
    control.send({"joined": joined, "seconds": time.monotonic() - begin})
    swarm.run(control)
