"""A user's devices as a hash that expires when none of them was heard of for long."""

from __future__ import annotations

from typing import Any

from danmaku.store.errors import StoreDown
from danmaku.store.sessions import Device, Hello, Standing, Verdict
from danmaku.store.valkey.keys import Keys
from danmaku.store.valkey.link import Call, Link, Word


class ValkeySessions:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def greet(
        self, hellos: list[Hello], now_ms: int, ttl_ms: int, most: int, *, refuses: bool = False
    ) -> list[Verdict | StoreDown]:
        words = now_ms, ttl_ms, most, int(refuses)
        replies = await self._link.many([self._greet(hello, words) for hello in hellos])
        return [reply if isinstance(reply, StoreDown) else _verdict(reply) for reply in replies]

    async def edges(self, uids: list[str], now_ms: int, ttl_ms: int) -> list[set[str]]:
        calls: list[Call] = [("HVALS", self._keys.sessions(uid)) for uid in uids]
        return [_edges(noted, now_ms - ttl_ms) for noted in await self._link.all(calls)]

    async def leave(self, gone: list[tuple[str, str, str]], now_ms: int, ttl_ms: int) -> None:
        calls = [
            self._link.script("leave", [self._keys.sessions(uid)], device, session, now_ms, ttl_ms)
            for uid, device, session in gone
        ]
        await self._link.all(calls)

    async def devices(self, uid: str, now_ms: int, ttl_ms: int) -> list[Device]:
        raw = await self._link.one("HGETALL", self._keys.sessions(uid))
        found = [_device(*pair) for pair in zip(raw[::2], raw[1::2], strict=True)]
        return sorted((one for one in found if one.seen_ms > now_ms - ttl_ms), key=lambda one: one.device)

    async def end(
        self, uid: str, device: str, now_ms: int, ttl_ms: int, remember_ms: int, most: int
    ) -> int | None:
        keys = [self._keys.sessions(uid), self._keys.ended(uid)]
        words = device, now_ms, ttl_ms, remember_ms, most
        n = await self._link.one(*self._link.script("end_session", keys, *words), safe=True)
        return None if n is None else int(n)

    def _greet(self, hello: Hello, limits: tuple[Word, ...]) -> Call:
        keys = [
            self._keys.revoked(hello.uid),
            self._keys.sessions(hello.uid),
            self._keys.ended(hello.uid),
        ]
        counted = hello.counted
        words: tuple[Word, ...] = ()
        if counted is not None:
            words = (counted.device, counted.n, counted.edge, counted.session, *limits)
        return self._link.script("greet", keys, hello.issued_ms, *words)


def _edges(noted: list[bytes], since_ms: int) -> set[str]:
    words = (one.decode().split(":", 3) for one in noted)
    return {edge for _, seen_ms, edge, _ in words if edge and int(seen_ms) > since_ms}


def _device(name: bytes, noted: bytes) -> Device:
    _, seen_ms, edge, _ = noted.decode().split(":", 3)
    return Device(name.decode(), edge, int(seen_ms))


def _verdict(reply: Any) -> Verdict:
    standing, *rest = (word.decode() for word in reply)
    if not rest:
        return Verdict(Standing(standing))
    edge, session, device, n = rest
    return Verdict(
        Standing(standing), (edge, session) if edge else None, (device, int(n)) if device else None
    )
