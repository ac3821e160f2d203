"""What staff does about users of a room: mutes, bans and kicks, and who is a moderator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from danmaku import wire
from danmaku.errors import BAD_FRAME, Refusal
from danmaku.model import Appointed, check_id
from danmaku.moderation_rows import AppointRow, SanctionRow
from danmaku.rows import Done
from danmaku.store import Store
from danmaku.store.moderation import Sanction, SanctionKind
from rooms.acts import MAX_REASON, act_of
from rooms.loaded import LoadedRoom, LoadedRooms
from rooms.moment import Moment
from rooms.storing import Storing
from rooms.whisper import Whisper

MAX_SECONDS: Final = 366 * 24 * 3600
_KINDS: Final[dict[str, SanctionKind]] = {"mute": "mute", "unmute": "mute", "ban": "ban", "unban": "ban"}
_VERBS: Final = (*_KINDS, "kick")
_SILENCING: Final = ("mute", "ban", "kick")
_NOTICES: Final = {"mute": "muted", "unmute": "unmuted", "ban": "banned", "kick": "kicked"}


def check_sanction(row: SanctionRow) -> None:
    """Raises `bad_id` and `bad_frame`."""
    check_id(row.uid, "uid")
    if row.verb not in _VERBS:
        raise Refusal(BAD_FRAME, f"verb must be one of {', '.join(_VERBS)}")
    if row.seconds is not None and not 1 <= row.seconds <= MAX_SECONDS:
        raise Refusal(BAD_FRAME, f"seconds must be from 1 to {MAX_SECONDS}")


@dataclass(frozen=True, slots=True)
class Measures:
    """Each method is one change of the room, within `Storing.change`. They raise Refusal and LeaseLost."""

    _store: Store
    _process: str
    _rooms: LoadedRooms
    _storing: Storing
    _whisper: Whisper
    _clock: Callable[[], Moment]

    async def sanction(self, loaded: LoadedRoom, row: SanctionRow) -> Done:
        room, store, now = loaded.room, self._store.moderation, self._clock()
        act, kind = act_of(row, now.ms), _KINDS.get(row.verb)
        loaded.staff.check_outranks(row.role, row.uid)
        await self._storing.written(loaded, lambda: self._rooms.save(loaded))
        if kind is None:  # of a kick, all that is kept is that it was done
            audit = self._store.audit
            await self._storing.written(loaded, lambda: audit.write_down(self._process, room.lease, act))
        elif row.verb == kind:
            room.sanctions.check_room_for(kind, row.uid, now.ms)
            until_ms = now.ms + row.seconds * 1000 if row.seconds else None
            kept = Sanction(kind, row.uid, row.by, now.ms, until_ms, (row.reason or "")[:MAX_REASON])
            await self._storing.written(
                loaded, lambda: store.impose(self._process, room.lease, room.name, kept, [act])
            )  # fmt: skip
            room.sanctions.impose(kind, row.uid, until_ms, kept.reason)
        else:
            lifted = await self._storing.taken(
                loaded,
                lambda: store.lift(self._process, room.lease, room.name, kind, row.uid, now.ms, [act]),
            )
            room.sanctions.lift(kind, row.uid)
            if not (lifted or await self._storing.was_done(act)):
                return Done(changed=False)
        if row.verb in _SILENCING:
            loaded.withdraw(row.uid, now)
        self._notify(loaded, row)
        return Done()

    async def appoint(self, loaded: LoadedRoom, row: AppointRow) -> Done:
        room, store, now = loaded.room, self._store.moderators, self._clock()
        acts = [act_of(row, now.ms)]
        if row.appointed:
            loaded.staff.check_room_for(row.uid)
        await self._storing.written(loaded, lambda: self._rooms.save(loaded))
        if row.appointed:
            one = Appointed(row.uid, row.by, now.ms)
            await self._storing.written(
                loaded, lambda: store.appoint(self._process, room.lease, room.name, one, acts)
            )
            loaded.staff.appoint(one)
        else:
            taken = await self._storing.taken(
                loaded, lambda: store.dismiss(self._process, room.lease, room.name, row.uid, acts)
            )
            loaded.staff.dismiss(row.uid, now.s)
            if not (taken or await self._storing.was_done(acts[0])):
                return Done(changed=False)
        return Done()

    def _notify(self, loaded: LoadedRoom, row: SanctionRow) -> None:
        """Tell whom it concerns, in order with what the room shows; lifting a ban tells nobody."""
        kind = _NOTICES.get(row.verb)
        if kind is None:
            return
        room = loaded.room
        retry_ms = row.seconds * 1000 if row.seconds else None
        notice = wire.Notice(kind, room.name, (row.reason or "")[:MAX_REASON] or None, retry_ms)
        self._whisper.notice(room, row.uid, notice)
