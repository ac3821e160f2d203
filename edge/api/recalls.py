"""What was said in a room is taken back: one comment, all of a user, or everything."""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from danmaku.errors import BAD_ID, NO_SUCH_MESSAGE, Refusal
from danmaku.model import MAX_NUMBER, Position, check_id
from danmaku.moderation_rows import RecallRow
from edge.api.routing import Call, Id, RoomsClient, Route, Who, WordsQuery, changed

_BASE: Final = "/v1/admin/rooms/{room}"
_POSITION: Final = re.compile(r"([0-9]{1,16})-([0-9]{1,16})", re.ASCII)
_MAX_REASON: Final = 200
_REASON: Final = WordsQuery("reason", "why, for the record", _MAX_REASON)


class Clear(msgspec.Struct, forbid_unknown_fields=True):
    """All that `uid` said, or without it all that anybody said. What somebody of a higher role said stays."""

    uid: Id | None = None
    reason: Annotated[str, Meta(max_length=_MAX_REASON)] | None = None


class Recalled(msgspec.Struct):
    """`changed` false: it had been taken back before."""

    room: str
    changed: bool


class RecallCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        one, clear = f"{_BASE}/messages/{{position}}", f"{_BASE}/clear"
        delete = "Take back one comment, announcement or gift, by its position: `<epoch>-<seq>`."
        everything = "Take back what a user said in this room, or what everybody said."
        return [
            Route(
                *("DELETE", one, Who.MODERATOR, delete, self.delete, None, Recalled, (_REASON,)),
                refuses=(NO_SUCH_MESSAGE,),
            ),
            Route("POST", clear, Who.MODERATOR, everything, self.clear, Clear, Recalled),
        ]

    async def delete(self, call: Call) -> Recalled:
        position = _position(call.parts["position"])
        return await self._recall(call, position=position, reason=_REASON.read(call))

    async def clear(self, call: Call) -> Recalled:
        body: Clear = call.body
        uid = None if body.uid is None else check_id(body.uid, "uid")
        return await self._recall(call, uid=uid, reason=body.reason)

    async def _recall(
        self, call: Call, position: Position | None = None, uid: str | None = None, reason: str | None = None
    ) -> Recalled:
        room = call.parts["room"]
        row = RecallRow(room, call.caller.uid, call.role, position, uid, reason)
        return Recalled(room, changed(await self._rooms.ask(row)))


def _position(word: str) -> Position:
    found = _POSITION.fullmatch(word)
    position = Position(*map(int, found.groups())) if found else Position(0, 0)
    if not (0 < position.epoch <= MAX_NUMBER and 0 < position.seq <= MAX_NUMBER):
        raise Refusal(BAD_ID, "a position is written as its epoch and seq, with a hyphen between them")
    return position
