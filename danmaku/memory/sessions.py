"""Who is connected from which device, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from danmaku.memory.leases import Clock
from danmaku.memory.tokens import MemoryTokens
from danmaku.store.errors import StoreDown
from danmaku.store.sessions import Counted, Device, Hello, Standing, Verdict

T = TypeVar("T")


@dataclass(slots=True)
class _Noted:
    counted: Counted
    seen_ms: int


class MemorySessions:
    def __init__(self, tokens: MemoryTokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self._users: dict[str, tuple[dict[str, _Noted], int]] = {}  # uid: (by device, remembered until)
        self._ended: dict[str, tuple[dict[str, int], int]] = {}  # uid: (time by device, remembered until)

    async def greet(
        self, hellos: list[Hello], now_ms: int, ttl_ms: int, most: int, *, refuses: bool = False
    ) -> list[Verdict | StoreDown]:
        return [self._greet(hello, now_ms, ttl_ms, most, refuses) for hello in hellos]

    async def edges(self, uids: list[str], now_ms: int, ttl_ms: int) -> list[set[str]]:
        return [self._edges(uid, now_ms - ttl_ms) for uid in uids]

    async def leave(self, gone: list[tuple[str, str, str]], now_ms: int, ttl_ms: int) -> None:
        for uid, device, session in gone:
            devices = self._known(self._users, uid)
            noted = devices.get(device)
            if noted is not None and noted.counted.session == session:
                ended = Counted(device, noted.counted.n, "", session)
                devices[device] = _Noted(ended, max(noted.seen_ms, now_ms))
                self._users[uid] = (devices, self._clock() + ttl_ms)

    async def devices(self, uid: str, now_ms: int, ttl_ms: int) -> list[Device]:
        devices = self._known(self._users, uid)
        found = [Device(name, one.counted.edge, one.seen_ms) for name, one in sorted(devices.items())]
        return [one for one in found if one.seen_ms > now_ms - ttl_ms]

    async def end(
        self, uid: str, device: str, now_ms: int, ttl_ms: int, remember_ms: int, most: int
    ) -> int | None:
        devices, ended = self._known(self._users, uid), self._known(self._ended, uid)
        noted = devices.get(device)
        if noted is None or now_ms - noted.seen_ms >= ttl_ms:
            return 0 if device in ended else None
        del devices[device]
        ended[device] = max(ended.get(device, 0), now_ms)
        self._ended[uid] = (ended, self._clock() + remember_ms)
        while len(ended) > most:
            del ended[min((at, name) for name, at in ended.items() if name != device)[1]]
        return noted.counted.n

    def _known(self, users: dict[str, tuple[dict[str, T], int]], uid: str) -> dict[str, T]:
        by_device, until = users.get(uid, ({}, 0))
        return by_device if self._clock() < until else {}

    def _edges(self, uid: str, since_ms: int) -> set[str]:
        there = (one for one in self._known(self._users, uid).values() if one.counted.edge)
        return {one.counted.edge for one in there if one.seen_ms > since_ms}

    def _greet(self, hello: Hello, now_ms: int, ttl_ms: int, most: int, refuses: bool) -> Verdict:
        if self._tokens.is_void(hello.uid, hello.issued_ms):
            return Verdict(Standing.REVOKED)
        new = hello.counted
        if new is None:
            return Verdict(Standing.GOOD)
        if hello.issued_ms <= self._known(self._ended, hello.uid).get(new.device, 0):
            return Verdict(Standing.REVOKED)
        devices = self._known(self._users, hello.uid)
        noted = devices.get(new.device)
        replaces: tuple[str, str] | None = None
        displaces: tuple[str, int] | None = None
        if noted is not None and now_ms - noted.seen_ms < ttl_ms:
            old = noted.counted
            if new.n < old.n or (new.n == old.n and new.session != old.session):
                return Verdict(Standing.REPLACED)
            if new.n > old.n:
                replaces = (old.edge, old.session) if old.edge else None
            elif old.edge and now_ms - noted.seen_ms < ttl_ms / 4:
                return Verdict(Standing.GOOD)
        others = [one for device, one in devices.items() if device != new.device]
        there = [one for one in others if one.counted.edge and now_ms - one.seen_ms < ttl_ms]
        if refuses and len(there) >= most:
            return Verdict(Standing.CROWDED)
        devices[new.device] = _Noted(new, now_ms)
        self._users[hello.uid] = (devices, self._clock() + ttl_ms)
        while len(devices) > most:
            ages = (
                (one.counted.edge != "", one.seen_ms, device)
                for device, one in devices.items()
                if device != new.device
            )
            _, _, device = min(ages)
            oldest = devices.pop(device)
            if oldest in there:
                displaces = (device, oldest.counted.n)
        return Verdict(Standing.GOOD, replaces, displaces)
