"""What holds in a room, and what its settings may be. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from config.settings import Policy
from danmaku.errors import BAD_FRAME, Refusal
from danmaku.model import Links, RoomSettings

MAX_DELAY_S: Final = 10
_YEAR_S: Final = 366 * 24 * 3600
_ALLOWED: Final = {
    "slow_s": (0, _YEAR_S),
    "max_length": (1, 10_000),
    "display_per_s": (1, 1_000_000_000),
    "repeat_s": (0, _YEAR_S),
    "min_account_s": (0, _YEAR_S),
    "unique_s": (0, _YEAR_S),
    "delay_s": (0, MAX_DELAY_S),
}


def check_settings(settings: RoomSettings) -> None:
    """Raises `bad_frame` naming the key that is out of bounds."""
    for key, (least, most) in _ALLOWED.items():
        value = getattr(settings, key)
        if value is not None and not least <= value <= most:
            raise Refusal(BAD_FRAME, f"{key} must be from {least} to {most}")


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
    def of(cls, own: RoomSettings, everywhere: RoomSettings, policy: Policy) -> Rules:
        """A room's own settings, else those for all rooms, else the service's; what that has not, is off."""
        values: dict[str, Any] = {}
        for key in RoomSettings.__struct_fields__:
            settings = (getattr(own, key), getattr(everywhere, key))
            values[key] = next(
                (value for value in settings if value is not None), getattr(policy, key, False)
            )
        return cls(**values)

    def as_settings(self) -> RoomSettings:
        """For people."""
        return RoomSettings(**{key: getattr(self, key) for key in RoomSettings.__struct_fields__})
