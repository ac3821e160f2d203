"""Audit records as streams, and how scripts are told to write acts down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from danmaku.model import Act
from danmaku.store.audit import REMEMBERED_MS, Recorded
from danmaku.store.valkey.keys import Keys, held_by
from danmaku.store.valkey.link import Link, Word

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Act).decode
_AT_ONCE: Final = 1000  # entries that are looked through in one go


class Acts:
    """What `_audit.lua` wants: keys, and words."""

    def __init__(self, keys: Keys, most: int, age_s: int) -> None:
        self._keys = keys
        self._kept = most, age_s * 1000, REMEMBERED_MS

    def keys(self, room: str, acts: Sequence[Act]) -> list[str]:
        """`room` is empty where they are for all rooms."""
        return [self._keys.audit(room), *(self._keys.act(room, act.id) for act in acts)]

    def words(self, acts: Sequence[Act]) -> tuple[Word, ...]:
        return (len(acts), *self._kept, *map(_encode, acts))


class ValkeyAudit:
    """`reads`: a link for what is large and can wait."""

    def __init__(self, link: Link, reads: Link, keys: Keys, acts: Acts) -> None:
        self._link = link
        self._reads = reads
        self._keys = keys
        self._acts = acts

    async def write_down(self, process: str, lease: int, act: Act) -> bool:
        call = self._link.script(
            "write_down",
            [self._keys.lease_of(act.room), *self._acts.keys(act.room, [act])],
            held_by(process, lease),
            *self._acts.words([act]),
        )
        return bool(await self._link.one(*call, safe=True))

    async def knows(self, room: str, act: str) -> bool:
        # known for longer: so this writes, and can be waited for on replicas
        call = "PEXPIRE", self._keys.act(room, act), REMEMBERED_MS
        return bool(await self._link.one(*call, safe=True))

    async def after(self, room: str, place: str, entries: int) -> list[Recorded]:
        record = self._keys.audit(room)
        return [
            _recorded(one)
            for one in await self._reads.one("XRANGE", record, f"({place}", "+", "COUNT", entries)
        ]

    async def before(self, room: str, place: str | None, entries: int) -> list[Recorded]:
        if place is not None and not any(map(int, place.split("-"))):
            return []  # nothing is before the beginning, and asking for it is an error
        end = "+" if place is None else f"({place}"
        found = await self._reads.one("XREVRANGE", self._keys.audit(room), end, "-", "COUNT", entries)
        return [_recorded(one) for one in reversed(found)]

    async def about(self, room: str, uid: str) -> int:
        many, place = 0, "0-0"
        while True:
            found = await self.after(room, place, _AT_ONCE)
            many += sum(one.act.uid == uid for one in found)
            if len(found) < _AT_ONCE:
                return many
            place = found[-1].place


def _recorded(raw: Any) -> Recorded:
    place, fields = raw
    return Recorded(place.decode(), _decode(fields[1]))
