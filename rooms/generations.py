"""A memory that forgets in bulk: of two generations the older goes when the younger is old enough. Pure."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Generations(Generic[K, V]):
    """Remembers a key for at least `span_s` after it was put.

    Holds at most `2 * most` keys: more than `most` of them within `span_s`, and the oldest go early.
    """

    __slots__ = ("_began_s", "_most", "_old", "_young", "span_s")

    def __init__(self, span_s: float, most: int) -> None:
        self.span_s = span_s
        self._most = most
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._began_s: float | None = None

    def __len__(self) -> int:
        """Keys held; one that is in both generations counts twice."""
        return len(self._young) + len(self._old)

    def get(self, key: K) -> V | None:
        value = self._young.get(key)
        return self._old.get(key) if value is None else value

    def put(self, key: K, value: V, now_s: float) -> None:
        if self._began_s is None:
            self._began_s = now_s
        elif now_s - self._began_s >= self.span_s or len(self._young) >= self._most:
            self._old, self._young = self._young, {}
            self._began_s = now_s
        self._young[key] = value
