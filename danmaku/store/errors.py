"""How the store fails."""

from __future__ import annotations


class StoreDown(Exception):
    """The store is away, too slow, or the outcome of a write is unknown."""


class LayoutMismatch(Exception):
    """The store was laid out by a version with another number of partitions or buckets."""
