"""What was said is taken back, and with all of a user, or everything, what waits to be said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from danmaku import wire
from danmaku.envelope import Answer
from danmaku.errors import HELD_FOR_REVIEW, ROOM_NOT_FOUND, UNAVAILABLE, Refusal
from danmaku.model import Act
from danmaku.moderation_rows import RecallRow
from danmaku.rows import Done, Refused
from danmaku.store import Store
from danmaku.store.errors import StoreDown
from rooms.acts import act_of
from rooms.held import decision, text_of
from rooms.loaded import ELSEWHERE, LoadedRoom, LoadedRooms
from rooms.moment import Moment
from rooms.recalls import read_wanted
from rooms.storing import Storing
from rooms.whisper import Whisper

_HELD: Final = Refused.of(Refusal(HELD_FOR_REVIEW))


@dataclass(frozen=True, slots=True)
class Recalling:
    _store: Store
    _process: str
    _rooms: LoadedRooms
    _storing: Storing
    _whisper: Whisper
    _clock: Callable[[], Moment]

    async def recall(self, loaded: LoadedRoom, row: RecallRow) -> Answer:
        """One change of the room, within `Storing.change`. Raises Refusal and LeaseLost."""
        room = loaded.room
        if not room.is_there:
            raise Refusal(ROOM_NOT_FOUND)
        try:
            wanted = await read_wanted(self._store, row)
        except StoreDown as error:  # nothing is written yet
            raise Refusal(UNAVAILABLE, retry_ms=1000) from error
        act = act_of(row, self._clock().ms)
        if wanted is None:
            return Done(await self._storing.was_done(act))
        recall, instead_of, uid = wanted
        act = msgspec.structs.replace(act, uid=uid)
        if recall.of is None:  # what is to come of it has been said, too
            await self._deny(loaded, recall.uid, act)
            loaded.withdraw(recall.uid, self._clock())
        if loaded.gone:
            return ELSEWHERE
        await self._storing.said(loaded, lambda ticket: room.recall(recall, instead_of, (act,), ticket))
        return Done()

    async def _deny(self, loaded: LoadedRoom, uid: str | None, act: Act) -> None:
        """What waits for a moderator is taken back, too.

        That comes before the recall: if this process dies between them, nothing was answered yet.
        """
        room, held = loaded.room, self._store.held
        waiting = room.held.undecided(uid)
        if not waiting:
            return
        denied = [decision(one, act) for one in waiting]
        await self._storing.written(loaded, lambda: self._rooms.save(loaded))
        await self._storing.written(loaded, lambda: held.change(self._process, room.lease, room.name, denied))
        for ticket in room.held_stored(denied, ()):
            ticket.answer(_HELD)
        for one in waiting:
            notice = wire.Notice("denied", room.name, act.reason or None, text=text_of(one))
            self._whisper.notice(room, one.uid, notice)
