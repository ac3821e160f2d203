"""Who publishes at a server that is not ours: on the same open-loop clock, with numbered, stamped texts."""

from __future__ import annotations

import asyncio
import http.client
import time
from contextlib import suppress
from typing import Final

import websockets

from loadtest.senders import Clock, Sent
from loadtest.talk import Dialect, stamped

_POST_S: Final = 10.0


class Publisher:
    """One connection that publishes in a dialect. A text counts as shown once it was handed over."""

    def __init__(self, host: str, port: int, dialect: Dialect, rate: float, size: int) -> None:
        self._host, self._port = host, port
        self._dialect = dialect
        self._clock = Clock("hot", rate)
        self._size = size
        self._number = 0
        self._elapsed_s = 0.0
        self._refused = b""
        self._socket: websockets.ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Publisher:
        """Raises OSError, InvalidHandshake."""
        if self._dialect.post:
            return self
        protocols = [websockets.Subprotocol(self._dialect.protocol)] if self._dialect.protocol else None
        self._socket = await websockets.connect(
            f"ws://{self._host}:{self._port}{self._dialect.path}", subprotocols=protocols, compression=None,
            ping_interval=None,
        )  # fmt: skip
        for part in self._dialect.hello:
            await self._send(part.encode())
        self._reader = asyncio.create_task(self._read(self._socket))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._socket:
            await self._socket.close()

    async def run(self, begin_ns: int, seconds: float) -> Sent:
        """As of a Sender. Raises ConnectionError."""
        sent = Sent()
        end_s = self._elapsed_s + seconds
        for at, room in self._clock.due(end_s):
            due = begin_ns + int((at - self._elapsed_s) * 1e9)
            await asyncio.sleep(max(0.0, (due - time.time_ns()) / 1e9))
            self._number += 1
            sent.offered += 1
            try:
                await self._publish(stamped(due, self._number, self._size))
            except (websockets.ConnectionClosed, http.client.HTTPException) as error:
                raise ConnectionError(f"publishing failed: {error}") from None
            sent.shown[room] += 1
        self._elapsed_s = end_s
        return sent

    async def _publish(self, text: str) -> None:
        if self._refused:
            raise ConnectionError(f"publishing was refused: {self._refused.decode(errors='replace').strip()}")
        if self._dialect.post:
            await asyncio.to_thread(self._post, text)
        else:
            await self._send(self._dialect.said(text))

    async def _send(self, message: bytes) -> None:
        if self._socket:
            await self._socket.send(message if self._dialect.kind == "binary" else message.decode())

    def _post(self, text: str) -> None:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_POST_S)
        try:
            connection.request("POST", self._dialect.post, text)
            status = connection.getresponse().status
        finally:
            connection.close()
        if status >= 300:
            raise ConnectionError(f"publishing was answered with status {status}")

    async def _read(self, socket: websockets.ClientConnection) -> None:
        with suppress(websockets.ConnectionClosed):  # found out where something is said
            async for message in socket:
                said = message.encode() if isinstance(message, str) else message
                if self._dialect.refuses(said):
                    self._refused = said
                if self._dialect.pings(said):
                    await self._send(self._dialect.pong.encode())
