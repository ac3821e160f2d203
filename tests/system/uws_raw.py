"""A WebSocket client without manners: sends any bytes, answers no ping, and can vanish with an RST."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import struct
from contextlib import suppress

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class UpgradeRefused(Exception):
    """The server answered an upgrade with something else than 101."""

    def __init__(self, head: str, body: bytes) -> None:
        super().__init__(head)
        self.status = int(head.split(" ", 2)[1])
        self.head = head
        self.body = body


def encode_frame(payload: bytes, opcode: int = TEXT, *, masked: bool = True, last: bool = True) -> bytes:
    """One client frame, right or wrong. The mask is zero, so the payload is readable in a dump."""
    flag = 0x80 if masked else 0
    first = opcode | (0x80 if last else 0)
    if len(payload) < 126:
        head = struct.pack("!BB", first, flag | len(payload))
    elif len(payload) < 2**16:
        head = struct.pack("!BBH", first, flag | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, flag | 127, len(payload))
    return head + (b"\0\0\0\0" if masked else b"") + payload


def upgrade_request(path: str, headers: tuple[str, ...] = ()) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: test",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class RawClient:
    """One TCP connection. `frame` raises EOFError at its end, however that came."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int, *, host: str = "127.0.0.1", limit: int = 2**16) -> RawClient:
        return cls(*await asyncio.open_connection(host, port, limit=limit))

    @classmethod
    async def open(
        cls, port: int, path: str = "/ws", *, headers: tuple[str, ...] = (), host: str = "127.0.0.1"
    ) -> RawClient:
        """Connect and upgrade; UpgradeRefused holds the answer where the server would not."""
        client = await cls.connect(port, host=host)
        client.send_bytes(upgrade_request(path, headers))
        try:
            head, length = await client.response_head()
            body = await client.reader.readexactly(length)
        except BaseException:
            await client.leave()
            raise
        if " 101 " not in head.partition("\r\n")[0]:
            await client.leave()
            raise UpgradeRefused(head, body)
        return client

    def send_bytes(self, raw: bytes) -> None:
        if not self.writer.is_closing():
            self.writer.write(raw)

    def send(self, text: str) -> None:
        self.send_bytes(encode_frame(text.encode()))

    async def response_head(self) -> tuple[str, int]:
        """An HTTP answer up to its empty line, and how many bytes of body it announces."""
        try:
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except ConnectionError as error:
            raise EOFError from error
        length = 0
        for line in head.split("\r\n")[1:]:
            name, _, value = line.partition(":")
            if name.lower() == "content-length":
                length = int(value)
        return head, length

    async def response(self) -> tuple[int, str, bytes]:
        """A whole HTTP answer: status, head, body."""
        head, length = await self.response_head()
        return int(head.split(" ", 2)[1]), head, await self.reader.readexactly(length)

    async def frame(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload."""
        try:
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 0x0F, await self.reader.readexactly(length)
        except ConnectionError as error:
            raise EOFError from error

    async def text(self) -> str:
        """The next text frame, pings passed over."""
        while True:
            opcode, payload = await self.frame()
            if opcode in (TEXT, BINARY):
                return payload.decode()
            if opcode == CLOSE:
                raise EOFError(f"closed: {payload!r}")

    async def close_frame(self) -> tuple[int, str]:
        """Read on to the close frame: its code and reason."""
        while True:
            opcode, payload = await self.frame()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2]), payload[2:].decode()

    async def end_of_stream(self) -> None:
        """Read on until the server has hung up."""
        with suppress(ConnectionError):
            while await self.reader.read(2**16):
                pass

    async def kill(self) -> None:
        """Vanish: an RST instead of a goodbye."""
        with suppress(OSError):  # the server may have been faster
            self.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        self.writer.transport.abort()
        await self._gone()

    async def leave(self) -> None:
        """Close the TCP connection."""
        self.writer.close()
        await self._gone()

    async def _gone(self) -> None:
        with suppress(ConnectionError):
            await self.writer.wait_closed()
