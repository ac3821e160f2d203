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
        """Replaces what the edge said before, in a former life also of its other shards. What one of these
        said late is ignored."""
        before = self._reports.get(counts.edge)
        is_another = before is None or before.incarnation != counts.incarnation
        if is_another and not self._succeeds(counts):
            return
        if counts.edge in self._reports:
            self._forget(counts.edge)
        elif len(self._reports) >= self._max_edges:
            return
        rooms = {room: viewers for room, viewers in counts.rooms.items() if viewers > 0}
        self._reports[counts.edge] = _Report(counts.incarnation, now_s, rooms)
        self._add(rooms, 1)

    def forget_silent(self, now_s: float) -> None:
        for edge, report in list(self._reports.items()):
            if now_s - report.heard_s > _SILENT_S:
                self._forget(edge)

    def of(self, room: str) -> int:
        return self._totals.get(room, 0)

    def _succeeds(self, counts: Counts) -> bool:
        """Whether nothing later runs in its place. What ran there before, in however many shards, is gone."""
        place = _place(counts.edge)
        known = {edge: one.incarnation for edge, one in self._reports.items() if _place(edge) == place}
        for edge, incarnation in known.items():
            if incarnation < counts.incarnation:
                self._forget(edge)
        return max(known.values(), default=0) <= counts.incarnation

    def _forget(self, edge: str) -> None:
        self._add(self._reports.pop(edge).rooms, -1)

    def _add(self, rooms: dict[str, int], sign: int) -> None:
        for room, viewers in rooms.items():
            total = self._totals.get(room, 0) + sign * viewers
            if total:
                self._totals[room] = total
            else:
                del self._totals[room]


def _place(edge: str) -> str:
    """Without the number of its shard."""
    return edge.rsplit("-", 1)[0]
