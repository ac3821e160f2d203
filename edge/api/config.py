"""Settings of the whole service that change while it runs: what is in force, what was, another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from config.handing import kind_of
from config.keys import SettingsError, value_of
from config.live import ADJUSTED, LIVE, Running
from config.words import allowed
from danmaku.adjustment import KEPT, MAX_REASON, NOTHING, Adjustment, AdjustRow, RollBackRow
from danmaku.errors import BAD_FRAME, CONFLICT, NEEDS_RESTART, NO_SUCH_VERSION, TOO_LARGE, Refusal
from danmaku.model import MAX_NUMBER
from edge.api.routing import Call, NumberQuery, RoomsClient, Route, Who

_PATH: Final = "/v1/admin/config"
_DEFAULT: Final = 20
_LIMIT: Final = NumberQuery("limit", f"how many at most; {_DEFAULT} if not given", 1, KEPT)

Value = bool | Annotated[int, Meta(ge=-MAX_NUMBER, le=MAX_NUMBER)] | float | str | list[str]
Values = Annotated[
    dict[str, Any], Meta(extra_json_schema={"additionalProperties": msgspec.json.schema(Value)})
]
"""As dict[str, Value]; what is none is refused by its key."""
Reason = Annotated[str, Meta(max_length=MAX_REASON)] | None
Expected = Annotated[int, Meta(ge=0, le=MAX_NUMBER)] | None


class LiveSetting(msgspec.Struct):
    """`value` is in force; `allowed` says in words what it may be.

    `passed_over`: why the edge that answers goes by this value though the key is adjusted to another one,
    which it cannot use with its own settings; else null.
    """

    value: Value
    origin: Literal["default", "file", "environment", "flag", "adjusted"]
    allowed: str
    passed_over: str | None = None


class ConfigVersion(msgspec.Struct):
    """All that is adjusted, by its key, since `at` in ms since 1970.

    `version`: 1, 2, 3 …, 0 where nothing ever was. `of`: the version that was gone back to, else null.
    """

    version: int
    at: int
    by: str
    reason: str
    of: int | None
    values: dict[str, Value]

    @classmethod
    def made(cls, one: Adjustment) -> ConfigVersion:
        return cls(one.version, one.at_ms, one.by, one.reason, one.of or None, one.values)


class ConfigInForce(msgspec.Struct):
    """Every setting that can change while the service runs, by its key; `adjusted` ones are so everywhere but
    where they are passed over, others as the edge that answers has them.
    """

    newest: ConfigVersion
    settings: dict[str, LiveSetting]


class ConfigHistory(msgspec.Struct):
    """Newest first."""

    versions: list[ConfigVersion]


class PatchConfig(msgspec.Struct, forbid_unknown_fields=True):
    """Keys are like `policy.slow_s`. Those in `unset` are no longer adjusted; others stay as they are.

    With `expected`, only if that version is in force.
    """

    values: Values = {}
    unset: list[str] = []
    reason: Reason = None
    expected: Expected = None


class RollBackConfig(msgspec.Struct, forbid_unknown_fields=True):
    """All is adjusted as it was in `version`; 0: nothing is. With `expected`, only if that is in force."""

    version: Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
    reason: Reason = None
    expected: Expected = None


class ConfigCalls:
    def __init__(self, rooms: RoomsClient, running: Running) -> None:
        self._rooms = rooms
        self._running = running

    def routes(self) -> list[Route]:
        get = "What can change while the service runs, as it is, where it comes from and what it may be."
        patch = "Change settings of the whole service while it runs."
        history = "What was changed while the service ran, by whom and why."
        back = "Have all that was changed while the service ran as it was in an earlier version."
        refuses = CONFLICT, NEEDS_RESTART, TOO_LARGE
        patched, rolled = PatchConfig, RollBackConfig
        return [
            Route("GET", _PATH, Who.ADMIN, get, self.get, None, ConfigInForce),
            Route("PATCH", _PATH, Who.ADMIN, patch, self.patch, patched, ConfigVersion, refuses=refuses),
            Route(
                *("GET", f"{_PATH}/history", Who.ADMIN, history, self.history, None, ConfigHistory),
                query=(_LIMIT,),
            ),
            Route(
                *("POST", f"{_PATH}/rollback", Who.ADMIN, back, self.roll_back, rolled, ConfigVersion),
                refuses=(CONFLICT, NO_SUCH_VERSION),
            ),
        ]

    async def get(self, call: Call) -> ConfigInForce:
        """What is stored, also where this edge will only hear of it in a moment."""
        found = await self._rooms.adjustments(1)
        newest = found[0] if found else NOTHING
        return ConfigInForce(ConfigVersion.made(newest), self._in_force(newest.values))

    async def patch(self, call: Call) -> ConfigVersion:
        """Stored when it is answered; each process of the service learns of it from the changes log."""
        body: PatchConfig = call.body
        for key, value in body.values.items():
            _check(key, value)
        if not (body.values or body.unset):
            raise Refusal(BAD_FRAME, "give values, or keys to unset")
        if twice := body.values.keys() & set(body.unset):
            raise Refusal(BAD_FRAME, f"{min(twice)} cannot be both set and unset")
        who, role, reason = call.caller.uid, call.role, body.reason or ""
        row = AdjustRow(
            by=who, role=role, reason=reason, expected=body.expected, values=body.values, unset=body.unset
        )
        return ConfigVersion.made(await self._rooms.adjust(row))

    async def history(self, call: Call) -> ConfigHistory:
        found = await self._rooms.adjustments(_LIMIT.read(call) or _DEFAULT)
        return ConfigHistory([ConfigVersion.made(one) for one in found])

    async def roll_back(self, call: Call) -> ConfigVersion:
        """As `patch`."""
        body: RollBackConfig = call.body
        who, role, reason = call.caller.uid, call.role, body.reason or ""
        row = RollBackRow(by=who, role=role, reason=reason, expected=body.expected, version=body.version)
        return ConfigVersion.made(await self._rooms.adjust(row))

    def _in_force(self, adjusted: Mapping[str, object]) -> dict[str, LiveSetting]:
        settings, passed_over = self._running.foresee(adjusted)
        made: dict[str, LiveSetting] = {}
        for key in sorted(LIVE):
            value: Value = value_of(settings, LIVE[key])  # type: ignore[assignment]  # what settings are
            is_adjusted = key in adjusted and key not in passed_over
            origin = ADJUSTED if is_adjusted else kind_of(self._running.origin(key))
            why = passed_over[key].told if key in passed_over else None
            made[key] = LiveSetting(value, origin, allowed(key, LIVE[key].type), why)
        return made


def _check(key: str, value: object) -> None:
    """It can travel to rooms processes, which judge the rest. Raises Refusal (bad_frame)."""
    try:
        msgspec.convert(value, Value)
    except msgspec.ValidationError:
        may_be = allowed(key, LIVE[key].type if key in LIVE else Value)
        raise Refusal(BAD_FRAME, SettingsError("", key, value, f"must be {may_be}").told) from None
