"""How commands print: tables and lines for people, complaints on stderr, exit codes."""

from __future__ import annotations

import sys
from typing import Any, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

FAILED: Final = 1
_WIDE: Final = 10_000
WRONG: Final = 2  # what was asked for, or configured, cannot be


def table(*columns: Column | str) -> Table:
    """With a rule below its head where people look at it, and without where programs do."""
    return Table(*columns, box=box.SIMPLE_HEAD if sys.stdout.isatty() else None)


def show(what: Any) -> None:
    """Text, or a table; of that nothing is cut for a program, which needs ids whole."""
    width = None if sys.stdout.isatty() else _WIDE
    Console(highlight=False, soft_wrap=isinstance(what, str | Text), width=width).print(what)


def warn(text: str) -> None:
    _complain("warning: ", "yellow", text)


def ended(text: str, code: int) -> typer.Exit:
    _complain("error: ", "red", text)
    return typer.Exit(code)


def _complain(word: str, style: str, text: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(word, style=style).append(text, ""))
