"""What is good of settings of which some are wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from config.keys import PREFIX, SettingsError
from config.loading import CONFIG_VARIABLE, Loaded, load_with_origins


@dataclass(frozen=True, slots=True)
class Said:
    """Where settings are said, as for `load_with_origins`."""

    file: Path | None
    environ: Mapping[str, str]
    flags: Mapping[str, object]


def sifted(said: Said) -> tuple[Loaded, list[SettingsError]]:
    """The settings in force where what is wrong were not said, and all of that.

    A variable or a flag is left out by itself; a file as a whole, where nothing else is to blame.
    """
    wrong: list[SettingsError] = []
    while isinstance(found := _loaded(said), SettingsError):
        wrong.append(found)
        said = next(lesser for lesser in _lesser(said) if _mends(lesser, found))
    return found, wrong


def _loaded(said: Said) -> Loaded | SettingsError:
    try:
        return load_with_origins(said.file, said.environ, said.flags)
    except SettingsError as error:
        return error


def _lesser(said: Said) -> Iterator[Said]:
    """The same with one thing left out, the file last."""
    for variable in said.environ:
        if variable.startswith(PREFIX) and variable != CONFIG_VARIABLE:
            yield replace(said, environ=_without(said.environ, variable))
    for key in said.flags:
        yield replace(said, flags={name: value for name, value in said.flags.items() if name != key})
    yield Said(None, _without(said.environ, CONFIG_VARIABLE), said.flags)


def _without(environ: Mapping[str, str], variable: str) -> Mapping[str, str]:
    return {name: text for name, text in environ.items() if name != variable}


def _mends(said: Said, error: SettingsError) -> bool:
    """Whether nothing is wrong with these, or something else is."""
    found = _loaded(said)
    return isinstance(found, Loaded) or (found.source, found.key) != (error.source, error.key)
