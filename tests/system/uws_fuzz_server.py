"""The server of the fuzz test: it keeps using connections that are gone, and ends them at any moment.

Whatever it sends names the connection or the topic it is meant for, so that its readers can tell what
was misdelivered. `python -m tests.system.uws_fuzz_server '{"seed": 1}'`
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Callable

from edge.uws import Accept, Connection, Request, Response, Server

TOPICS = [f"t{number}" for number in range(8)]


class OnPurpose(Exception):
    """A handler that fails."""


class Chaos:
    """Both handlers. A connection's session is the name its client chose for it."""

    def __init__(self, server: Server, seed: int) -> None:
        self.server = server
        self.random = random.Random(seed)  # noqa: S311 - dice, not secrets
        self.loop = asyncio.get_running_loop()
        self.everyone: deque[Connection] = deque(maxlen=300)  # the living and the dead
        self.inside = 0
        self.leaving = 0
        self.counts: Counter[str] = Counter()
        self.verbs: dict[str, Callable[[Connection, str], None]] = {
            "join": self._join,
            "leave": self._leave,
            "echo": lambda connection, _: self._send_to(connection),
            "publish": lambda _, topic: self._publish(topic),
            "publish-soon": lambda _, topic: self._soon(self._publish, topic),
            "publish-big": lambda _, topic: self._publish(topic, 20_000),
            "send-many": lambda _, __: self._send_many(),
            "send-many-soon": lambda _, __: self._soon(self._send_many),
            "end-me": lambda connection, _: self._end(connection),
            "end-me-soon": lambda connection, _: self._soon(self._end, connection),
            "end-any": lambda _, __: self._end(self._any()),
            "end-any-soon": lambda _, __: self._soon(self._end, self._any()),
            "raise": self._raise,
            "stall": lambda _, __: time.sleep(0.003),  # more happens before the next event is looked at
        }

    def arrive(self, address: str) -> bool:
        if self._chance(0.02):
            return False
        self.inside += 1
        return True

    def each_s(self, now: float) -> float:
        return 0.0

    def said_goodbye(self, address: str) -> None:
        self.inside -= 1
        self.leaving += 1

    def gone(self, address: str) -> None:
        self.leaving -= 1

    def beat(self, connection: Connection) -> None:
        if self._chance(0.1):
            self._end(connection)

    def upgrade(self, request: Request) -> Accept | Response:
        if self._chance(0.02):
            return Response(403, b"no")
        if self._chance(0.01):
            raise OnPurpose
        return Accept(None, request.query)

    def opened(self, connection: Connection) -> None:
        self.counts["opened"] += 1
        self.everyone.append(connection)
        if self._chance(0.05):
            self._join(connection, self.random.choice(TOPICS))
        if self._chance(0.03):
            self._end(connection)

    def received(self, connection: Connection, message: bytes, binary: bool) -> None:
        self.counts["received"] += 1
        verb, _, topic = message.decode().partition(" ")
        self.verbs[verb](connection, topic)

    def closed(self, connection: Connection, code: int, reason: bytes) -> None:
        self.counts["closed"] += 1
        self._send_to(connection)
        connection.subscribe("ghost")
        self._publish(self.random.choice(TOPICS))
        if self._chance(0.2):
            self._end(connection)
        if self._chance(0.1):
            self._end(self._any())
        if self._chance(0.05):
            raise OnPurpose

    async def http(self, request: Request) -> Response:
        """Answers with the request's own name, at once or later."""
        self.counts["requests"] += 1
        if request.path == "/report":
            return Response(200, json.dumps(self.report()).encode())
        delay = self.random.choice((0, 0, 0.001, 0.02, 0.3))
        if delay:
            await asyncio.sleep(delay)
        if self._chance(0.05):
            raise OnPurpose
        return Response(200, request.path.encode() + b" %d" % len(request.body))

    def report(self) -> dict[str, int]:
        topics = {topic: self.server.subscribers(topic) for topic in (*TOPICS, "ghost")}
        return {
            **self.counts,
            "connections": self.server.connection_count,
            "inside": self.inside,
            "leaving": self.leaving,
            "subscribers": sum(topics.values()),
            "tasks": len(asyncio.all_tasks()),
        }

    async def stir(self) -> None:
        """The same mischief from outside of every native handler."""
        while True:
            await asyncio.sleep(self.random.choice((0, 0.001, 0.005)))
            if self.everyone:
                self.random.choice((self._send_many, self._publish_any, self._end_rarely))()

    def _join(self, connection: Connection, topic: str) -> None:
        connection.send(f"joining {topic}".encode(), binary=False)
        connection.subscribe(topic)

    def _leave(self, connection: Connection, topic: str) -> None:
        connection.unsubscribe(topic)
        connection.send(f"left {topic}".encode(), binary=False)

    def _send_to(self, connection: Connection) -> None:
        self.counts["sent" if connection.send(b"to " + connection.session.encode()) else "not_sent"] += 1

    def _send_many(self) -> None:
        for _ in range(self.random.randrange(1, 20)):
            self._send_to(self._any())

    def _publish(self, topic: str, size: int = 20) -> None:
        self.counts["published"] += 1
        self.server.publish(topic, f"topic {topic} {'.' * size}".encode())

    def _publish_any(self) -> None:
        self._publish(self.random.choice(TOPICS))

    def _end(self, connection: Connection) -> None:
        if self._chance(0.5):
            connection.close(4000, "because")
        else:
            connection.drop()

    def _end_rarely(self) -> None:
        if self._chance(0.1):
            self._end(self._any())

    def _any(self) -> Connection:
        return self.random.choice(self.everyone)

    def _soon(self, function: Callable[..., None], *arguments: object) -> None:
        self.loop.call_soon(function, *arguments)

    def _raise(self, _: Connection, __: str) -> None:
        raise OnPurpose

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability


async def main(seed: int) -> None:
    logging.disable()  # thousands of failures on purpose
    server = Server(
        max_frame_bytes=4096,
        max_buffered_bytes=32768,
        idle_timeout_s=60,
        max_body_bytes=5000,
        max_requests=50,
    )
    chaos = Chaos(server, seed)
    server.door(chaos, goodbye_s=0.05)
    server.websocket("/ws", chaos)
    server.http(chaos.http, timeout_s=0.2)
    print(server.listen("127.0.0.1", 0, shared=False), flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, ended.set)
    stirring = asyncio.create_task(chaos.stir())
    await ended.wait()
    asyncio.get_running_loop().remove_reader(0)
    stirring.cancel()
    await asyncio.gather(stirring, return_exceptions=True)
    await server.shut_down()
    print(json.dumps(chaos.report()))


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
