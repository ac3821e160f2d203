"""How viewers spread over rooms: a few rooms have most of them, as it is with live rooms."""

from __future__ import annotations


def zipf(total: int, rooms: int, exponent: float) -> list[int]:
    """`total` viewers over `rooms`, the n-th with 1 / n^exponent of the first; each has at least one.

    Raises ValueError with fewer viewers than rooms.
    """
    if total < rooms:
        raise ValueError(f"{total} viewers cannot fill {rooms} rooms")
    weights = [1 / (rank + 1) ** exponent for rank in range(rooms)]
    spread = total - rooms  # above the one that each has
    shares = [spread * weight / sum(weights) for weight in weights]
    sizes = [1 + int(share) for share in shares]
    by_rest = sorted(range(rooms), key=lambda rank: int(shares[rank]) - shares[rank])
    for rank in by_rest[: total - sum(sizes)]:
        sizes[rank] += 1
    return sizes
