"""Rooms: create or change, read, list, close for good."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from danmaku.errors import BAD_FRAME, INTERNAL, TOO_LONG, Refusal
from danmaku.model import SETTING_BOUNDS, RoomInfo, RoomSettings
from danmaku.rows import DeleteRoomRow, GetRoomRow, JoinRow, PutRoomRow, Room
from danmaku.wire import MAX_NUMBER
from edge.api.routing import Call, NumberQuery, RoomsClient, Route, Who

_PATH: Final = "/v1/rooms/{room}"
_LIMIT: Final = NumberQuery("limit", "how many at most; 100 if not given", 1, 500)


class Settings(RoomSettings, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is left out, or null, is as the service has it."""

    def checked(self) -> RoomSettings:
        """As they can travel to rooms processes, which judge the rest. Raises Refusal (bad_frame)."""
        words = msgspec.structs.asdict(self)
        for name, (least, most) in SETTING_BOUNDS.items():
            value = words[name]
            if value is not None and not 0 <= value <= MAX_NUMBER:
                raise Refusal(BAD_FRAME, f"{name} must be from {least} to {most}")
        return RoomSettings(**words)


class PutRoom(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out stays as it is; `settings` are replaced as a whole."""

    title: Annotated[str, Meta(max_length=200)] | None = None
    open: bool | None = None
    settings: Settings | None = None


class RoomList(msgspec.Struct):
    """Most viewers first."""

    rooms: list[RoomInfo]


class Deleted(msgspec.Struct):
    room: str


class RoomCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        listing = "Rooms with their viewers, the fullest first."
        making = "Create or change a room."
        return [
            Route("GET", "/v1/rooms", Who.ANYONE, listing, self.list, None, RoomList, (_LIMIT,)),
            Route("GET", _PATH, Who.ANYONE, "Read a room.", self.get, None, RoomInfo),
            Route("PUT", _PATH, Who.STREAMER, making, self.put, PutRoom, RoomInfo, (), (TOO_LONG,)),
            Route("DELETE", _PATH, Who.STREAMER, "Close a room for good.", self.delete, None, Deleted),
        ]

    async def list(self, call: Call) -> RoomList:
        return RoomList(await self._rooms.rooms(_LIMIT.read(call) or 100))

    async def get(self, call: Call) -> RoomInfo:
        return _info(await self._rooms.ask(GetRoomRow(call.parts["room"])))

    async def put(self, call: Call) -> RoomInfo:
        body: PutRoom = call.body
        settings = body.settings and body.settings.checked()
        row = PutRoomRow(call.parts["room"], call.caller.uid, call.role, body.title, body.open, settings)
        return _info(await self._rooms.ask(row))

    async def delete(self, call: Call) -> Deleted:
        await self._rooms.ask(DeleteRoomRow(call.parts["room"], call.caller.uid, call.role))
        return Deleted(call.parts["room"])


async def enter(rooms: RoomsClient, call: Call) -> None:
    """May the caller read the room of the path, as who joins it may? Raises Refusal."""
    room = call.parts["room"]
    await rooms.ask(GetRoomRow(room))  # joining would make one that is not there
    await rooms.ask(JoinRow(room, call.caller.uid, call.role))


def _info(answer: object) -> RoomInfo:
    if not isinstance(answer, Room):
        raise Refusal(INTERNAL)
    return answer.info
