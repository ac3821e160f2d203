"""Leases as keys that expire; the store's clock decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from danmaku.store.errors import LayoutMismatch, StoreDown
from danmaku.store.leases import Renewed, Taken
from danmaku.store.valkey.keys import Keys, held_by
from danmaku.store.valkey.link import Call, Link
from danmaku.subjects import PARTITIONS

T = TypeVar("T")


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
        return [Taken(p, int(epoch)) for p, epoch in _known(partitions, epochs) if epoch]

    async def renew(self, held: dict[int, int], process: str, ttl_ms: int) -> Renewed:
        def renew(partitions: list[int]) -> Call:
            holders = (held_by(process, held[p]) for p in partitions)
            return self._link.script("renew", [self._keys.lease(p) for p in partitions], ttl_ms, *holders)

        groups = self._link.together(list(held))
        replies = await self._link.many([renew(group) for group in groups])
        known = {
            p: still
            for group, renewed in _known(groups, replies)
            for p, still in zip(group, renewed, strict=True)
        }
        if not known and len(held) > len(groups):  # it has slots all the same, or one of them is no lease
            alone = await self._link.many([renew([p]) for p in held])
            known = {p: still for p, (still,) in _known(held, alone)}
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
        return {p for p, _ in _known(held, replies)}

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


def _known(asked: Iterable[T], replies: Sequence[Any]) -> Iterator[tuple[T, Any]]:
    """What was said of each, without those of which nothing is known."""
    pairs = zip(asked, replies, strict=True)
    return ((one, reply) for one, reply in pairs if not isinstance(reply, StoreDown))
