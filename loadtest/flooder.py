"""Somebody with bad intentions, in a process of their own: too many frames, sockets, or handshakes."""

from __future__ import annotations

import resource
import select
import signal
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from multiprocessing.connection import Connection
from typing import Final

from danmaku import wire
from loadtest import frames


class Kind(StrEnum):
    FRAMES = "frames"
    SOCKETS = "sockets"
    GARBAGE = "garbage"
    HANDSHAKES = "handshakes"
    HALF = "half"


_ADDRESS: Final = "127.0.8.8"
_TICK_S: Final = 0.01
_CLOSE: Final = 8
_ANSWER_S: Final = 5.0
_PAUSE_S: Final = 0.05  # after a connection could not be had
_ADDRESSES: Final = (
    200  # that handshakes and half requests come from, so that no limit of one address ends them
)
_OPEN: Final = 500  # handshakes under way at one time
_LEAVE_S: Final = 0.5  # after which who shook hands goes
_DRIP_S: Final = 1.0  # between two bytes of a half request
_GARBAGE: Final = (
    b"\xc1",
    b"\xdf\xff\xff\xff\xff",
    b"\x91" * 2000,
    b"\x81\xa1t\xa5dance",
    b"{",
    b"\xdb\xff\xff\xff\xff",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """frames: one connection says `rate` frames a second, and comes back whenever it is closed.

    garbage: the same with what is no frame, or claims to be a huge one.

    sockets: `sockets` connections are opened from one address, kept while `hold_s` lasts, and again.

    handshakes: `rate` times a second somebody of 200 addresses connects, asks for an upgrade, and goes.

    half: `sockets` connections from 200 addresses say a request byte by byte that never ends, and come back
    whenever they are hung up on.
    """

    host: str
    port: int
    kind: Kind
    rate: int = 10_000
    sockets: int = 2000
    hold_s: float = 0.5


@dataclass(slots=True)
class Harm:
    """What was done, and how the service took it: by close code, or the status of a refused upgrade."""

    frames: int = 0
    connections: int = 0
    most_held: int = 0
    ended: dict[str, int] = field(default_factory=dict)


def main(plan: Plan, control: Connection) -> None:
    """Do harm from `begin` on `control` to the next message, which is answered with the Harm; and again."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it stops it
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    harm = _HARMS[plan.kind]
    while control.recv() == "begin":
        done, ended = Harm(), Counter[str]()
        while not control.poll():
            try:
                harm(plan, control, done, ended)
            except OSError:
                ended["lost"] += 1
                time.sleep(_PAUSE_S)
        control.recv()
        done.ended = dict(ended)
        control.send(asdict(done))


def _frames(plan: Plan, control: Connection, done: Harm, ended: Counter[str]) -> None:
    """One connection, until it is closed or told to stop."""
    count = max(1, int(plan.rate * _TICK_S))
    said = _GARBAGE if plan.kind is Kind.GARBAGE else (wire.MSGPACK.encode(wire.Ping(1)),)
    tick = b"".join(frames.masked(said[number % len(said)]) for number in range(count))
    with _connection(plan) as (sock, status):
        done.connections += 1
        if status != 101:
            ended[str(status)] += 1
            return
        sock.sendall(frames.masked(wire.MSGPACK.encode(wire.Hello(1))))
        due, rest = time.monotonic(), b""
        while not control.poll():
            with suppress(ConnectionError):  # the close code may still be there to read
                sock.sendall(tick)
                done.frames += count
            while select.select([sock], [], [], 0)[0]:
                data = sock.recv(262_144)
                whole, rest = frames.split(rest + data)
                codes = [struct.unpack("!H", payload[:2])[0] for opcode, payload in whole if opcode == _CLOSE]
                if codes or not data:
                    ended[str(codes[0]) if codes else "lost"] += 1
                    return
            due += _TICK_S
            time.sleep(max(0.0, due - time.monotonic()))


def _sockets(plan: Plan, control: Connection, done: Harm, ended: Counter[str]) -> None:
    """As many connections as it takes, one after the other, held for a moment."""
    with ExitStack() as held:
        for _ in range(plan.sockets):
            if control.poll():
                return
            _, status = held.enter_context(_connection(plan))
            done.connections += 1
            ended[str(status)] += 1
        time.sleep(plan.hold_s)


def _handshakes(plan: Plan, control: Connection, done: Harm, ended: Counter[str]) -> None:
    """Until told to stop; as fast as it goes where that is slower than `rate`."""
    request = frames.upgrade(f"{plan.host}:{plan.port}", "/v1/ws", wire.MSGPACK_PROTOCOL)
    under_way: deque[tuple[float, socket.socket]] = deque()
    begin, made = time.monotonic(), 0
    try:
        while not control.poll():
            now = time.monotonic()
            while under_way and (len(under_way) >= _OPEN or under_way[0][0] < now - _LEAVE_S):
                _leave(under_way.popleft()[1], ended)
            late = int((now - begin) * plan.rate) - made
            for _ in range(min(late, 100)):
                made += 1
                under_way.append((now, _began(plan, made)))
                with suppress(OSError):
                    under_way[-1][1].send(request)
                done.connections += 1
            if late <= 0:
                time.sleep(_TICK_S / 10)
            elif late > plan.rate:  # what could not be done in time is not made up for
                begin, made = time.monotonic(), 0
    finally:
        for _, one in under_way:
            _leave(one, ended)


def _half(plan: Plan, control: Connection, done: Harm, ended: Counter[str]) -> None:
    held: set[socket.socket] = set()
    waiting = select.epoll()
    known: dict[int, socket.socket] = {}
    drip_due = time.monotonic()
    try:
        while not control.poll():
            for _ in range(min(plan.sockets - len(held), 200)):
                sock = _began(plan, done.connections)
                with suppress(OSError):
                    sock.send(b"GET /v1/ws HTTP/1.1\r\nX-Slow: ")
                held.add(sock)
                known[sock.fileno()] = sock
                waiting.register(sock, select.EPOLLIN)
                done.connections += 1
            for number, _ in waiting.poll(_TICK_S):
                sock = known.pop(number)
                waiting.unregister(sock)
                held.discard(sock)
                _leave(sock, ended)
            if time.monotonic() >= drip_due:
                drip_due += _DRIP_S
                for sock in held:
                    with suppress(OSError):
                        sock.send(b"x")
            done.most_held = max(done.most_held, len(held))
    finally:
        for sock in held:
            sock.close()
        waiting.close()


def _began(plan: Plan, number: int) -> socket.socket:
    """A connection that may not be there yet."""
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # ports are free at once
    sock.bind((f"127.0.9.{number % _ADDRESSES + 1}", 0))
    sock.connect_ex((plan.host, plan.port))
    return sock


def _leave(sock: socket.socket, ended: Counter[str]) -> None:
    """Count how it was answered so far, and go."""
    try:
        head = sock.recv(64)
        ended[head.split(b" ", 2)[1].decode() if b" " in head else "hung up"] += 1
    except BlockingIOError:
        ended["unanswered"] += 1
    except OSError:
        ended["hung up"] += 1
    sock.close()


@contextmanager
def _connection(plan: Plan) -> Iterator[tuple[socket.socket, int]]:
    """A socket and the status with which its upgrade was answered. Raises OSError."""
    with socket.socket() as sock:
        sock.settimeout(_ANSWER_S)
        sock.bind((_ADDRESS, 0))
        sock.connect((plan.host, plan.port))
        sock.sendall(frames.upgrade(f"{plan.host}:{plan.port}", "/v1/ws", wire.MSGPACK_PROTOCOL))
        head = b""
        while b"\r\n\r\n" not in head:
            data = sock.recv(4096)
            if not data:
                raise ConnectionError("closed before the upgrade was answered")
            head += data
        yield sock, int(head.split(b" ", 2)[1])


_HARMS: Final = {
    Kind.FRAMES: _frames,
    Kind.GARBAGE: _frames,
    Kind.SOCKETS: _sockets,
    Kind.HANDSHAKES: _handshakes,
    Kind.HALF: _half,
}
