"""Twins of the bus and the store that live in one process: for tests, with the same behaviour."""

from danmaku.memory.bus import MemoryBus
from danmaku.memory.store import MemoryStore

__all__ = ["MemoryBus", "MemoryStore"]
