"""How a viewer of a swarm speaks with a server: what it says to get in, what it makes of what comes."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

from danmaku import wire
from loadtest import frames
from loadtest.checks import Checker, Reader, Seen

_STAMP: Final = re.compile(rb"@(\d{19})-(\d{10})")


class Talk(ABC):
    """One protocol, for all viewers of a process. `beat`: what a silent viewer says now and then."""

    request: bytes
    beat: bytes
    at_once = False
    """Whether one is inside as soon as the upgrade was answered."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker

    @abstractmethod
    def greeting(self, reader: Reader, *, known: bool) -> bytes:
        """What is sent once the upgrade was answered; `known`: the viewer was inside before."""

    @abstractmethod
    def joins(self, reader: Reader, payload: bytes, *, known: bool) -> bool:
        """Whether this message lets the viewer in. Raises ConnectionError where it turns it away."""

    def answer(self, payload: bytes) -> bytes:
        """What must be said to this message, or nothing."""
        return b""


class Danmaku(Talk):
    """Our own."""

    def __init__(self, host: str, protocol: str, *, deflate: bool = False) -> None:
        self._codec = wire.JSON if protocol == wire.JSON_PROTOCOL else wire.MSGPACK
        super().__init__(Checker(self._codec))
        self._kind = "binary" if self._codec.binary else "text"
        self.request = frames.upgrade(host, "/v1/ws", protocol)
        self.beat = frames.masked(self._codec.encode(wire.Ping(0)), self._kind)
        self._hello = self._codec.encode(wire.Hello(1, deflate=deflate))
        self._greetings: dict[str, bytes] = {}  # of newcomers, by room

    def greeting(self, reader: Reader, *, known: bool) -> bytes:
        if known:
            return self._greeting(reader.room, wire.At(reader.epoch, reader.seq))
        greeting = self._greetings.get(reader.room)
        if greeting is None:
            greeting = self._greetings[reader.room] = self._greeting(reader.room, None)
        return greeting

    def _greeting(self, room: str, since: wire.At | None) -> bytes:
        separator = b"" if self._codec.binary else b"\n"
        join = self._codec.encode(wire.Join(2, room, since))
        return frames.masked(self._hello + separator + join, self._kind)

    def joins(self, reader: Reader, payload: bytes, *, known: bool) -> bool:
        for frame in self._codec.decode_server(payload):
            if isinstance(frame, wire.Err):
                raise ConnectionError(f"{frame.error}: {frame.message}")
            if isinstance(frame, wire.Ok) and frame.id == 2:
                (self.checker.resume if known else self.checker.begin)(reader, frame)
                return True
        return False


@dataclass(frozen=True, slots=True)
class Dialect:
    """The protocol of another server, as data.

    A viewer upgrades at `path`, offering `protocol` unless it is empty, sends each of `greeting`, and is
    inside when a message holds `joined` (at once where that is empty), turned away where one holds `refused`.
    A message with the line `ping` is answered with `pong`. One who publishes greets with `hello` and then
    says `publish`, in which {text} and {size} (of the text, in bytes) stand for the message; where `post` is
    not empty it goes there by HTTP instead. Wherever the text turns up in a message, its stamp is found: it
    is `stamped`.
    """

    path: str
    greeting: tuple[str, ...] = ()
    joined: str = ""
    refused: str = ""
    hello: tuple[str, ...] = ()
    publish: str = "{text}"
    post: str = ""
    protocol: str = ""
    kind: str = "text"
    ping: str = ""
    pong: str = ""

    def said(self, text: str) -> bytes:
        """The message that publishes `text`."""
        return self.publish.replace("{size}", str(len(text))).replace("{text}", text).encode()

    def pings(self, message: bytes) -> bool:
        """Whether a line of it is a ping: a server with much to say joins that to it."""
        ping = self.ping.encode()
        return bool(ping) and ping in message.splitlines()

    def refuses(self, message: bytes) -> bool:
        return bool(self.refused) and self.refused.encode() in message


def stamped(due_ns: int, number: int, size: int) -> str:
    """A text of `size` bytes, at least 31, that says when it was due and which one it is, from 1 on."""
    return f"@{due_ns:019}-{number:010}".ljust(size, ".")


class Foreign(Talk):
    """A dialect."""

    def __init__(self, host: str, dialect: Dialect) -> None:
        super().__init__(StampChecker())
        self._dialect = dialect
        self._greeting = b"".join(frames.masked(part.encode(), dialect.kind) for part in dialect.greeting)
        self._joined = dialect.joined.encode()
        self._pong = frames.masked(dialect.pong.encode(), dialect.kind)
        self.request = frames.upgrade(host, dialect.path, dialect.protocol)
        self.beat = b""
        self.at_once = not dialect.joined

    def greeting(self, reader: Reader, *, known: bool) -> bytes:
        reader.epoch = 1  # numbers begin at 1 and there is only one epoch
        return self._greeting

    def joins(self, reader: Reader, payload: bytes, *, known: bool) -> bool:
        if self._dialect.refuses(payload):
            raise ConnectionError(f"a viewer was turned away: {payload.decode(errors='replace').strip()}")
        return self._joined in payload

    def answer(self, payload: bytes) -> bytes:
        return self._pong if self._dialect.pings(payload) else b""


class StampChecker(Checker):
    """Follows the numbers beside the stamps as if they were positions."""

    def __init__(self) -> None:
        super().__init__(wire.MSGPACK)

    def decoded(self, payload: bytes) -> tuple[Seen, ...]:
        seen: list[Seen] = []
        for stamp, number in _STAMP.findall(payload):
            at, seq = int(stamp), int(number)
            if seen and seq == seen[-1].last + 1:
                before = seen.pop()
                seen.append(Seen("", 1, before.first, seq, None, (*(before.sent_ns or ()), at)))
            else:
                seen.append(Seen("", 1, seq, seq, None, (at,)))
        return tuple(seen)
