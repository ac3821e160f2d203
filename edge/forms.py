"""In which form a viewer gets what a room shows: which subprotocol, and whether it is compressed. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from danmaku import wire

_LEVEL: Final = 6  # level 1 takes half the time, and leaves a tenth more
_WORTH: Final = 0.9  # of its size: what saves less goes out as it is
_MESSAGE_BYTES: Final = 64 * 1024
_MESSAGE_FRAMES: Final = 64  # docs/PROTOCOL.md
_CODECS: Final = (wire.MSGPACK, wire.JSON, wire.MSGPACK, wire.JSON)
_PREFIXES: Final = ("m", "j", "md", "jd")


class Form(IntEnum):
    MSGPACK = 0
    JSON = 1
    MSGPACK_DEFLATED = 2
    JSON_DEFLATED = 3

    @classmethod
    def of(cls, codec: wire.Codec, *, deflate: bool) -> Form:
        return FORMS[(0 if codec.binary else 1) + (2 if deflate else 0)]

    @property
    def codec(self) -> wire.Codec:
        return _CODECS[self]

    @property
    def is_deflated(self) -> bool:
        return self >= Form.MSGPACK_DEFLATED


FORMS: Final = tuple(Form)  # an enum looks its members up much more slowly


class Topics:
    """The topics of a room, by form; one object per room, so that its viewers share the names."""

    __slots__ = ("names", "room")

    def __init__(self, room: str) -> None:
        self.room = room
        self.names = tuple(f"{prefix}/{room}" for prefix in _PREFIXES)

    def of(self, form: Form) -> str:
        return self.names[form]


def deflated(message: bytes, least_bytes: int) -> bytes | None:
    """The message as a zlib stream (RFC 1950); None where it is smaller than that, or nearly as small."""
    if len(message) < least_bytes:
        return None
    packed = zlib.compress(message, _LEVEL)
    return packed if len(packed) < len(message) * _WORTH else None


def joined(frames: Sequence[bytes], *, is_binary: bool) -> list[bytes]:
    """Messages of many frames; a large frame is a message by itself."""
    messages: list[list[bytes]] = []
    size = _MESSAGE_BYTES
    for frame in frames:
        size += len(frame)
        if size > _MESSAGE_BYTES or len(messages[-1]) == _MESSAGE_FRAMES:
            messages.append([])
            size = len(frame)
        messages[-1].append(frame)
    separator = b"" if is_binary else b"\n"
    return [separator.join(message) if len(message) > 1 else message[0] for message in messages]
