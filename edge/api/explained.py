"""What was wrong with a body, for who wrote it: where, and what may stand there."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import inspect

from config.words import in_words

_OF_SHAPE: Final = ("Expected ", "Integer ", "Invalid ", "Number ", "Object ")
_FIELD: Final = re.compile(r"Object (missing required|contains unknown) field `(.*)`", re.DOTALL)
_AT: Final = " - at `$"
_STEP: Final = re.compile(r"\.{3}|[^.\[\]]+")
_IN_MAP: Final = re.compile(r"(\w+)\[\.{3}\](.*)")


def explained(error: str, body: Any, given: bytes) -> str | None:
    """What msgspec says of bytes that are `given` and no `body`; None where it cannot be said better."""
    if not error.startswith(_OF_SHAPE):
        return "the body is not JSON: " + error.removeprefix("JSON is malformed: ").removeprefix(
            "Input data was "
        )
    what, at, path = error.rpartition(_AT)
    if not at:
        what, path = error, ""
    where = path.removesuffix("`").removeprefix(".")
    found = [*_found(_shape(body), _STEP.findall(where))]
    where = _with_key(where, error, body, given)
    if field := _FIELD.fullmatch(what):
        name = f"{where}.{field[2]}" if where else field[2]
        return f"{name} is missing" if field[1].startswith("missing") else _unknown(name, field[2], found)
    if any(isinstance(one, inspect.AnyType) for one in found):
        return f"{where} is too large a number"  # all that can be wrong there
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
    elif not steps or isinstance(shape, inspect.AnyType):
        yield shape
    elif isinstance(shape, inspect.ListType):
        yield from _found(shape.item_type, steps[1:])
    elif isinstance(shape, inspect.DictType):
        yield from _found(shape.value_type, steps[1:])
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


def _with_key(where: str, error: str, body: Any, given: bytes) -> str:
    """msgspec names no key of a map: it is the first one up to which the same is said."""
    if (step := _IN_MAP.fullmatch(where)) is None:
        return where
    field, behind = step.groups()
    with suppress(ValueError, RecursionError):  # behind it, where nobody looked, may be no JSON
        fields = msgspec.json.decode(given, type=dict[str, msgspec.Raw])
        items = [*msgspec.json.decode(fields[field], type=dict[str, msgspec.Raw]).items()]

        def is_wrong(count: int) -> bool:
            return _error(msgspec.json.encode({field: dict(items[:count])}), body) == error

        good = bisect_left(range(1, len(items) + 1), True, key=is_wrong)
        return f"{field}.{items[good][0]}{behind}" if good < len(items) else where
    return where


def _error(given: bytes, body: Any) -> str:
    try:
        msgspec.json.decode(given, type=body)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _unknown(name: str, field: str, found: list[inspect.Type]) -> str:
    known = {
        one.encode_name for shape in found if isinstance(shape, inspect.StructType) for one in shape.fields
    }
    if field in known:
        return f"{name} does not go with this kind"
    return f"there is no such field as {name}" + (f"; it may be {', '.join(sorted(known))}" if known else "")
