"""What was wrong with a body, for who wrote it: where, and what may stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from msgspec import inspect

from config.words import in_words

_OF_SHAPE: Final = ("Expected ", "Invalid ", "Number ", "Object ")
_FIELD: Final = re.compile(r"Object (missing required|contains unknown) field `(.*)`", re.DOTALL)
_AT: Final = " - at `$"
_STEP: Final = re.compile(r"[^.\[\]]+")


def explained(error: str, body: Any) -> str | None:
    """What msgspec says of bytes that are no `body`; None where it cannot be said better."""
    if not error.startswith(_OF_SHAPE):
        return "the body is not JSON: " + error.removeprefix("JSON is malformed: ").removeprefix(
            "Input data was "
        )
    what, at, path = error.rpartition(_AT)
    if not at:
        what, path = error, ""
    where = path.removesuffix("`").removeprefix(".")
    found = [*_found(_shape(body), _STEP.findall(where))]
    if field := _FIELD.fullmatch(what):
        name = f"{where}.{field[2]}" if where else field[2]
        return f"{name} is missing" if field[1].startswith("missing") else _unknown(name, found)
    words = _words([one for one in found if not isinstance(one, inspect.NoneType) or "null" in what])
    return f"{where or 'the body'} must be {words}" if words else None


@cache  # as many as there are routes
def _shape(body: Any) -> inspect.Type:
    return inspect.type_info(body)


def _found(shape: inspect.Type, steps: list[str]) -> Iterator[inspect.Type]:
    """What may stand at the end of a path of keys and places."""
    if isinstance(shape, inspect.UnionType):
        for one in shape.types:
            yield from _found(one, steps)
    elif isinstance(shape, inspect.Metadata) and (steps or "allowed" not in (shape.extra or {})):
        yield from _found(shape.type, steps)
    elif not steps:
        yield shape
    elif isinstance(shape, inspect.ListType):
        yield from _found(shape.item_type, steps[1:])
    elif isinstance(shape, inspect.StructType):
        if shape.tag_field == steps[0]:
            yield inspect.LiteralType((shape.tag,))
        for field in shape.fields:
            if field.encode_name == steps[0]:
                yield from _found(field.type, steps[1:])


def _words(found: list[inspect.Type]) -> str:
    """What each of them may be; their choices in one."""
    choices = {str(value) for one in found if isinstance(one, inspect.LiteralType) for value in one.values}
    words = [f"one of {', '.join(sorted(choices))}"] if choices else []
    words += [in_words(one) for one in found if not isinstance(one, inspect.LiteralType)]
    return " or ".join(dict.fromkeys(words))


def _unknown(name: str, found: list[inspect.Type]) -> str:
    known = {
        one.encode_name for shape in found if isinstance(shape, inspect.StructType) for one in shape.fields
    }
    return f"there is no such field as {name}" + (f"; it may be {', '.join(sorted(known))}" if known else "")
