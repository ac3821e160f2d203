"""A user's conversations as a sorted set in the order of their ids, and whom he blocks as a set."""

from __future__ import annotations

from typing import Final

from danmaku.store.valkey.keys import Keys
from danmaku.store.valkey.link import Call, Link

_GROUPS: Final = ("[g:", "(g;")  # what lies between begins with g:


class ValkeyContacts:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def add(self, entries: list[tuple[str, str]]) -> None:
        script, keys = self._link.script, self._keys
        calls = [script("converse", [keys.conversations(uid)], conv) for uid, conv in entries]
        await self._link.all(calls, safe=True)  # by it what is said there is found

    async def remove(self, entries: list[tuple[str, str]]) -> None:
        await self._link.all([("ZREM", self._keys.conversations(uid), conv) for uid, conv in entries])

    async def conversations(self, uid: str, after: str, limit: int) -> list[str]:
        begin = f"({after}" if after else "-"
        return await self._between(uid, begin, "+", "LIMIT", "0", str(limit))

    async def groups(self, uid: str) -> list[str]:
        return await self._between(uid, *_GROUPS)

    async def count_groups(self, uids: list[str]) -> list[int]:
        calls: list[Call] = [("ZLEXCOUNT", self._keys.conversations(uid), *_GROUPS) for uid in uids]
        return await self._link.all(calls)

    async def block(self, uid: str, other: str, most: int) -> bool:
        call = self._link.script("block", [self._keys.blocked(uid)], other, most)
        return bool(await self._link.one(*call, safe=True))

    async def unblock(self, uid: str, other: str) -> None:
        await self._link.one(*self._link.script("unblock", [self._keys.blocked(uid)], other), safe=True)

    async def blocked(self, uid: str) -> list[str]:
        return sorted(other.decode() for other in await self._link.one("SMEMBERS", self._keys.blocked(uid)))

    async def blocks(self, pairs: list[tuple[str, str]]) -> list[bool]:
        calls: list[Call] = [("SISMEMBER", self._keys.blocked(uid), other) for uid, other in pairs]
        return [bool(found) for found in await self._link.all(calls)]

    async def _between(self, uid: str, begin: str, end: str, *limit: str) -> list[str]:
        call = "ZRANGE", self._keys.conversations(uid), begin, end, "BYLEX", *limit
        return [conv.decode() for conv in await self._link.one(*call)]
