"""Revocations and refresh-token families as keys that expire with the tokens they speak of."""

from __future__ import annotations

from danmaku.store.tokens import Spent
from danmaku.store.valkey.keys import Keys
from danmaku.store.valkey.link import Link


class ValkeyTokens:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def revoke(self, uid: str, now_ms: int, ttl_ms: int) -> None:
        call = self._link.script("revoke", [self._keys.revoked(uid)], now_ms, ttl_ms)
        await self._link.one(*call, safe=True)

    async def spend(
        self,
        uid: str,
        family: str,
        n: int,
        *,
        issued_ms: int,
        now_ms: int,
        grace_ms: int,
        until_ms: int,
    ) -> Spent | None:
        keys = [self._keys.family(uid, family), self._keys.revoked(uid)]
        call = self._link.script("spend", keys, n, issued_ms, now_ms, grace_ms, until_ms)
        spent = await self._link.one(*call, safe=True)
        return Spent(*spent) if spent else None
