"""Somebody with bad intentions, in a process of their own: too many frames, sockets, or handshakes."""

from __future__ import annotations

import resource
import select
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Final

from danmaku import wire
from loadtest import frames, strangers
from loadtest.harm import Harm, Kind, Plan

_ADDRESS: Final = "127.0.8.8"
_TICK_S: Final = 0.01
_ANSWER_S: Final = 5.0
_PAUSE_S: Final = 0.05  # after a connection could not be had


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
    tick = frames.masked(wire.MSGPACK.encode(wire.Ping(1))) * count
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
                data = sock.recv(frames.READ_BYTES)
                whole, rest = frames.split(rest + data)
                ends = [payload[:2] for opcode, payload in whole if opcode == frames.CLOSE]
                codes = [int.from_bytes(code, "big") for code in ends]
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
    Kind.SOCKETS: _sockets,
    Kind.GARBAGE: strangers.talk_garbage,
    Kind.HANDSHAKES: strangers.shake_hands,
    Kind.HALF: strangers.dawdle,
}
