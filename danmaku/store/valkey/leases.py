"""Leases as keys that expire; the store's clock decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from danmaku.store.errors import LayoutMismatch, StoreDown
from danmaku.store.leases import Renewed, Taken
from danmaku.store.valkey.keys import Keys, held_by
from danmaku.store.valkey.link import Link
from danmaku.subjects import PARTITIONS


class ValkeyLeases:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def check_layout(self, partitions: int, buckets: int) -> None:
        key = self._keys.layout
        for what, here in (("partitions", partitions), ("buckets", buckets)):
            _, noted = await self._link.all([("HSETNX", key, what, here), ("HGET", key, what)])
            if int(noted) != here:
                raise LayoutMismatch(f"the store is laid out for {int(noted)} {what}, this is {here}")

    async def enlist(self, process: str, ttl_ms: int) -> list[str]:
        live = await self._link.one(*self._link.script("enlist", [self._keys.processes], process, ttl_ms))
        return sorted(name.decode() for name in live)

    async def resign(self, process: str) -> None:
        await self._link.one("ZREM", self._keys.processes, process)

    async def take(self, partitions: list[int], process: str, ttl_ms: int) -> list[Taken]:
        epochs = await self._link.many(
            [
                self._link.script("take", [self._keys.lease(p), self._keys.epoch(p)], process, ttl_ms)
                for p in partitions
            ]
        )
        return [Taken(p, int(epoch)) for p, epoch in _known(partitions, epochs).items() if epoch]

    async def renew(self, held: dict[int, int], process: str, ttl_ms: int) -> Renewed:
        replies = await self._link.many(
            [
                self._link.script("renew", [self._keys.lease(p)], held_by(process, epoch), ttl_ms)
                for p, epoch in held.items()
            ]
        )
        known = _known(held, replies)
        return Renewed(
            {p for p, still in known.items() if still}, {p for p, still in known.items() if not still}
        )

    async def release(self, held: dict[int, int], process: str) -> set[int]:
        replies = await self._link.many(
            [
                self._link.script("release", [self._keys.lease(p)], held_by(process, epoch))
                for p, epoch in held.items()
            ]
        )
        return set(_known(held, replies))

    async def holders(self) -> dict[int, tuple[str, int]]:
        leases = await self._link.many([("GET", self._keys.lease(p)) for p in range(PARTITIONS)])
        holders: dict[int, tuple[str, int]] = {}
        for partition, lease in enumerate(leases):
            if isinstance(lease, StoreDown):
                holders[partition] = "", 0
            elif lease is not None:
                epoch, _, process = lease.decode().partition(":")
                holders[partition] = (process, int(epoch))
        return holders


def _known(partitions: Iterable[int], replies: Sequence[Any]) -> dict[int, Any]:
    """What was said of each of them, without those of which nothing is known."""
    pairs = zip(partitions, replies, strict=True)
    return {partition: reply for partition, reply in pairs if not isinstance(reply, StoreDown)}
