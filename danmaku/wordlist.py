"""Lists of words: what an entry is, and how a list is kept and carried, in pieces where it is large."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, Literal, get_args

import msgspec

from danmaku.errors import BAD_FRAME, TOO_LARGE, Refusal
from danmaku.model import Role
from danmaku.rows import ActRow, AnswerBase, RowBase

Action = Literal["mask", "shadow", "hold", "refuse"]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
"""From the mildest to the strictest."""

MAX_ENTRY: Final = 64
"""Characters of an entry; of a regular expression, without its slashes, four times as many."""
MOST_IN_ROOM: Final = 1_000
MOST_EVERYWHERE: Final = 50_000
PIECE_BYTES: Final = 256 * 1024
_MAX_BYTES: Final = 4 * 1024 * 1024  # of a list that is not packed
MOST_PIECES: Final = _MAX_BYTES // PIECE_BYTES + 1
_ROOM_BYTES: Final = 64 * 1024


class Word(msgspec.Struct, frozen=True, array_like=True):
    """entry: one or more words, a `*` at an end for whatever goes on there, or a `/regular expression/`."""

    entry: str
    action: Action

    @property
    def pattern(self) -> str | None:
        """The regular expression, if it is one."""
        if len(self.entry) > 2 and self.entry[0] == self.entry[-1] == "/":
            return self.entry[1:-1]
        return None


_packer: Final = msgspec.msgpack.Encoder()
_unpacker: Final = msgspec.msgpack.Decoder(list[Word])
NOTHING: Final = b""
"""An empty list, packed."""


def pack(words: Iterable[Word]) -> bytes:
    """Each entry once, with its last action. Raises `bad_frame` naming a bad entry, `too_large`."""
    kept = {word.entry: word for word in words}
    for word in kept.values():
        _check(word)
    if len(kept) > MOST_EVERYWHERE:
        raise Refusal(TOO_LARGE, f"a list has at most {MOST_EVERYWHERE} entries")
    packed = _packer.encode(list(kept.values()))
    if len(packed) > _MAX_BYTES:
        raise Refusal(TOO_LARGE, f"a list has at most {_MAX_BYTES} bytes")
    return zlib.compress(packed) if kept else NOTHING


def pack_for_room(words: Iterable[Word]) -> bytes:
    """The same for the list of a room, which has to go into one message."""
    kept = list(words)
    if len({word.entry for word in kept}) > MOST_IN_ROOM:
        raise Refusal(TOO_LARGE, f"the list of a room has at most {MOST_IN_ROOM} entries")
    packed = pack(kept)
    if len(packed) > _ROOM_BYTES:
        raise Refusal(TOO_LARGE, f"the list of a room has at most {_ROOM_BYTES} bytes, packed")
    return packed


def unpack(packed: bytes) -> list[Word]:
    """Raises ValueError for what is no packed list, or too long."""
    if packed == NOTHING:
        return []
    inflate = zlib.decompressobj()
    try:
        words = _unpacker.decode(inflate.decompress(packed, _MAX_BYTES))
    except (zlib.error, ValueError, RecursionError) as error:
        raise ValueError("not a packed list") from error
    if not inflate.eof:
        raise ValueError("a packed list that goes on, or is too long")
    return words


def version_of(packed: bytes) -> str:
    """Of a room's list; empty where it is."""
    return sha256(packed).hexdigest()[:16] if packed else ""


def pieces(packed: bytes) -> list[bytes]:
    """At most so large that one goes into a message; at least one."""
    return [packed[at : at + PIECE_BYTES] for at in range(0, max(1, len(packed)), PIECE_BYTES)]


def _check(word: Word) -> None:
    if len(word.entry) <= MAX_ENTRY and word.entry.isalpha():  # as most are, and nothing is wrong with
        return
    pattern = word.pattern
    shown = word.entry[:MAX_ENTRY]
    if len(pattern or word.entry) > (MAX_ENTRY if pattern is None else 4 * MAX_ENTRY):
        raise Refusal(BAD_FRAME, f"the entry {shown!r} … is too long")
    if not word.entry.isprintable() or not word.entry.strip(" *"):
        raise Refusal(BAD_FRAME, f"the entry {shown!r} holds nothing to look for")
    if pattern is None and "*" in word.entry.strip("*"):
        raise Refusal(BAD_FRAME, f"the entry {shown!r}: a * stands at an end only")


class Found(msgspec.Struct, frozen=True, array_like=True):
    """What becomes of a text: the action, the entry that it comes of, and the text as it would be shown.

    Without an action nothing was found.
    """

    action: Action | None = None
    entry: str = ""
    text: str = ""


# Rows to the owner of a room, and their answers.


class PutWordsRow(ActRow, tag="words"):
    """Replace a room's list, with `over` only that version of it. Answered by Done, or Refused."""

    room: str
    by: str
    role: Role
    words: bytes
    over: str | None = None


class GetWordsRow(RowBase, tag="get_words"):
    """Answered by RoomWords, or Refused."""

    room: str
    uid: str
    role: Role


class TryWordsRow(RowBase, tag="try_words"):
    """What would become of this text in the room? Answered by WordsTried, or Refused."""

    room: str
    uid: str
    role: Role
    text: str


class RoomWords(AnswerBase, tag="room_words"):
    words: bytes


class WordsTried(AnswerBase, tag="words_tried"):
    found: Found


# About the list for all rooms, to any rooms process.


class StagePiece(msgspec.Struct, array_like=True, tag="stage"):
    """Keep a piece of a list that will be `version`, for a minute. Answered by WordsReply."""

    budget_ms: int
    version: str
    number: int
    piece: bytes


class ReplaceWords(msgspec.Struct, array_like=True, tag="replace"):
    """Let what was staged as `version` be the list, with `over` only in place of that version.

    what: for the record. Answered by WordsReply.
    """

    budget_ms: int
    version: str
    pieces: int
    by: str
    role: Role
    what: str = ""
    over: str | None = None


class GetPiece(msgspec.Struct, array_like=True, tag="get"):
    """A piece of the list in force. Answered by WordsReply."""

    budget_ms: int
    number: int


class WordsReply(msgspec.Struct, array_like=True):
    """version, pieces, piece: of the list in force, where a piece of it was asked for.

    refused: the name of a refusal, with `detail`.
    """

    version: str = ""
    pieces: int = 0
    piece: bytes = b""
    refused: str | None = None
    detail: str | None = None


WordsRequest = StagePiece | ReplaceWords | GetPiece

encode: Final = msgspec.msgpack.Encoder().encode
decode_words_request: Final = msgspec.msgpack.Decoder(WordsRequest).decode
decode_words_reply: Final = msgspec.msgpack.Decoder(WordsReply).decode
