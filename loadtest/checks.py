"""What a viewer makes of what it gets: positions must continue, none twice, nothing of other rooms.

All viewers of a room get the same bytes, so a payload is decoded once and looked up ever after. That is
what makes it affordable to check every frame of every viewer.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import msgspec

from danmaku import wire
from loadtest.figures import new_histogram

_SEEN_PAYLOADS: Final = 4096
_STAMP_DIGITS: Final = 19
_STAMPS: Final = 8  # about so many of a batch, evenly: more would cost the client more than reading
_LONGEST_US: Final = 60_000_000

_At = tuple[int, int]


@dataclass(slots=True)
class Tally:
    """What arrived in a window, over all viewers of a process.

    `deliveries` are items; `recovered` those of them that a history brought. `missing` are items of holes
    that viewers saw, `gaps` the holes. `recalls` are items that take something back, the last of which came
    at `recalled_ns` by the wall clock. `ended`: connections by close code, 1006 without one. `away`: for how
    long those were who `returned`, and `most_returns` how often, since the beginning, whoever did so most.
    """

    frames: int = 0
    size: int = 0
    batches: int = 0
    deliveries: int = 0
    recovered: int = 0
    duplicates: int = 0
    gaps: int = 0
    missing: int = 0
    skipped: int = 0
    misdirected: int = 0
    recalls: int = 0
    recalled_ns: int = 0
    returned: int = 0
    most_returns: int = 0
    retries: int = 0
    joined: int = 0
    last_return_s: float = 0.0
    cpu_s: float = 0.0
    ended: dict[str, int] = field(default_factory=dict)
    latency: bytes = b""
    away: bytes = b""


@dataclass(slots=True)
class Seen:
    """A frame that moves readers on, decoded once. `sent_ns` per item, 0 without a stamp; None: a skip.

    recalls: how many of its items take something back.
    """

    room: str
    epoch: int
    first: int
    last: int
    prev: _At | None
    sent_ns: tuple[int, ...] | None
    recalls: int = 0


class Reader:
    """Where one viewer stands in its room."""

    __slots__ = ("ahead", "epoch", "room", "seq", "timed")

    def __init__(self, room: str, *, timed: bool) -> None:
        self.room = room
        self.timed = timed
        self.epoch = self.seq = 0
        self.ahead = 0  # its history reached so far, further than its edge: what comes until there is known


class Checker:
    """Follows the readers of a process, and counts."""

    def __init__(self, codec: wire.Codec) -> None:
        self.tally = Tally()
        self._codec = codec
        self._seen: dict[bytes, tuple[Seen, ...]] = {}
        self._latency = new_histogram()
        self._away = new_histogram()
        self._most_returns = 0

    def take(self) -> dict[str, Any]:
        """The Tally since the last one; begin anew."""
        tally, self.tally = self.tally, Tally()
        tally.latency = self._latency.encode()
        self._latency.reset()
        tally.most_returns = self._most_returns
        if tally.returned:
            tally.away = self._away.encode()
            self._away.reset()
        return asdict(tally)

    def back(self, left_s: float, now_s: float, returns: int) -> None:
        """A viewer that was thrown out at `left_s` has joined again, the `returns`-th time."""
        self.tally.returned += 1
        self.tally.last_return_s = now_s
        self._away.record_value(min(max(int((now_s - left_s) * 1e6), 1), _LONGEST_US))
        self._most_returns = max(self._most_returns, returns)

    def begin(self, reader: Reader, answer: wire.Ok) -> None:
        """The answer to its first join: here it stands."""
        reader.epoch, reader.seq = answer.epoch or 0, answer.seq or 0

    def resume(self, reader: Reader, answer: wire.Ok) -> None:
        """The answer to a join with `since`: what the history brings counts, what it lacks is missing."""
        history = self._codec.read(answer.history, list[wire.Batch]) if answer.history else []
        before = self.tally.deliveries
        for batch in history:
            last = batch.seq + len(batch.items) - 1
            if (batch.epoch, last) <= (reader.epoch, reader.seq):
                continue
            first = max(batch.seq, reader.seq + 1) if batch.epoch == reader.epoch else batch.seq
            self._follow(reader, Seen(batch.room, batch.epoch, first, last, _at(batch.prev), ()), 0)
        self.tally.recovered += self.tally.deliveries - before
        epoch, seq = answer.epoch or 0, answer.seq or 0
        if epoch == reader.epoch and seq > reader.seq:
            self.tally.gaps += 1
            self.tally.missing += seq - reader.seq
        reader.ahead = reader.seq if (reader.epoch, reader.seq) > (epoch, seq) else 0
        if (epoch, seq) > (reader.epoch, reader.seq):
            self.begin(reader, answer)

    def check(self, reader: Reader, payload: bytes, now_ns: int) -> None:
        """One message. Raises ValueError where it is none of the protocol."""
        seen = self._seen.get(payload)
        if seen is None:
            seen = self._decode(payload)
        for frame in seen:
            rest = _caught_up(reader, frame) if reader.ahead else frame
            if rest is not None:
                self._follow(reader, rest, now_ns)

    def _follow(self, reader: Reader, frame: Seen, now_ns: int) -> None:
        tally = self.tally
        if frame.room != reader.room:
            tally.misdirected += 1
            return
        if frame.epoch == reader.epoch:
            if frame.first != reader.seq + 1:
                self._uneven(reader, frame)
        elif frame.epoch < reader.epoch:
            tally.duplicates += frame.last + 1 - frame.first
            return
        elif frame.prev is not None and frame.prev > (reader.epoch, reader.seq):
            tally.gaps += 1
        count = frame.last + 1 - frame.first
        reader.epoch, reader.seq = frame.epoch, frame.last
        if frame.sent_ns is None:
            tally.skipped += count
            return
        tally.batches += 1
        tally.deliveries += count
        if frame.recalls:
            tally.recalls += frame.recalls
            tally.recalled_ns = time.time_ns()
        if reader.timed:
            for sent in frame.sent_ns:
                if sent:
                    self._latency.record_value(min(max((now_ns - sent) // 1000, 1), _LONGEST_US))

    def _uneven(self, reader: Reader, frame: Seen) -> None:
        if frame.first <= reader.seq:
            self.tally.duplicates += min(reader.seq, frame.last) + 1 - frame.first
        else:
            self.tally.gaps += 1
            self.tally.missing += frame.first - reader.seq - 1

    def _decode(self, payload: bytes) -> tuple[Seen, ...]:
        if len(self._seen) >= _SEEN_PAYLOADS:
            self._seen.clear()
        seen = self._seen[payload] = self.decoded(payload)
        return seen

    def decoded(self, payload: bytes) -> tuple[Seen, ...]:
        """What of a message moves readers on. Raises ValueError where it is none of the protocol."""
        seen: list[Seen] = []
        for frame in self._codec.decode_server(wire.inflated(payload)):
            if isinstance(frame, wire.Batch):
                some = frame.items[:: max(1, len(frame.items) // _STAMPS)]
                stamps = tuple(self._stamp(item) for item in some)
                last = frame.seq + len(frame.items) - 1
                recalls = sum(map(self._is_recall, frame.items))
                seen.append(Seen(frame.room, frame.epoch, frame.seq, last, _at(frame.prev), stamps, recalls))
            elif isinstance(frame, wire.Skip):
                seen.append(Seen(frame.room, frame.epoch, frame.from_, frame.to, _at(frame.prev), None))
        return tuple(seen)

    def _is_recall(self, item: msgspec.Raw) -> bool:
        return b"recall" in bytes(item) and self._codec.read(item, dict).get("k") == "recall"

    def _stamp(self, item: msgspec.Raw) -> int:
        text = self._codec.read(item, dict).get("text", "")
        digits = text[:_STAMP_DIGITS]
        return int(digits) if len(digits) == _STAMP_DIGITS and digits.isdigit() else 0


def _caught_up(reader: Reader, frame: Seen) -> Seen | None:
    """What of a frame the reader's history did not tell already. After the first such nothing may repeat."""
    if frame.room == reader.room and (frame.epoch, frame.last) <= (reader.epoch, reader.ahead):
        return None
    known, reader.ahead = reader.ahead, 0
    if frame.epoch == reader.epoch and frame.first <= known:
        return replace(frame, first=known + 1)
    return frame


def _at(prev: wire.At | None) -> _At | None:
    return None if prev is None else (prev.epoch, prev.seq)
