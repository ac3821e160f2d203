"""What changes a room's state: put, delete, sanctions, recalls.

What viewers are told of is appended to the log, and carried out in the same step as the append. The rest is
written by itself, first to the store and then to memory. A write whose outcome is unknown is repeated until
it is known, as long as the lease lasts: each of them may be done twice, and so store and memory never differ.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import msgspec
import structlog

from danmaku import rows, wire
from danmaku.envelope import Answer
from danmaku.errors import (
    BAD_FRAME,
    CONFLICT,
    FORBIDDEN,
    HELD_FOR_REVIEW,
    ROOM_CLOSED,
    ROOM_NOT_FOUND,
    TOO_LARGE,
    TOO_LONG,
    UNAVAILABLE,
    Refusal,
)
from danmaku.model import Act, Appointed, Effect, Role, RoomInfo, check_id, closed_for_good
from danmaku.moderation_rows import AppointRow, RaidRow, RecallRow, RoomSettingsRow, SanctionRow
from danmaku.rows import DeleteRoomRow, Done, PutRoomRow, Refused
from danmaku.store import Store
from danmaku.store.errors import StoreDown
from danmaku.store.moderation import Sanction, SanctionKind
from danmaku.store.taken import Taken
from danmaku.telemetry import RoomsMetrics
from danmaku.wordlist import MOST_IN_ROOM, PutWordsRow, unpack, version_of
from rooms.acts import MAX_REASON, act_of, by_itself
from rooms.flush import Flush
from rooms.leases import Leases
from rooms.loaded import ELSEWHERE, LoadedRoom, LoadedRooms
from rooms.making import make
from rooms.moment import Moment
from rooms.pending import Pending, Ticket
from rooms.recalls import check_recall, read_wanted
from rooms.rules import check_ruling, check_settings, ruled
from rooms.tasks import Tasks
from rooms.text import clean
from rooms.whisper import Whisper

Change = (
    PutRoomRow
    | DeleteRoomRow
    | SanctionRow
    | RecallRow
    | AppointRow
    | RoomSettingsRow
    | RaidRow
    | PutWordsRow
)
_Moderation = SanctionRow | RecallRow | PutWordsRow

MAX_TITLE: Final = 200
MAX_SECONDS: Final = 366 * 24 * 3600
_AT_ONCE: Final = 1000
_TOLD_AT_ONCE: Final = 64  # rooms whose viewers are told of new settings in one window
_RETRY_S: Final = 0.1
_RETRY_MOST_S: Final = 1.0
_KINDS: Final[dict[str, SanctionKind]] = {"mute": "mute", "unmute": "mute", "ban": "ban", "unban": "ban"}
_VERBS: Final = (*_KINDS, "kick")
_HELD: Final = Refused.of(Refusal(HELD_FOR_REVIEW))
_CLOSED: Final = Refused.of(Refusal(ROOM_CLOSED))
_SILENCING: Final = ("mute", "ban", "kick")

_log: Any = structlog.get_logger("rooms.changes")


class LeaseLost(Exception):
    """Nothing was done, or (with `maybe`) it is not known."""

    def __init__(self, *, maybe: bool) -> None:
        self.maybe = maybe
        super().__init__("the lease was lost")


class Changes:
    def __init__(
        self,
        store: Store,
        process: str,
        leases: Leases,
        rooms: LoadedRooms,
        flush: Flush,
        describe: Callable[[LoadedRoom], RoomInfo],
        whisper: Whisper,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._process = process
        self._leases = leases
        self._rooms = rooms
        self._flush = flush
        self._describe = describe
        self._whisper = whisper
        self._metrics = metrics
        self._clock = clock
        self._tasks = Tasks(_AT_ONCE)

    def begin(self, loaded: LoadedRoom, row: Change, ticket: Ticket) -> None:
        """Carry it out; the ticket is answered when the store has it. Raises Refusal."""
        self._check(row)
        if self._tasks.full:
            raise Refusal(UNAVAILABLE, retry_ms=1000)
        self._tasks.start(self._carry_out(loaded, row, ticket))

    def restore(self, loaded: LoadedRoom) -> None:
        """The store lost writes, maybe of the room's state as well: let it have what holds here."""
        if self._tasks.full:
            _log.warning("a room's state is not restored: too much is under way", room=loaded.room.name)
        else:
            self._tasks.start(self._restore(loaded))

    def reconsider(self) -> None:
        """The settings for all rooms are others: rooms go by them at once, viewers are told soon."""
        others = [loaded for loaded in self._rooms if loaded.room.reconsider()]
        if self._tasks.full:
            _log.warning("viewers are not told of new settings: too much is under way", rooms=len(others))
        else:
            self._tasks.start(self._tell_rules(others))

    def end_raids(self) -> None:
        """Let rooms go back to their settings whose time in raid mode is over."""
        now_ms = self._clock().ms
        for loaded in self._rooms:
            is_over = loaded.room.info.is_raid_over(now_ms)
            if is_over and not loaded.changes.locked() and not self._tasks.full:
                self._tasks.start(self._end_raid(loaded))

    async def close(self) -> None:
        await self._tasks.close()

    def _check(self, row: Change) -> None:
        if isinstance(row, RoomSettingsRow | RaidRow):
            check_ruling(row)
            return
        least = Role.MODERATOR if isinstance(row, _Moderation) else Role.STREAMER
        if row.role < least:
            raise Refusal(FORBIDDEN)
        if isinstance(row, PutRoomRow):
            if row.settings is not None:
                check_settings(row.settings)
            if row.title is not None and len(clean(row.title)) > MAX_TITLE:
                raise Refusal(TOO_LONG, f"a title has at most {MAX_TITLE} characters")
        elif isinstance(row, SanctionRow):
            _check_sanction(row)
        elif isinstance(row, AppointRow):
            check_id(row.uid, "uid")
        elif isinstance(row, RecallRow):
            check_recall(row)

    async def _carry_out(self, loaded: LoadedRoom, row: Change, ticket: Ticket) -> None:
        try:
            async with loaded.changes:
                answer = await self._change(loaded, row)
        except Refusal as refusal:
            ticket.answer(Refused.of(refusal))
        except LeaseLost as lost:
            self._leases.give_up(loaded.partition, loaded.room.lease)
            if not lost.maybe:
                ticket.answer(ELSEWHERE)
        else:
            ticket.answer(answer)

    async def _change(self, loaded: LoadedRoom, row: Change) -> Answer:
        if loaded.gone:
            return ELSEWHERE  # it went while this waited: to be asked again, of whoever loads it
        match row:
            case PutRoomRow():
                return await self._put(loaded, row)
            case DeleteRoomRow():
                return await self._delete(loaded, row)
            case SanctionRow():
                return await self._sanction(loaded, row)
            case AppointRow():
                return await self._appoint(loaded, row)
            case RoomSettingsRow() | RaidRow():
                return await self._rule(loaded, row)
            case PutWordsRow():
                return await self._put_words(loaded, row)
            case RecallRow():
                return await self._recall(loaded, row)

    async def _put(self, loaded: LoadedRoom, row: PutRoomRow) -> rows.Room:
        room = loaded.room
        now = self._clock()
        info = _changed(room.info, row, now)
        if info != room.info or not room.saved:
            await self._carried_out(loaded, Effect("save", info, (act_of(row, now.ms),)))
        return rows.Room(self._describe(loaded))

    async def _rule(self, loaded: LoadedRoom, row: RoomSettingsRow | RaidRow) -> rows.RoomRules:
        room, now = loaded.room, self._clock()
        if not room.is_there:
            raise Refusal(ROOM_NOT_FOUND)
        info = ruled(room.info, row, now.ms)
        if info != room.info:
            await self._carried_out(loaded, Effect("save", info, (act_of(row, now.ms),)))
        return rows.RoomRules(room.info.settings, room.settings, room.info.raid_until_ms)

    async def _end_raid(self, loaded: LoadedRoom) -> None:
        async with loaded.changes:
            room = loaded.room
            now_ms = self._clock().ms
            if not loaded.gone and room.info.is_raid_over(now_ms):
                calm = msgspec.structs.replace(room.info, raid_until_ms=0)
                acts = (by_itself("unraid", room.name, "", now_ms),)
                with suppress(LeaseLost):  # whoever owns the room next ends it
                    await self._carried_out(loaded, Effect("save", calm, acts))

    async def _delete(self, loaded: LoadedRoom, row: DeleteRoomRow) -> Done:
        closed = closed_for_good(loaded.room.name)
        await self._carried_out(loaded, Effect("delete", closed, (act_of(row, self._clock().ms),)))
        for ticket in loaded.room.held_dropped():
            ticket.answer(_CLOSED)
        return Done()

    async def _recall(self, loaded: LoadedRoom, row: RecallRow) -> Answer:
        room = loaded.room
        if not room.is_there:
            raise Refusal(ROOM_NOT_FOUND)
        try:
            wanted = await read_wanted(self._store, row)
        except StoreDown as error:  # nothing is written yet
            raise Refusal(UNAVAILABLE, retry_ms=1000) from error
        act = act_of(row, self._clock().ms)
        if wanted is None:
            return Done(await self._was_done(act))
        recall, instead_of, uid = wanted
        act = msgspec.structs.replace(act, uid=uid)
        if recall.of is None:  # what is to come of it has been said, too
            await self._deny(loaded, recall.uid, act)
            self._withdraw(loaded, recall.uid)
        if loaded.gone:
            return ELSEWHERE
        await self.said(loaded, lambda ticket: room.recall(recall, instead_of, (act,), ticket))
        return Done()

    async def _deny(self, loaded: LoadedRoom, uid: str | None, act: Act) -> None:
        """What waits for a moderator is taken back, too.

        That comes before the recall: if this process dies between them, nothing was answered yet.
        """
        room, held = loaded.room, self._store.held
        denied = room.held.taken_back(uid, act)
        if not denied:
            return
        await self.written(loaded, lambda: self._rooms.save(loaded))
        await self.written(loaded, lambda: held.change(self._process, room.lease, room.name, denied))
        for ticket in room.held_stored(denied, ()):
            ticket.answer(_HELD)
        for one in denied:
            notice = wire.Notice("denied", room.name, act.reason or None)
            self._whisper.tell(room, one.uid, wire.MSGPACK.encode(notice))

    async def _carried_out(self, loaded: LoadedRoom, effect: Effect) -> None:
        """In the store and in force here, and its viewers are told. Raises LeaseLost."""
        if await self.said(loaded, lambda ticket: loaded.room.change(effect, ticket)):
            return
        await self.written(loaded, lambda: self._write(loaded, effect))
        self._rooms.saved(loaded)
        loaded.room.bring_into_force(effect)

    async def said(self, loaded: LoadedRoom, say: Callable[[Ticket], bool]) -> bool:
        """Return when what the room says is stored; False where it says nothing. Raises LeaseLost."""
        told = Pending(1, lambda _: loaded.settled.set())
        loaded.settled.clear()
        if not say(Ticket(told, 0)):
            return False
        self._flush.mark(loaded)
        await loaded.settled.wait()
        if not told.is_over:
            raise LeaseLost(maybe=loaded.room.in_doubt)
        return True

    async def _tell_rules(self, others: list[LoadedRoom]) -> None:
        for begin in range(0, len(others), _TOLD_AT_ONCE):
            some = others[begin : begin + _TOLD_AT_ONCE]
            await asyncio.gather(*(self._tell_rules_of(loaded) for loaded in some))

    async def _tell_rules_of(self, loaded: LoadedRoom) -> None:
        async with loaded.changes:
            if not loaded.gone:
                with suppress(LeaseLost):  # whoever joins is told all the same
                    await self.said(loaded, loaded.room.tell_rules)

    async def _restore(self, loaded: LoadedRoom) -> None:
        async with loaded.changes:
            room = loaded.room
            effect = Effect("save" if room.is_there else "delete", room.info)
            try:
                await self.written(loaded, lambda: self._write(loaded, effect))
            except LeaseLost:
                if not loaded.gone:
                    self._rooms.give_up(loaded)

    async def _write(self, loaded: LoadedRoom, effect: Effect) -> bool:
        rooms, lease = self._store.rooms, loaded.room.lease
        if effect.verb == "delete":
            return await rooms.delete(self._process, lease, effect.info.room, effect.acts)
        return await rooms.save(self._process, lease, effect.info, effect.acts)

    async def _sanction(self, loaded: LoadedRoom, row: SanctionRow) -> Done:
        room, store, now = loaded.room, self._store.moderation, self._clock()
        act, kind = act_of(row, now.ms), _KINDS.get(row.verb)
        loaded.staff.check_outranks(row.role, row.uid)
        await self.written(loaded, lambda: self._rooms.save(loaded))
        if kind is None:  # of a kick, all that is kept is that it was done
            audit = self._store.audit
            await self.written(loaded, lambda: audit.write_down(self._process, room.lease, act))
        elif row.verb == kind:
            room.sanctions.check_room_for(kind, row.uid, now.ms)
            until_ms = now.ms + row.seconds * 1000 if row.seconds else None
            kept = Sanction(kind, row.uid, row.by, now.ms, until_ms, (row.reason or "")[:MAX_REASON])
            await self.written(
                loaded, lambda: store.impose(self._process, room.lease, room.name, kept, [act])
            )  # fmt: skip
            room.sanctions.impose(kind, row.uid, until_ms, kept.reason)
        else:
            lifted = await self._taken(
                loaded,
                lambda: store.lift(self._process, room.lease, room.name, kind, row.uid, now.ms, [act]),
            )
            room.sanctions.lift(kind, row.uid)
            if not (lifted or await self._was_done(act)):
                return Done(changed=False)
        if row.verb in _SILENCING:
            self._withdraw(loaded, row.uid)
        self._notify(loaded, row)
        return Done()

    def _withdraw(self, loaded: LoadedRoom, uid: str | None) -> None:
        if not loaded.gone:
            for ticket, answer in loaded.room.withdraw(uid, self._clock()):
                ticket.answer(answer)

    async def _appoint(self, loaded: LoadedRoom, row: AppointRow) -> Done:
        room, store, now = loaded.room, self._store.moderators, self._clock()
        acts = [act_of(row, now.ms)]
        if row.appointed:
            loaded.staff.check_room_for(row.uid)
        await self.written(loaded, lambda: self._rooms.save(loaded))
        if row.appointed:
            one = Appointed(row.uid, row.by, now.ms)
            await self.written(loaded, lambda: store.appoint(self._process, room.lease, room.name, one, acts))
            loaded.staff.appoint(one)
        else:
            taken = await self._taken(
                loaded, lambda: store.dismiss(self._process, room.lease, room.name, row.uid, acts)
            )
            loaded.staff.dismiss(row.uid, now.s)
            if not (taken or await self._was_done(acts[0])):
                return Done(changed=False)
        return Done()

    async def _put_words(self, loaded: LoadedRoom, row: PutWordsRow) -> Done:
        try:
            listed = unpack(row.words)
        except ValueError as error:
            raise Refusal(BAD_FRAME, str(error)) from None
        if len(listed) > MOST_IN_ROOM:
            raise Refusal(TOO_LARGE, f"the list of a room has at most {MOST_IN_ROOM} entries")
        if row.over is not None and row.over != version_of(loaded.words):
            raise Refusal(CONFLICT, "the list was replaced by another one meanwhile")
        words = await make(listed)
        room, store = loaded.room, self._store.words
        act = msgspec.structs.replace(act_of(row, self._clock().ms), what=f"{len(listed)} entries")
        await self.written(loaded, lambda: self._rooms.save(loaded))
        await self.written(
            loaded, lambda: store.save(self._process, room.lease, room.name, row.words, [act])
        )  # fmt: skip
        room.sanctions.words, loaded.words = words, row.words
        return Done()

    async def written(self, loaded: LoadedRoom, write: Callable[[], Awaitable[bool]]) -> None:
        """Repeat `write` until its outcome is known. Raises LeaseLost."""
        maybe, wait_s = False, _RETRY_S
        while not loaded.gone and self._leases.epoch(loaded.partition) == loaded.room.lease:
            try:
                with self._metrics.store_seconds.labels("change").time():
                    if await write():
                        return
                break
            except StoreDown as error:
                _log.warning("a change may not be stored", room=loaded.room.name, error=str(error))
                maybe = True
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _RETRY_MOST_S)
        raise LeaseLost(maybe=maybe)

    async def _taken(self, loaded: LoadedRoom, take: Callable[[], Awaitable[Taken]]) -> bool:
        """As `written`. False where there was nothing to take. Raises LeaseLost."""
        taken = Taken.LOST

        async def write() -> bool:
            nonlocal taken
            taken = await take()
            return taken is not Taken.LOST

        await self.written(loaded, write)
        return taken is Taken.TAKEN

    async def _was_done(self, act: Act) -> bool:
        """There is nothing to do: is that because this very act did it, and its answer got lost?

        Raises Refusal.
        """
        try:
            return await self._store.audit.knows(act.room, act.id)
        except StoreDown as error:
            raise Refusal(UNAVAILABLE, retry_ms=1000) from error

    def _notify(self, loaded: LoadedRoom, row: SanctionRow) -> None:
        """Tell whom it concerns, in order with what the room shows; lifting a ban tells nobody."""
        kind = {"mute": "muted", "unmute": "unmuted", "ban": "banned", "kick": "kicked"}.get(row.verb)
        if kind is None:
            return
        room = loaded.room
        retry_ms = row.seconds * 1000 if row.seconds else None
        notice = wire.Notice(kind, room.name, (row.reason or "")[:MAX_REASON] or None, retry_ms)
        self._whisper.tell(room, row.uid, wire.MSGPACK.encode(notice))


def _changed(info: RoomInfo, row: PutRoomRow, now: Moment) -> RoomInfo:
    if not info.created_ms:
        info = RoomInfo(info.room, created_ms=now.ms)  # it was closed for good
    changes = {
        "title": None if row.title is None else clean(row.title),
        "open": row.open,
        "settings": row.settings,
    }
    return msgspec.structs.replace(
        info, **{key: value for key, value in changes.items() if value is not None}
    )


def _check_sanction(row: SanctionRow) -> None:
    check_id(row.uid, "uid")
    if row.verb not in _VERBS:
        raise Refusal(BAD_FRAME, f"verb must be one of {', '.join(_VERBS)}")
    if row.seconds is not None and not 1 <= row.seconds <= MAX_SECONDS:
        raise Refusal(BAD_FRAME, f"seconds must be from 1 to {MAX_SECONDS}")
