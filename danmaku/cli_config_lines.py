"""How settings that change while the service runs, and their versions, are told to people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

from config.keys import KEYS, as_toml
from config.loading import LIKE

PASSED_OVER: Final = "the edge that was asked passes over what is adjusted"


def history_lines(versions: list[Any]) -> Iterator[str]:
    """Oldest first. What was before the oldest is not known, unless it is the first of all."""
    before: dict[str, Any] | None = None
    for one in reversed(versions):
        yield version_line(one)
        if before is None:
            before = {} if one["version"] == 1 else one["values"]
        yield from _differences(before, one["values"])
        before = one["values"]


def _differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for key in sorted(before.keys() | after.keys()):
        old, new = (as_toml(values[key]) if key in values else "" for values in (before, after))
        if not new:
            yield f"    {key} unset, was {old}"
        elif old != new:
            yield f"    {key} = {new}{f', was {old}' if old else ''}"


def version_line(one: Any) -> str:
    if not one["version"]:
        return "version 0: nothing was ever changed while the service runs"
    when = datetime.fromtimestamp(one["at"] / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    again = f"  as version {one['of']}" if one["of"] else ""
    why = f": {one['reason']}" if one["reason"] else ""
    return f"version {one['version']}{again}  {when}  by {one['by']}{why}"


def became(key: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    if key in after:
        return f"{key} = {as_toml(after[key])}"
    return f"{key} {'is as' if key in before else 'was not set: it is as'} the files say"


def outcome(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    if after["version"] == before["version"]:
        yield "nothing was changed; in force is"
    yield version_line(after)


def is_changed(one: Any) -> bool:
    return one["origin"] != "default" or bool(one.get("passed_over"))


def setting_line(key: str, one: Any) -> str:
    why = one.get("passed_over")  # an older edge does not say
    return f"{key} = {as_toml(one['value'])}  # {one['origin']}{f'; {PASSED_OVER}: {why}' if why else ''}"


def no_key(word: str, settings: Iterable[str]) -> str:
    """Of what was asked for as a key, and is none of `settings`; it may be a section of them."""
    if any(key.startswith(f"{word.removesuffix('.')}.") for key in settings):
        return f"give a whole key; `danmaku config list {word}` lists those of {word}"
    return not_there(word)


def not_there(key: str) -> str:
    """Of a key that does not change while the service runs, or of what some should begin with."""
    if key in KEYS:
        return f"{key} does not change while the service runs; `danmaku config` shows it, and whence it comes"
    if key in {known.section for known in KEYS.values()}:
        return f"nothing that begins with {key} changes while the service runs; `danmaku config` shows it"
    near = get_close_matches(key, [*KEYS, *{known.section for known in KEYS.values()}], n=1, cutoff=LIKE)
    return f"there is no such key as {key}" + (f"; did you mean {near[0]}?" if near else "")
