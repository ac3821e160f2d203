"""A viewer and a sender for fault tests: sockets, frames, and logs of what happened to them.

Nothing here is the SDK: frames are read with the msgpack and json packages, and what to do about gaps is
in tests/system/follower.py.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import msgpack
import websockets
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.system.checker import Acknowledged
from tests.system.follower import Follower, Frame

ANSWER_S: Final = 8.0  # the service answers within 5 s; what takes longer has failed
_GOODBYE_S: Final = 1.0  # whoever did not answer for so long is not waited for once more
_PULL_JITTER_S: Final = 0.3
_RECONNECT_S: Final = 0.5
_REPEAT_S: Final = 0.2
_HISTORY_ITEMS: Final = 500


class Gone(Exception):
    """The connection is closed."""


class Line:
    """One connection: questions get their answers, everything else goes to `heard`."""

    def __init__(self, socket: websockets.ClientConnection, kind: str) -> None:
        self._socket = socket
        self._kind = kind
        self._numbers = 0
        self._asked: dict[int, asyncio.Future[Frame]] = {}

    @classmethod
    async def open(cls, url: str, kind: str) -> Line:
        """Raises Gone."""
        try:
            socket = await websockets.connect(
                url, subprotocols=[websockets.Subprotocol(f"danmaku.v1.{kind}")], compression=None,
                ping_interval=None, open_timeout=ANSWER_S, max_queue=None, close_timeout=_GOODBYE_S,
            )  # fmt: skip
        except (OSError, WebSocketException, TimeoutError) as error:
            raise Gone(repr(error)) from error
        return cls(socket, kind)

    async def ask(self, t: str, **more: Any) -> Frame:
        """The `ok` or `err`. Raises Gone, also when it takes too long."""
        self._numbers += 1
        number = self._numbers
        frame = {"t": t, "id": number, **more}
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            await self._socket.send(msgpack.packb(frame) if self._kind == "msgpack" else json.dumps(frame))
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except (ConnectionClosed, TimeoutError) as error:
            raise Gone(repr(error)) from error
        finally:
            del self._asked[number]

    async def listen(self, heard: Any) -> None:
        """Until the connection ends. Raises Gone."""
        try:
            async for message in self._socket:
                for frame in _frames(message):
                    asked = self._asked.get(frame.get("id", -1))
                    if frame["t"] not in ("ok", "err"):
                        heard(frame)
                    elif asked is not None and not asked.done():
                        asked.set_result(frame)
        except ConnectionClosed as error:
            raise Gone(repr(error)) from error
        finally:
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(Gone("closed while waiting for an answer"))
        raise Gone("closed")

    async def close(self) -> None:
        with suppress(Exception):
            await self._socket.close()


def _frames(message: str | bytes) -> list[Frame]:
    if isinstance(message, bytes):
        unpacker = msgpack.Unpacker()
        unpacker.feed(message)
        return list(unpacker)
    return [json.loads(line) for line in message.splitlines()]


class Viewer:
    """Follows some rooms, over new connections when the old one ends, at one of `urls` after the other."""

    def __init__(self, name: str, kind: str, urls: Sequence[str], rooms: Sequence[str]) -> None:
        self.name = name
        self.ends: list[str] = []  # how connections ended
        self.does = ""
        self.rooms = {room: Follower() for room in rooms}
        self.joined = asyncio.Event()
        self._kind = kind
        self._urls = list(urls)
        self._line: Line | None = None
        self._pulling: set[str] = set()

    async def run(self) -> None:
        """Until cancelled."""
        turn = 0
        while True:
            try:
                await self._watch(self._urls[turn % len(self._urls)])
            except Gone as gone:
                self.ends.append(f"{time.monotonic():.1f} {self.does}: {gone}")
            for follower in self.rooms.values():
                follower.lost()
            turn += 1
            await asyncio.sleep(random.uniform(0, _RECONNECT_S))  # noqa: S311  only spreads load

    async def _watch(self, url: str) -> None:
        self.does = f"connects to {url}"
        line = await Line.open(url, self._kind)
        self._line = line
        gone: list[BaseException] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(line.listen(lambda frame: self._heard(tasks, line, frame)))
                await self._enter(line)
        except* Gone as group:
            gone = list(group.exceptions)  # raised here, Python before 3.11.4 would make a group of it
        finally:
            self._pulling.clear()
            await line.close()
        for one in gone:
            raise one

    async def _enter(self, line: Line) -> None:
        self.does = "says hello"
        await line.ask("hello", name=self.name)
        for room, follower in self.rooms.items():
            self.does = f"joins {room} since {time.monotonic():.1f}"
            at = follower.position
            since = {} if at is None else {"since": {"epoch": at[0], "seq": at[1]}}
            while (answer := await line.ask("join", room=room, **since))["t"] == "err":
                assert answer["error"] == "unavailable", answer
                await asyncio.sleep(answer.get("retry_ms", 500) / 1000)
            follower.joined(answer, again=at is not None)
        self.does = "watches"
        self.joined.set()

    def _heard(self, tasks: asyncio.TaskGroup, line: Line, frame: Frame) -> None:
        follower = self.rooms.get(frame.get("room", ""))
        if follower is None:
            return
        if frame["t"] in ("batch", "skip"):
            follower.take(frame)
        elif frame["t"] == "stats":
            follower.stats(frame)
        if follower.gap and frame["room"] not in self._pulling:
            self._pulling.add(frame["room"])
            tasks.create_task(self._pull(line, frame["room"], follower))

    async def _pull(self, line: Line, room: str, follower: Follower) -> None:
        try:
            while True:
                await asyncio.sleep(random.uniform(0, _PULL_JITTER_S))  # noqa: S311  only spreads load
                if not follower.gap or follower.position is None:
                    return
                epoch, seq = follower.position
                since = {"epoch": epoch, "seq": seq}
                answer = await line.ask("history", room=room, since=since, limit=_HISTORY_ITEMS)
                if answer["t"] == "ok":
                    follower.history(answer)
                else:
                    await asyncio.sleep(answer.get("retry_ms", 500) / 1000)
        finally:
            self._pulling.discard(room)


@dataclass
class Attempt:
    """One `send` and its answer: `shown`, the name of a refusal, or `gone`. Times are monotonic seconds."""

    room: str
    sent_s: float
    answered_s: float
    answer: str

    @property
    def seconds(self) -> float:
        return self.answered_s - self.sent_s


@dataclass
class Sender:
    """Says comments at an even pace, each again under its cid until it is taken, several at a time."""

    name: str
    urls: Sequence[str]
    token: str
    attempts: list[Attempt] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    _line: Line | None = None
    _connected: asyncio.Event = field(default_factory=asyncio.Event)

    async def say(self, rooms: Sequence[str], comments: int, seconds: float) -> None:
        """One comment after the other in one room after the other; returns when all are acknowledged."""
        keeping = asyncio.create_task(self._keep_connected(rooms))
        begin, said = time.monotonic(), len(self.acknowledged)
        try:
            async with asyncio.TaskGroup() as tasks:
                for number in range(comments):
                    await asyncio.sleep(begin + number * seconds / comments - time.monotonic())
                    tasks.create_task(self._say(rooms[number % len(rooms)], said + number))
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def _say(self, room: str, number: int) -> None:
        text = f"{self.name} {number}"
        while True:
            await self._connected.wait()
            assert self._line is not None
            begin = time.monotonic()
            try:
                answer = await self._line.ask("send", room=room, text=text, cid=f"{self.name}-{number}")
            except Gone:
                self._tell(room, begin, "gone")
            else:
                if answer["t"] == "ok":
                    assert answer["shown"], f"{text} was left out: the room shows all it is told here"
                    position = answer["epoch"], answer["seq"]
                    self.acknowledged.append(Acknowledged(room, position, text))
                    self._tell(room, begin, "shown")
                    return
                self._tell(room, begin, answer["error"])
            await asyncio.sleep(_REPEAT_S)

    def _tell(self, room: str, begin: float, answer: str) -> None:
        self.attempts.append(Attempt(room, begin, time.monotonic(), answer))

    async def _keep_connected(self, rooms: Sequence[str]) -> None:
        turn = 0
        while True:
            with suppress(Gone):
                await self._connect(self.urls[turn % len(self.urls)], rooms)
            turn += 1
            await asyncio.sleep(_REPEAT_S)

    async def _connect(self, url: str, rooms: Sequence[str]) -> None:
        line = await Line.open(url, "msgpack")
        listening = asyncio.create_task(line.listen(lambda frame: None))
        try:
            await line.ask("hello", token=self.token)
            for room in rooms:
                while (await line.ask("join", room=room))["t"] == "err":  # noqa: ASYNC110  each asks anew
                    await asyncio.sleep(_REPEAT_S)
            self._line = line
            self._connected.set()
            await listening
        finally:
            self._connected.clear()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await line.close()
