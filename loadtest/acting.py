"""Who is acted upon, and who acts: one that talks without a pause, and a moderator over HTTP."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import websockets

from danmaku import wire
from loadtest.service import Service

_ANSWER_S: Final = 10.0


class Talker:
    """One connection in a room that says the next comment when the last is answered."""

    def __init__(self, socket: websockets.ClientConnection, room: str) -> None:
        self._socket = socket
        self._room = room
        self._number = 0
        self._cid = secrets.token_hex(4)

    async def say(self, text: str) -> wire.Ok | wire.Err:
        """The answer to one comment. Raises ConnectionError, TimeoutError."""
        self._number += 1
        return await self.ask(wire.Send(self._number + 10, self._room, text, f"{self._cid}-{self._number}"))

    async def refused(self, text: str) -> str:
        """Say it until that is refused: the name of the refusal. Raises ConnectionError, TimeoutError."""
        async with asyncio.timeout(_ANSWER_S):
            while not isinstance(answer := await self.say(text), wire.Err):
                pass
        return answer.error

    async def ask(self, frame: wire.ClientFrame) -> wire.Ok | wire.Err:
        """The answer. Raises ConnectionError, TimeoutError."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._socket.send(wire.MSGPACK.encode(frame))
                while True:
                    message = await self._socket.recv(decode=False)
                    for answer in wire.MSGPACK.decode_server(message):
                        if isinstance(answer, wire.Ok | wire.Err) and answer.id == frame.id:
                            return answer
        except websockets.ConnectionClosed as closed:
            raise ConnectionError(f"the connection was closed: {closed}") from None


@asynccontextmanager
async def talker(service: Service, token: str, room: str) -> AsyncIterator[Talker]:
    """One that has joined. Raises ConnectionError, OSError, TimeoutError."""
    url = f"ws://{service.host}:{service.port}/v1/ws"
    protocols = [websockets.Subprotocol(wire.MSGPACK_PROTOCOL)]
    async with websockets.connect(url, subprotocols=protocols, compression=None) as socket:
        one = Talker(socket, room)
        for frame in (wire.Hello(1, token=token), wire.Join(2, room)):
            answer = await one.ask(frame)
            if isinstance(answer, wire.Err):
                raise ConnectionError(f"{answer.error}: {answer.message}")
        yield one


class Moderator:
    """Calls of the HTTP API with the service's token."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def token(self, whose: dict[str, Any]) -> str:
        """An access token, as `/v1/tokens` takes it. Raises ConnectionError, OSError."""
        answer = await self.call("POST", "/v1/tokens", whose)
        return str(answer["access_token"])

    async def timed(self, method: str, path: str, body: dict[str, Any] | None = None) -> int:
        """When the call was begun, by the wall clock in ns; it is over. Raises as `call`."""
        begin = time.time_ns()
        await self.call(method, path, body)
        return begin

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What is answered. Raises ConnectionError where that is a refusal, OSError."""
        return await asyncio.to_thread(self._call, method, path, body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        connection = http.client.HTTPConnection(self._service.host, self._service.port, timeout=_ANSWER_S)
        try:
            headers = {"Authorization": f"Bearer {self._service.token}"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            read = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status >= 300:
            error = read["error"]
            raise ConnectionError(f"{method} {path} was refused: {error['error']}: {error['message']}")
        return dict(read)
