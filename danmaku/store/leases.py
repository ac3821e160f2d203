"""Who owns which partition: leases with epochs, by the store's clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Taken:
    """A lease now held. `epoch` is higher than any epoch the partition had before."""

    partition: int
    epoch: int


class Leases(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away."""

    async def check_layout(self, partitions: int, buckets: int) -> None:
        """Note how many there are on first use. Raises LayoutMismatch when other numbers are noted."""

    async def enlist(self, process: str, ttl_ms: int) -> list[str]:
        """Be counted among the live rooms processes for `ttl_ms`; returns all that are, sorted."""

    async def resign(self, process: str) -> None:
        """No longer be counted."""

    async def take(self, partitions: list[int], process: str, ttl_ms: int) -> list[Taken]:
        """Take those of `partitions` that nobody holds. Each gets max(last epoch + 1, store TIME in ms)."""

    async def renew(self, held: dict[int, int], process: str, ttl_ms: int) -> set[int]:
        """Renew {partition: epoch}; returns those still held. One round trip."""

    async def release(self, held: dict[int, int], process: str) -> None:
        """Hand back {partition: epoch}; what is no longer held is left alone."""

    async def holders(self) -> dict[int, tuple[str, int]]:
        """{partition: (process, epoch)} of all that are held now; for doctor and tests."""
