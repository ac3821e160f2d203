"""What a room says of a change of its state. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from danmaku import wire
from danmaku.model import Effect, RoomInfo
from rooms.rules import Rules


def settings_changed(rules: Rules) -> wire.SettingsChanged:
    return wire.SettingsChanged(wire.MSGPACK.value(rules.as_settings()))


def said_of(before: RoomInfo, effect: Effect, rules: Rules) -> list[tuple[wire.Item, Effect]]:
    """Each item with what is in force once it is stored; the last one with `effect`. `rules`: those after it.

    Empty where viewers are to be told nothing.
    """
    after = effect.info
    said: list[wire.Item] = []
    if (after.settings, after.raid_until_ms) != (before.settings, before.raid_until_ms):
        said.append(settings_changed(rules))
    if after.open != before.open:
        said.append(wire.Opened() if after.open else wire.Closed())
    effects = [effect] * len(said)
    if len(said) == 2:  # a batch may end between them: each of them alone must be true
        basis = before if effect.verb == "delete" else after
        settled = {"settings": after.settings, "raid_until_ms": after.raid_until_ms}
        effects[0] = Effect("save", replace(basis, **settled, open=before.open))
    return list(zip(said, effects, strict=True))
