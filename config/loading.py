"""Settings from where they are said.

Precedence: the shipped `default.toml` < a TOML file < environment `DANMAKU_<SECTION>_<KEY>` < CLI flags.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import msgspec

from config.keys import DEFAULT, KEYS, PREFIX, VARIABLES, SettingsError, as_toml, hidden, value_of
from config.settings import Settings
from config.together import check
from config.types import Section
from config.words import allowed, is_list

DEFAULTS: Final = Path(__file__).with_name("default.toml")
CONFIG_VARIABLE: Final = "DANMAKU_CONFIG"  # names the TOML file where none is given otherwise
CLIENT_VARIABLES: Final = frozenset({"DANMAKU_DATA", "DANMAKU_URL", "DANMAKU_TOKEN"})  # for the command line
LIKE: Final = 0.75  # how much a word is like another that may have been meant
COMMAND_LINE: Final = "command line"  # where a value comes from


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings in force, and per key ("edge.port") where its value comes from: of a file the whole path."""

    settings: Settings
    origins: Mapping[str, str]


def load(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]) -> Settings:
    """The settings in force. `flags` is like {"edge.port": 8080}; None there means not given.

    Without `file` the one named by DANMAKU_CONFIG is read, if it is set. Raises SettingsError.
    """
    return load_with_origins(file, environ, flags).settings


def load_with_origins(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]) -> Loaded:
    """As `load`, and where each value comes from. Raises SettingsError."""
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    if file is None and environ.get(CONFIG_VARIABLE):
        file = Path(environ[CONFIG_VARIABLE])
    layers: list[tuple[str, str, object]] = [*_from_file(DEFAULTS, DEFAULT)]
    if file is not None and file.resolve() != DEFAULTS.resolve():
        layers += _from_file(file, str(file.absolute()))  # which nothing else is called
    layers += _from_environment(environ)
    layers += _from_flags(flags)
    for source, key, value in layers:
        values[key], origins[key] = value, source
    settings = built(values)
    check(settings, origins)
    return Loaded(settings, origins)


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables from which `load` makes the same settings: how they are given to another process."""
    return {key.variable: _as_variable(value_of(settings, key)) for key in KEYS.values()}


def masked(settings: Settings) -> Settings:
    """The same, fit for printing: without secrets, and without what stands before the @ of a URL."""
    changes: dict[str, Section] = {}
    for section in msgspec.structs.fields(Settings):
        kept = getattr(settings, section.name)
        shown = {
            key.name: hidden(str(key), value)
            for key in KEYS.values()
            if key.section == section.name and isinstance(value := getattr(kept, key.name), str)
        }
        changes[section.name] = msgspec.structs.replace(kept, **shown)
    return msgspec.structs.replace(settings, **changes)


def to_toml(loaded: Loaded) -> str:
    """The settings in force as TOML, each with a comment that says where it comes from; secrets masked."""
    shown = masked(loaded.settings)
    lines: list[str] = []
    section = ""
    for name, key in KEYS.items():
        if key.section != section:
            lines += ["", f"[{key.section}]"] if section else [f"[{key.section}]"]
            section = key.section
        lines.append(f"{key.name} = {as_toml(value_of(shown, key))}  # {loaded.origins[name]}")
    return "\n".join(lines) + "\n"


def _from_file(file: Path, source: str) -> Iterator[tuple[str, str, object]]:
    try:
        document = tomllib.loads(file.read_text())
    except OSError as error:
        raise SettingsError(str(file), "the file", None, f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(str(file), "the file", None, f"is not TOML: {error}") from error
    sections = Settings.__struct_fields__
    for section, table in document.items():
        if section not in sections:
            raise SettingsError(source, f"[{section}]", None, _unknown("section", section, sections))
        if not isinstance(table, dict):
            raise SettingsError(source, section, table, f"must be a section: [{section}]")
        for name, value in table.items():
            yield source, *checked(source, f"{section}.{name}", value, strict=True)


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, str, object]]:
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE or variable in CLIENT_VARIABLES:
            continue
        key = VARIABLES.get(variable)
        if key is None:
            raise SettingsError("environment", variable, None, _unknown("variable", variable, VARIABLES))
        value: object = text
        if is_list(key.type):
            value = [word.strip() for word in text.split(",") if word.strip()]
        yield variable, *checked(variable, str(key), value, strict=False)


def _from_flags(flags: Mapping[str, object]) -> Iterator[tuple[str, str, object]]:
    for key, value in flags.items():
        if value is not None:
            yield COMMAND_LINE, *checked(COMMAND_LINE, key, value, strict=True)


def checked(source: str, key: str, value: object, *, strict: bool) -> tuple[str, object]:
    """The key, and the value as what it is to be. Raises SettingsError."""
    check_known(source, key)
    kind = KEYS[key].type
    try:
        return key, msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError:
        raise SettingsError(source, key, value, f"must be {allowed(key, kind)}") from None


def check_known(source: str, key: str) -> None:
    """Raises SettingsError, with a key that is much like it, where there is one."""
    if key not in KEYS:
        raise SettingsError(source, key, None, _unknown("key", key, KEYS))


def built(values: Mapping[str, object]) -> Settings:
    """Of good values of keys like "edge.port"; what is not there is as shipped."""
    tables: dict[str, dict[str, object]] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        tables.setdefault(section, {})[name] = value
    return msgspec.convert(tables, Settings)


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=LIKE)
    return f"there is no such {what}" + (f"; did you mean {near[0]}?" if near else "")


def _as_variable(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list) else str(value)
