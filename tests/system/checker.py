"""Was a promise broken? Told from clients' logs and the store's final history alone.

It imports nothing of the code under test: positions and texts are compared as clients wrote them down, and
history is read from the store with a plain Redis client and the msgpack package, by the key names that
docs/OPERATIONS.md gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import msgpack
import redis

Position = tuple[int, int]
Item = tuple[Position, str]
Log = Sequence[Item]

_MOST_TOLD = 20


class Acknowledged(NamedTuple):
    """A sender was told that its comment is shown at this position. Texts are unique in a run."""

    room: str
    position: Position
    text: str


@dataclass
class Report:
    """problems: a line for each broken promise. The rest is counted, so that nobody believes an empty run."""

    rooms: int = 0
    stored: int = 0
    acknowledged: int = 0
    logs: int = 0
    deliveries: int = 0
    epochs: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} acknowledged comments and {self.stored} stored items in {self.rooms} rooms "
            f"({self.epochs} epochs), {self.deliveries} deliveries in {self.logs} logs: "
            f"{len(self.problems)} problems"
        )


def stored_history(socket: Path, rooms: Sequence[str], prefix: str = "danmaku") -> dict[str, list[Item]]:
    """What the store has of these rooms, as (position, text) in its order."""
    with redis.Redis(unix_socket_path=str(socket), socket_timeout=10) as store:
        return history_in(store, rooms, prefix)


def history_in(store: Any, rooms: Sequence[str], prefix: str = "danmaku") -> dict[str, list[Item]]:
    """The same of a store that a plain client is connected to."""
    history: dict[str, list[Item]] = {}
    for room in rooms:
        key = f"{prefix}:{{r{crc32(room.encode()) % 64}}}:room:{room}:log"
        history[room] = []
        for _, fields in store.xrange(key):
            batch = msgpack.unpackb(fields[b"frame"])
            for index, item in enumerate(batch["items"]):
                position = (batch["epoch"], batch["seq"] + index)
                history[room].append((position, item.get("text", "")))
    return history


def check(
    acknowledged: Sequence[Acknowledged],
    logs: Mapping[str, Mapping[str, Log]],
    history: Mapping[str, Log],
) -> Report:
    """`logs`: per viewer and room what it showed, from the room's first item on, in its order."""
    report = Report(rooms=len(history), acknowledged=len(acknowledged))
    report.epochs = len({(room, position[0]) for room, items in history.items() for position, _ in items})
    for room, items in history.items():
        report.stored += len(items)
        report.problems += _of_history(room, items)
    report.problems += _of_acknowledgements(acknowledged, history)
    for viewer, rooms in logs.items():
        for room, log in rooms.items():
            report.logs += 1
            report.deliveries += len(log)
            if list(log) != list(history[room]):
                report.problems += _of_log(viewer, room, log, history[room])
    return report


def _of_history(room: str, items: Log) -> list[str]:
    """Positions go up, are contiguous within an epoch, and nothing is stored twice."""
    problems = []
    last: Position | None = None
    for position, text in items:
        if last is not None and position <= last:
            problems.append(f"history of {room}: {position} after {last}")
        begins = last is None or position[0] != last[0]
        if position[1] != (1 if begins or last is None else last[1] + 1):
            problems.append(f"history of {room}: {position} ({text!r}) does not follow {last}")
        last = position
    again = [text for text, times in Counter(text for _, text in items).items() if times > 1]
    problems += [f"history of {room}: {text!r} is stored more than once" for text in again[:_MOST_TOLD]]
    return problems


def _of_acknowledgements(acknowledged: Sequence[Acknowledged], history: Mapping[str, Log]) -> list[str]:
    """Whatever was acknowledged is there, at its position; no position was given out twice."""
    stored = {room: dict(items) for room, items in history.items()}
    problems = []
    given: dict[tuple[str, Position], str] = {}
    for room, position, text in acknowledged:
        if given.setdefault((room, position), text) != text:
            problems.append(f"{room}: {position} was given to {given[room, position]!r} and to {text!r}")
        if stored[room].get(position) != text:
            found = stored[room].get(position)
            problems.append(f"{room}: {text!r} was acknowledged at {position}, where {found!r} is stored")
    return problems[:_MOST_TOLD]


def _of_log(viewer: str, room: str, log: Log, stored: Log) -> list[str]:
    """What differs: lost, never stored (as by an owner that was replaced), twice, out of order."""
    who = f"{viewer} in {room}"
    seen = Counter(log)
    problems = [f"{who}: {item} was not shown" for item in stored if item not in seen][:_MOST_TOLD]
    kept = set(stored)
    problems += [f"{who}: {item} was shown, but is not stored" for item in seen if item not in kept][
        :_MOST_TOLD
    ]
    problems += [f"{who}: {item} was shown {n} times" for item, n in seen.items() if n > 1][:_MOST_TOLD]
    positions = [position for position, _ in log]
    if positions != sorted(positions):
        wrong = next(pair for pair in pairwise(positions) if pair[0] >= pair[1])
        problems.append(f"{who}: {wrong[1]} was shown after {wrong[0]}")
    return problems
