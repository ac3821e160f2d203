"""`danmaku config`: the settings of this machine; and those of a service that can change while it runs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from itertools import starmap
from typing import Annotated, Any, Final

import msgspec
import typer

from config.keys import KEYS, as_toml
from config.live import LIVE
from config.loading import Loaded, load_with_origins, masked, to_toml
from config.words import choices, is_list
from danmaku import cli_options as options
from danmaku.cli_config_lines import (
    PASSED_OVER,
    became,
    history_lines,
    is_changed,
    no_key,
    not_there,
    outcome,
    setting_line,
    version_line,
)
from danmaku.cli_desk import DESK, Desk, desk_of
from danmaku.cli_options import Config, Json
from danmaku.cli_output import FAILED, ended
from danmaku.model import MAX_NUMBER
from danmaku.printable import printable

_PATH: Final = "/v1/admin/config"
_MOST: Final = 100
_DIGITS: Final = len(str(MAX_NUMBER))

app = typer.Typer(invoke_without_command=True, rich_markup_mode="markdown")


def _keys(incomplete: str) -> list[str]:
    return sorted(key for key in LIVE if key.startswith(incomplete))


def _sections_and_keys(incomplete: str) -> list[str]:
    sections = {key.section for key in LIVE.values()}
    return [*sorted(one for one in sections if one.startswith(incomplete)), *_keys(incomplete)]


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
        metavar="KEY VALUE...",
        help="What is set, and to what; one after the other.",
        autocompletion=_keys_and_values,
    ),
]
_Keys = Annotated[
    list[str], typer.Argument(metavar="KEY...", help="Like policy.slow_s.", autocompletion=_keys)
]
_Beginnings = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[BEGINNING]...",
        help="Only keys that begin so: a section, or a key.",
        autocompletion=_sections_and_keys,
        show_default=False,
    ),
]
_Version = Annotated[list[str], typer.Argument(metavar="VERSION", help="As `history` tells it.")]
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
    """Print the settings of this machine; show and change those of a service that runs.

    Without a command: the settings of this machine and where each comes from; secrets are masked. Precedence:
    defaults, the file, the environment (`DANMAKU_EDGE_PORT=9000`), flags. The commands are about a service
    that runs: what is changed there holds in all its processes at once, above all of these.

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
def list_settings(desk: Desk, beginnings: _Beginnings = None, changed: _Changed = False) -> None:
    """Show what can be changed while the service runs, as it is, and where each value comes from.

    Example: `danmaku config list policy events --changed`
    """
    answer = desk.call("GET", _PATH)
    every: dict[str, Any] = answer["settings"]
    for beginning in beginnings or []:
        if not any(key.startswith(beginning) for key in every):
            raise ended(not_there(beginning), FAILED)
    shown = {
        key: one
        for key, one in every.items()
        if key.startswith(tuple(beginnings or [""])) and (is_changed(one) or not changed)
    }
    lines = [version_line(answer["newest"]), *starmap(setting_line, shown.items())]
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
            raise ended(no_key(key, answer["settings"]), FAILED)  # as for one that the service refuses to set
        if why := one.get("passed_over"):
            typer.echo(printable(f"{PASSED_OVER}: {why}"), err=True)
    values = [one["value"] for one in found.values()]
    desk.tell(found, [value if isinstance(value, str) else as_toml(value) for value in values])


@command("set", dashed=True)
def set_settings(desk: Desk, words: _Words, reason: _Reason = None, expected: _Expected = None) -> None:
    """Change settings of the whole service while it runs; they stay so until they are unset.

    Example: `danmaku config set policy.slow_s 3 policy.links hold --reason "busy night"`
    """
    _check_options(words[::2], "write KEY VALUE, one after the other")
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
    desk.tell(answer, [*history_lines(answer["versions"])] or "nothing was changed yet")


@command("rollback", dashed=True)
def roll_back(desk: Desk, words: _Version, reason: _Reason = None, expected: _Expected = None) -> None:
    """Go back to a version: all that is changed is so as it was then, as a new version; 0: nothing is.

    Example: `danmaku config rollback 6`
    """
    version = _number(words)
    before = _newest(desk)
    body = {"version": version, "reason": reason, "expected": expected}
    answer = desk.call("POST", f"{_PATH}/rollback", body)
    told = [f"{key} = {as_toml(value)}" for key, value in answer["values"].items()]
    desk.tell(answer, [*(told or ["all is as the files say"]), *outcome(before, answer)])


def _is_typed(context: typer.Context, option: str) -> bool:
    """Rather than from the environment, or left out."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


def _check_options(words: Iterable[str], instead: str) -> None:
    """Words may begin with a dash, but none that looks like an option can be one."""
    if unknown := [word for word in words if word.startswith("-") and not word[1:].isdigit()]:
        raise typer.BadParameter(f"there is no option {unknown[0]}; {instead}")


def _number(words: list[str]) -> int:
    rule = "write one VERSION, a number from 0 up, as `history` tells it"
    _check_options(words, rule)
    if len(words) > 1 or not (words[0].isascii() and words[0].isdigit()):
        raise typer.BadParameter(f"{' '.join(words)}: {rule}")
    if len(words[0]) > _DIGITS:
        raise typer.BadParameter(f"no version has more than {_DIGITS} digits")
    return int(words[0])


def _newest(desk: Desk) -> dict[str, Any]:
    """The version in force."""
    versions = desk.call("GET", f"{_PATH}/history", limit=1)["versions"]
    newest: dict[str, Any] = versions[0] if versions else {"version": 0, "values": {}}
    return newest


def _patch(desk: Desk, body: dict[str, Any], keys: Iterable[str]) -> None:
    before = _newest(desk)
    answer = desk.call("PATCH", _PATH, body)
    told = [became(key, before["values"], answer["values"]) for key in keys]
    desk.tell(answer, [*told, *outcome(before, answer)])


def _value(key: str, word: str) -> Any:
    """A number, true or false, a list, or a word; where lists are expected a, b is one."""
    known = KEYS.get(key)
    try:
        return msgspec.json.decode(word)
    except msgspec.DecodeError:
        if known is not None and is_list(known.type):
            return [one.strip() for one in word.split(",") if one.strip()]
        return word


def _as_json(loaded: Loaded) -> str:
    shown = msgspec.to_builtins(masked(loaded.settings))
    return msgspec.json.encode({"settings": shown, "origins": loaded.origins}).decode()
