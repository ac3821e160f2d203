"""Raid mode: what a moderator does in one call when a crowd comes to disturb."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from danmaku.moderation_rows import RaidRow
from edge.api.routing import Call, RoomsClient, Route, Who
from edge.api.settings import SettingsOfRoom, settings_of

_PATH: Final = "/v1/admin/rooms/{room}/raid"
_MOST_S: Final = 24 * 3600


class Raid(msgspec.Struct, forbid_unknown_fields=True):
    """For so long."""

    seconds: Annotated[int, Meta(ge=1, le=_MOST_S)] = 600
    reason: Annotated[str, Meta(max_length=200)] | None = None


class RaidCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        begin = (
            "Raid mode: only followers may write, in slow mode, and what has a link waits for a moderator, "
            "until the time is over. Asked again, it lasts so long from now."
        )
        end = "End raid mode before its time."
        return [
            Route("POST", _PATH, Who.MODERATOR, begin, self.begin, Raid, SettingsOfRoom),
            Route("DELETE", _PATH, Who.MODERATOR, end, self.end, None, SettingsOfRoom),
        ]

    async def begin(self, call: Call) -> SettingsOfRoom:
        body: Raid = call.body
        return await self._ask(call, body.seconds, body.reason)

    async def end(self, call: Call) -> SettingsOfRoom:
        return await self._ask(call, 0, None)

    async def _ask(self, call: Call, seconds: int, reason: str | None) -> SettingsOfRoom:
        room = call.parts["room"]
        row = RaidRow(room, call.caller.uid, call.role, seconds, reason)
        return settings_of(room, await self._rooms.ask(row))
