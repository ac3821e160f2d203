"""What a room says of a change of its state. Pure."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from danmaku import wire
from danmaku.model import Effect, RoomInfo
from rooms.rules import Rules

_RULES: Final = ("settings", "raid_until_ms")
_TOLD: Final = ("title", *_RULES, "open")


def settings_changed(rules: Rules) -> wire.SettingsChanged:
    return wire.SettingsChanged(wire.MSGPACK.value(rules.as_settings()))


def said_of(before: RoomInfo, effect: Effect, rules: Rules) -> list[tuple[wire.Item, Effect]]:
    """Each item with what is in force once it is stored; the last one with `effect`. `rules`: those after it.

    Empty where viewers are to be told nothing.
    """
    after = effect.info
    said: list[tuple[wire.Item, tuple[str, ...]]] = []
    if after.title != before.title:
        said.append((wire.Titled(after.title), ("title",)))
    if _values(after, _RULES) != _values(before, _RULES):
        said.append((settings_changed(rules), _RULES))
    if after.open != before.open:
        said.append((wire.Opened() if after.open else wire.Closed(), ("open",)))
    # A batch may end between two of them: each must be true without those behind it.
    now = before if effect.verb == "delete" else replace(after, **_values(before, _TOLD))
    told: list[tuple[wire.Item, Effect]] = []
    for item, fields in said:
        now = replace(now, **_values(after, fields))
        told.append((item, effect if len(told) == len(said) - 1 else Effect("save", now)))
    return told


def _values(info: RoomInfo, fields: tuple[str, ...]) -> dict[str, object]:
    return {field: getattr(info, field) for field in fields}
