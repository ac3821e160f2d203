"""`danmaku config`: the settings of this machine; and those of a service that can change while it runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from typing import Annotated, Any, Final

import msgspec
import typer

from config.keys import KEYS, as_toml
from config.live import LIVE
from config.loading import LIKE, Loaded, load_with_origins, masked, to_toml
from config.words import choices, is_list
from danmaku import cli_options as options
from danmaku.cli_desk import DESK, Desk, desk_of
from danmaku.cli_options import Config, Json
from danmaku.cli_output import FAILED, ended
from danmaku.printable import printable

_PATH: Final = "/v1/admin/config"
_MOST: Final = 100
_PASSED_OVER: Final = "the edge that was asked passes over what is adjusted"

app = typer.Typer(invoke_without_command=True, rich_markup_mode="markdown")


def _keys(incomplete: str) -> list[str]:
    return sorted(key for key in LIVE if key.startswith(incomplete))


def _keys_and_values(context: typer.Context, args: list[str], incomplete: str) -> list[str]:
    """A key, or what one may be that is a choice."""
    words: list[str] = list(context.params.get("words") or [])
    if len(words) % 2 == 0:
        return _keys(incomplete)
    known = KEYS.get(words[-1])
    return [] if known is None else [word for word in choices(known.type) if word.startswith(incomplete)]


_Words = Annotated[
    list[str],
    typer.Argument(
        metavar="KEY VALUE",
        help="What is set, and to what; one after the other.",
        autocompletion=_keys_and_values,
    ),
]
_Keys = Annotated[list[str], typer.Argument(metavar="KEY", help="Like policy.slow_s.", autocompletion=_keys)]
_Version = Annotated[int, typer.Argument(metavar="VERSION", min=0, help="As `history` tells it.")]
_Reason = Annotated[str | None, typer.Option(help="Why, for the record.")]
_Expected = Annotated[
    int | None,
    typer.Option(min=0, metavar="VERSION", help="Only where this is the version in force."),
]
_Changed = Annotated[bool, typer.Option("--changed", help="Only what is not as shipped.")]
_Limit = Annotated[int, typer.Option(min=1, max=_MOST, help="So many of the newest.")]
_Misplaced = Annotated[str | None, typer.Option(hidden=True)]
command: Final = partial(options.command, app, options=DESK, given=desk_of)


@app.callback()
def show(
    context: typer.Context,
    config: Config = None,
    as_json: Json = False,
    data: _Misplaced = None,
    url: _Misplaced = None,
    token: _Misplaced = None,
) -> None:
    """Print the settings of this machine and where each comes from; secrets are masked.

    Precedence: defaults, the file, the environment (`DANMAKU_EDGE_PORT=9000`), flags. The commands are
    about a service that runs: what is changed there holds in all its processes at once, above all of these.

    Example: `danmaku config --config my.toml | grep -v default`
    """
    if misplaced := [f"--{name}" for name in ("data", "url", "token") if context.params[name] is not None]:
        like = f"`danmaku config {context.invoked_subcommand or 'list'} {misplaced[0]} …`"
        raise typer.BadParameter(
            f"{misplaced[0]} is about a service that runs: write it behind a command, {like}"
        )
    if context.invoked_subcommand is None:
        loaded = load_with_origins(config, os.environ, {})
        typer.echo(_as_json(loaded) if as_json else to_toml(loaded), nl=as_json)
    elif any(_is_typed(context, name) for name in context.params):
        raise typer.BadParameter("write options behind the command")


@command("list")
def list_settings(desk: Desk, changed: _Changed = False) -> None:
    """Show what can be changed while the service runs, as it is, and where each value comes from.

    Example: `danmaku config list --changed --url https://live.example`
    """
    answer = desk.call("GET", _PATH)
    every: dict[str, Any] = answer["settings"]
    shown = {key: one for key, one in every.items() if not changed or _is_changed(one)}
    lines = [_version(answer["newest"]), *(_line(*row) for row in shown.items())]
    desk.tell({**answer, "settings": shown}, lines)


@command("get")
def get_setting(desk: Desk, keys: _Keys) -> None:
    """Print the values of keys, each in a line of its own; words without quotes.

    Example: `danmaku config get policy.slow_s`
    """
    answer = desk.call("GET", _PATH)
    found = {key: answer["settings"].get(key) for key in keys}
    for key, one in found.items():
        if one is None:
            raise ended(_not_there(key), FAILED)  # as for one that the service refuses to set
        if why := one.get("passed_over"):
            typer.echo(printable(f"{_PASSED_OVER}: {why}"), err=True)
    values = [one["value"] for one in found.values()]
    desk.tell(found, [value if isinstance(value, str) else as_toml(value) for value in values])


@command("set", dashed=True)
def set_settings(desk: Desk, words: _Words, reason: _Reason = None, expected: _Expected = None) -> None:
    """Change settings of the whole service while it runs; they stay so until they are unset.

    Example: `danmaku config set policy.slow_s 3 policy.links hold --reason "busy night"`
    """
    if unknown := [word for word in words[::2] if word.startswith("-")]:
        raise typer.BadParameter(f"there is no option {unknown[0]}; write KEY VALUE, one after the other")
    if len(words) % 2:
        raise typer.BadParameter(f"write KEY VALUE: {words[-1]} has no value")
    values = {key: _value(key, word) for key, word in zip(words[::2], words[1::2], strict=True)}
    if twice := [key for key in values if words[::2].count(key) > 1]:
        raise typer.BadParameter(f"{twice[0]} stands there twice")
    _patch(desk, {"values": values, "reason": reason, "expected": expected}, values)


@command("unset")
def unset_settings(desk: Desk, keys: _Keys, reason: _Reason = None, expected: _Expected = None) -> None:
    """Let settings be again what the files and the environment of the service's machines say.

    Example: `danmaku config unset policy.slow_s`
    """
    _patch(desk, {"unset": keys, "reason": reason, "expected": expected}, keys)


@command("history")
def history(desk: Desk, limit: _Limit = 20) -> None:
    """Show what was changed, by whom and why, the newest last.

    Example: `danmaku config history`
    """
    answer = desk.call("GET", f"{_PATH}/history", limit=limit)
    desk.tell(answer, [*_history(answer["versions"])] or "nothing was changed yet")


@command("rollback")
def roll_back(desk: Desk, version: _Version, reason: _Reason = None, expected: _Expected = None) -> None:
    """Have all that was changed as it was in a version, as a new version; 0: nothing is changed any more.

    Example: `danmaku config rollback 6`
    """
    body = {"version": version, "reason": reason, "expected": expected}
    answer = desk.call("POST", f"{_PATH}/rollback", body)
    told = [f"{key} = {as_toml(value)}" for key, value in answer["values"].items()]
    desk.tell(answer, [*(told or ["all is as the files say"]), _version(answer)])


def _is_typed(context: typer.Context, option: str) -> bool:
    """Rather than from the environment, or left out."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


def _patch(desk: Desk, body: dict[str, Any], keys: Iterable[str]) -> None:
    answer = desk.call("PATCH", _PATH, body)
    values = answer["values"]
    told = [
        f"{key} = {as_toml(values[key])}" if key in values else f"{key} is as the files say" for key in keys
    ]
    desk.tell(answer, [*told, _version(answer)])


def _value(key: str, word: str) -> Any:
    """A number, true or false, a list, or a word; where lists are expected a, b is one."""
    known = KEYS.get(key)
    try:
        return msgspec.json.decode(word)
    except msgspec.DecodeError:
        if known is not None and is_list(known.type):
            return [one.strip() for one in word.split(",") if one.strip()]
        return word


def _history(versions: list[Any]) -> Iterator[str]:
    """Oldest first. What was before the oldest is not known, unless it is the first of all."""
    before: dict[str, Any] | None = None
    for one in reversed(versions):
        yield _version(one)
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


def _version(one: Any) -> str:
    if not one["version"]:
        return "version 0: nothing was ever changed while the service runs"
    when = datetime.fromtimestamp(one["at"] / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    again = f"  as version {one['of']}" if one["of"] else ""
    why = f": {one['reason']}" if one["reason"] else ""
    return f"version {one['version']}{again}  {when}  by {one['by']}{why}"


def _is_changed(one: Any) -> bool:
    return one["origin"] != "default" or bool(one.get("passed_over"))


def _line(key: str, one: Any) -> str:
    why = one.get("passed_over")  # an older edge does not say
    return f"{key} = {as_toml(one['value'])}  # {one['origin']}{f'; {_PASSED_OVER}: {why}' if why else ''}"


def _not_there(key: str) -> str:
    if key not in KEYS:
        near = get_close_matches(key, KEYS, n=1, cutoff=LIKE)
        return f"there is no such key as {key}" + (f"; did you mean {near[0]}?" if near else "")
    return f"{key} does not change while the service runs; `danmaku config` shows it, and where it comes from"


def _as_json(loaded: Loaded) -> str:
    shown = msgspec.to_builtins(masked(loaded.settings))
    return msgspec.json.encode({"settings": shown, "origins": loaded.origins}).decode()
