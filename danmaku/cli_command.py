"""A command whose help shows its arguments as they are written."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Final

from typer.core import TyperCommand

_SEVERAL: Final = re.compile(r"<list\[(.*)\]>")


class Command(TyperCommand):
    """Its usage shows arguments as they are called here, like `[ROOM] UID`: each has to have a metavar.

    Of what may be several its help tells the kind of one: that it may be, the metavar says.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        for argument in _arguments(self.params):
            argument.display_type_rich = partial(_kind, argument)  # which typer asks for the help

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [self.options_metavar or "", *(str(one.metavar) for one in _arguments(self.get_params(ctx)))]


def _arguments(parameters: list[Any]) -> list[Any]:
    return [one for one in parameters if one.param_type_name == "argument"]


def _kind(argument: Any, ctx: Any) -> str:
    return _SEVERAL.sub(r"<\1>", argument.display_type(ctx))
