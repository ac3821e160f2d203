"""What was wrong with a body, for who wrote it: what may stand there is said, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from msgspec import inspect

_FAULT: Final = re.compile(r"(Invalid enum value .*|Object contains unknown field `.*`)", re.DOTALL)
_AT: Final = " - at `$"


def explained(error: str, body: Any) -> str:
    """What msgspec says of a value that should be a `body`; of a choice with the choices, of a key that is
    not known with those that are. Other errors as they are.
    """
    what, at, path = error.rpartition(_AT)
    if not at:
        what, path = error, "`"
    if not _FAULT.fullmatch(what):
        return error
    names = [name for name in path.removesuffix("`").split(".") if name]
    known = sorted({word for found in _found(_shape(body), names) for word in _words(found, what)})
    return f"{error}; it may be {', '.join(known)}" if known else error


@cache  # as many as there are routes
def _shape(body: Any) -> inspect.Type:
    return inspect.type_info(body)


def _found(shape: inspect.Type, names: list[str]) -> Iterator[inspect.Type]:
    """What may stand at the end of a path of keys."""
    if isinstance(shape, inspect.UnionType):
        for one in shape.types:
            yield from _found(one, names)
    elif isinstance(shape, inspect.Metadata):
        yield from _found(shape.type, names)
    elif not names:
        yield shape
    elif isinstance(shape, inspect.StructType):
        for field in shape.fields:
            if field.encode_name == names[0]:
                yield from _found(field.type, names[1:])


def _words(shape: inspect.Type, what: str) -> Iterator[str]:
    if isinstance(shape, inspect.LiteralType) and what.startswith("Invalid"):
        yield from map(str, shape.values)
    elif isinstance(shape, inspect.StructType) and what.startswith("Object"):
        yield from (field.encode_name for field in shape.fields)
