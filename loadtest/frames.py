"""WebSocket frames by hand: what a swarm of many thousand sockets can afford."""

from __future__ import annotations

import struct
from typing import Final

READ_BYTES: Final = 65_536
"""How much is read at one time: a larger buffer is mapped and unmapped for each, ten times as dear."""

CLOSE = 0x8
_KNOWN: Final = 512
_KNOWN_BYTES: Final = 16_384
_OPCODES = {"text": 0x1, "binary": 0x2, "close": CLOSE, "ping": 0x9, "pong": 0xA}


def masked(payload: bytes, kind: str = "binary") -> bytes:
    """One client frame. The masking key is zero, which is allowed and leaves the payload as it is."""
    first = 0x80 | _OPCODES[kind]
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    return head + b"\0\0\0\0" + payload


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Whole server frames in `data` as (opcode, payload), and the bytes that begin the next one."""
    frames: list[tuple[int, bytes]] = []
    begin, end = 0, len(data)
    while end - begin >= 2:
        size = data[begin + 1]
        body = begin + 2
        if size == 126:
            body += 2
            if end < body:
                break
            size = int.from_bytes(data[begin + 2 : body], "big")
        elif size == 127:
            body += 8
            if end < body:
                break
            size = int.from_bytes(data[begin + 2 : body], "big")
        if end < body + size:
            break
        frames.append((data[begin] & 0x0F, data[body : body + size]))
        begin = body + size
    return frames, data[begin:]


def upgrade(host: str, path: str, protocol: str) -> bytes:
    """The request that opens a WebSocket. The key is fixed: nobody here checks the answer to it.

    Without `protocol` none is offered.
    """
    offer = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: ZGFubWFrdSBsb2FkdGVzdA==\r\nSec-WebSocket-Version: 13\r\n"
        f"{offer}\r\n"
    ).encode()


class Splitter:
    """`split` for many readers of the same bytes: what it was asked of late it knows, up to some 16 MB."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[list[tuple[int, bytes]], bytes]] = {}

    def split(self, data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
        """The list is everybody's: it is not to be changed."""
        known = self._known.get(data)
        if known is None:
            known = split(data)
            if len(data) <= _KNOWN_BYTES:
                if len(self._known) == _KNOWN:
                    self._known.clear()
                self._known[data] = known
        return known
