"""`danmaku mod words`: lists of words, of one room or for all rooms. A file has one entry a line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from danmaku.cli_desk import Desk, Everywhere, OneRoom, Room, base, command, of_room, placed
from danmaku.cli_output import warn
from danmaku.printable import printable
from danmaku.wordlist import ACTIONS

_Action = Annotated[str, typer.Option(help=f"What becomes of a comment: {', '.join(ACTIONS)}.")]
_Entries = Annotated[
    list[str],
    typer.Argument(
        metavar="[ROOM] ENTRY...", help="The room, unless it is for all, and words as the list has them."
    ),
]
_File = Annotated[
    list[str],
    typer.Argument(
        metavar="[ROOM] FILE", help="The room, unless it is for all; one entry a line: `ACTION ENTRY`."
    ),
]


@command()
def words(desk: Desk, room: Room = None, everywhere: Everywhere = False) -> None:
    """Show a list, as `words-put` takes it.

    Example: `danmaku mod words lobby > words.txt`
    """
    path, where = base(room, everywhere)
    found = desk.call("GET", f"{path}/words")
    lines = [f"{action} {entry}" for action in ACTIONS for entry in found[action]]
    if not (lines or desk.as_json):
        typer.echo(f"no word is listed in {where}", err=True)  # beside what may go into a file
    desk.tell(found, lines)


@command("words-put")
def words_put(desk: Desk, words: _File, everywhere: Everywhere = False) -> None:
    """Replace a list by what stands in a file.

    Example: `danmaku mod words-put lobby words.txt`
    """
    path, where, file = placed(words, everywhere, "FILE")
    lists: dict[str, Any] = {action: [] for action in ACTIONS}
    for number, line in enumerate(_text(Path(file)).splitlines(), 1):
        action, _, entry = line.strip().partition(" ")
        if action not in ACTIONS or not entry.strip():
            if not line.strip():
                continue
            raise typer.BadParameter(f"line {number}: write ACTION ENTRY; actions are {', '.join(ACTIONS)}")
        lists[action].append(entry.strip())
    _put(desk, path, where, lists)


@command("words-add")
def words_add(
    desk: Desk, words: _Entries, everywhere: Everywhere = False, action: _Action = "refuse"
) -> None:
    """Add entries to a list, or give them another action.

    Example: `danmaku mod words-add lobby badword "*worse*" --action mask`
    """
    path, where, entries = _entries(words, everywhere)
    if action not in ACTIONS:
        raise typer.BadParameter(f"--action must be one of {', '.join(ACTIONS)}")
    lists = _without(desk.call("GET", f"{path}/words"), entries)
    lists[action] += entries
    _put(desk, path, where, lists)


@command("words-remove")
def words_remove(desk: Desk, words: _Entries, everywhere: Everywhere = False) -> None:
    """Take entries from a list.

    Example: `danmaku mod words-remove lobby badword`
    """
    path, where, entries = _entries(words, everywhere)
    found = desk.call("GET", f"{path}/words")
    there = {entry for action in ACTIONS for entry in found[action]}
    for entry in entries:
        if entry not in there:
            warn(f"{printable(entry)} is not in the list")
    _put(desk, path, where, _without(found, entries))


@command("words-test")
def words_test(
    desk: Desk, room: OneRoom, text: Annotated[str, typer.Argument(metavar="TEXT", help="What is said.")]
) -> None:
    """Try what would become of a text in a room.

    Example: `danmaku mod words-test lobby "what a b.a.d word"`
    """
    found = desk.call("POST", f"{of_room(room)}/words/test", {"text": text})
    shown = "it would be shown" if found["action"] is None else f"{found['action']}: {found['entry']}"
    desk.tell(found, [shown, found["text"]])


def _text(file: Path) -> str:
    """Raises BadParameter."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file}: is not UTF-8") from None


def _entries(words: list[str], everywhere: bool) -> tuple[str, str, list[str]]:
    """Where the list is, how that is called, and the entries. Raises Refusal (bad_id), BadParameter."""
    if everywhere:
        return *base(None, everywhere), words
    room, *entries = words
    if not entries:
        raise typer.BadParameter("write ROOM ENTRY..., or --everywhere ENTRY...")
    return *base(room, everywhere), entries


def _without(found: dict[str, Any], entries: Iterable[str]) -> dict[str, Any]:
    """With the version it was, so that nobody's change in between is lost."""
    gone = set(entries)
    lists: dict[str, Any] = {
        action: [entry for entry in found[action] if entry not in gone] for action in ACTIONS
    }
    return {**lists, "version": found["version"]}


def _put(desk: Desk, path: str, where: str, lists: dict[str, Any]) -> None:
    many = sum(len(lists[action]) for action in ACTIONS)
    entries = "1 entry is" if many == 1 else f"{many} entries are"
    desk.tell(desk.call("PUT", f"{path}/words", lists), f"{entries} in force in {where}")
