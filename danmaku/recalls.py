"""What is recalled of a room: which items that are, and batches without them. Pure.

One item tells what it takes back: one position, or all that a user said before it, or all that anybody said.
Whoever holds batches substitutes `gone` for what is recalled, so that every other position stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from danmaku import wire
from danmaku.model import START, Position, Role

SAID: Final = frozenset({"c", "announce", "gift", "paid"})
"""The kinds of items that can be recalled: what people said. The others tell what holds in the room."""

_MARK: Final = b"\xa1k\xa6recall"  # how a recall begins, behind the byte that says how many fields it has
_GONE: Final = msgspec.Raw(wire.encode_item(wire.Gone()))
_ROLES: Final = {role.label: role for role in Role}


class Recalled(NamedTuple):
    """A recall and its own position: what stands behind it is not recalled."""

    at: Position
    recall: wire.Recall


class Recallable(NamedTuple):
    """What somebody said: who, and in which role."""

    uid: str | None
    role: Role


class _Item(msgspec.Struct):
    k: str
    uid: str | None = None
    role: str | None = None


_item: Final = msgspec.msgpack.Decoder(_Item)
_batch: Final = msgspec.msgpack.Decoder(wire.Batch)
_recall: Final = msgspec.msgpack.Decoder(wire.Recall)


def role_of(label: str | None) -> Role:
    """The role that an item names; those without rank are not told apart."""
    return _ROLES.get(label or "", Role.GUEST)


def covers(later: wire.Recall, earlier: wire.Recall) -> bool:
    """Whether all that the earlier one takes back is taken back by the later one, too."""
    if later.of is not None or role_of(earlier.role) > role_of(later.role):
        return False
    return later.uid is None or later.uid == earlier.uid


def recallable(item: bytes) -> Recallable | None:
    """Who said it; None where it is no item that can be recalled."""
    try:
        read = _item.decode(item)
    except (msgspec.DecodeError, RecursionError):
        return None
    return Recallable(read.uid, role_of(read.role)) if read.k in SAID else None


def item_at(frame: bytes, position: Position) -> bytes | None:
    """The item of a batch that stands there; None where none does."""
    try:
        batch = _decoded(frame)
    except ValueError:
        return None
    index = position.seq - batch.seq
    there = batch.epoch == position.epoch and 0 <= index < len(batch.items)
    return bytes(batch.items[index]) if there else None


def recalls_in(frame: bytes) -> list[Recalled]:
    """The recalls in a batch. Without any, this costs a look for a few bytes.

    One that cannot be read takes nothing back here. Raises ValueError where it is no batch.
    """
    if not may_recall(frame):
        return []
    batch = _decoded(frame)
    found: list[Recalled] = []
    for index, item in enumerate(batch.items):
        if bytes(item)[1 : len(_MARK) + 1] == _MARK:
            with suppress(msgspec.DecodeError, RecursionError):
                found.append(Recalled(Position(batch.epoch, batch.seq + index), _recall.decode(item)))
    return found


def may_recall(frame: bytes) -> bool:
    """Whether there may be a recall in a batch; hardly ever where there is none."""
    return _MARK in frame


class Redaction:
    """Takes out of batches what any of these recalls takes back."""

    __slots__ = ("_everything", "_last", "_ones", "_users")

    def __init__(self, recalls: Iterable[Recalled]) -> None:
        self._last = START
        self._ones: set[Position] = set()
        self._users: dict[str, list[tuple[Position, Role]]] = {}
        self._everything: list[tuple[Position, Role]] = []
        for at, recall in recalls:
            self._last = max(self._last, at)
            until = at, role_of(recall.role)
            if recall.of is not None:
                self._ones.add(recall.of.position)
            elif recall.uid is not None:
                self._users.setdefault(recall.uid, []).append(until)
            else:
                self._everything.append(until)

    def touches(self, first: Position, count: int) -> bool:
        """Whether anything of a batch of so many items that begins there may be recalled."""
        if self._users or self._everything:
            return first < self._last
        last = Position(first.epoch, first.seq + count - 1)
        return any(first <= one <= last for one in self._ones)

    def of(self, frame: bytes) -> bytes:
        """The batch with `gone` in each place of what is recalled; the very bytes where nothing is.

        What is no batch stays as it is: nobody can read it.
        """
        if self._last == START:
            return frame
        try:
            batch = _decoded(frame)
        except ValueError:
            return frame
        first = Position(batch.epoch, batch.seq)
        if not self.touches(first, len(batch.items)):
            return frame
        items = [
            _GONE if self.takes(Position(batch.epoch, batch.seq + index), item) else item
            for index, item in enumerate(batch.items)
        ]
        if items == batch.items:
            return frame
        prev = None if batch.prev is None else batch.prev.position
        return wire.encode_batch(batch.room, first, batch.at, items, prev)

    def takes(self, position: Position, item: bytes) -> bool:
        """Whether this item is recalled."""
        if position in self._ones:
            return True
        if not self._users and not self._everything:
            return False
        said = recallable(item)
        if said is None:
            return False
        theirs = self._users.get(said.uid, ()) if said.uid is not None else ()
        return any(
            position < at and said.role <= role for among in (theirs, self._everything) for at, role in among
        )


def _decoded(frame: bytes) -> wire.Batch:
    try:
        return _batch.decode(frame)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
