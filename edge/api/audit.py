"""The audit record: what moderators did in a room, what admins did for all, page by page or as it happens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgspec

from danmaku.errors import BAD_FRAME, Refusal
from danmaku.model import Act
from danmaku.records import MAX_ENTRIES, Acts, ActsRequest
from edge.api.routing import Call, NumberQuery, RoomsClient, Route, Who
from edge.api.waiting import MAX_WAIT_S, POLL_S, WAIT, Waiting

_DEFAULT: Final = 50
_PLACE: Final = r"[0-9]{1,16}-[0-9]{1,16}"
_BEGINNING: Final = "0-0"


@dataclass(frozen=True, slots=True)
class PlaceQuery:
    """A place in a record, as an answer told it."""

    name: str
    text: str

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_PLACE}$"}

    def read(self, call: Call) -> str | None:
        """None where the query does not say. Raises Refusal (bad_frame)."""
        word = call.word(self.name)
        if word is not None and re.fullmatch(_PLACE, word, re.ASCII) is None:
            raise Refusal(BAD_FRAME, f"{self.name} must be a place, as an answer before told it")
        return word


_AFTER: Final = PlaceQuery("after", "tell what comes after this place")
_BEFORE: Final = PlaceQuery("before", "tell what comes before this place")
_LIMIT: Final = NumberQuery("limit", f"how many at most; {_DEFAULT} if not given", 1, MAX_ENTRIES)


class AuditEntry(msgspec.Struct):
    """`at` in ms since 1970. `room` is empty for what holds in all rooms, `uid` for what concerns nobody,
    `by` and `role` where nobody did it: its time was over.

    `what`: what else it is about, like a position or the settings that were asked for.
    """

    at: int
    by: str
    role: str
    verb: str
    room: str
    uid: str
    what: str
    reason: str
    seconds: int | None

    @classmethod
    def of(cls, act: Act) -> AuditEntry:
        words = act.room, act.uid, act.what, act.reason
        role = act.role.label if act.by else ""
        return cls(act.at_ms, act.by, role, act.verb, *words, act.seconds)


class AuditPage(msgspec.Struct):
    """Oldest first. Ask with `after` for what comes next, and with `before` for what was before.

    `before` is null where nothing was found. There may be fewer than asked for, with more behind them.
    """

    entries: list[AuditEntry]
    after: str
    before: str | None


class AuditCalls:
    def __init__(self, rooms: RoomsClient, poll_s: float = POLL_S) -> None:
        self._rooms = rooms
        self._waiting = Waiting(rooms, poll_s)

    def routes(self) -> list[Route]:
        query = (_AFTER, _BEFORE, _LIMIT, WAIT)
        room, everywhere = "What was done by moderators of this room.", "What admins did for all rooms."
        path = "/v1/admin/rooms/{room}/audit"
        return [
            Route("GET", path, Who.MODERATOR, room, self.show, None, AuditPage, query, waits_s=MAX_WAIT_S),
            Route(
                "GET", "/v1/admin/audit", Who.ADMIN, everywhere, self.show, None, AuditPage, query,
                waits_s=MAX_WAIT_S,
            ),
        ]  # fmt: skip

    async def show(self, call: Call) -> AuditPage:
        """The newest, or those around a place; with `wait_s` it is a long poll. Safe to cancel."""
        after, before = _AFTER.read(call), _BEFORE.read(call)
        if after is not None and before is not None:
            raise Refusal(BAD_FRAME, "give after or before, not both")
        limit, room = _LIMIT.read(call) or _DEFAULT, call.parts.get("room", "")
        wait_s = WAIT.read(call) or 0
        found = await self._read(room, limit, after, before)
        if not found and before is None:
            read = partial(self._read, room, limit, after or _BEGINNING, None)
            found = await self._waiting.until_there(call, wait_s, read)
        entries = [AuditEntry.of(act) for _, act in found]
        if not found:
            return AuditPage(entries, after or before or _BEGINNING, None)
        return AuditPage(entries, found[-1][0], found[0][0])

    async def _read(
        self, room: str, limit: int, after: str | None, before: str | None
    ) -> list[tuple[str, Act]]:
        return (await self._rooms.read(ActsRequest(0, room, limit, after, before), Acts)).entries
