"""Hellos of logged-in users: is their token good, and which connection of a device is the newest?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from danmaku.store.errors import StoreDown


@dataclass(frozen=True, slots=True)
class Counted:
    """Connection number `n` of a device, known at `edge` as `session`. None of the ids holds a colon."""

    device: str
    n: int
    edge: str
    session: str


@dataclass(frozen=True, slots=True)
class Hello:
    """By a token of `uid` issued at `issued_ms`; without `counted` nothing is replaced and nothing kept."""

    uid: str
    issued_ms: int
    counted: Counted | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """Where a device is connected, and when that was heard of last. `edge` is empty once that has ended."""

    device: str
    edge: str
    seen_ms: int


class Standing(Enum):
    GOOD = "good"
    REVOKED = "revoked"  # the token is void, everywhere or on this device
    CROWDED = "crowded"  # as many other devices are connected as may be
    REPLACED = "replaced"  # another connection of the device has this `n` or a higher one


@dataclass(frozen=True, slots=True)
class Verdict:
    """`replaces`: (edge, session) of the connection whose place a good one takes now.

    displaces: (device, n) of another device that was connected, and had to make room.
    """

    standing: Standing
    replaces: tuple[str, str] | None = None
    displaces: tuple[str, int] | None = None


class Sessions(Protocol):
    async def greet(
        self, hellos: list[Hello], now_ms: int, ttl_ms: int, most: int, *, refuses: bool = False
    ) -> list[Verdict | StoreDown]:
        """A verdict each, in one round trip; one that stands is kept in the step that finds it to stand.
        A StoreDown in place of each that failed alone.

        Saying the same hello again is harmless, and keeps it known: it is forgotten `ttl_ms` after it was
        said last, or when `most` devices of its user were heard of later; with `refuses` a further device
        does not stand instead while so many are connected. Of two connections with the same `n` the first
        stands. Raises StoreDown when the outcome is unknown or the store is away.
        """

    async def edges(self, uids: list[str], now_ms: int, ttl_ms: int) -> list[set[str]]:
        """Where each user has counted connections, heard of in `ttl_ms`. One round trip. Raises StoreDown."""

    async def leave(self, gone: list[tuple[str, str, str]], now_ms: int, ttl_ms: int) -> None:
        """(uid, device, session) of connections that have ended. One round trip. Raises StoreDown.

        Where another one took the place of a session, nothing happens. Its `n` is remembered as before, and
        of too many devices those that have ended are forgotten first.
        """

    async def devices(self, uid: str, now_ms: int, ttl_ms: int) -> list[Device]:
        """Those heard of in `ttl_ms`, in order of their ids. Raises StoreDown."""

    async def end(
        self, uid: str, device: str, now_ms: int, ttl_ms: int, remember_ms: int, most: int
    ) -> int | None:
        """What is known of a device is forgotten, and tokens issued until `now_ms` are void there.

        The `n` of its connection: 0 where that was done before, None where nothing is known of the device.
        That is remembered for `remember_ms`, of the `most` devices that were ended last. Raises StoreDown
        when the outcome is unknown or the store is away.
        """
