"""What becomes of an input by chance: bytes changed, cut out, doubled, and what decoders stumble over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

# Lengths that are announced and never come, depth without end, numbers at their limits, broken text.
_TOKENS: Final = (
    b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
    b"\xdc\xff\xff", b"\xde\xff\xff", b"\xc9\xff\xff\xff\xff\x01", b"\xd8\x01", b"\xd6\xff\x00\x00\x00\x00",
    b"\xc1", b"\xc0", b"\x80", b"\x90", b"\xcf" + b"\xff" * 8, b"\xd3\x80" + b"\x00" * 7,
    b"\xcb\x7f\xf8" + b"\x00" * 6, b"\xa1\xff", b"\x91" * 700, b"\x81\xa0" * 700, b"[" * 700,
    b'{"a":' * 700, b"]" * 700, b"1e999", b"-", b"9" * 400, b"NaN", b"\\ud800", b"\\u0000", b'"',
    b"\xff\xfe", b"\xf0\x9f", b"\x00", b"\n", b"\r\n", b",", b":", b"{}", b"[]", b"=", b"&", b"%00", b"%ff",
    b"%", b"/..", b"#", b"'''", b"\xef\xbb\xbf", b".", b"eyJhbGciOiJub25lIn0", b"\x78\x9c",
    b"\x78\xda\xed\xc1", b"-----BEGIN CERTIFICATE-----\n", b"*", b"(a+)+$", b"\xe2\x80\xae",
)  # fmt: skip
_MOST_BYTES: Final = 64 * 1024  # a frame, a body and a row of the store are no larger as shipped
_Change = Callable[[Random, bytearray], None]


def mutated(random: Random, pool: Sequence[bytes]) -> bytes:
    """One of `pool`, changed at up to four places, or as it is."""
    data = bytearray(random.choice(pool))
    for _ in range(random.randrange(5)):
        random.choice(_CHANGES)(random, data)
    if random.random() < 0.02:
        data += random.choice(pool)
    return bytes(data[:_MOST_BYTES])


def _place(random: Random, data: bytearray) -> int:
    return int(random.random() * len(data))


def _flip(random: Random, data: bytearray) -> None:
    if data:
        data[_place(random, data)] ^= 1 << random.randrange(8)


def _set(random: Random, data: bytearray) -> None:
    if data:
        data[_place(random, data)] = random.randrange(256)


def _token(random: Random, data: bytearray) -> None:
    at = _place(random, data)
    data[at:at] = random.choice(_TOKENS)


def _overwrite(random: Random, data: bytearray) -> None:
    at, token = _place(random, data), random.choice(_TOKENS)
    data[at : at + len(token)] = token


def _cut(random: Random, data: bytearray) -> None:
    at = _place(random, data)
    del data[at : at + random.randrange(1, 9)]


def _end(random: Random, data: bytearray) -> None:
    del data[_place(random, data) :]


def _double(random: Random, data: bytearray) -> None:
    at, end = sorted((_place(random, data), _place(random, data)))
    data[at:at] = data[at : min(end, at + 200)] * random.choice((1, 1, 2, 30))


_CHANGES: Final[tuple[_Change, ...]] = (_flip, _set, _set, _token, _overwrite, _cut, _end, _double)
