"""What settings are changed to while the service runs, for all of it: what is kept, asked and answered.

An adjustment holds all that is adjusted, so whoever knows the newest one knows what is in force.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from danmaku.envelope import reader
from danmaku.model import Role

KEPT: Final = 100
"""So many of them, the newest, can be gone back to."""
MAX_BYTES: Final = 16 * 1024
"""Of all that is adjusted, as JSON."""
MAX_REASON: Final = 200


class Adjustment(msgspec.Struct, frozen=True):
    """All settings that are adjusted, like {"policy.slow_s": 3}, since `at_ms`.

    version: 1, 2, 3 …; 0 before anything was adjusted. of: the version that was gone back to, else 0.
    act: the id of who did it, by which it is known when it is asked again.
    """

    version: int = 0
    values: dict[str, Any] = {}
    by: str = ""
    at_ms: int = 0
    reason: str = ""
    of: int = 0
    act: str = ""


NOTHING: Final = Adjustment()
"""What is in force before anything was adjusted."""


class _Row(msgspec.Struct, array_like=True, tag=True, kw_only=True):
    """Asked of any rooms process; answered by AdjustmentsReply, or with a refusal's name in it."""

    budget_ms: int = 0


class _ActRow(_Row, kw_only=True):
    """Only admins may. `act` as in rows.ActRow. expected: only if this is the version in force."""

    act: str = ""
    by: str
    role: Role
    reason: str = ""
    expected: int | None = None


class AdjustRow(_ActRow, tag="adjust", kw_only=True):
    """Set these values, and let go of those in `unset`; what else was adjusted stays.

    Answered by what is in force then. Refused with bad_frame (the key, the value, what is allowed),
    needs_restart, conflict, too_large, forbidden.
    """

    values: dict[str, Any] = {}
    unset: list[str] = []


class RollBackRow(_ActRow, tag="roll_back", kw_only=True):
    """Let all be adjusted as it was in this version; 0: nothing is.

    Answered by what is in force then, which has a version of its own. Refused with no_such_version, conflict,
    forbidden; never for what a value is: a process passes over what it cannot use by now.
    """

    version: int


class AdjustmentsRow(_Row, tag="adjustments", kw_only=True):
    """Answered by the newest adjustments, newest first: at most so many, as far as a message carries."""

    limit: int = 1


class AdjustmentsReply(msgspec.Struct, array_like=True):
    """refused: the name of a refusal, with `detail`."""

    adjustments: list[Adjustment] = []
    refused: str | None = None
    detail: str | None = None


AdjustmentRequest = AdjustRow | RollBackRow | AdjustmentsRow

encode: Final = msgspec.msgpack.Encoder().encode
decode_request: Final = reader(msgspec.msgpack.Decoder(AdjustmentRequest))
decode_reply: Final = reader(msgspec.msgpack.Decoder(AdjustmentsReply))
