"""A server whose clients tell it what to do to itself: each text message is a verb and its arguments.

It runs in a process of its own, because what is tested here ends processes when it goes wrong.
`python -m tests.system.uws_child '<json options>'` prints its port, and ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.settings import Edge
from edge.uws import Accept, Connection, Request, Response, Server
from edge.welcome import Welcome

Verb = Callable[[Connection, list[str]], None]


class Child:
    """Both handlers, and what they have seen."""

    def __init__(self, server: Server, room: int, welcome: Welcome) -> None:
        self.server = server
        self.loop = asyncio.get_running_loop()
        self.kept: list[Connection] = []  # far longer than any sensible program would
        self.counts: Counter[str] = Counter()
        self.closes: list[list[Any]] = []
        self.inside: list[str] = []  # addresses of TCP connections
        self.leaving: list[str] = []
        self.room = room
        self.welcome = welcome
        self.release = asyncio.Event()
        self.verbs: dict[str, Verb] = {
            "address": lambda one, _: self._say(one, one.address),
            "close": lambda one, words: one.close(int(words[0]), " ".join(words[1:])),
            "close-all": self._close_all,
            "close-slow": self._close_slow,
            "close-soon": lambda one, words: self._soon(one.close, int(words[0])),
            "close-twice": self._close_twice,
            "drop": lambda one, _: one.drop(),
            "echo": lambda one, words: self._say(one, " ".join(words)),
            "join": lambda one, words: one.subscribe(words[0]),
            "keep": lambda one, _: self.kept.append(one),
            "leave": lambda one, words: one.unsubscribe(words[0]),
            "pour": self._pour,
            "publish": lambda _, words: self._publish(words[0], words[1]),
            "publish-big": lambda _, words: self._publish(words[0], words[1] * 20_000),
            "publish-soon": lambda _, words: self._soon(self._publish, words[0], words[1]),
            "raise": self._raise,
            "second-server": self._second_server,
            "sequence-soon": lambda one, _: self._soon(self._sequence, one),
            "sleep": self._sleep,
            "subscribers": lambda one, words: self._say(one, str(self.server.subscribers(words[0]))),
            "topics": lambda one, _: self._say(one, ",".join(sorted(one.topics))),
            "use-kept": self._use_kept,
        }

    def each_s(self, now: float) -> float:
        return self.welcome.each_s(now)

    def arrive(self, address: str) -> bool:
        if len(self.inside) >= self.room:
            self.counts["turned_away"] += 1
            return False
        self.inside.append(address)
        return True

    def said_goodbye(self, address: str) -> None:
        self.inside.remove(address)
        self.leaving.append(address)

    def gone(self, address: str) -> None:
        self.leaving.remove(address)

    def beat(self, connection: Connection) -> None:
        self.counts["beats"] += 1

    def upgrade(self, request: Request) -> Accept | Response:
        refusals = {"/ws?refuse=401": 401, "/ws?refuse=403": 403}
        if status := refusals.get(f"{request.path}?{request.query}"):
            return Response(status, b"no", (("X-Why", "because"),))
        if request.query == "raise":
            raise ValueError("on purpose")
        if request.query == "nonsense":
            return None  # type: ignore[return-value]  # what a wrong handler would do
        offered = [name.strip() for name in request.headers.get("sec-websocket-protocol", "").split(",")]
        return Accept("two" if "two" in offered else None, request)

    def opened(self, connection: Connection) -> None:
        self.counts["opened"] += 1
        query = connection.session.query
        if query == "snapshot":
            request: Request = connection.session
            self._say(connection, json.dumps([request.path, request.query, request.headers]))
        elif query == "raise-open":
            raise ValueError("on purpose")
        elif query == "close-open":
            connection.close(4007, "at once")
        elif query == "drop-open":
            connection.drop()
        elif query == "hello-open":
            self._say(connection, "hello")

    def received(self, connection: Connection, message: bytes, binary: bool) -> None:
        self.counts["received"] += 1
        if binary:
            connection.send(message)
            return
        verb, *words = message.decode().split(" ")
        self.verbs[verb](connection, words)

    def closed(self, connection: Connection, code: int, reason: bytes) -> None:
        self.counts["closed"] += 1
        self.closes.append([code, reason.decode(), sorted(connection.topics), connection.is_open])
        if "haunt" in connection.topics:
            self._use(connection)
        if "raise-close" in connection.topics:
            raise ValueError("on purpose")

    async def http(self, request: Request) -> Response:
        self.counts["requests"] += 1
        name = request.path.strip("/")
        if name == "report":
            return self._report()
        if name == "raise":
            raise ValueError("on purpose")
        if name == "nonsense":
            return None  # type: ignore[return-value]  # what a wrong handler would do
        if name == "split":
            return Response(200, b"", (("X-Name", "a\r\nX-Other: b"),))
        if name == "empty":
            return Response(204)
        if name == "big":
            return Response(200, b"x" * 3_000_000)
        if name == "late":
            await asyncio.sleep(0.2)
        if name in ("hang", "stubborn"):
            return await self._hang(stubborn=name == "stubborn")
        echo = [request.method, request.path, request.query, len(request.body), request.body[:9].decode()]
        return Response(200, json.dumps(echo).encode(), (("X-Path", name),))

    async def _hang(self, *, stubborn: bool) -> Response:
        self.counts["hanging"] += 1
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.counts["cancelled"] += 1
            if not stubborn:
                raise
        return Response(200, b"late")

    def _report(self) -> Response:
        report = {
            "counts": self.counts,
            "closes": self.closes,
            "connections": self.server.connection_count,
            "inside": self.inside,
            "leaving": self.leaving,
            "buffered": [connection.buffered() for connection in self.server.connections()],
            "rss": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        }
        return Response(200, json.dumps(report).encode())

    def _say(self, connection: Connection, text: str) -> None:
        connection.send(text.encode(), binary=False)

    def _publish(self, topic: str, text: str) -> None:
        self.server.publish(topic, text.encode(), binary=False)

    def _soon(self, function: Callable[..., None], *arguments: Any) -> None:
        """Outside of every native handler."""
        self.loop.call_later(0.01, function, *arguments)

    def _raise(self, _: Connection, __: list[str]) -> None:
        raise ValueError("on purpose")

    def _close_all(self, _: Connection, words: list[str]) -> None:
        for connection in self.server.connections():
            connection.close(int(words[0]), "all")

    def _close_slow(self, _: Connection, words: list[str]) -> None:
        for connection in self.server.connections():
            if connection.buffered():
                connection.close(int(words[0]), "too slow")

    def _close_twice(self, connection: Connection, _: list[str]) -> None:
        connection.close(4001, "one")
        connection.close(4002, "two")
        connection.drop()

    def _sequence(self, connection: Connection) -> None:
        for number in range(0, 10, 2):
            self._publish("sequence", str(number))
            self._say(connection, str(number + 1))

    def _pour(self, connection: Connection, words: list[str]) -> None:
        """Far more than a reader who does not read may be given, numbered."""
        count, size = int(words[0]), int(words[1])
        for number in range(count):
            self._publish("pour", f"{number:08}" + "." * size)
        self._say(connection, "poured")

    def _sleep(self, connection: Connection, words: list[str]) -> None:
        """Blocks everything, so that more happens outside before the next event is looked at."""
        time.sleep(float(words[0]))
        self._say(connection, "awake")

    def _second_server(self, connection: Connection, _: list[str]) -> None:
        try:
            Server(max_frame_bytes=1, max_buffered_bytes=1, idle_timeout_s=0, max_body_bytes=1)
        except RuntimeError as error:
            self._say(connection, str(error))

    def _use_kept(self, connection: Connection, _: list[str]) -> None:
        sent = sum(self._use(old) for old in self.kept)
        self._say(connection, f"kept {len(self.kept)} sent {sent}")

    def _use(self, connection: Connection) -> bool:
        """Everything that can be done to a connection that is gone."""
        sent = connection.send(b"secret")
        connection.subscribe("ghost")
        connection.unsubscribe("ghost")
        connection.close(4000, "ghost")
        connection.drop()
        return sent or connection.is_open or connection.buffered() > 0


async def main(options: dict[str, Any]) -> None:
    if files := options.pop("files", 0):
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    host, port = options.pop("host", "127.0.0.1"), options.pop("port", 0)
    shared, timeout_s = options.pop("shared", False), options.pop("timeout_s", 5)
    waits_s = options.pop("waits_s", 0)
    goodbye, goodbye_s = options.pop("goodbye", 0), options.pop("goodbye_s", 16)
    room = options.pop("room", 100_000)
    welcome = Welcome(Edge(accepts_per_s=options.pop("accepts_per_s", 0)))
    limits = {
        "max_frame_bytes": 65536,
        "max_buffered_bytes": 65536,
        "idle_timeout_s": 60,
        "max_body_bytes": 1000,
    }
    server = Server(**{**limits, **options})

    def body_bytes(request: Request) -> int:
        return 50_000 if request.path == "/large" else limits["max_body_bytes"]

    child = Child(server, room, welcome)
    server.door(child, goodbye_s)
    server.websocket("/ws", child)
    server.http(child.http, timeout_s=timeout_s, waits_s=waits_s, body_bytes=body_bytes)
    print(server.listen(host, port, shared=shared), flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, ended.set)
    await ended.wait()
    asyncio.get_running_loop().remove_reader(0)
    if goodbye:
        server.stop_listening()
        for connection in server.connections():
            connection.close(goodbye, "goodbye")
    await asyncio.gather(server.shut_down(), server.shut_down())
    print(json.dumps(child.counts | {"left": server.connection_count}))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
