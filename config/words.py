"""What a setting, or another value, may be, in words; and what of a setting may be shown."""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec.inspect import (
    AnyType,
    BoolType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    Type,
    UnionType,
    type_info,
)

MASK: Final = "********"
_OTHERS: Final = {BoolType: "true or false", NoneType: "null", AnyType: "anything"}
_UNITS: Final = {"s": "seconds", "ms": "milliseconds", "bytes": "bytes"}


def allowed(name: str, kind: Any) -> str:
    """What a key called `name` of type `kind` may be: "a number from 0.05 to 3600, in seconds"."""
    described = type_info(kind)
    words = in_words(described)
    unit = _UNITS.get(name.rpartition("_")[2]) if not name.endswith("_per_s") else None
    return f"{words}, in {unit}" if unit and isinstance(_bare(described), IntType | FloatType) else words


def is_list(kind: Any) -> bool:
    return isinstance(_bare(type_info(kind)), ListType)


def choices(kind: Any) -> list[str]:
    """What may stand there, where that is one of a few words."""
    bare = _bare(type_info(kind))
    if isinstance(bare, BoolType):
        return ["true", "false"]
    return [str(value) for value in bare.values] if isinstance(bare, LiteralType) else []


def masked_url(url: str) -> str:
    """`url`, or several separated by commas, without user names, passwords and tokens."""
    parts = re.split(r",(?=\s*[a-z+]+://)", url)
    hidden = [re.sub(r"(?s)://.*@", f"://{MASK}@", part) for part in parts]
    return re.sub(r"(?i)([?&](?:password|username|token)=)[^&]*", rf"\g<1>{MASK}", ",".join(hidden))


def in_words(kind: Type) -> str:
    """What a value of this type may be: "a whole number from 1 to 100"."""
    if isinstance(kind, Metadata):
        extra = kind.extra or {}
        return str(extra["allowed"]) if "allowed" in extra else in_words(kind.type)
    if isinstance(kind, UnionType):
        return " or ".join(dict.fromkeys(map(in_words, kind.types)))
    if isinstance(kind, IntType):
        return f"a whole number{_range(kind)}"
    if isinstance(kind, FloatType):
        return f"a number{_range(kind)}"
    if isinstance(kind, ListType):
        return f"a list{_length(kind)}; each: {in_words(kind.item_type)}"
    if isinstance(kind, LiteralType):
        return "one of " + ", ".join(str(value) for value in kind.values)
    if isinstance(kind, StrType):
        like = f" like {kind.pattern}" if kind.pattern else ""
        return f"text{_length(kind, ' characters')}{like}"
    return _OTHERS.get(type(kind), "an object")


def _bare(kind: Type) -> Type:
    return _bare(kind.type) if isinstance(kind, Metadata) else kind


def _range(kind: IntType | FloatType) -> str:
    words = [f"above {kind.gt}"] if kind.gt is not None else []
    words += [f"from {kind.ge}"] if kind.ge is not None else []
    words += [f"{'to' if kind.ge is not None else 'up to'} {kind.le}"] if kind.le is not None else []
    return "".join(f" {word}" for word in words)


def _length(kind: ListType | StrType, what: str = "") -> str:
    least, most = kind.min_length, kind.max_length
    if most is None:
        return f" of at least {least}{what}" if least else ""
    return f" of {least} to {most}{what}" if least else f" of at most {most}{what}"
