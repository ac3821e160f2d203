"""What many others said last, as long as it is fresh. Pure."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Lately(Generic[T]):
    """Of `most` of them, heard of in the last `fresh_s`; the one heard of longest ago goes first."""

    def __init__(self, fresh_s: float, most: int) -> None:
        self._fresh_s = fresh_s
        self._most = most
        self._heard: dict[str, tuple[float, T]] = {}  # in the order in which it was heard

    def hear(self, name: str, said: T, now_s: float) -> None:
        self._heard.pop(name, None)
        while self._heard and (len(self._heard) >= self._most or self._oldest_s < now_s - self._fresh_s):
            del self._heard[next(iter(self._heard))]
        self._heard[name] = now_s, said

    def all(self, now_s: float) -> list[T]:
        return [said for heard_s, said in self._heard.values() if heard_s >= now_s - self._fresh_s]

    @property
    def _oldest_s(self) -> float:
        return next(iter(self._heard.values()))[0]
