"""What settings are called, one by one, and how one that cannot be used is told of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from config.settings import Settings
from config.words import MASK, masked_url

PREFIX: Final = "DANMAKU_"
SECRETS: Final = frozenset(
    {
        "auth.secret",
        "review.secret",
        "nats.password",
        "nats.token",
        "store.password",
        "store.sentinel_password",
    }
)
DEFAULT: Final = "default"  # where a value comes from, beside names of files and variables


class SettingsError(Exception):
    """A setting that cannot be used: where it comes from, its key, its value and what is allowed.

    told: all of that but where it comes from.
    """

    def __init__(self, source: str, key: str, value: object, allowed: str) -> None:
        self.source = source
        self.key = key
        self.value = value
        self.allowed = allowed
        shown = "" if value is None else f" = {_shown(key, value)}"
        self.told = f"{key}{shown}: {allowed}"
        super().__init__(f"{source}: {self.told}")


@dataclass(frozen=True, slots=True)
class Key:
    """What a setting is called, and what it may be."""

    section: str
    name: str
    type: Any

    def __str__(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        return f"{PREFIX}{self.section}_{self.name}".upper()


def _keys() -> Iterator[Key]:
    for section in msgspec.structs.fields(Settings):
        for field in msgspec.structs.fields(section.type):
            yield Key(section.name, field.name, field.type)


KEYS: Final[Mapping[str, Key]] = {str(key): key for key in _keys()}
VARIABLES: Final[Mapping[str, Key]] = {key.variable: key for key in KEYS.values()}


def value_of(settings: Settings, key: Key) -> object:
    value: object = getattr(getattr(settings, key.section), key.name)
    return value


def as_toml(value: object) -> str:
    """A value as it stands in a file."""
    return msgspec.json.encode(value).decode()  # what our values may be is written alike in both


def hidden(key: str, value: str) -> str:
    """The value, fit for printing."""
    if key in SECRETS:
        return MASK if value else ""
    return masked_url(value) if key.endswith(".url") else value


def _shown(key: str, value: object) -> str:
    secret = isinstance(value, str) and (key in SECRETS or key.endswith(".url"))
    return hidden(key, str(value)) if secret else repr(value)
