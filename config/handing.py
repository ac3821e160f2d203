"""How a process that watches over others gives them its settings.

What may change while they run, and was said by a file, is handed on in a file that is written anew; all
else in their environment and flags, which stay: one that is started again gets what the others have.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from config.keys import DEFAULT, KEYS, VARIABLES, as_toml, value_of
from config.live import LIVE
from config.loading import COMMAND_LINE, CONFIG_VARIABLE, Loaded, built, to_environment
from config.settings import Settings

Origin = Literal["default", "file", "environment", "flag"]
_HEAD: Final = "# What the processes of this run read again, written by the one that watches over them.\n"


def kind_of(origin: str) -> Origin:
    """What one of `Loaded.origins` is."""
    if origin == DEFAULT:
        return "default"
    if origin == COMMAND_LINE:
        return "flag"
    return "environment" if origin in VARIABLES else "file"


@dataclass(frozen=True, slots=True)
class Handed:
    """What children are given: `text` is for the file that their environment names."""

    environment: dict[str, str]
    flags: Sequence[str]
    text: str


def handed(loaded: Loaded, file: Path) -> Handed:
    """From it a child makes these settings, each that is live with the origin it has here."""
    kinds = {key: kind_of(loaded.origins[key]) for key in LIVE}
    every = to_environment(loaded.settings)
    environment = {
        key.variable: every[key.variable]
        for name, key in KEYS.items()
        if kinds.get(name, "environment") == "environment"
    }
    said = {key: as_toml(value_of(loaded.settings, KEYS[key])) for key in LIVE}
    flags = [f"--set={key}={word}" for key, word in said.items() if kinds[key] == "flag"]
    lines = [f"{key} = {word}\n" for key, word in said.items() if kinds[key] == "file"]
    return Handed({**environment, CONFIG_VARIABLE: str(file)}, flags, _HEAD + "".join(lines))


def taken(read: Loaded, before: Loaded, waiting: Collection[str]) -> Loaded:
    """What counts once `read` was read, but for what is `waiting` and is as before."""
    from_where = {key: before if key in waiting else read for key in KEYS}
    settings = built({key: value_of(found.settings, KEYS[key]) for key, found in from_where.items()})
    return Loaded(settings, {key: found.origins[key] for key, found in from_where.items()})


def remade(read: Settings, first: Settings, made: Settings) -> Settings:
    """What a process makes of `read` that `made` such settings of what it read `first`."""
    values: dict[str, object] = {}
    for name, key in KEYS.items():
        found = value_of(read, key)
        values[name] = value_of(made, key) if found == value_of(first, key) else found
    return built(values)
