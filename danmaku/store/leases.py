"""Who owns which partition: leases with epochs, by the store's clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Taken:
    """A lease now held. `epoch` is higher than any epoch the partition had before."""

    partition: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Renewed:
    """Partitions by whether they are still held. Of those in neither it is not known."""

    still: set[int]
    lost: set[int]


class Leases(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away. Where a part of it is
    away, those for several partitions tell of the others."""

    async def check_layout(self, partitions: int, buckets: int) -> None:
        """Note how many there are on first use. Raises LayoutMismatch when other numbers are noted."""

    async def enlist(self, process: str, ttl_ms: int) -> list[str]:
        """Be counted among the live rooms processes for `ttl_ms`; returns all that are, sorted."""

    async def resign(self, process: str) -> None:
        """No longer be counted."""

    async def take(self, partitions: list[int], process: str, ttl_ms: int) -> list[Taken]:
        """Take those of `partitions` that nobody holds. Each gets max(last epoch + 1, store TIME in ms).

        One of which it is not known may be held all the same, until it runs out.
        """

    async def renew(self, held: dict[int, int], process: str, ttl_ms: int) -> Renewed:
        """Renew {partition: epoch}. One round trip."""

    async def release(self, held: dict[int, int], process: str) -> set[int]:
        """Hand back {partition: epoch}; those that are held so no more. Others' are left alone."""

    async def holders(self) -> dict[int, tuple[str, int]]:
        """{partition: (process, epoch)} of all that are held now; ("", 0) where that is not known."""
