"""Adjustments as JSON in a hash, by their versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from danmaku import change
from danmaku.adjustment import KEPT, Adjustment
from danmaku.change import Adjusted
from danmaku.model import Act
from danmaku.store.audit import EVERYWHERE
from danmaku.store.valkey.audit import Acts
from danmaku.store.valkey.keys import Keys
from danmaku.store.valkey.link import Link

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Adjustment).decode


class ValkeyAdjustments:
    """Beside them stands which version each act made. `reads`: a link for what is large and can wait."""

    def __init__(self, link: Link, reads: Link, keys: Keys, acts: Acts, most: int, age_s: int) -> None:
        self._link = link
        self._reads = reads
        self._acts = acts
        self._log = keys.changes
        self._key = keys.adjustments
        self._kept = most, age_s * 1000

    async def newest(self, limit: int) -> list[Adjustment]:
        last = int(await self._reads.one("HGET", self._key, "version") or 0)
        versions = range(last, max(0, last - min(limit, KEPT)), -1)
        # One may go, for it is one too many, after it was seen that it is there.
        found = await self._reads.one("HMGET", self._key, *versions) if versions else []
        return [_decode(one) for one in found if one is not None]

    async def of_version(self, version: int) -> Adjustment | None:
        found = await self._reads.one("HGET", self._key, version)
        return None if found is None else _decode(found)

    async def of_act(self, act: str) -> Adjustment | None:
        found = await self._reads.one(*self._reads.script("of_act", [self._key], act))
        return None if found is None else _decode(found)

    async def adjust(self, adjustment: Adjustment, acts: Sequence[Act] = ()) -> bool:
        call = self._link.script(
            "adjust",
            [self._log, self._key, *self._acts.keys(EVERYWHERE, acts)],
            change.encode(Adjusted(adjustment.version, adjustment.by)),
            *self._kept,
            adjustment.version,
            _encode(adjustment),
            adjustment.act,
            KEPT,
            *self._acts.words(acts),
        )
        return bool(await self._link.one(*call, safe=True))
