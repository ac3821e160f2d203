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

    async def revoke(self, uid: str, now_ms: int, ttl_ms: int) -> None:
        """Void all that `uid` holds; remembered for `ttl_ms`, the longest life a token can have."""

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
        """Spend refresh token `n` of a family (the first is 1), which was issued at `issued_ms`.

        A repeat of the last spent one within `grace_ms` gives the same answer; any other reuse revokes
        the family and gives None, as does a revoked family, and a token that `revoke` made void.

        until_ms: neither this token nor the one that is given for it is valid after it. What is known of
        a family is kept until the latest such time, so that no token outlives the family's revocation.
        """
