"""A room's appointed moderators as a hash, one field for each."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from danmaku.model import Act, Appointed
from danmaku.store.taken import Taken
from danmaku.store.valkey.audit import Acts
from danmaku.store.valkey.keys import Keys, held_by
from danmaku.store.valkey.link import Link

_appointed = msgspec.json.Decoder(Appointed)
_encode = msgspec.json.Encoder().encode


class ValkeyModerators:
    def __init__(self, link: Link, keys: Keys, acts: Acts) -> None:
        self._link = link
        self._keys = keys
        self._acts = acts

    async def load(self, room: str) -> list[Appointed]:
        kept = await self._link.one("HVALS", self._keys.moderators(room))
        return sorted((_appointed.decode(one) for one in kept), key=lambda one: one.uid)

    async def appoint(
        self, process: str, lease: int, room: str, one: Appointed, acts: Sequence[Act] = ()
    ) -> bool:
        words = one.uid, _encode(one), *self._acts.words(acts)
        call = self._link.script("impose", self._touched(room, acts), held_by(process, lease), *words)
        return bool(await self._link.one(*call, safe=True))

    async def dismiss(self, process: str, lease: int, room: str, uid: str, acts: Sequence[Act] = ()) -> Taken:
        words = uid, 0, *self._acts.words(acts)  # an appointment has no end
        call = self._link.script("lift", self._touched(room, acts), held_by(process, lease), *words)
        return Taken(await self._link.one(*call, safe=True))

    def _touched(self, room: str, acts: Sequence[Act]) -> list[str]:
        return [self._keys.lease_of(room), self._keys.moderators(room), *self._acts.keys(room, acts)]
