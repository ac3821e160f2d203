"""Lists of words as strings, the one for all rooms as a hash of its pieces."""

from __future__ import annotations

from collections.abc import Sequence

from danmaku.change import Reworded, encode
from danmaku.model import Act
from danmaku.store.audit import EVERYWHERE
from danmaku.store.valkey.audit import Acts
from danmaku.store.valkey.keys import Keys, held_by
from danmaku.store.valkey.link import Link
from danmaku.store.words import STAGED_MS, Piece


class ValkeyWords:
    """`reads`: a link for what is large and can wait."""

    def __init__(self, link: Link, reads: Link, keys: Keys, acts: Acts, most: int, age_s: int) -> None:
        self._link = link
        self._reads = reads
        self._keys = keys
        self._acts = acts
        self._kept = most, age_s * 1000

    async def load(self, room: str) -> bytes:
        return await self._reads.one("GET", self._keys.words(room)) or b""

    async def save(self, process: str, lease: int, room: str, words: bytes, acts: Sequence[Act] = ()) -> bool:
        call = self._link.script(
            "save_words",
            [self._keys.lease_of(room), self._keys.words(room), *self._acts.keys(room, acts)],
            held_by(process, lease),
            words,
            *self._acts.words(acts),
        )
        return bool(await self._link.one(*call, safe=True))

    async def stage(self, version: str, number: int, piece: bytes) -> None:
        keys = [self._keys.words_staged(version)]
        await self._reads.one(*self._link.script("stage_words", keys, number, piece, STAGED_MS))

    async def staged(self, version: str, pieces: int) -> bytes | None:
        found = await self._reads.one("HMGET", self._keys.words_staged(version), *range(pieces))
        return None if None in found else b"".join(found)

    async def replace(
        self, change: Reworded, pieces: int, acts: Sequence[Act] = (), over: str | None = None
    ) -> bool:
        keys = self._keys
        call = self._link.script(
            "replace_words",
            [
                keys.changes,
                keys.words_everywhere,
                keys.words_staged(change.version),
                *self._acts.keys(EVERYWHERE, acts),
            ],
            encode(change),
            *self._kept,
            change.version,
            pieces,
            "*" if over is None else over,
            *self._acts.words(acts),
        )
        return bool(await self._link.one(*call, safe=True))

    async def piece(self, number: int) -> Piece:
        fields = "version", "pieces", number
        version, pieces, piece = await self._reads.one("HMGET", self._keys.words_everywhere, *fields)
        return Piece((version or b"").decode(), int(pieces or 0), piece or b"")
