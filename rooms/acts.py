"""What is written down of an act of moderation. Pure."""

from __future__ import annotations

from secrets import token_hex
from typing import Final

import msgspec

from config.keys import KEYS, value_of
from config.live import Values
from config.settings import Settings
from danmaku.adjustment import AdjustRow, RollBackRow
from danmaku.event_rows import ClosePollRow, PollRow, UnpinRow
from danmaku.model import Act, Role
from danmaku.moderation_rows import (
    AppointRow,
    ConfigureRow,
    DecideRow,
    RaidRow,
    RecallRow,
    RoomSettingsRow,
    SanctionEverywhereRow,
    SanctionRow,
)
from danmaku.rows import DeleteRoomRow, EventRow, PutRoomRow, RevokeRow
from danmaku.wordlist import PutWordsRow
from rooms.shortened import Change, fitted

MAX_REASON: Final = 200
MAX_WHAT: Final = 1000

ActOfRow = (
    PutRoomRow
    | DeleteRoomRow
    | SanctionRow
    | RecallRow
    | AppointRow
    | PutWordsRow
    | SanctionEverywhereRow
    | ConfigureRow
    | RevokeRow
    | RoomSettingsRow
    | RaidRow
    | DecideRow
    | AdjustRow
    | RollBackRow
)


def act_of(row: ActOfRow, now_ms: int) -> Act:
    """The act that `row` asks for, carried out now."""
    act = row.act or token_hex(8)  # an edge of an earlier version gives none
    match row:
        case PutRoomRow():
            return Act(act, now_ms, row.uid, row.role, "put", row.room, what=_words(_asked(row)))
        case DeleteRoomRow():
            return Act(act, now_ms, row.uid, row.role, "close", row.room)
        case RoomSettingsRow():
            changes = {**msgspec.to_builtins(row.changes), **dict.fromkeys(row.reset)}
            return Act(act, now_ms, row.by, row.role, "settings", row.room, what=_words(changes))
        case RaidRow():
            reason = (row.reason or "")[:MAX_REASON]
            verb, seconds = ("raid", row.seconds) if row.seconds else ("unraid", None)
            return Act(act, now_ms, row.by, row.role, verb, row.room, reason=reason, seconds=seconds)
        case SanctionRow() | SanctionEverywhereRow():
            room = row.room if isinstance(row, SanctionRow) else ""
            reason = (row.reason or "")[:MAX_REASON]
            return Act(act, now_ms, row.by, row.role, row.verb, room, row.uid, "", reason, row.seconds)
        case AppointRow():
            verb = "appoint" if row.appointed else "dismiss"
            reason = (row.reason or "")[:MAX_REASON]
            return Act(act, now_ms, row.by, row.role, verb, row.room, row.uid, "", reason)
        case DecideRow():
            reason = (row.reason or "")[:MAX_REASON]
            verb = "approve" if row.approve else "deny"
            return Act(act, now_ms, row.by, row.role, verb, row.room, reason=reason)
        case RecallRow():
            return _recall(row, act, now_ms)
        case ConfigureRow():
            return Act(act, now_ms, row.by, row.role, "settings", what=_words(row.settings))
        case AdjustRow() | RollBackRow():
            return _adjusting(row, act, now_ms)
        case PutWordsRow():
            return Act(act, now_ms, row.by, row.role, "words", row.room)
        case _:  # RevokeRow
            return Act(act, now_ms, row.by, row.role, "revoke", uid=row.uid)


def with_changes(act: Act, before: Values, after: Values, here: Settings, version: int | None = None) -> Act:
    """It, with what an adjustment changed: what a key is `now`, or is `back_to` for it is unset, and `was`.

    Values are shortened as `fitted` does. here: what this process would go by without any adjustment.
    version: which was gone back to, if one was.
    """
    changes: dict[str, Change] = {}
    for key in [*after, *(key for key in before if key not in after)]:
        own = value_of(here, KEYS[key]) if key in KEYS else None
        was, now = before.get(key, own), after.get(key, own)
        if key not in after:
            changes[key] = {"back_to": now, "was": was}
        elif key not in before or was != now:
            changes[key] = {"now": now, "was": was}
    head = {} if version is None else {"version": version}
    return msgspec.structs.replace(act, what=fitted(changes, MAX_WHAT, head))


def posted(
    verb: str,
    row: EventRow | UnpinRow | PollRow | ClosePollRow,
    what: str,
    now_ms: int,
    seconds: int | None = None,
) -> Act:
    """An act that the room says with an item. It is written down with that, so once as it is said once."""
    return Act(
        *(token_hex(8), now_ms, row.uid, row.role, verb, row.room), what=what[:MAX_WHAT], seconds=seconds
    )


def by_itself(verb: str, room: str, what: str, now_ms: int) -> Act:
    """What nobody did: its time was over."""
    return Act(token_hex(8), now_ms, "", Role.GUEST, verb, room, what=what[:MAX_WHAT])


def _adjusting(row: AdjustRow | RollBackRow, act: str, now_ms: int) -> Act:
    """What it changes is known later."""
    verb = "roll_back" if isinstance(row, RollBackRow) else "adjust"
    return Act(act, now_ms, row.by, row.role, verb, reason=row.reason[:MAX_REASON])


def _asked(row: PutRoomRow) -> dict[str, object]:
    asked = {"title": row.title, "open": row.open, "settings": row.settings}
    return {key: value for key, value in asked.items() if value is not None}


def _recall(row: RecallRow, act: str, now_ms: int) -> Act:
    verb, where = "clear", ""
    if row.position is not None:
        verb, where = "delete", f"{row.position.epoch}-{row.position.seq}"
    reason = (row.reason or "")[:MAX_REASON]
    return Act(act, now_ms, row.by, row.role, verb, row.room, row.uid or "", where, reason)


def _words(asked: object) -> str:
    """As JSON, which is cut where it is long."""
    return msgspec.json.encode(asked).decode()[:MAX_WHAT]
