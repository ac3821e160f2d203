"""Many users in conversations, in one process: raw epoll, an open-loop clock, an eye on all that comes.

Latency counts from when a message was due, not from when it left. The text of a message says when that was,
and all processes of a machine share that clock, so whoever hears it knows how long it took.
"""

from __future__ import annotations

import select
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final

import msgspec

from danmaku import wire
from danmaku.wire_chat import Chat, ChatSend, ChatSync, Synced, Text
from loadtest import frames
from loadtest.ears import Ear
from loadtest.figures import new_histogram

STAMP_DIGITS: Final = 19
_LAST_ANSWERS_S: Final = 5.0
_SETTLE_S: Final = 5.0
_LONGEST_POLL_S: Final = 0.05
_CONNECT_S: Final = 20.0
_CLOSE, _PING = 8, 9
_REMEMBERED: Final = 2048  # payloads: those of a group come once for each member

_texts = msgspec.msgpack.Decoder(list[dict[str, Any]])


@dataclass(frozen=True, slots=True)
class Plan:
    """`people` (uid and token) say `rate` messages a second together.

    turns: conversations that take turns, and who of `people` take turns in each.
    """

    host: str
    port: int
    people: tuple[tuple[str, str], ...]
    turns: tuple[tuple[str, tuple[int, ...]], ...]
    rate: float
    letters: int
    number: int = 0


@dataclass(slots=True)
class Talk:
    """What became of the messages of a window. heads: the newest seq of each conversation, as far as known.

    took_s: from the beginning until the last answer.
    """

    offered: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)
    ack_latency: bytes = b""
    took_s: float = 0.0


@dataclass(slots=True)
class Person:
    """One connection. `ears` by conversation."""

    uid: str
    token: str
    sock: socket.socket
    ears: dict[str, Ear] = field(default_factory=dict)
    rest: bytes = b""


class Talkers:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._epoll = select.epoll()
        self._people: list[Person] = []
        self._by_fd: dict[int, Person] = {}
        self._due: dict[int, int] = {}
        self._id = 10
        self._turn = 0
        self._heads: dict[str, int] = {}
        self._known: dict[bytes, list[wire.ServerFrame]] = {}
        self._cpu = 0.0
        self._lost = 0
        self._new_counts()

    def connect(self) -> None:
        """Log in and learn where the conversations stand, one after the other. Raises OSError."""
        for uid, token in self._plan.people:
            sock = socket.create_connection((self._plan.host, self._plan.port), timeout=_CONNECT_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            person = Person(uid, token, sock)
            self._greet(person)
            sock.setblocking(False)
            self._people.append(person)
            self._by_fd[sock.fileno()] = person
            self._epoll.register(sock.fileno(), select.EPOLLIN)

    def window(self, seconds: float) -> Talk:
        """Send for so long, then wait for the last answers. Raises OSError."""
        self._new_counts()
        self._cpu = time.process_time()
        talk, begin = Talk(), time.monotonic_ns()
        total = round(seconds * self._plan.rate)
        while talk.offered < total:
            due = min(total, int((time.monotonic_ns() - begin) / 1e9 * self._plan.rate) + 1)
            self._send(talk.offered, due, begin)
            talk.offered = max(due, talk.offered)
            self._read(begin / 1e9 + talk.offered / self._plan.rate)
        deadline = time.monotonic() + _LAST_ANSWERS_S
        while self._due and time.monotonic() < deadline:
            self._read(min(deadline, time.monotonic() + _LONGEST_POLL_S))
        talk.unanswered = len(self._due)
        self._due.clear()
        talk.acknowledged, talk.refused = self._acknowledged, dict(self._refused)
        talk.heads, talk.ack_latency = self._heads, self._ack_latency.encode()
        talk.took_s = (self._answered_ns - begin) / 1e9
        return talk

    def settle(self, heads: dict[str, int]) -> dict[str, Any]:
        """Listen until all have heard everything up to `heads`, or 5 s; what they heard. Raises OSError."""
        before = self._lost
        deadline = time.monotonic() + _SETTLE_S
        while time.monotonic() < deadline and not self._all_heard(heads):
            self._read(min(deadline, time.monotonic() + _LONGEST_POLL_S))
        for person in self._people:
            for conv, ear in person.ears.items():
                ear.miss(heads.get(conv, 0))
        self._lost = sum(ear.lost for person in self._people for ear in person.ears.values())
        return {
            **{name: self._verdicts[name] for name in ("delivered", "out_of_order", "duplicates")},
            "lost": self._lost - before,
            "latency": self._latency.encode(),
            "cpu_s": time.process_time() - self._cpu,
        }

    def _new_counts(self) -> None:
        self._acknowledged = 0
        self._refused = Counter[str]()
        self._verdicts = Counter[str]()
        self._ack_latency, self._latency = new_histogram(), new_histogram()
        self._answered_ns = time.monotonic_ns()

    def _all_heard(self, heads: dict[str, int]) -> bool:
        return all(
            ear.has_all(heads.get(conv, 0)) for person in self._people for conv, ear in person.ears.items()
        )

    def _greet(self, person: Person) -> None:
        """The upgrade, a hello, a sync. What the user belongs to gets an ear."""
        target = f"{self._plan.host}:{self._plan.port}"
        person.sock.sendall(frames.upgrade(target, "/v1/ws", wire.MSGPACK_PROTOCOL))
        while b"\r\n\r\n" not in person.rest:
            person.rest += _some(person.sock)
        head, _, person.rest = person.rest.partition(b"\r\n\r\n")
        if b" 101 " not in head:
            raise ConnectionError(head.split(b"\r\n", 1)[0].decode())
        device = f"load-{self._plan.number}"
        hello = wire.Hello(1, token=person.token, device=device, n=time.time_ns() // 1_000_000, chat=True)
        greeting = wire.MSGPACK.encode(hello) + wire.MSGPACK.encode(ChatSync(2))
        person.sock.sendall(frames.masked(greeting))
        for conv, sayers in self._plan.turns:
            if any(self._plan.people[one][0] == person.uid for one in sayers):
                person.ears[conv] = Ear()
        for one in self._synced(person):
            person.ears[one.conv] = Ear(one.last_seq)

    def _synced(self, person: Person) -> Iterable[Synced]:
        while True:
            whole, person.rest = frames.split(person.rest)
            for opcode, payload in whole:
                if opcode == _CLOSE:
                    raise ConnectionError(f"{person.uid} was turned away: {payload[2:].decode()}")
                for frame in wire.MSGPACK.decode_server(payload):
                    if isinstance(frame, wire.Err):
                        raise ConnectionError(f"{frame.error}: {frame.message}")
                    if isinstance(frame, wire.Ok) and frame.id == 2:
                        found: list[Synced] = wire.MSGPACK.read(frame.convs, list[Synced])
                        return found
            person.rest += _some(person.sock)

    def _send(self, begin: int, end: int, began_ns: int) -> None:
        """Those from `begin` to `end`, each when it is due."""
        for number in range(begin, end):
            due = began_ns + int(number / self._plan.rate * 1e9)
            conv, sayers = self._plan.turns[self._turn % len(self._plan.turns)]
            person = self._people[sayers[self._turn // len(self._plan.turns) % len(sayers)]]
            self._turn += 1
            self._id += 1
            self._due[self._id] = due
            text = f"{due:0{STAMP_DIGITS}}".ljust(self._plan.letters, ".")
            frame = ChatSend(self._id, [Text(text)], f"c{self._plan.number}-{self._id}", conv=conv)
            person.sock.setblocking(True)
            person.sock.sendall(frames.masked(wire.MSGPACK.encode(frame)))
            person.sock.setblocking(False)

    def _read(self, until_s: float) -> None:
        """What comes until then, by the monotonic clock; at least what is there."""
        while True:
            for fd, _ in self._epoll.poll(max(0.0, until_s - time.monotonic())):
                person = self._by_fd[fd]
                whole, person.rest = frames.split(person.rest + _some(person.sock))
                now = time.monotonic_ns()
                for opcode, payload in whole:
                    if opcode == _PING:
                        person.sock.sendall(frames.masked(payload, "pong"))
                    elif opcode == _CLOSE:
                        raise ConnectionError(f"{person.uid} was thrown out: {payload[2:].decode()}")
                    else:
                        self._take(person, payload, now)
            if time.monotonic() >= until_s:
                return

    def _take(self, person: Person, payload: bytes, now: int) -> None:
        for frame in self._decoded(payload):
            if isinstance(frame, Chat):
                self._hear(person, frame, now)
            elif isinstance(frame, wire.Ok | wire.Err):
                self._count(frame, now)

    def _decoded(self, payload: bytes) -> list[wire.ServerFrame]:
        found = self._known.get(payload)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[payload] = wire.MSGPACK.decode_server(payload)
        return found

    def _hear(self, person: Person, frame: Chat, now: int) -> None:
        ear = person.ears.setdefault(frame.conv, Ear())
        verdict = ear.hear(frame.seq)
        self._verdicts[verdict] += 1
        if verdict == "out_of_order":
            self._verdicts["delivered"] += 1  # late, but there
        self._heads[frame.conv] = max(frame.seq, self._heads.get(frame.conv, 0))
        if verdict != "duplicates" and frame.from_ != person.uid and bytes(frame.body):
            due = int(_texts.decode(frame.body)[0]["text"][:STAMP_DIGITS])
            self._latency.record_value(max((now - due) // 1000, 1))

    def _count(self, frame: wire.Ok | wire.Err, now: int) -> None:
        due = self._due.pop(frame.id or 0, None)
        if due is None:
            return
        self._answered_ns = now
        if isinstance(frame, wire.Err):
            self._refused[frame.error] += 1
            return
        self._acknowledged += 1
        self._ack_latency.record_value(max((now - due) // 1000, 1))
        conv, seq = frame.conv or "", frame.seq or 0
        self._heads[conv] = max(seq, self._heads.get(conv, 0))


def _some(sock: socket.socket) -> bytes:
    data = sock.recv(frames.READ_BYTES)
    if not data:
        raise ConnectionError("the service closed a connection")
    return data


def main(plan: Plan, control: Connection) -> None:
    """Connect; then each number on `control` is a window of so many seconds, each map the heads up to which
    all is to be heard, until None.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it stops it
    talkers = Talkers(plan)
    try:
        talkers.connect()
        control.send({})
        while (word := control.recv()) is not None:
            control.send(talkers.settle(word) if isinstance(word, dict) else asdict(talkers.window(word)))
    except OSError as error:
        control.send({"error": str(error)})
