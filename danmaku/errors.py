"""Every way the service says no: one table of refusals and one of close codes.

A refusal reaches a WebSocket client as an `err` frame and an HTTP client as
`{"error": {...}}` with the status given here. Numbers and names never change their meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table. `retry` says whether the same request may succeed later."""

    code: int
    name: str
    text: str
    status: int
    retry: bool = False


BAD_FRAME = Kind(4000, "bad_frame", "the frame or body could not be understood", 400)
BAD_ID = Kind(4001, "bad_id", "an id must match [A-Za-z0-9_-]{1,64}", 400)
EMPTY = Kind(4002, "empty", "there is nothing to show in this text", 400)
TOO_LONG = Kind(4003, "too_long", "the text is longer than this room allows", 400)
BLOCKED_WORDS = Kind(4004, "blocked_words", "the text holds words that are not allowed here", 400)
LINKS_NOT_ALLOWED = Kind(4005, "links_not_allowed", "links are not allowed here", 400)
EMOJI_ONLY = Kind(4006, "emoji_only", "only emoji may be sent here now", 400)
UNAUTHORIZED = Kind(4010, "unauthorized", "the token is missing, expired or not valid", 401)
FORBIDDEN = Kind(4030, "forbidden", "your role does not allow this", 403)
MUTED = Kind(4031, "muted", "you are muted", 403, retry=True)
BANNED = Kind(4032, "banned", "you are banned", 403)
MEMBERS_ONLY = Kind(4033, "members_only", "only members may do this", 403)
NOT_A_MEMBER = Kind(4034, "not_a_member", "you are not a member of this conversation", 403)
BLOCKED = Kind(4035, "blocked", "this user does not take private messages from you", 403)
FOLLOWERS_ONLY = Kind(4036, "followers_only", "only who follows the room may write here now", 403)
ACCOUNT_TOO_NEW = Kind(4037, "account_too_new", "your account is too new to write here", 403, retry=True)
ROOM_NOT_FOUND = Kind(4040, "room_not_found", "there is no such room", 404)
NO_SUCH_CONVERSATION = Kind(4041, "no_such_conversation", "there is no such conversation", 404)
NO_SUCH_MESSAGE = Kind(4042, "no_such_message", "there is no such message", 404)
NO_SUCH_ROUTE = Kind(4043, "no_such_route", "there is nothing at this address", 404)
NO_SUCH_DEVICE = Kind(4044, "no_such_device", "no connection of this device is known", 404)
NO_SUCH_POLL = Kind(4046, "no_such_poll", "there is no such poll in this room", 404)
NO_SUCH_EDGE = Kind(4047, "no_such_edge", "no edge of this name was heard of", 404)
NO_SUCH_VERSION = Kind(4048, "no_such_version", "no such version is kept", 404)
METHOD_NOT_ALLOWED = Kind(4050, "method_not_allowed", "this address does not take this method", 405)
CONFLICT = Kind(4090, "conflict", "the request does not fit the present state", 409)
NOT_JOINED = Kind(4091, "not_joined", "join the room first", 409)
DUPLICATE_TEXT = Kind(4092, "duplicate_text", "you said the same a moment ago", 409, retry=True)
HELD_FOR_REVIEW = Kind(4093, "held_for_review", "the text waits for a moderator", 409)
TOO_LATE_TO_RECALL = Kind(4094, "too_late_to_recall", "this message can no longer be recalled", 409)
GROUP_FULL = Kind(4095, "group_full", "the group has all the members it may have", 409)
TOO_MANY_DEVICES = Kind(4096, "too_many_devices", "as many of your devices are connected as may be", 409)
NEEDS_RESTART = Kind(4097, "needs_restart", "this setting cannot change while the service runs", 409)
POLL_CLOSED = Kind(4098, "poll_closed", "the poll is over", 409)
POLL_FULL = Kind(4099, "poll_full", "the poll takes no more voters", 409)
ROOM_CLOSED = Kind(4100, "room_closed", "the room is closed", 410)
TOO_LARGE = Kind(4130, "too_large", "the request is larger than allowed", 413)
UPGRADE_REQUIRED = Kind(
    4260,
    "upgrade_required",
    "this address takes WebSockets only: did a proxy leave out the Upgrade header?",
    426,
)
SLOW_MODE = Kind(4290, "slow_mode", "the room is in slow mode", 429, retry=True)
RATE_LIMITED = Kind(4291, "rate_limited", "too many requests", 429, retry=True)
INTERNAL = Kind(5000, "internal", "internal error", 500, retry=True)
UNAVAILABLE = Kind(5030, "unavailable", "the service cannot do this right now", 503, retry=True)
TIMEOUT = Kind(5040, "timeout", "no answer came in time", 504, retry=True)

REFUSALS: dict[str, Kind] = {kind.name: kind for kind in list(globals().values()) if isinstance(kind, Kind)}


class Refusal(Exception):
    """A request answered with no.

    `detail` replaces the table's text where more can be said; `retry_ms` is set only where a later
    try may succeed.
    """

    def __init__(self, kind: Kind, detail: str | None = None, *, retry_ms: int | None = None) -> None:
        self.kind = kind
        self.message = detail or kind.text
        self.retry_ms = retry_ms
        super().__init__(f"{kind.name}: {self.message}")

    @property
    def code(self) -> int:
        return self.kind.code

    @property
    def name(self) -> str:
        return self.kind.name


class Close(IntEnum):
    """WebSocket close codes. The band tells the client what to do next.

    4000-4099 reconnect at once, 4100-4199 reconnect with backoff, 4400-4499 do not come back
    before something changes.
    """

    GOING_AWAY = 4000
    NO_HELLO = 4101
    IDLE = 4102
    TOO_FAST = 4103
    TOO_SLOW = 4104
    UNAVAILABLE = 4105
    UNAUTHORIZED = 4401
    BANNED = 4403
    REPLACED = 4409
    FRAME_TOO_LARGE = 4413


REPLACED: Final = "replaced by a newer connection of this device"
"""What a connection is told that ends with Close.REPLACED."""
DISPLACED: Final = "too many devices: a newer one took the place of this one"
ENDED: Final = "the session of this device was ended"
"""What a connection is told whose user ended it from elsewhere, with Close.UNAUTHORIZED."""


def may_reconnect(code: int) -> bool:
    """Whether a client may come back by itself after its socket was closed with `code`."""
    return not 4400 <= code <= 4499
