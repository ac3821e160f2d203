"""Who floods from 200 addresses, so that no limit of one address ends it; no socket is ever waited for."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections import Counter, deque
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final, Self

from danmaku import wire
from loadtest import frames
from loadtest.harm import Harm, Plan

_TICK_S: Final = 0.01
_ADDRESSES: Final = 200
_OPEN: Final = 10_000  # handshakes under way at one time
_LEAVE_S: Final = 0.5  # after which who shook hands goes
_AT_ONCE: Final = 200  # connections begun in one turn
_DRIP_S: Final = 1.0  # between two bytes of a half request
_PATIENCE_S: Final = 5.0  # of who wants to talk, with whoever lets him wait
_GARBAGE: Final = tuple(
    frames.masked(said)
    for said in (
        b"\xc1",
        b"\xdf\xff\xff\xff\xff",
        b"\x91" * 2000,
        b"\x81\xa1t\xa5dance",
        b"{",
        b"\xdb\xff\xff\xff\xff",
    )
)


def shake_hands(plan: Plan, control: Connection, done: Harm, ended: Counter[str]) -> None:
    """Until told to stop; as fast as it goes where that is slower than `rate`."""
    request = _upgrade(plan)
    under_way: deque[tuple[float, socket.socket]] = deque()
    begin, made = time.monotonic(), 0
    try:
        while not control.poll():
            now = time.monotonic()
            while under_way and (len(under_way) >= _OPEN or under_way[0][0] < now - _LEAVE_S):
                _leave(under_way.popleft()[1], ended)
            late = int((now - begin) * plan.rate) - made
            for _ in range(min(late, _AT_ONCE)):
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


def dawdle(plan: Plan, control: Connection, done: Harm, ended: Counter[str]) -> None:
    """Say requests that never end, until told to stop."""
    held: dict[int, socket.socket] = {}
    drip_due = time.monotonic()
    with select.epoll() as waiting:
        try:
            while not control.poll():
                for _ in range(min(plan.sockets - len(held), _AT_ONCE)):
                    sock = _began(plan, done.connections)
                    with suppress(OSError):
                        sock.send(b"GET /v1/ws HTTP/1.1\r\nX-Slow: ")
                    held[sock.fileno()] = sock
                    waiting.register(sock, select.EPOLLIN)
                    done.connections += 1
                for number, _ in waiting.poll(_TICK_S):
                    _leave(held.pop(number), ended)
                if time.monotonic() >= drip_due:
                    drip_due += _DRIP_S
                    for sock in held.values():
                        with suppress(OSError):
                            sock.send(b"x")
                done.most_held = max(done.most_held, len(held))
        finally:
            for sock in held.values():
                sock.close()


def talk_garbage(plan: Plan, control: Connection, done: Harm, ended: Counter[str]) -> None:
    """Until told to stop; `most_held` are those whose upgrade was granted."""
    with _Talkers(plan, done, ended) as talkers:
        before = time.monotonic()
        while not control.poll():
            now = time.monotonic()
            talkers.come(now)
            talkers.hear()
            talkers.talk(now - before)
            before = now


class _Talkers:
    """`plan.sockets` connections, those that are closed replaced; each talks in its turn."""

    def __init__(self, plan: Plan, done: Harm, ended: Counter[str]) -> None:
        self._plan = plan
        self._done = done
        self._ended = ended
        self._request = _upgrade(plan)
        self._coming: dict[int, tuple[float, socket.socket]] = {}  # the oldest first
        self._inside: dict[int, socket.socket] = {}
        self._turn: deque[socket.socket] = deque()
        self._due = 0.0  # frames that should have been said, and were not
        self._waiting = select.epoll()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (*self._inside.values(), *(sock for _, sock in self._coming.values())):
            sock.close()
        self._waiting.close()

    def come(self, now: float) -> None:
        while self._coming and next(iter(self._coming.values()))[0] < now - _PATIENCE_S:
            _leave(self._coming.pop(next(iter(self._coming)))[1], self._ended)
        missing = self._plan.sockets - len(self._inside) - len(self._coming)
        for _ in range(min(missing, _AT_ONCE)):
            sock = _began(self._plan, self._done.connections)
            self._coming[sock.fileno()] = now, sock
            self._waiting.register(sock, select.EPOLLOUT)
            self._done.connections += 1

    def hear(self) -> None:
        for number, events in self._waiting.poll(_TICK_S):
            if number in self._inside:
                end = _end(self._inside[number])
                if end:
                    self._inside.pop(number).close()
                    self._ended[end] += 1
            elif not events & select.EPOLLIN:
                with suppress(OSError):
                    self._coming[number][1].send(self._request)
                self._waiting.modify(number, select.EPOLLIN)
            else:
                self._enter(number)
        self._done.most_held = max(self._done.most_held, len(self._inside))

    def talk(self, seconds: float) -> None:
        """What could not be said in a second is not made up for."""
        most = self._plan.rate * len(self._inside) / self._plan.sockets
        self._due = min(self._due + most * seconds, most)
        while self._due >= 1 and self._turn:
            self._due -= 1
            sock = self._turn.popleft()
            if sock.fileno() < 0:  # it was closed meanwhile
                continue
            self._turn.append(sock)
            with suppress(OSError):
                sock.send(_GARBAGE[self._done.frames % len(_GARBAGE)])
                self._done.frames += 1

    def _enter(self, number: int) -> None:
        _, sock = self._coming.pop(number)
        try:
            granted = sock.recv(4096).split(b" ", 2)[1:2] == [b"101"]
            if granted:
                sock.send(frames.masked(wire.MSGPACK.encode(wire.Hello(1))))
        except OSError:
            granted = False
        if not granted:
            self._ended["refused"] += 1
            sock.close()
            return
        self._inside[number] = sock
        self._turn.append(sock)


def _end(sock: socket.socket) -> str:
    """Reads what came: with which code it ended, "lost" where there was none, and "" while it goes on."""
    try:
        data = sock.recv(65_536)
    except BlockingIOError:
        return ""
    except OSError:
        return "lost"
    codes = [payload[:2] for opcode, payload in frames.split(data)[0] if opcode == frames.CLOSE]
    if codes:
        return str(int.from_bytes(codes[0], "big"))
    return "" if data else "lost"


def _upgrade(plan: Plan) -> bytes:
    return frames.upgrade(f"{plan.host}:{plan.port}", "/v1/ws", wire.MSGPACK_PROTOCOL)


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
