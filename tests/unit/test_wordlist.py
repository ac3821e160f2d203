"""Lists are packed and come back; what is no list, or too long, is refused."""

from __future__ import annotations

import zlib
from hashlib import sha512

import pytest

from danmaku.errors import Refusal
from danmaku.wordlist import (
    MOST_EVERYWHERE,
    MOST_IN_ROOM,
    NOTHING,
    PIECE_BYTES,
    Word,
    pack,
    pack_for_room,
    pieces,
    unpack,
)


def many(number: int) -> list[Word]:
    return [Word(f"word {n}", "hold") for n in range(number)]


def test_a_list_comes_back_with_each_entry_once() -> None:
    words = [Word("one", "mask"), Word("/tw+o/", "hold"), Word("one", "refuse")]
    assert unpack(pack(words)) == [Word("one", "refuse"), Word("/tw+o/", "hold")]
    assert pack([]) == NOTHING
    assert unpack(NOTHING) == []
    assert unpack(pack(many(MOST_EVERYWHERE))) == many(MOST_EVERYWHERE)


@pytest.mark.parametrize("entry", ["", "  ", "*", "a\nb", "x" * 65, f"/{'x' * 257}/", "a*b", "\u202eabc"])
def test_a_bad_entry_is_refused(entry: str) -> None:
    with pytest.raises(Refusal, match="the entry"):
        pack([Word("good", "mask"), Word(entry, "mask")])


@pytest.mark.parametrize("entry", ["x" * 64, "/" + "x" * 256 + "/", "*a*", "a b", "//", "傻瓜"])
def test_a_good_one_is_not(entry: str) -> None:
    assert unpack(pack([Word(entry, "mask")])) == [Word(entry, "mask")]


def test_a_list_has_bounds() -> None:
    with pytest.raises(Refusal, match="at most 50000 entries"):
        pack(many(MOST_EVERYWHERE + 1))
    with pytest.raises(Refusal, match="at most 1000 entries"):
        pack_for_room(many(MOST_IN_ROOM + 1))
    long = [Word(f"/{n:0256}/", "mask") for n in range(20_000)]
    with pytest.raises(Refusal, match="at most 4194304 bytes"):
        pack(long)
    assert len(unpack(pack_for_room(many(MOST_IN_ROOM)))) == MOST_IN_ROOM


def test_the_list_of_a_room_goes_into_a_message() -> None:
    words = [Word(f"/{n}{sha512(str(n).encode()).hexdigest()}/", "mask") for n in range(MOST_IN_ROOM)]
    with pytest.raises(Refusal, match="packed"):
        pack_for_room(words)


@pytest.mark.parametrize(
    "packed",
    [
        b"x",
        zlib.compress(b"x"),
        pack(many(3))[:-1],
        zlib.compress(b"\x91" * 5_000),
        zlib.compress(bytes(2**23)),
    ],
)
def test_what_is_no_list_is_none(packed: bytes) -> None:
    with pytest.raises(ValueError, match="list"):
        unpack(packed)


def test_pieces_make_the_whole() -> None:
    packed = bytes(range(256)) * 4096
    assert b"".join(pieces(packed)) == packed
    assert max(map(len, pieces(packed))) == PIECE_BYTES
    assert pieces(NOTHING) == [b""]
