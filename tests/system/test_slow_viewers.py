"""Viewers that stop reading lose batches, not their connection; they cost little, and others nothing."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from socket import SO_RCVBUF, SOL_SOCKET
from typing import Final

import websockets
from websockets import ClientConnection, ConnectionClosed, Subprotocol

from danmaku.client import Client, Comment, Room, Timing
from danmaku.wire import MSGPACK, Hello, Join, Ok
from tests.system.deployment import until
from tests.system.fleet import Edge, Fleet, fleet

BUFFERED: Final = 256 * 1024
SLOW: Final = 50
TEXT: Final = "x" * 4000  # bytes of a comment: what the kernel holds for a reader is soon full
AT_ONCE: Final = 25
ONE_MORE: Final = 128 * 1024  # what a buffer that was not full yet takes, and what the allocator rounds up
LARGE: Final = {
    "DANMAKU_POLICY_MAX_LENGTH": "5000",
    "DANMAKU_EDGE_BUFFERED_BYTES": str(BUFFERED),
    "DANMAKU_EDGE_HEARTBEAT_S": "55",  # a client that does not read gets no pong
}


class Watcher:
    """An SDK client in one room that can stop reading."""

    def __init__(self, client: Client, room: Room) -> None:
        self.texts: list[str] = []
        self.client = client
        self._room = room
        link = client._connection.link
        assert link is not None
        self._transport = link._socket.transport
        raw = self._transport.get_extra_info("socket")
        raw.setsockopt(SOL_SOCKET, SO_RCVBUF, 64 * 1024)

    def stop(self) -> None:
        self._transport.pause_reading()

    def go_on(self) -> None:
        self._transport.resume_reading()

    @property
    def is_closed(self) -> bool:
        return self._transport.is_closing()

    async def read(self, count: int) -> list[str]:
        """The comments so far, once there are `count`."""
        async with asyncio.timeout(60):
            while len(self.texts) < count:
                item = await anext(self._room)
                if isinstance(item, Comment):
                    self.texts.append(item.text)
        assert self._room.missed == self._room.skipped == 0
        return self.texts


class Speaker:
    """Says long comments; `said` are those that were shown, in their order."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._positions: dict[tuple[int, int], str] = {}

    @property
    def said(self) -> list[str]:
        return [text for _, text in sorted(self._positions.items())]

    async def say(self, count: int) -> None:
        numbers = iter(range(count))
        begin = len(self._positions)

        async def one_after_another() -> None:
            for number in numbers:
                text = f"{begin + number} {TEXT}"
                sent = await self._room.send(text)
                assert sent.epoch is not None
                assert sent.seq is not None
                self._positions[sent.epoch, sent.seq] = text

        await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))


async def come(
    stack: AsyncExitStack, edge: Edge, whole: Fleet, uid: str | None = None
) -> tuple[Client, Room]:
    token = None if uid is None else whole.token(uid)
    client = Client(edge.url, token=token, deflate=False, timing=Timing(answer=30))
    await stack.enter_async_context(client)
    return client, await client.join("busy")


async def connect(edge: Edge, whole: Fleet) -> ClientConnection:
    """A viewer that joins and then does not read any more."""
    socket = await websockets.connect(
        edge.ws,
        subprotocols=[Subprotocol("danmaku.v1.msgpack")],
        compression=None,
        ping_interval=None,
        max_queue=None,
    )
    raw = socket.transport.get_extra_info("socket")
    raw.setsockopt(SOL_SOCKET, SO_RCVBUF, 64 * 1024)
    await socket.send(MSGPACK.encode(Hello(1)) + MSGPACK.encode(Join(2, "busy")))
    joined = False
    while not joined:
        frames = MSGPACK.decode_server(await socket.recv(decode=False))
        joined = any(isinstance(frame, Ok) and frame.id == 2 for frame in frames)
    socket.transport.pause_reading()
    return socket


async def close_code(socket: ClientConnection) -> int | None:
    """1006 where the server's word did not fit behind what was not read."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(20):
            while True:
                await socket.recv()
    return socket.close_code


def open_files(edge: Edge) -> int:
    return len(list(Path(f"/proc/{edge.pid}/fd").iterdir()))


def metric(edge: Edge, name: str) -> float:
    with urllib.request.urlopen(f"{edge.url}/metrics", timeout=10) as answer:  # noqa: S310  our own http
        found = re.search(rf"^danmaku_edge_{name}(?:{{.*}})? (\S+)$", answer.read().decode(), re.M)
    assert found, name
    return float(found[1])


def resident(edge: Edge) -> int:
    """Bytes of memory the edge holds."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{edge.pid}/status").read_text(), re.M)
    assert found
    return int(found[1]) * 1024


async def test_viewers_that_stop_reading_for_a_while(tmp_path: Path) -> None:
    async with fleet(tmp_path, edges=1, rooms=1, **LARGE) as whole, AsyncExitStack() as stack:
        edge = whole.edges[0]
        _, mine = await come(stack, edge, whole, "speaker")
        speaker = Speaker(mine)
        slow = [Watcher(*await come(stack, edge, whole)) for _ in range(SLOW)]
        quick = [Watcher(*await come(stack, edge, whole)) for _ in range(3)]
        await speaker.say(500)
        for one in (*slow, *quick):
            await one.read(500)
        connections, before = metric(edge, "connections"), resident(edge)
        for one in slow:
            one.stop()
        for _ in range(4):
            await speaker.say(500)
        assert resident(edge) - before < SLOW * (BUFFERED + ONE_MORE)
        for one in quick:
            assert await one.read(2500) == speaker.said
        assert metric(edge, "slow_gaps_total") >= SLOW, "they were too slow indeed"
        assert metric(edge, "connections") == connections
        for one in slow[:5]:
            one.go_on()
        for texts in await asyncio.gather(*(one.read(2500) for one in slow[:5])):
            assert texts == speaker.said
        await asyncio.gather(*(one.client.close() for one in slow))  # each takes a second
        assert all(one.is_closed for one in slow)


async def test_viewers_that_never_read_again(tmp_path: Path) -> None:
    """They are closed; who finds out in time reads why. No socket is left behind."""
    impatient = {
        **LARGE,
        "DANMAKU_EDGE_SLOW_S": "2",
        "DANMAKU_EDGE_IDLE_S": "12",
        "DANMAKU_EDGE_HEARTBEAT_S": "11",
    }
    async with fleet(tmp_path, edges=1, rooms=1, **impatient) as whole, AsyncExitStack() as stack:
        edge = whole.edges[0]
        _, mine = await come(stack, edge, whole, "speaker")
        speaker = Speaker(mine)
        quick = Watcher(*await come(stack, edge, whole))
        connections, files = metric(edge, "connections"), open_files(edge)
        late, *never = await asyncio.gather(*(connect(edge, whole) for _ in range(6)))
        assert metric(edge, "connections") == connections + 6

        async def talk() -> None:
            while metric(edge, "connections") > connections:
                await speaker.say(200)

        async with asyncio.timeout(60):
            await talk()
        late.transport.resume_reading()
        assert await close_code(late) in (4104, 1006)
        assert await quick.read(len(speaker.said)) == speaker.said
        await asyncio.to_thread(until, lambda: open_files(edge) <= files, "nothing is left of them")
        for one in (*never, late):
            one.transport.abort()
