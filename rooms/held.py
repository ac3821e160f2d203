"""The comments of one room that wait for a moderator. Pure.

One counts as held when the store has it; until then it is only known here. What was decided about is
remembered for a while, so that neither its sender nor the moderator hears something else when he asks again.
A full queue takes no more: what its sender was told is held is there until somebody decides, or it is too
old.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Final

import msgspec

from config.settings import Review
from danmaku import wire
from danmaku.errors import CONFLICT, NO_SUCH_MESSAGE, UNAVAILABLE, Refusal
from danmaku.held import Held, place_of
from danmaku.model import Act
from rooms.dedupe import Key

_FULL_MS: Final = 10_000
_SWEEP_MS: Final = 1000
_PAGE_BYTES: Final = 256 * 1024

_comment = msgspec.msgpack.Decoder(wire.Comment)


class HeldQueue:
    """Under one lease. `kept`: what the store has; `remember_s`: how long what was decided is remembered.

    `first`: a number that was not given yet. A room may be loaded more than once under one lease, and an id
    that is given twice would put one comment in the place of another.
    """

    __slots__ = (
        "_bytes",
        "_gone",
        "_held",
        "_keys",
        "_lease",
        "_limits",
        "_numbers",
        "_remember_ms",
        "_swept_ms",
        "_unsaved",
        "_waiting",
    )

    def __init__(
        self, lease: int, limits: Review, remember_s: int, kept: Iterable[Held] = (), first: int = 1
    ) -> None:
        self._lease = lease
        self._limits = limits
        self._remember_ms = remember_s * 1000
        self._held: dict[str, Held] = {}
        self._waiting = 0  # of those in `_held`, without what was decided about
        self._unsaved: dict[str, Held] = {}
        self._keys: dict[Key, str] = {}
        self._bytes = 0
        self._gone: list[str] = []
        self._swept_ms = 0
        for one in kept:
            self._add(one)
            epoch, number = one.place
            first = max(first, number + 1) if epoch == lease else first
        self._numbers = count(first)

    def __len__(self) -> int:
        """How many wait, those that are not stored yet included."""
        return self._waiting + len(self._unsaved)

    @property
    def has_unsaved(self) -> bool:
        return bool(self._unsaved)

    def knows(self, key: Key) -> bool:
        """Whether a comment of this sender with this cid is held, or was denied lately."""
        return key in self._keys

    def hold(self, key: Key, item: bytes, why: str, now_ms: int) -> None:
        """One more, to be stored. Raises `unavailable` where there are too many."""
        self.check_room_for(item, now_ms)
        uid, cid = key
        one = Held(f"{self._lease}-{next(self._numbers)}", uid, cid, now_ms, item, why)
        self._unsaved[one.id] = one
        self._bytes += len(item)

    def check_room_for(self, item: bytes, now_ms: int) -> None:
        """Could it be held? Raises `unavailable`."""
        self._sweep(now_ms)
        limits = self._limits
        if len(self) >= limits.held_kept or self._bytes + len(item) > limits.held_bytes:
            raise Refusal(UNAVAILABLE, "too many comments wait for a moderator here", retry_ms=_FULL_MS)

    def to_store(self) -> tuple[list[Held], list[str]]:
        """What the store does not have yet, and the ids of what it need not keep any more."""
        return list(self._unsaved.values()), list(self._gone)

    def stored(self, kept: Iterable[Held], gone: Iterable[str]) -> None:
        """The store has carried out what `to_store` said."""
        for one in kept:
            waited = self._unsaved.pop(one.id, None)
            if waited is not None:
                self._bytes -= len(waited.item)
                self._add(one)
            else:
                self.decided(one)
        over = set(gone)
        self._gone = [held for held in self._gone if held not in over]

    def page(self, after: str, limit: int, now_ms: int) -> list[Held]:
        """So many that wait, oldest first, behind the id `after`, or from the first on where it is empty.

        Fewer where they would be too large together. Raises ValueError for an `after` that is no id.
        """
        self._sweep(now_ms)
        place = place_of(after) if after else (0, 0)
        waiting = (one for one in self._held.values() if not one.decision and one.place > place)
        found: list[Held] = []
        size = 0
        for one in waiting:
            size += len(one.item)
            if len(found) == limit or (found and size > _PAGE_BYTES):
                break
            found.append(one)
        return found

    def find(self, held: str, act: Act) -> Held:
        """The one with this id: waiting, or decided by this very act.

        Raises `no_such_message`, or `conflict` where somebody else decided.
        """
        self._sweep(act.at_ms)
        one = self._held.get(held)
        if one is None:
            raise Refusal(NO_SUCH_MESSAGE)
        if one.decision and one.act != act.id:
            done = "approved" if one.decision == "approve" else "denied"
            raise Refusal(CONFLICT, f"{one.by} {done} it before")
        return one

    def decided(self, one: Held) -> None:
        """The store has it, in place of the one that waited."""
        if one.id in self._held:
            self._remove(one.id)
            self._add(one)

    def undecided(self, uid: str | None) -> list[Held]:
        """What waits of this user, None: of all, also what is not stored yet.

        Before it is denied nothing of it may be on its way to the store.
        """
        waiting = [one for one in self._held.values() if not one.decision]
        waiting += self._unsaved.values()
        return [one for one in waiting if uid in (None, one.uid)]

    def drop_unsaved(self) -> list[Key]:
        """Of what is not stored yet nothing will be. Returns whose senders wait."""
        dropped, self._unsaved = self._unsaved, {}
        self._bytes -= sum(len(one.item) for one in dropped.values())
        return [(one.uid, one.cid) for one in dropped.values()]

    def clear(self) -> None:
        """The room was closed for good, and the store has none of them any more.

        Who waits for the store is known to nobody but `drop_unsaved`.
        """
        for held in list(self._held):
            self._remove(held)
        self._gone.clear()

    def _sweep(self, now_ms: int) -> None:
        """Forget what is too old."""
        if now_ms < self._swept_ms + _SWEEP_MS:
            return
        self._swept_ms = now_ms
        oldest_ms, decided_ms = now_ms - self._limits.held_s * 1000, now_ms - self._remember_ms
        decided = [one for one in self._held.values() if one.decision]
        many = max(0, len(decided) - self._limits.held_kept)
        over = {one.id for one in sorted(decided, key=lambda one: one.decided_ms)[:many]}
        for one in list(self._held.values()):
            is_over = one.decided_ms < decided_ms if one.decision else one.at_ms < oldest_ms
            if is_over or one.id in over:
                self._remove(one.id)
                self._gone.append(one.id)

    def _add(self, one: Held) -> None:
        self._held[one.id] = one
        self._waiting += not one.decision
        self._bytes += len(one.item)
        if one.decision != "approve":  # its sender is told where it stands
            self._keys[one.uid, one.cid] = one.id

    def _remove(self, held: str) -> None:
        one = self._held.pop(held)
        self._waiting -= not one.decision
        self._bytes -= len(one.item)
        if self._keys.get((one.uid, one.cid)) == held:
            del self._keys[one.uid, one.cid]


def text_of(one: Held) -> str:
    """What its sender said. Of one that waits: a decided one has no text any more."""
    return _comment.decode(one.item).text


def decision(one: Held, act: Act) -> Held:
    """What is kept of `one` when this act, whose verb is `approve` or `deny`, decided about it."""
    verb = "approve" if act.verb == "approve" else "deny"
    return msgspec.structs.replace(one, item=b"", decision=verb, by=act.by, decided_ms=act.at_ms, act=act.id)
