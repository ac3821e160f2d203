"""What a setting may be, in words, and what of it may be shown."""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec.inspect import (
    BoolType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    Metadata,
    StrType,
    Type,
    type_info,
)

MASK: Final = "********"
_UNITS: Final = {"s": "seconds", "ms": "milliseconds", "bytes": "bytes"}


def allowed(name: str, kind: Any) -> str:
    """What a key called `name` of type `kind` may be: "a number from 0.05 to 3600, in seconds"."""
    described = type_info(kind)
    words = _allowed(described)
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


def _bare(kind: Type) -> Type:
    return _bare(kind.type) if isinstance(kind, Metadata) else kind


def _allowed(kind: Type) -> str:
    if isinstance(kind, Metadata):
        extra = kind.extra or {}
        return str(extra["allowed"]) if "allowed" in extra else _allowed(kind.type)
    if isinstance(kind, IntType):
        return f"a whole number{_range(kind)}"
    if isinstance(kind, FloatType):
        return f"a number{_range(kind)}"
    if isinstance(kind, ListType):
        return f"a list; each: {_allowed(kind.item_type)}"
    if isinstance(kind, LiteralType):
        return "one of " + ", ".join(str(value) for value in kind.values)
    return "text" if isinstance(kind, StrType) else "true or false"


def _range(kind: IntType | FloatType) -> str:
    lowest = f"above {kind.gt}" if kind.gt is not None else f"from {kind.ge}"
    return f" {lowest} {'up ' if kind.gt is not None else ''}to {kind.le}"
