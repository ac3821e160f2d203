"""Rooms: create or change, read, list, close for good."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from danmaku.envelope import DeleteRoomRow, GetRoomRow, PutRoomRow, Room
from danmaku.errors import INTERNAL, Refusal
from danmaku.model import RoomInfo, RoomSettings
from edge.api.routing import Call, Query, RoomsClient, Route, Who


class PutRoom(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    title: Annotated[str, Meta(max_length=200)] | None = None
    open: bool | None = None
    settings: RoomSettings | None = None


class RoomList(msgspec.Struct):
    """Most viewers first."""

    rooms: list[RoomInfo]


class Deleted(msgspec.Struct):
    room: str


class RoomCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        limit = Query("limit", "how many at most, 1 to 1000; 100 if not given")
        return [
            Route(
                "GET",
                "/v1/rooms",
                Who.ANYONE,
                "Rooms with their viewers, the fullest first.",
                self.list,
                None,
                RoomList,
                (limit,),
            ),
            Route("GET", "/v1/rooms/{room}", Who.ANYONE, "Read a room.", self.get, None, RoomInfo),
            Route(
                "PUT",
                "/v1/rooms/{room}",
                Who.STREAMER,
                "Create or change a room.",
                self.put,
                PutRoom,
                RoomInfo,
            ),
            Route(
                "DELETE",
                "/v1/rooms/{room}",
                Who.STREAMER,
                "Close a room for good.",
                self.delete,
                None,
                Deleted,
            ),
        ]

    async def list(self, call: Call) -> RoomList:
        return RoomList(await self._rooms.rooms(call.number("limit", 100, 1, 1000)))

    async def get(self, call: Call) -> RoomInfo:
        return _info(await self._rooms.ask(GetRoomRow(call.parts["room"])))

    async def put(self, call: Call) -> RoomInfo:
        body: PutRoom = call.body
        row = PutRoomRow(call.parts["room"], call.caller.uid, call.role, body.title, body.open, body.settings)
        return _info(await self._rooms.ask(row))

    async def delete(self, call: Call) -> Deleted:
        await self._rooms.ask(DeleteRoomRow(call.parts["room"], call.caller.uid, call.role))
        return Deleted(call.parts["room"])


def _info(answer: object) -> RoomInfo:
    if not isinstance(answer, Room):
        raise Refusal(INTERNAL)
    return answer.info
