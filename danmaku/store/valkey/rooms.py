"""A room's state as a hash, and the set of a partition's rooms."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from danmaku import board
from danmaku.board import EMPTY, Board
from danmaku.model import Act, Effect, RoomInfo, RoomSettings, closed_for_good
from danmaku.store.errors import StoreDown
from danmaku.store.valkey.audit import Acts
from danmaku.store.valkey.keys import Keys, held_by
from danmaku.store.valkey.link import Link, Word


class ValkeyRooms:
    def __init__(self, link: Link, keys: Keys, acts: Acts) -> None:
        self._link = link
        self._keys = keys
        self._acts = acts

    async def load(self, room: str) -> RoomInfo | None:
        raw = await self._link.one("HGETALL", self._keys.state(room))
        kept = dict(zip(raw[::2], raw[1::2], strict=True))
        if b"created_ms" not in kept:
            return None
        return RoomInfo(
            room,
            title=kept[b"title"].decode(),
            open=kept[b"open"] == b"1",
            settings=msgspec.json.decode(kept[b"settings"], type=RoomSettings),
            likes=int(kept.get(b"likes", 0)),
            created_ms=int(kept[b"created_ms"]),
            raid_until_ms=int(kept.get(b"raid_until_ms", 0)),
        )

    async def board(self, room: str) -> Board:
        kept = await self._link.one("HGET", self._keys.state(room), "board")
        try:
            return EMPTY if kept is None else board.decode(kept)
        except ValueError as error:
            raise StoreDown(f"the board of a room cannot be read: {error}") from error

    async def create(self, process: str, lease: int, info: RoomInfo) -> bool:
        return await self._change(process, lease, Effect("create", info))

    async def save(self, process: str, lease: int, info: RoomInfo, acts: Sequence[Act] = ()) -> bool:
        return await self._change(process, lease, Effect("save", info, tuple(acts)))

    async def delete(self, process: str, lease: int, room: str, acts: Sequence[Act] = ()) -> bool:
        return await self._change(process, lease, Effect("delete", closed_for_good(room), tuple(acts)))

    async def add_likes(self, process: str, lease: int, likes: dict[str, int]) -> dict[str, int]:
        totals = await self._link.all(
            [
                self._link.script(
                    "add_likes",
                    [self._keys.lease_of(room), self._keys.state(room)],
                    held_by(process, lease),
                    more,
                )
                for room, more in likes.items()
            ]
        )
        return {room: total for room, total in zip(likes, totals, strict=True) if total is not None}

    async def in_partition(self, partition: int) -> list[str]:
        rooms = await self._link.one("SMEMBERS", self._keys.listing(partition))
        return sorted(room.decode() for room in rooms)

    async def _change(self, process: str, lease: int, effect: Effect) -> bool:
        room, acts = effect.info.room, effect.acts
        touched = [*self._keys.of_state(room), *self._acts.keys(room, acts)]
        what = (*self._acts.words(acts), *words(effect))
        call = self._link.script("change_room", touched, held_by(process, lease), *what)
        return bool(await self._link.one(*call, safe=True))


def words(effect: Effect) -> tuple[Word, ...]:
    """What `_effect.lua` wants: verb, room, and the fields of the state."""
    info = effect.info
    return (
        *(effect.verb, info.room),
        *("title", info.title),
        *("open", int(info.open)),
        *("settings", msgspec.json.encode(info.settings)),
        *("created_ms", info.created_ms),
        *("raid_until_ms", info.raid_until_ms),
    )
