"""Revocations and refresh-token families of users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Spent:
    """A refresh token was spent: mint number `n`, issued at `issued_ms`."""

    n: int
    issued_ms: int


class Tokens(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away."""

    async def revoked_ms(self, uids: list[str]) -> list[int]:
        """Per uid: tokens issued at or before this time are void; 0 when none were. One round trip."""

    async def revoke(self, uid: str, now_ms: int, ttl_ms: int) -> None:
        """Void all that `uid` holds; remembered for `ttl_ms`, the longest life a token can have."""

    async def spend(
        self, uid: str, family: str, n: int, now_ms: int, grace_ms: int, ttl_ms: int
    ) -> Spent | None:
        """Spend refresh token `n` of a family (the first is 1).

        A repeat of the last spent one within `grace_ms` gives the same answer; any other reuse revokes
        the family for ever and gives None, as does a revoked family.
        """
