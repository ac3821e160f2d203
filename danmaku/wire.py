"""Client frames and bytes: what clients and servers say to each other, defined only here.

The frames are in `wire_frames`, what batches hold in `wire_items`, chat in `wire_chat`; others import
them from here.

Two subprotocols carry the same shapes. msgpack is binary and a message holds one or more maps back
to back; JSON is text and a message holds one object per line. A batch is encoded once by its owner;
`Codec.batch` of the JSON codec transcodes those bytes, the msgpack codec passes them on untouched.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, get_args

import msgpack
import msgspec

from danmaku.model import MAX_NUMBER as MAX_NUMBER
from danmaku.model import Number as Number
from danmaku.model import Position
from danmaku.wire_frames import ABSENT as ABSENT
from danmaku.wire_frames import Aside as Aside
from danmaku.wire_frames import Batch as Batch
from danmaku.wire_frames import ClientFrame as ClientFrame
from danmaku.wire_frames import Err as Err
from danmaku.wire_frames import Hello as Hello
from danmaku.wire_frames import History as History
from danmaku.wire_frames import Join as Join
from danmaku.wire_frames import Leave as Leave
from danmaku.wire_frames import Like as Like
from danmaku.wire_frames import Notice as Notice
from danmaku.wire_frames import Ok as Ok
from danmaku.wire_frames import OpenPoll as OpenPoll
from danmaku.wire_frames import Ping as Ping
from danmaku.wire_frames import Pinned as Pinned
from danmaku.wire_frames import RoomFrame as RoomFrame
from danmaku.wire_frames import Send as Send
from danmaku.wire_frames import ServerFrame as ServerFrame
from danmaku.wire_frames import Skip as Skip
from danmaku.wire_frames import Stats as Stats
from danmaku.wire_frames import Vote as Vote
from danmaku.wire_items import Announce as Announce
from danmaku.wire_items import At as At
from danmaku.wire_items import Closed as Closed
from danmaku.wire_items import Comment as Comment
from danmaku.wire_items import Gift as Gift
from danmaku.wire_items import Gone as Gone
from danmaku.wire_items import Item as Item
from danmaku.wire_items import Opened as Opened
from danmaku.wire_items import Paid as Paid
from danmaku.wire_items import Poll as Poll
from danmaku.wire_items import PollClosed as PollClosed
from danmaku.wire_items import Recall as Recall
from danmaku.wire_items import SettingsChanged as SettingsChanged
from danmaku.wire_items import Titled as Titled
from danmaku.wire_items import Unpinned as Unpinned
from danmaku.wire_items import encode_item as encode_item

MSGPACK_PROTOCOL: Final = "danmaku.v1.msgpack"
JSON_PROTOCOL: Final = "danmaku.v1.json"
MAX_FRAMES_PER_MESSAGE: Final = 64
_MSGPACK_MAPS: Final = frozenset(bytes([byte]) for byte in (*range(0x80, 0x90), 0xDE, 0xDF))
_DEFLATED: Final = b"\x78"
_INFLATED_BYTES: Final = 4 * 1024 * 1024
_KNOWN: Final = frozenset(str(kind.__struct_config__.tag) for kind in get_args(ServerFrame))
# Bad UTF-8 is a plain ValueError, of which msgspec's own errors are kinds too.
_UNREADABLE: Final = (ValueError, RecursionError)


class Malformed(msgspec.Struct):
    """What could not be read as a client frame; `id` where one could still be made out."""

    id: int | None
    reason: str


_NOT_MSGPACK: Final = (
    f"this connection speaks msgpack in binary messages; offer the subprotocol {JSON_PROTOCOL} for JSON"
)
_NOT_JSON: Final = (
    f"this connection speaks JSON in text messages; offer the subprotocol {MSGPACK_PROTOCOL} for msgpack"
)
_TOO_MANY: Final = Malformed(None, f"more than {MAX_FRAMES_PER_MESSAGE} frames in one message")


class Codec:
    """One subprotocol. Stateless; one instance of each serves a whole process."""

    protocol: str
    binary: bool

    def decode(self, message: bytes) -> list[ClientFrame | Malformed]:
        """The frames of one WebSocket message from a client; never raises."""
        raise NotImplementedError

    def decode_server(self, message: bytes) -> list[ServerFrame]:
        """The frames of one WebSocket message from the server. Raises ValueError.

        Frames of a kind this version does not know are left out.
        """
        raise NotImplementedError

    def encode(self, frame: ServerFrame | ClientFrame) -> bytes:
        raise NotImplementedError

    def batch(self, frame: bytes) -> bytes:
        """A msgpack frame (a batch as stored) in this subprotocol."""
        raise NotImplementedError

    def history(self, frames: Sequence[bytes]) -> msgspec.Raw:
        """The list of `frames` (each already in this subprotocol) as one encoded value."""
        raise NotImplementedError

    def value(self, plain: Any) -> msgspec.Raw:
        """Any plain value or Struct, encoded, for the Raw fields of `Ok`."""
        raise NotImplementedError

    def read(self, raw: msgspec.Raw, kind: Any = Any) -> Any:
        """What a Raw field holds, as `kind`. Raises msgspec.DecodeError or ValidationError."""
        raise NotImplementedError


def inflated(message: bytes) -> bytes:
    """The frames of a message. Where `deflate` was said it may be a zlib stream (RFC 1950): no frame begins
    like one. Raises ValueError, also where it would be larger than anything that is sent."""
    if message[:1] != _DEFLATED:
        return message
    stream = zlib.decompressobj()
    try:
        frames = stream.decompress(message, _INFLATED_BYTES)
    except zlib.error as error:
        raise ValueError(f"a compressed message cannot be read: {error}") from error
    if not stream.eof or stream.unused_data:
        raise ValueError("a compressed message is cut off, too large, or followed by something")
    return frames


class MsgpackCodec(Codec):
    protocol = MSGPACK_PROTOCOL
    binary = True

    def __init__(self) -> None:
        self._frame = msgspec.msgpack.Decoder(ClientFrame)
        self._server = msgspec.msgpack.Decoder(ServerFrame)
        self._encoder = msgspec.msgpack.Encoder()

    def decode(self, message: bytes) -> list[ClientFrame | Malformed]:
        try:
            return [self._frame.decode(message)]
        except _UNREADABLE:
            return self._decode_slowly(message)

    def _decode_slowly(self, message: bytes) -> list[ClientFrame | Malformed]:
        if message.lstrip()[:1] == b"{":
            return [Malformed(_id_of(_lenient_json(message)), _NOT_MSGPACK)]
        frames: list[ClientFrame | Malformed] = []
        try:
            for part in _split_msgpack(message):
                if len(frames) == MAX_FRAMES_PER_MESSAGE:
                    return [_TOO_MANY]
                try:
                    frames.append(self._frame.decode(part))
                except _UNREADABLE as error:
                    frames.append(Malformed(_id_of(_lenient_msgpack(part)), str(error)))
        except ValueError as error:
            frames.append(Malformed(None, str(error)))
        return frames or [Malformed(None, "empty message")]

    def decode_server(self, message: bytes) -> list[ServerFrame]:
        try:
            return [self._server.decode(message)]
        except _UNREADABLE:
            return self._decode_server_slowly(message)

    def _decode_server_slowly(self, message: bytes) -> list[ServerFrame]:
        frames: list[ServerFrame] = []
        for part in _split_msgpack(message):
            try:
                frames.append(self._server.decode(part))
            except _UNREADABLE as error:
                if not _is_unknown(_lenient_msgpack(part)):
                    raise ValueError(str(error)) from error
        return frames

    def encode(self, frame: ServerFrame | ClientFrame) -> bytes:
        return self._encoder.encode(frame)

    def batch(self, frame: bytes) -> bytes:
        return frame

    def history(self, frames: Sequence[bytes]) -> msgspec.Raw:
        return msgspec.Raw(self._encoder.encode([msgspec.Raw(frame) for frame in frames]))

    def value(self, plain: Any) -> msgspec.Raw:
        return msgspec.Raw(self._encoder.encode(plain))

    def read(self, raw: msgspec.Raw, kind: Any = Any) -> Any:
        return msgspec.msgpack.decode(raw, type=kind)


class JsonCodec(Codec):
    protocol = JSON_PROTOCOL
    binary = False

    def __init__(self) -> None:
        self._frame = msgspec.json.Decoder(ClientFrame)
        self._server = msgspec.json.Decoder(ServerFrame)
        self._encoder = msgspec.json.Encoder()

    def decode(self, message: bytes) -> list[ClientFrame | Malformed]:
        if message[:1] in _MSGPACK_MAPS:
            return [Malformed(_id_of(_lenient_msgpack(message)), _NOT_JSON)]
        frames: list[ClientFrame | Malformed] = []
        for line in message.splitlines():
            if not line.strip():
                continue
            if len(frames) == MAX_FRAMES_PER_MESSAGE:
                return [_TOO_MANY]
            try:
                frames.append(self._frame.decode(line))
            except _UNREADABLE as error:
                frames.append(Malformed(_id_of(_lenient_json(line)), str(error)))
        return frames or [Malformed(None, "empty message")]

    def decode_server(self, message: bytes) -> list[ServerFrame]:
        frames: list[ServerFrame] = []
        for line in message.splitlines():
            if not line.strip():
                continue
            try:
                frames.append(self._server.decode(line))
            except _UNREADABLE as error:
                if not _is_unknown(_lenient_json(line)):
                    raise ValueError(str(error)) from error
        return frames

    def encode(self, frame: ServerFrame | ClientFrame) -> bytes:
        return self._encoder.encode(frame)

    def batch(self, frame: bytes) -> bytes:
        try:
            return self._encoder.encode(msgspec.msgpack.decode(frame))
        except (TypeError, RecursionError) as error:  # msgpack knows more kinds of values than JSON
            raise ValueError(str(error)) from error

    def history(self, frames: Sequence[bytes]) -> msgspec.Raw:
        return msgspec.Raw(b"[" + b",".join(frames) + b"]")

    def value(self, plain: Any) -> msgspec.Raw:
        return msgspec.Raw(self._encoder.encode(plain))

    def read(self, raw: msgspec.Raw, kind: Any = Any) -> Any:
        return msgspec.json.decode(raw, type=kind)


MSGPACK: Final = MsgpackCodec()
JSON: Final = JsonCodec()


@lru_cache(64)  # a handful of clients say it, as often as there are viewers
def codec_for(offered: str | None) -> Codec | None:
    """The codec for a `Sec-WebSocket-Protocol` header; msgpack when none is offered, None when none fits."""
    if not offered:
        return MSGPACK
    for protocol in (part.strip() for part in offered.split(",")):
        if protocol == MSGPACK_PROTOCOL:
            return MSGPACK
        if protocol == JSON_PROTOCOL:
            return JSON
    return None


def encode_batch(
    room: str, first: Position, at: int, items: Sequence[bytes], prev: Position | None = None
) -> bytes:
    """The finished `batch` frame that history stores, `room out` carries and edges publish."""
    return msgspec.msgpack.encode(
        Batch(
            room,
            first.epoch,
            first.seq,
            at,
            [msgspec.Raw(item) for item in items],
            None if prev is None else At.of(prev),
        )
    )


def encode_aside(room: str, at: int, item: bytes) -> bytes:
    """The finished `aside` frame with one item."""
    return msgspec.msgpack.encode(Aside(room, at, [msgspec.Raw(item)]))


def _split_msgpack(message: bytes) -> Iterator[bytes]:
    """The back-to-back values of `message`, each as its own bytes. Raises ValueError on bad msgpack."""
    unpacker = msgpack.Unpacker(max_buffer_size=max(len(message), 1))
    unpacker.feed(message)
    begin = 0
    while begin < len(message):
        try:
            unpacker.skip()
        except msgpack.OutOfData:
            raise ValueError("the message ends inside a frame") from None
        except ValueError:
            raise ValueError("not msgpack, or nested too deep") from None
        yield message[begin : unpacker.tell()]
        begin = unpacker.tell()


def _lenient_msgpack(part: bytes) -> Any:
    try:
        return msgspec.msgpack.decode(part)
    except _UNREADABLE:
        return None


def _lenient_json(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)
    except _UNREADABLE:
        return None


def _id_of(value: Any) -> int | None:
    number = value.get("id") if isinstance(value, dict) else None
    return number if type(number) is int and 0 <= number <= MAX_NUMBER else None


def _is_unknown(value: Any) -> bool:
    """Whether `value` is a frame of a kind that only a later version knows."""
    kind = value.get("t") if isinstance(value, dict) else None
    return isinstance(kind, str) and kind not in _KNOWN
