"""What is to be recalled, by what is stored: is it there, may it be taken back, can the recall be kept?"""

from __future__ import annotations

from typing import Final, NamedTuple

from danmaku import wire
from danmaku.errors import BAD_ID, CONFLICT, FORBIDDEN, NO_SUCH_MESSAGE, Refusal
from danmaku.model import MAX_NUMBER, Position, check_id
from danmaku.moderation_rows import RecallRow
from danmaku.recalls import Recallable, Recalled, Redaction, covers, item_at, recallable
from danmaku.store import Store

MAX_RECALLS: Final = 1000  # of one room, within what its log keeps


class Wanted(NamedTuple):
    """A recall to be appended. `instead_of`: kept ones that it stands for. `uid`: whom it concerns."""

    recall: wire.Recall
    instead_of: tuple[Position, ...]
    uid: str


def check_recall(row: RecallRow) -> None:
    """Raises `bad_id`."""
    if row.uid is not None:
        check_id(row.uid, "uid")
    if row.position is not None:
        epoch, seq = row.position
        if not (0 < epoch <= MAX_NUMBER and 0 < seq <= MAX_NUMBER):
            raise Refusal(BAD_ID, "there is no such position")


async def read_wanted(store: Store, row: RecallRow) -> Wanted | None:
    """None where it was recalled before. Raises Refusal, and StoreDown.

    What a recall takes back of many, it takes back where it is not of a higher role than whoever recalls.
    """
    kept = await store.recalls.load(row.room)
    if row.position is None:
        return _fitting(kept, wire.Recall(row.role.label, uid=row.uid), row.uid or "")
    item = await _item(store, row.room, row.position)
    said = None if item is None else recallable(item)
    if item is None or said is None:
        raise Refusal(NO_SUCH_MESSAGE)
    if Redaction(kept).takes(row.position, item):
        return None
    _check_rank(row, said)
    return _fitting(kept, wire.Recall(row.role.label, of=wire.At.of(row.position)), said.uid or "")


async def _item(store: Store, room: str, position: Position) -> bytes | None:
    before = Position(position.epoch, position.seq - 1)
    found = await store.history.after(room, before, items=1, max_bytes=1)
    return next((item_at(entry.frame, position) for entry in found.entries), None)


def _check_rank(row: RecallRow, said: Recallable) -> None:
    if said.role > row.role:
        raise Refusal(FORBIDDEN, "somebody of a higher role said that")


def _fitting(kept: list[Recalled], recall: wire.Recall, uid: str) -> Wanted:
    instead_of = tuple(one.at for one in kept if covers(recall, one.recall))
    if len(kept) - len(instead_of) >= MAX_RECALLS:
        raise Refusal(
            CONFLICT, f"{MAX_RECALLS} recalls are in force here; take back all of a user, or everything"
        )
    return Wanted(recall, instead_of, uid)
