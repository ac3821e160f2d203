"""What a run broke, beyond what tests/system/checker.py and tests/system/devices.py find. Pure.

Told from what clients wrote down alone, with their own clock: times are monotonic seconds of one process.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

SILENT_S: Final = 10.0
_MOST_TOLD: Final = 5

Position = tuple[int, int]


class Heard(NamedTuple):
    """A frame of a room as it came. `texts`: of a batch; of anything else nothing is kept but its time."""

    at_s: float
    connection: int
    room: str
    first: Position | None = None
    texts: tuple[str, ...] = ()


@dataclass
class Acts:
    """What a moderator was told is done: who is muted, and which comments were taken back."""

    room: str
    muted: set[str] = field(default_factory=set)
    recalled: set[str] = field(default_factory=set)


def silences(
    heard: Mapping[str, Sequence[Heard]],
    rooms: Mapping[str, Iterable[str]],
    span: tuple[float, float],
    allowed_s: float = SILENT_S,
) -> list[str]:
    """Who heard nothing of one of his rooms for longer than allowed, from healing to the end."""
    problems = []
    healed, end = span
    for viewer, own in rooms.items():
        times: defaultdict[str, list[float]] = defaultdict(list)
        for one in heard[viewer]:
            if healed <= one.at_s <= end:
                times[one.room].append(one.at_s)
        for room in own:
            gap, since = max((b - a, a) for a, b in pairwise([healed, *times[room], end]))
            if gap > allowed_s:
                problems.append(
                    f"{viewer} heard nothing of {room} for {gap:.1f} s, {since - healed:.1f} s after healing"
                )
    return problems


def interleaved(heard: Mapping[str, Sequence[Heard]]) -> list[str]:
    """A batch of an owner that came, on one connection, after a batch of its successor."""
    problems = []
    for viewer, frames in heard.items():
        newest: dict[tuple[int, str], int] = {}
        for one in frames:
            if one.first is None:
                continue
            key, epoch = (one.connection, one.room), one.first[0]
            if epoch < newest.get(key, 0):
                problems.append(f"{viewer} got {one.first} of {one.room} after epoch {newest[key]}")
            newest[key] = max(newest.get(key, 0), epoch)
    return problems[:_MOST_TOLD]


def used_twice(heard: Mapping[str, Sequence[Heard]]) -> list[str]:
    """One position that stood for different things, whether or not anybody showed the second."""
    problems = []
    given: dict[tuple[str, Position], str] = {}
    for viewer, frames in heard.items():
        for one in frames:
            if one.first is None:
                continue
            epoch, seq = one.first
            for number, text in enumerate(one.texts):
                known = given.setdefault((one.room, (epoch, seq + number)), text)
                if text != known:
                    problems.append(
                        f"{viewer} got {text!r} at {(epoch, seq + number)} of {one.room}, which was {known!r}"
                    )
    return problems[:_MOST_TOLD]


def forgotten(acts: Acts, in_force: set[str], recorded: set[tuple[str, str]], served: set[str]) -> list[str]:
    """Acts that were acknowledged and do not hold. `recorded`: (verb, uid) in the audit record."""
    problems = [f"{uid} was muted, and is not any more" for uid in sorted(acts.muted - in_force)]
    problems += [
        f"the mute of {uid} is not in the audit record"
        for uid in sorted(acts.muted)
        if ("mute", uid) not in recorded
    ]
    problems += [f"{text!r} was taken back, and is served" for text in sorted(acts.recalled & served)]
    return problems


def asserted(check: Callable[[], Counter[str]]) -> tuple[Counter[str], list[str]]:
    """What a check that fails by assertion counted, or what it found."""
    try:
        return check(), []
    except AssertionError as error:
        return Counter(), [str(error)[:500]]
