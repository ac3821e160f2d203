"""Settings for all rooms at once: what a room goes by where it has no setting of its own."""

from __future__ import annotations

from typing import Final

import msgspec

from danmaku.model import RoomSettings
from danmaku.moderation_rows import ConfigureRow
from edge.api.rooms import Settings
from edge.api.routing import Call, RoomsClient, Route, Who

_PATH: Final = "/v1/admin/settings"


class PutSettings(msgspec.Struct, forbid_unknown_fields=True):
    """They replace all that was set before."""

    settings: Settings


class SettingsForAll(msgspec.Struct):
    """`settings` is what was set; `in_force` has every key, as the service has it where nothing was."""

    settings: RoomSettings
    in_force: RoomSettings


class SettingsCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        reading = "What rooms go by that have no setting of their own."
        setting = "Set what rooms go by that have no setting of their own."
        return [
            Route("GET", _PATH, Who.ADMIN, reading, self.get, None, SettingsForAll),
            Route("PUT", _PATH, Who.ADMIN, setting, self.put, PutSettings, SettingsForAll),
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
