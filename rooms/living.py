"""Which edges are there: each says so every two seconds. Pure.

A session outlives an edge that died by minutes, and must not look as if somebody were there. Only who has
listened for long can tell: until then an edge that was not heard of is thought to be there.
"""

from __future__ import annotations

from typing import Final

_SILENT_S: Final = 10.0


class LivingEdges:
    def __init__(self, now_s: float) -> None:
        self._since_s = now_s
        self._heard: dict[str, float] = {}  # who was heard of longest ago stands first

    def hear(self, edge: str, now_s: float) -> None:
        self._heard.pop(edge, None)
        self._heard[edge] = now_s
        while now_s - self._heard[first := next(iter(self._heard))] > _SILENT_S:
            del self._heard[first]

    def doubt(self, now_s: float) -> None:
        """Nothing was heard for a while, whoever is there."""
        self._since_s = now_s

    def is_gone(self, edge: str, now_s: float) -> bool:
        return now_s - max(self._since_s, self._heard.get(edge, 0.0)) > _SILENT_S
