"""What of a rooms process's work is followed: from a request to the bus. Pure but for the clock of the spans.

Between the two many rows become one batch, in another task. What is followed is found there by who said it
and its cid, so that nothing of that way has to know of traces.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from danmaku.tracing.context import Context, Followed, decode, encode
from danmaku.tracing.spans import Spans, Words

Key = tuple[str, str, str]
"""Room or conversation, uid, cid."""

_MOST: Final = 1000
_PATIENCE_NS: Final = 30_000_000_000  # what is not stored by then is not followed any more


class _Row(NamedTuple):
    parent: Context
    came_ns: int
    since_ns: int


class Came(NamedTuple):
    """A row of a request that is followed."""

    key: Key
    parent: Context


class Publication:
    """A message of which something is followed, until it has left. header: of the message."""

    def __init__(self, spans: Spans, followed: list[tuple[int, Context, Context]]) -> None:
        """followed: (item, its span, the parent of that)."""
        self._spans = spans
        self._followed = followed
        self._begin_ns = spans.now()
        self.header = encode(Followed(item, context) for item, context, _ in followed)

    def sent(self) -> None:
        """The bus has it. Safe to call again: a message may go to several edges."""
        followed, self._followed = self._followed, []
        for _, context, parent in followed:
            self._spans.tell("publish", context, parent, self._begin_ns, {})


class RoomTraces:
    """False while nothing is followed, which is nearly always."""

    def __init__(self, spans: Spans, process: str) -> None:
        self._spans = spans
        self._process = process
        self._rows: dict[Key, _Row] = {}
        self.now = spans.now

    def __bool__(self) -> bool:
        return bool(self._rows)

    def came(self, rows: Sequence[Any], trace: str) -> list[Came]:
        """Those rows of a request that are followed from now on."""
        came = [
            Came(key, one.parent)
            for one in decode(trace)
            if one.row < len(rows) and (key := _key(rows[one.row])) is not None
        ]
        now = self._spans.now()
        for key, parent in came:
            self._forget(now, _MOST - 1)
            self._rows[key] = _Row(parent, now, now)
        return came

    def judged(self, came: Iterable[Came]) -> None:
        """They were gone through; what came of each is answered, or waits to be stored."""
        for key, parent in came:
            row = self._rows.get(key)
            if row is not None:
                words = {"process": self._process}
                self._spans.tell("judge", self._spans.new(parent), parent, row.came_ns, words)
                self._rows[key] = row._replace(since_ns=self._spans.now())

    def stored(self, place: str, items: Iterable[tuple[str, str, int]], begin_ns: int) -> Publication | None:
        """An append that began at `begin_ns` has stored these: (uid, cid, number of the item).

        What becomes of them on the bus, if any of them is followed.
        """
        followed: list[tuple[int, Context, Context]] = []
        self._forget(self._spans.now(), _MOST)
        for uid, cid, item in items:
            row = self._rows.pop((place, uid, cid), None)
            if row is not None:
                appended = self._spans.new(row.parent)
                words: Words = {
                    "waited_us": max(0, begin_ns - row.since_ns) // 1000,
                    "process": self._process,
                }
                self._spans.tell("append", appended, row.parent, begin_ns, words)
                followed.append((item, self._spans.new(appended), appended))
        return Publication(self._spans, followed) if followed else None

    def _forget(self, now: int, most: int) -> None:
        """The oldest first, as they were answered in another way than by being stored."""
        while self._rows:
            key = next(iter(self._rows))
            if len(self._rows) <= most and now - self._rows[key].came_ns < _PATIENCE_NS:
                return
            del self._rows[key]


def _key(row: Any) -> Key | None:
    """None where it is no comment, event or message."""
    place = getattr(row, "room", None) or getattr(row, "conv", None)
    cid = getattr(row, "cid", None)
    return (place, row.uid, cid) if place and cid else None
