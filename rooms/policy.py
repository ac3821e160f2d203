"""Whether something may be said in a room. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeVar

from config.settings import Policy
from danmaku import wire
from danmaku.errors import (
    BAD_FRAME,
    BANNED,
    DUPLICATE_TEXT,
    EMPTY,
    FORBIDDEN,
    MUTED,
    RATE_LIMITED,
    SLOW_MODE,
    TOO_LONG,
    Refusal,
)
from danmaku.model import NORMAL_SIZE, WHITE, Role, RoomSettings
from danmaku.rows import SendRow
from rooms.generations import Generations
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.rate import Rate
from rooms.text import clean

T = TypeVar("T")

MAX_NAME: Final = 32
MAX_COLOR: Final = 0xFFFFFF
MIN_SIZE: Final = 10
MAX_SIZE: Final = 64
_MAX_USERS: Final = 50_000  # remembered per room and generation; the oldest go early
_YEAR_S: Final = 366 * 24 * 3600
_ALLOWED: Final = {
    "slow_s": (0, _YEAR_S),
    "max_length": (1, 10_000),
    "display_per_s": (1, 1_000_000_000),
    "repeat_s": (0, _YEAR_S),
}


def check_settings(settings: RoomSettings) -> None:
    """Raises `bad_frame` naming the key that is out of bounds."""
    for key, (least, most) in _ALLOWED.items():
        value = getattr(settings, key)
        if value is not None and not least <= value <= most:
            raise Refusal(BAD_FRAME, f"{key} must be from {least} to {most}")


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds in a room: its own settings, else those for all rooms, else the service's defaults."""

    max_length: int
    guests_may_send: bool
    staff_only: bool
    slow_s: int
    repeat_s: int
    display_per_s: int

    @classmethod
    def of(cls, own: RoomSettings, everywhere: RoomSettings, policy: Policy) -> Rules:
        return cls(
            _first(own.max_length, everywhere.max_length, policy.max_length),
            _first(own.guests_may_send, everywhere.guests_may_send, policy.guests_may_send),
            _first(own.staff_only, everywhere.staff_only, False),
            _first(own.slow_s, everywhere.slow_s, policy.slow_s),
            _first(own.repeat_s, everywhere.repeat_s, policy.repeat_s),
            _first(own.display_per_s, everywhere.display_per_s, policy.display_per_s),
        )

    def as_settings(self) -> RoomSettings:
        """For people: every key with the value in force."""
        return RoomSettings(
            slow_s=self.slow_s,
            max_length=self.max_length,
            guests_may_send=self.guests_may_send,
            staff_only=self.staff_only,
            display_per_s=self.display_per_s,
            repeat_s=self.repeat_s,
        )


class Judge:
    """Judges comments of one room, and remembers of its users what that takes.

    Staff is exempt from slow mode, rates and repeats. Sanctions do not bind streamers of the room and
    admins: whoever may impose them is not asked for the rank of whom they hit. Those that hold in all
    rooms bind streamers, too.
    """

    __slots__ = ("_due_s", "_guest_rate", "_said_s", "_spoke_s", "_user_rate", "rules", "sanctions")

    def __init__(self, rules: Rules, policy: Policy, sanctions: Sanctions) -> None:
        self.rules = rules
        self.sanctions = sanctions
        self._guest_rate = Rate(policy.guest_count, policy.guest_per_s, policy.guest_burst)
        self._user_rate = Rate(policy.user_count, policy.user_per_s, policy.user_burst)
        memory_s = max(self._guest_rate.memory_s, self._user_rate.memory_s)
        self._due_s: Generations[str, float] = Generations(memory_s, _MAX_USERS)
        self._spoke_s: Generations[str, float] = Generations(0, _MAX_USERS)
        self._said_s: Generations[tuple[str, str], float] = Generations(0, _MAX_USERS)
        self.change(rules)

    def change(self, rules: Rules) -> None:
        """Judge by these from now on."""
        self.rules = rules
        self._spoke_s.span_s = rules.slow_s
        self._said_s.span_s = rules.repeat_s

    def check_banned(self, uid: str, role: Role, now: Moment) -> None:
        """Raises `banned`."""
        if role < Role.STREAMER and self.sanctions.is_banned(uid, now.ms):
            raise Refusal(BANNED)
        self.sanctions.everywhere.check_banned(uid, role, now.ms)

    def check_sanctions(self, uid: str, role: Role, now: Moment) -> None:
        """Raises `banned` or `muted`."""
        self.check_banned(uid, role, now)
        if role < Role.STREAMER and self.sanctions.is_muted(uid, now.ms):
            raise Refusal(MUTED, retry_ms=self.sanctions.mute_left_ms(uid, now.ms))
        self.sanctions.everywhere.check_muted(uid, role, now.ms)

    def comment(self, row: SendRow, now: Moment) -> bytes:
        """The item to show, encoded; counts against its user's rates. Raises Refusal."""
        self.check_sanctions(row.uid, row.role, now)
        is_staff = row.role.is_staff
        if not is_staff:
            self._check_may_send(row.role)
        text = self._text(row.text)
        color = _within("color", row.color, 0, MAX_COLOR, WHITE)
        size = _within("size", row.size, MIN_SIZE, MAX_SIZE, NORMAL_SIZE)
        if not is_staff:
            self._check_pace(row, text, now.s)
        return wire.encode_item(
            wire.Comment(
                row.uid,
                clean(row.name)[:MAX_NAME].rstrip() or row.uid,
                text,
                mode=None if row.mode == "scroll" else row.mode,
                color=color,
                size=size,
                role=row.role.label if is_staff else None,
            )
        )

    def _check_may_send(self, role: Role) -> None:
        if self.rules.staff_only:
            raise Refusal(FORBIDDEN, "only staff may write here now")
        if role == Role.GUEST and not self.rules.guests_may_send:
            raise Refusal(FORBIDDEN, "guests may not write here")

    def _text(self, text: str) -> str:
        cleaned = clean(text)
        if not cleaned:
            raise Refusal(EMPTY)
        if len(cleaned) > self.rules.max_length:
            raise Refusal(TOO_LONG, f"at most {self.rules.max_length} characters are allowed here")
        return cleaned

    def _check_pace(self, row: SendRow, text: str, now_s: float) -> None:
        uid, rules = row.uid, self.rules
        spoke_s = self._spoke_s.get(uid)
        if rules.slow_s and spoke_s is not None and now_s < spoke_s + rules.slow_s:
            raise Refusal(SLOW_MODE, retry_ms=_ms(spoke_s + rules.slow_s - now_s))
        said_s = self._said_s.get((uid, text))
        if rules.repeat_s and said_s is not None and now_s < said_s + rules.repeat_s:
            raise Refusal(DUPLICATE_TEXT, retry_ms=_ms(said_s + rules.repeat_s - now_s))
        rate = self._guest_rate if row.role == Role.GUEST else self._user_rate
        due_s = self._due_s.get(uid) or 0.0
        wait_s = rate.wait_s(due_s, now_s)
        if wait_s > 0:
            raise Refusal(RATE_LIMITED, retry_ms=_ms(wait_s))
        self._due_s.put(uid, rate.due_s(due_s, now_s), now_s)
        if rules.slow_s:
            self._spoke_s.put(uid, now_s, now_s)
        if rules.repeat_s:
            self._said_s.put((uid, text), now_s, now_s)


def _first(own: T | None, everywhere: T | None, default: T) -> T:
    if own is not None:
        return own
    return default if everywhere is None else everywhere


def _within(key: str, value: int | None, least: int, most: int, normal: int) -> int | None:
    """`value`, or None where it is what is shown anyway."""
    if value is None or value == normal:
        return None
    if not least <= value <= most:
        raise Refusal(BAD_FRAME, f"{key} must be from {least} to {most}")
    return value


def _ms(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))
