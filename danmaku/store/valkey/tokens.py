"""Revocations and refresh-token families as keys that expire with the tokens they speak of."""

from __future__ import annotations

from danmaku.store.tokens import Spent
from danmaku.store.valkey.keys import Keys
from danmaku.store.valkey.link import Link


class ValkeyTokens:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def revoked_ms(self, uids: list[str]) -> list[int]:
        noted = await self._link.all([("GET", self._keys.revoked(uid)) for uid in uids])
        return [int(at or 0) for at in noted]

    async def revoke(self, uid: str, now_ms: int, ttl_ms: int) -> None:
        await self._link.one(*self._link.script("revoke", [self._keys.revoked(uid)], now_ms, ttl_ms))

    async def spend(
        self, uid: str, family: str, n: int, now_ms: int, grace_ms: int, ttl_ms: int
    ) -> Spent | None:
        key = self._keys.family(uid, family)
        spent = await self._link.one(*self._link.script("spend", [key], n, now_ms, grace_ms, ttl_ms))
        return Spent(*spent) if spent else None
