"""A room's held comments as a hash, by id."""

from __future__ import annotations

from collections.abc import Sequence

from danmaku import held
from danmaku.held import Held
from danmaku.model import Act
from danmaku.store.valkey.audit import Acts
from danmaku.store.valkey.keys import Keys, held_by
from danmaku.store.valkey.link import Link, Word


class ValkeyHeld:
    def __init__(self, link: Link, keys: Keys, acts: Acts) -> None:
        self._link = link
        self._keys = keys
        self._acts = acts

    async def load(self, room: str) -> list[Held]:
        raw = await self._link.one("HVALS", self._keys.held(room))
        return sorted(map(held.decode, raw), key=lambda one: one.place)

    async def change(
        self,
        process: str,
        lease: int,
        room: str,
        kept: Sequence[Held],
        gone: Sequence[str] = (),
        acts: Sequence[Act] = (),
    ) -> bool:
        call = self._link.script(
            "hold",
            [self._keys.lease_of(room), self._keys.held(room), *self._acts.keys(room, acts)],
            held_by(process, lease),
            len(kept),
            *(word for one in kept for word in words(one)),
            " ".join(gone),
            *self._acts.words(acts),
        )
        (done,) = await self._link.all([call], safe=True)  # whoever is told that it is held is told no more
        return bool(done)


def words(one: Held | None) -> tuple[Word, Word]:
    """What `hold.lua` and `append.lua` want of a comment: id and value; twice nothing without one."""
    return ("", "") if one is None else (one.id, held.encode(one))
