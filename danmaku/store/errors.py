"""How the store fails."""

from __future__ import annotations


class StoreDown(Exception):
    """The store is away, too slow, or the outcome of a write is unknown."""


class PartlyDown(StoreDown):
    """That holds for a part of the store; other parts may answer."""


class LayoutMismatch(Exception):
    """The store was laid out by a version with another number of partitions or buckets."""
