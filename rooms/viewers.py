"""How many watch each room, summed over edges. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from danmaku.envelope import Counts

INTERVAL_S: Final = 2.0  # edges report this often
_SILENT_S: Final = 3 * INTERVAL_S
_MAX_EDGES: Final = 10_000


@dataclass(slots=True)
class _Report:
    heard_s: float
    rooms: dict[str, int]


@dataclass(slots=True)
class _Place:
    """What runs there now, by its shards."""

    incarnation: int
    reports: dict[str, _Report] = field(default_factory=dict)


class Viewers:
    """The latest report of each edge; an edge that is silent for three intervals is forgotten."""

    def __init__(self, max_edges: int = _MAX_EDGES) -> None:
        self._max_edges = max_edges
        self._known = 0
        self._places: dict[str, _Place] = {}
        self._totals: dict[str, int] = {}

    def report(self, counts: Counts, now_s: float) -> None:
        """Replaces what the edge said before, and all that what ran in its place before said in any shard.
        What that says late is ignored."""
        name = counts.edge.rsplit("-", 1)[0]
        place = self._places.get(name)
        if place is not None and counts.incarnation > place.incarnation:
            for edge in list(place.reports):
                self._forget(name, edge)
            place = None
        if place is not None and counts.incarnation < place.incarnation:
            return
        if place is not None and counts.edge in place.reports:
            self._forget(name, counts.edge)
        if self._known >= self._max_edges:
            return
        rooms = {room: viewers for room, viewers in counts.rooms.items() if viewers > 0}
        place = self._places.setdefault(name, _Place(counts.incarnation))
        place.reports[counts.edge] = _Report(now_s, rooms)
        self._known += 1
        self._add(rooms, 1)

    def forget_silent(self, now_s: float) -> None:
        for name, place in list(self._places.items()):
            for edge, report in list(place.reports.items()):
                if now_s - report.heard_s > _SILENT_S:
                    self._forget(name, edge)

    def of(self, room: str) -> int:
        return self._totals.get(room, 0)

    def _forget(self, name: str, edge: str) -> None:
        reports = self._places[name].reports
        self._known -= 1
        self._add(reports.pop(edge).rooms, -1)
        if not reports:
            del self._places[name]

    def _add(self, rooms: dict[str, int], sign: int) -> None:
        for room, viewers in rooms.items():
            total = self._totals.get(room, 0) + sign * viewers
            if total:
                self._totals[room] = total
            else:
                del self._totals[room]
