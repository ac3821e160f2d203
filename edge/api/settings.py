"""Settings: of one room, and what rooms go by that have none of their own."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from danmaku.envelope import Answer
from danmaku.errors import INTERNAL, Refusal
from danmaku.model import RoomSettings
from danmaku.moderation_rows import ConfigureRow, RoomSettingsRow
from danmaku.rows import RoomRules
from edge.api.rooms import Settings
from edge.api.routing import Call, RoomsClient, Route, Who

_PATH: Final = "/v1/admin/settings"
_OF_ROOM: Final = "/v1/admin/rooms/{room}/settings"


class PutSettings(msgspec.Struct, forbid_unknown_fields=True):
    """They replace all that was set before."""

    settings: Settings


class SettingsForAll(msgspec.Struct):
    """`settings` is what was set; `in_force` has every key, as the service has it where nothing was."""

    settings: RoomSettings
    in_force: RoomSettings


class SettingsOfRoom(msgspec.Struct):
    """`settings` are the room's own; `in_force` has every key, as it is for all rooms where the room says
    nothing, and stricter in raid mode. `raid_until_ms`: until when that is, 0 where it is not in it.
    """

    room: str
    settings: RoomSettings
    in_force: RoomSettings
    raid_until_ms: int


class SettingsCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        reading = "What rooms go by that have no setting of their own."
        setting = "Set what rooms go by that have no setting of their own."
        read = "What a room goes by."
        change = (
            "Change settings of a room. A key that is left out stays as it is, one that is null is again as "
            "for all rooms. `display_per_s` is for the streamer to change."
        )
        return [
            Route("GET", _PATH, Who.ADMIN, reading, self.get, None, SettingsForAll),
            Route("PUT", _PATH, Who.ADMIN, setting, self.put, PutSettings, SettingsForAll),
            Route("GET", _OF_ROOM, Who.MODERATOR, read, self.get_room, None, SettingsOfRoom),
            Route("PATCH", _OF_ROOM, Who.MODERATOR, change, self.patch_room, Settings, SettingsOfRoom),
        ]

    async def get(self, call: Call) -> SettingsForAll:
        found = await self._rooms.settings()
        return SettingsForAll(found.settings, found.in_force)

    async def put(self, call: Call) -> SettingsForAll:
        """Stored when it is answered; rooms processes learn of it from the changes log."""
        body: PutSettings = call.body
        row = ConfigureRow(body.settings.checked(), call.caller.uid, call.role)
        await self._rooms.users(row)
        return await self.get(call)

    async def get_room(self, call: Call) -> SettingsOfRoom:
        return await self._ask(call, RoomSettings(), [])

    async def patch_room(self, call: Call) -> SettingsOfRoom:
        """In force and stored when it is answered; viewers are told."""
        body: Settings = call.body
        said: dict[str, Any] = msgspec.json.decode(call.request.body or b"{}")
        return await self._ask(call, body.checked(), [key for key, value in said.items() if value is None])

    async def _ask(self, call: Call, changes: RoomSettings, reset: list[str]) -> SettingsOfRoom:
        room, caller = call.parts["room"], call.caller
        row = RoomSettingsRow(room, caller.uid, call.role, changes, reset)
        return settings_of(room, await self._rooms.ask(row))


def settings_of(room: str, answer: Answer) -> SettingsOfRoom:
    if not isinstance(answer, RoomRules):
        raise Refusal(INTERNAL)
    return SettingsOfRoom(room, answer.settings, answer.in_force, answer.raid_until_ms)
