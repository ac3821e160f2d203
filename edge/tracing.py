"""What of an edge's work is followed: rows on their way to who answers them, and what is handed to viewers.

Pure but for the clock of the spans.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from danmaku import chat, rows
from danmaku.bus import Receive, ReceiveTraced
from danmaku.event_rows import PaidRow
from danmaku.tracing.context import Context, Followed, decode, encode
from danmaku.tracing.spans import Spans, Words

A = TypeVar("A")

_ROWS: Final = 1000  # followed at one time; others are not then
_ROOMS: Final = 1000
_NAMES: Final[dict[type, str]] = {
    rows.SendRow: "comment",
    rows.EventRow: "event",
    PaidRow: "event",
    chat.SendRow: "chat message",
}


@dataclass(slots=True)
class _Row:
    root: Context
    begin_ns: int
    waits_ns: int  # since when it is in no request
    request: Context | None = None
    sent_ns: int = 0
    requests: int = 0


class RowTraces:
    """Rows from when they are to be asked about until they are answered. A row is known by its identity."""

    def __init__(self, spans: Spans, edge: str) -> None:
        self._spans = spans
        self._edge = edge
        self._rows: dict[int, _Row] = {}

    def follow(self, row: Any, answered: Callable[[A], None]) -> Callable[[A], None]:
        """What to call with the answer: `answered` itself, unless the row is one of those that are followed.

        It holds the row, so that its identity stays its own.
        """
        name = _NAMES.get(type(row))
        if name is None or not self._spans.is_sampled() or len(self._rows) >= _ROWS:
            return answered
        now = self._spans.now()
        one = self._rows[id(row)] = _Row(self._spans.new(), now, now)

        def told(answer: A) -> None:
            if self._rows.pop(id(row), None) is not None:
                self._end(name, row, one, answer)
            answered(answer)

        return told

    def sent(self, asked: Sequence[Any]) -> str:
        """They go into one request now, in this order. Its header; empty where none of them is followed."""
        if not self._rows:
            return ""
        followed: list[Followed] = []
        for number, row in enumerate(asked):
            one = self._rows.get(id(row))
            if one is not None:
                self._spans.tell("gather", self._spans.new(one.root), one.root, one.waits_ns, {})
                one.request, one.sent_ns = self._spans.new(one.root), self._spans.now()
                one.requests += 1
                followed.append(Followed(number, one.request))
        return encode(followed)

    def came_back(self, asked: Sequence[Any], *, answered: bool) -> None:
        """The request has ended, with a reply or without."""
        if not self._rows:
            return
        for row in asked:
            one = self._rows.get(id(row))
            if one is not None and one.request is not None:
                words = {"answered": answered, "rows": len(asked)}
                self._spans.tell("bus request", one.request, one.root, one.sent_ns, words)
                one.request, one.waits_ns = None, self._spans.now()

    def _end(self, name: str, row: Any, one: _Row, answer: object) -> None:
        place = "room" if hasattr(row, "room") else "conv"
        words: dict[str, str | int | bool] = {
            place: getattr(row, place),
            "cid": row.cid,
            "edge": self._edge,
            "answer": type(answer).__name__.lower(),
            "requests": one.requests,
        }
        if isinstance(answer, rows.Refused | chat.Refused):
            words["refused"] = answer.name
        self._spans.tell(name, one.root, None, one.begin_ns, words)


class HandedTraces:
    """What came over the bus for viewers and devices, until it is handed to them."""

    def __init__(self, spans: Spans, edge: str) -> None:
        self._spans = spans
        self._edge = edge
        self._waiting: defaultdict[str, list[tuple[Context, int]]] = defaultdict(list)

    def __bool__(self) -> bool:
        """Whether something waits for `shown`."""
        return bool(self._waiting)

    def came(self, room: str, trace: str) -> None:
        """For a room; it waits for its turn."""
        followed = decode(trace)
        if followed and len(self._waiting) < _ROOMS:
            now = self._spans.now()
            self._waiting[room] += [(one.parent, now) for one in followed]

    def forgot(self, room: str) -> None:
        """What came for it is handed to nobody."""
        self._waiting.pop(room, None)

    def shown(self, room: str, viewers: int) -> None:
        """What came for it was handed to so many viewers, or dropped for its lateness."""
        for parent, came_ns in self._waiting.pop(room, ()):
            words: Words = {"room": room, "edge": self._edge, "viewers": viewers}
            self._spans.tell("fan out", self._spans.new(parent), parent, came_ns, words)

    def around(self, receive: Receive) -> ReceiveTraced:
        """`receive`, of which each call is a span below what is followed of its message."""

        def receive_traced(payload: bytes, reply: str, trace: str) -> None:
            begin_ns = self._spans.now()
            receive(payload, reply)
            for one in decode(trace):
                context = self._spans.new(one.parent)
                self._spans.tell("hand out", context, one.parent, begin_ns, {"edge": self._edge})

        return receive_traced
