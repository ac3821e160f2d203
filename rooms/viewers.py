"""How many watch each room, summed over edges. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from danmaku.envelope import Counts

INTERVAL_S: Final = 2.0  # edges report this often
_SILENT_S: Final = 3 * INTERVAL_S
_MAX_EDGES: Final = 10_000


@dataclass(slots=True)
class _Report:
    incarnation: int
    heard_s: float
    rooms: dict[str, int]


class Viewers:
    """The latest report of each edge; an edge that is silent for three intervals is forgotten."""

    def __init__(self, max_edges: int = _MAX_EDGES) -> None:
        self._max_edges = max_edges
        self._reports: dict[str, _Report] = {}
        self._totals: dict[str, int] = {}

    def report(self, counts: Counts, now_s: float) -> None:
        """Replaces what the edge said before. What a former life of it said late is ignored."""
        before = self._reports.get(counts.edge)
        if before is None:
            if len(self._reports) >= self._max_edges:
                return
        elif counts.incarnation < before.incarnation:
            return
        else:
            self._add(before.rooms, -1)
        rooms = {room: viewers for room, viewers in counts.rooms.items() if viewers > 0}
        self._reports[counts.edge] = _Report(counts.incarnation, now_s, rooms)
        self._add(rooms, 1)

    def forget_silent(self, now_s: float) -> None:
        for edge, report in list(self._reports.items()):
            if now_s - report.heard_s > _SILENT_S:
                del self._reports[edge]
                self._add(report.rooms, -1)

    def of(self, room: str) -> int:
        return self._totals.get(room, 0)

    def _add(self, rooms: dict[str, int], sign: int) -> None:
        for room, viewers in rooms.items():
            total = self._totals.get(room, 0) + sign * viewers
            if total:
                self._totals[room] = total
            else:
                del self._totals[room]
