"""What holds in a room, and what its settings may be. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from config.settings import Policy
from danmaku.errors import BAD_FRAME, FORBIDDEN, Refusal
from danmaku.model import SETTING_BOUNDS, Links, Role, RoomInfo, RoomSettings
from danmaku.moderation_rows import RaidRow, RoomSettingsRow

MAX_RAID_S: Final = 24 * 3600
RAID_SLOW_S: Final = 30
_KEYS: Final = RoomSettings.__struct_fields__
_STREAMERS: Final = frozenset({"display_per_s"})


def check_settings(settings: RoomSettings) -> None:
    """Raises `bad_frame` naming the key that is out of bounds."""
    for key, (least, most) in SETTING_BOUNDS.items():
        value = getattr(settings, key)
        if value is not None and not least <= value <= most:
            raise Refusal(BAD_FRAME, f"{key} must be from {least} to {most}")


def check_ruling(row: RoomSettingsRow | RaidRow) -> None:
    """May this be asked? Raises Refusal. How much is shown is for the streamer to say, not for moderators."""
    if row.role < Role.MODERATOR:
        raise Refusal(FORBIDDEN)
    if isinstance(row, RaidRow):
        if not 0 <= row.seconds <= MAX_RAID_S:
            raise Refusal(BAD_FRAME, f"seconds must be from 1 to {MAX_RAID_S}")
        return
    check_settings(row.changes)
    unknown = set(row.reset) - set(_KEYS)
    if unknown:
        raise Refusal(BAD_FRAME, f"there is no setting {min(unknown)}")
    asked = {*row.reset, *(key for key in _KEYS if getattr(row.changes, key) is not None)}
    if row.role < Role.STREAMER and asked & _STREAMERS:
        raise Refusal(FORBIDDEN, f"only the room's streamer may change {min(asked & _STREAMERS)}")


def ruled(info: RoomInfo, row: RoomSettingsRow | RaidRow, now_ms: int) -> RoomInfo:
    """The room as it is after that."""
    if isinstance(row, RaidRow):
        until_ms = now_ms + row.seconds * 1000 if row.seconds else 0
        return replace(info, raid_until_ms=until_ms)
    given = {key: getattr(row.changes, key) for key in _KEYS}
    given = {key: value for key, value in given.items() if value is not None or key in row.reset}
    return replace(info, settings=replace(info.settings, **given))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The keys of RoomSettings, each with the value in force."""

    slow_s: int
    max_length: int
    guests_may_send: bool
    staff_only: bool
    display_per_s: int
    repeat_s: int
    members_only: bool
    followers_only: bool
    min_account_s: int
    emoji_only: bool
    unique_s: int
    links: Links
    delay_s: int
    review: bool

    @classmethod
    def of_room(cls, info: RoomInfo, everywhere: RoomSettings, policy: Policy) -> Rules:
        """As `of`, and stricter while the room is in raid mode."""
        rules = cls.of(info.settings, everywhere, policy)
        return rules.in_raid() if info.raid_until_ms else rules

    @classmethod
    def of(cls, own: RoomSettings, everywhere: RoomSettings, policy: Policy) -> Rules:
        """A room's own settings, else those for all rooms, else the service's; what that has not, is off."""
        values: dict[str, Any] = {}
        for key in _KEYS:
            settings = (getattr(own, key), getattr(everywhere, key))
            values[key] = next(
                (value for value in settings if value is not None), getattr(policy, key, False)
            )
        return cls(**values)

    def in_raid(self) -> Rules:
        """Followers only, slow mode, and links held; what is stricter stays as it is."""
        links: Links = "hold" if self.links == "show" else self.links
        slow_s = max(self.slow_s, RAID_SLOW_S)
        return dataclasses.replace(self, followers_only=True, slow_s=slow_s, links=links)

    def as_settings(self) -> RoomSettings:
        """For people."""
        return RoomSettings(**{key: getattr(self, key) for key in _KEYS})
