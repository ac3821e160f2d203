"""A room's state as a hash, and the set of a partition's rooms."""

from __future__ import annotations

from typing import Literal

import msgspec

from danmaku.model import RoomInfo, RoomSettings, closed_for_good
from danmaku.store.valkey.keys import Keys, held_by
from danmaku.store.valkey.link import Link, Word


class ValkeyRooms:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

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
        )

    async def create(self, process: str, lease: int, info: RoomInfo) -> bool:
        return await self._write("create_room", process, lease, info)

    async def save(self, process: str, lease: int, info: RoomInfo) -> bool:
        return await self._write("save_room", process, lease, info)

    async def delete(self, process: str, lease: int, room: str) -> bool:
        return await self._write("delete_room", process, lease, closed_for_good(room))

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

    async def _write(
        self,
        verb: Literal["create_room", "save_room", "delete_room"],
        process: str,
        lease: int,
        info: RoomInfo,
    ) -> bool:
        keys, room = self._keys, info.room
        state: tuple[Word, ...] = (
            *("title", info.title),
            *("open", int(info.open)),
            *("settings", msgspec.json.encode(info.settings)),
            *("created_ms", info.created_ms),
        )
        touched = [keys.lease_of(room), keys.state(room), keys.listing_of(room), keys.log(room)]
        call = self._link.script(verb, touched, held_by(process, lease), room, *state)
        return bool(await self._link.one(*call))
