"""What can be adjusted while the service runs, and a process's own settings, which follow that. Pure.

Whoever goes by a live setting holds its section and reads the attribute each time; sections change in place,
and only here. Where reading is not enough, whoever listens is told (`Running.listen`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Final

import msgspec
from msgspec.inspect import Metadata, type_info

from config.keys import DEFAULT, KEYS, Key, SettingsError, value_of
from config.loading import check_known, checked
from config.settings import Settings
from config.together import check
from config.types import Section

ADJUSTED: Final = "adjusted"
"""Where a value comes from that was adjusted."""

Values = Mapping[str, object]
PassedOver = Mapping[str, SettingsError]
Listener = Callable[[Collection[str]], None]


class NeedsRestart(SettingsError):
    """A setting that cannot be adjusted: it counts from when a process starts."""

    def __init__(self, source: str, key: str) -> None:
        super().__init__(source, key, None, "cannot change while the service runs: it needs a restart")


def _is_live(key: Key) -> bool:
    described = type_info(key.type)
    return isinstance(described, Metadata) and bool((described.extra or {}).get("live"))


LIVE: Final[Mapping[str, Key]] = {name: key for name, key in KEYS.items() if _is_live(key)}
"""What can be adjusted."""


def usable(values: Values, source: str = ADJUSTED) -> dict[str, object]:
    """The values as what they are to be. Raises SettingsError for one that cannot be, NeedsRestart."""
    found: dict[str, object] = {}
    for key, value in values.items():
        _check_live(source, key)
        found.update([checked(source, key, value, strict=True)])
    return found


def adjusted(settings: Settings, values: Values) -> Settings:
    """Settings that go together, with these values instead. Raises SettingsError of one, NeedsRestart."""
    found = usable(values)
    made = _copied(settings)
    _put(made, found)
    check(made, {key: ADJUSTED if key in found else DEFAULT for key in KEYS})
    return made


def merged(settings: Settings, before: Values, values: Values, unset: Collection[str]) -> dict[str, object]:
    """All that is adjusted once `values` are too, and `unset` are not.

    settings: what there would be without any of it. What was adjusted before and cannot be used here is kept:
    another version of this program can. Raises SettingsError, NeedsRestart.
    """
    for key in unset:
        _check_live(ADJUSTED, key)
    found = usable(values)
    _, passed_over = as_far_as_it_goes(settings, before)
    after = {key: value for key, value in {**before, **found}.items() if key not in unset}
    adjusted(settings, {key: value for key, value in after.items() if key in found or key not in passed_over})
    return after


def as_far_as_it_goes(settings: Settings, values: Values) -> tuple[Settings, PassedOver]:
    """Settings that go together, with the values instead: all of them, or else each that goes with the rest.

    By its key, why another one is passed over.
    """
    with suppress(SettingsError):
        return adjusted(settings, values), {}
    left = sorted(values)
    while True:
        passed_over: dict[str, SettingsError] = {}
        for key in left:
            try:
                settings = adjusted(settings, {key: values[key]})
            except SettingsError as error:
                passed_over[key] = error
        if len(passed_over) == len(left):
            return settings, passed_over
        left = [*passed_over]  # one may go with another that came after it


class Running:
    """The settings of one process: `base` are those it would have by itself, above them what was adjusted.

    origins: where each of `base` comes from, as Loaded has them.
    settings: in force, to be handed to whoever goes by them; never replaced, only changed in place.
    """

    def __init__(self, base: Settings, origins: Mapping[str, str] | None = None) -> None:
        self.settings: Final = _copied(base)
        self._base = base
        self._origins = origins or {}
        self._asked: Values = {}
        self._passed_over: PassedOver = {}
        self._listeners: list[Listener] = []

    @property
    def base(self) -> Settings:
        return self._base

    @property
    def values(self) -> Values:
        """What is adjusted here, as far as it can be used."""
        return {key: value for key, value in self._asked.items() if key not in self._passed_over}

    def origin(self, key: str) -> str:
        """Where the value of `base` comes from, as Loaded has it."""
        return self._origins.get(key, DEFAULT)

    def listen(self, listener: Listener) -> None:
        """It is told which keys have other values now, when they have."""
        self._listeners.append(listener)

    def foresee(self, values: Values) -> tuple[Settings, PassedOver]:
        """What `adjust` would make the settings, and what it would pass over."""
        return as_far_as_it_goes(self._base, values)

    def adjust(self, values: Values) -> PassedOver:
        """Go by these, and no others that were adjusted before; by its key, why one cannot be used here."""
        return self._go_by(self._base, values)

    def reread(
        self, base: Settings, origins: Mapping[str, str] | None = None
    ) -> tuple[list[str], PassedOver]:
        """Go by these settings beneath what was adjusted, as far as they can change by now.

        The keys whose new values need a restart, or go only with those that do; and what is adjusted and
        cannot be used here, with the others.
        """
        wanted = {name: value_of(base, key) for name, key in LIVE.items() if _differs(key, base, self._base)}
        made, _ = as_far_as_it_goes(self._base, wanted)
        waiting = [name for name, key in KEYS.items() if _differs(key, base, made)]
        self._origins = {**(origins or {}), **{key: self.origin(key) for key in waiting}}
        return waiting, self._go_by(made, self._asked)

    def _go_by(self, base: Settings, values: Values) -> PassedOver:
        wanted, passed_over = as_far_as_it_goes(base, values)
        changed = [name for name, key in LIVE.items() if _differs(key, wanted, self.settings)]
        self._base, self._asked, self._passed_over = base, dict(values), passed_over
        _put(self.settings, {name: value_of(wanted, LIVE[name]) for name in changed})
        if changed:
            for listener in self._listeners:
                listener(changed)
        return passed_over


def _check_live(source: str, key: str) -> None:
    if key in KEYS and key not in LIVE:
        raise NeedsRestart(source, key)
    check_known(source, key)


def _differs(key: Key, one: Settings, other: Settings) -> bool:
    return value_of(one, key) != value_of(other, key)


def _copied(settings: Settings) -> Settings:
    """With sections of its own."""
    sections: dict[str, Section] = {
        name: msgspec.structs.replace(getattr(settings, name)) for name in Settings.__struct_fields__
    }
    return Settings(**sections)  # type: ignore[arg-type]  # each is what its field wants


def _put(settings: Settings, values: Values) -> None:
    """In place."""
    for name, value in values.items():
        key = KEYS[name]
        msgspec.structs.force_setattr(getattr(settings, key.section), key.name, value)
