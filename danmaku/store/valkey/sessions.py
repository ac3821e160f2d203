"""A user's devices as a hash that expires when none of them was heard of for long."""

from __future__ import annotations

from typing import Any

from danmaku.store.sessions import Hello, Standing, Verdict
from danmaku.store.valkey.keys import Keys
from danmaku.store.valkey.link import Call, Link, Word


class ValkeySessions:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def greet(self, hellos: list[Hello], now_ms: int, ttl_ms: int, most: int) -> list[Verdict]:
        replies = await self._link.all([self._greet(hello, now_ms, ttl_ms, most) for hello in hellos])
        return [_verdict(reply) for reply in replies]

    def _greet(self, hello: Hello, now_ms: int, ttl_ms: int, most: int) -> Call:
        keys = [self._keys.revoked(hello.uid), self._keys.sessions(hello.uid)]
        counted = hello.counted
        words: tuple[Word, ...] = ()
        if counted is not None:
            words = (counted.device, counted.n, counted.edge, counted.session, now_ms, ttl_ms, most)
        return self._link.script("greet", keys, hello.issued_ms, *words)


def _verdict(reply: Any) -> Verdict:
    standing, *replaced = (word.decode() for word in reply)
    return Verdict(Standing(standing), (replaced[0], replaced[1]) if replaced else None)
