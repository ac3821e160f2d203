"""A room's sanctions as a hash, one field for each kind and user."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from danmaku.model import Act
from danmaku.store.moderation import Sanction, SanctionKind
from danmaku.store.taken import Taken
from danmaku.store.valkey.audit import Acts
from danmaku.store.valkey.keys import Keys, held_by
from danmaku.store.valkey.link import Link, Word

_sanction = msgspec.json.Decoder(Sanction)
_encode = msgspec.json.Encoder().encode


class ValkeyModeration:
    def __init__(self, link: Link, keys: Keys, acts: Acts) -> None:
        self._link = link
        self._keys = keys
        self._acts = acts

    async def load(self, room: str, now_ms: int) -> list[Sanction]:
        key = self._keys.sanctions(room)
        active, over = sanctions_of(await self._link.one("HGETALL", key), now_ms)
        if over:
            await self._link.one(*self._link.script("forget", [key], *over))
        return sorted(active, key=lambda sanction: (sanction.kind, sanction.uid))

    async def impose(
        self, process: str, lease: int, room: str, sanction: Sanction, acts: Sequence[Act] = ()
    ) -> bool:
        call = self._link.script(
            "impose",
            [self._keys.lease_of(room), self._keys.sanctions(room), *self._acts.keys(room, acts)],
            held_by(process, lease),
            field_of(sanction.kind, sanction.uid),
            _encode(sanction),
            *self._acts.words(acts),
        )
        return bool(await self._link.one(*call, safe=True))

    async def lift(
        self,
        process: str,
        lease: int,
        room: str,
        kind: SanctionKind,
        uid: str,
        now_ms: int,
        acts: Sequence[Act] = (),
    ) -> Taken:
        call = self._link.script(
            "lift",
            [self._keys.lease_of(room), self._keys.sanctions(room), *self._acts.keys(room, acts)],
            held_by(process, lease),
            field_of(kind, uid),
            now_ms,
            *self._acts.words(acts),
        )
        return Taken(await self._link.one(*call, safe=True))


def sanctions_of(raw: Sequence[bytes], now_ms: int) -> tuple[list[Sanction], list[Word]]:
    """Those of the hash that are active, and fields and values of those that have run out."""
    active: list[Sanction] = []
    over: list[Word] = []
    for field, value in zip(raw[::2], raw[1::2], strict=True):
        sanction = _sanction.decode(value)
        if sanction.active(now_ms):
            active.append(sanction)
        else:
            over += (field, value)
    return active, over


def field_of(kind: SanctionKind, uid: str) -> str:
    """Where a sanction is in a hash of them."""
    return f"{kind}:{uid}"
