"""Many senders in one process: raw epoll, an open-loop clock, an eye on every answer.

A comment's latency counts from when it was due, not from when it left: a stall of the sender or of the
service shows up in full (no coordinated omission).
"""

from __future__ import annotations

import secrets
import select
import signal
import socket
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final

from danmaku import wire
from loadtest import frames
from loadtest.figures import new_histogram
from loadtest.senders import words

_TICK_S: Final = 0.005
_LAST_ANSWERS_S: Final = 5.0
_CLOSE: Final = 8
_LETTERS: Final = str.maketrans("0123456789", "bcdfghjkmn")
_BATCH: Final = b"\xa1t\xa5batch"  # how the frames begin that nobody here cares for


@dataclass(frozen=True, slots=True)
class Plan:
    """`senders` connections over `rooms` rooms say `rate` comments a second together."""

    host: str
    port: int
    token: str
    rooms: int
    senders: int
    rate: float
    text_size: int
    number: int = 0


@dataclass(slots=True)
class Answers:
    """What became of the comments of a window."""

    offered: int = 0
    shown: int = 0
    shed: int = 0
    unanswered: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    latency: bytes = b""
    cpu_s: float = 0.0


class Ingester:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._epoll = select.epoll()
        self._sockets: list[socket.socket] = []
        self._by_fd: dict[int, socket.socket] = {}
        self._rest: dict[int, bytes] = {}
        self._due: dict[int, int] = {}
        self._id = 10
        self._cid = f"i{secrets.token_hex(4)}"  # the service remembers those of an earlier run

    def connect(self) -> None:
        """Log in and join, one after the other. Raises OSError."""
        for number in range(self._plan.senders):
            sock = socket.create_connection((self._plan.host, self._plan.port), timeout=20)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            target = f"{self._plan.host}:{self._plan.port}"
            sock.sendall(frames.upgrade(target, "/v1/ws", wire.MSGPACK_PROTOCOL))
            device = f"ingest-{self._plan.number}-{number}"
            hello = wire.Hello(1, token=self._plan.token, device=device)
            greeting = wire.MSGPACK.encode(hello) + wire.MSGPACK.encode(wire.Join(2, self._room(number)))
            self._greet(sock, frames.masked(greeting))
            sock.setblocking(False)
            self._sockets.append(sock)
            self._by_fd[sock.fileno()] = sock
            self._epoll.register(sock.fileno(), select.EPOLLIN)

    def _room(self, number: int) -> str:
        return f"ingest-{number % self._plan.rooms}"

    def _greet(self, sock: socket.socket, greeting: bytes) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += _some(sock)
        head, _, data = data.partition(b"\r\n\r\n")
        if b" 101 " not in head:
            raise ConnectionError(head.split(b"\r\n", 1)[0].decode())
        sock.sendall(greeting)
        while True:
            whole, data = frames.split(data)
            for opcode, payload in whole:
                if opcode == _CLOSE:
                    raise ConnectionError(f"a sender was turned away: {payload[2:].decode()}")
                for frame in wire.MSGPACK.decode_server(payload):
                    if isinstance(frame, wire.Err):
                        raise ConnectionError(f"{frame.error}: {frame.message}")
                    if isinstance(frame, wire.Ok) and frame.id == 2:
                        self._rest[sock.fileno()] = data
                        return
            data += _some(sock)

    def window(self, seconds: float) -> Answers:
        """Send for so long, then wait for the last answers."""
        answers, refused = Answers(), Counter[str]()
        latency = new_histogram()
        cpu = time.process_time()
        begin = time.monotonic_ns()
        total = round(seconds * self._plan.rate)
        while answers.offered < total:
            due = min(total, int((time.monotonic_ns() - begin) / 1e9 * self._plan.rate))
            self._send(answers.offered, due, begin)
            answers.offered = max(due, answers.offered)
            self._read(_TICK_S, answers, refused, latency)
        deadline = time.monotonic() + _LAST_ANSWERS_S
        while self._due and time.monotonic() < deadline:
            self._read(_TICK_S, answers, refused, latency)
        answers.unanswered = len(self._due)
        self._due.clear()
        answers.refused = dict(refused)
        answers.latency = latency.encode()
        answers.cpu_s = time.process_time() - cpu
        return answers

    def _send(self, begin: int, end: int, began_ns: int) -> None:
        """Those from `begin` to `end`: all of one connection in one write."""
        out: dict[int, list[bytes]] = {}
        for number in range(begin, end):
            due = began_ns + int(number / self._plan.rate * 1e9)
            sender = number % len(self._sockets)
            self._id += 1
            self._due[self._id] = due
            text = _text(due, self._plan.text_size)
            cid = f"{self._cid}-{self._id}"
            frame = wire.MSGPACK.encode(wire.Send(self._id, self._room(sender), text, cid))
            out.setdefault(sender, []).append(frames.masked(frame))
        for sender, parts in out.items():
            self._sockets[sender].setblocking(True)
            self._sockets[sender].sendall(b"".join(parts))
            self._sockets[sender].setblocking(False)

    def _read(self, wait_s: float, answers: Answers, refused: Counter[str], latency: Any) -> None:
        until = time.monotonic() + wait_s
        while (left := until - time.monotonic()) > 0:
            for fd, _ in self._epoll.poll(left):
                whole, self._rest[fd] = frames.split(self._rest[fd] + _some(self._by_fd[fd]))
                now = time.monotonic_ns()
                for opcode, payload in whole:
                    if opcode < 8 and payload[1:9] != _BATCH:
                        self._take(payload, now, answers, refused, latency)

    def _take(self, payload: bytes, now: int, answers: Answers, refused: Counter[str], latency: Any) -> None:
        for frame in wire.MSGPACK.decode_server(payload):
            if not isinstance(frame, wire.Ok | wire.Err):
                continue
            due = self._due.pop(frame.id or 0, None)
            if due is None:
                continue
            if isinstance(frame, wire.Err):
                refused[frame.error] += 1
                continue
            latency.record_value(max((now - due) // 1000, 1))
            if frame.shown:
                answers.shown += 1
            else:
                answers.shed += 1


def _text(due_ns: int, size: int) -> str:
    """Words as people say them, of which one is said but once."""
    unique = f"{due_ns // 1000:016}".translate(_LETTERS)
    return f"{unique} {words(due_ns, max(0, size - len(unique) - 1))}".rstrip()


def _some(sock: socket.socket) -> bytes:
    data = sock.recv(frames.READ_BYTES)
    if not data:
        raise ConnectionError("the service closed a sender's connection")
    return data


def main(plan: Plan, control: Connection) -> None:
    """Connect; then each number on `control` is a window of so many seconds, until None."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it stops it
    ingester = Ingester(plan)
    try:
        ingester.connect()
        control.send({})
        while (seconds := control.recv()) is not None:
            control.send(asdict(ingester.window(seconds)))
    except OSError as error:
        control.send({"error": str(error)})
