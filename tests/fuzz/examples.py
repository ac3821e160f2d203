"""Values that a type describes, and some that it does not: what inputs are made of.

Why not only random bytes: nearly none of them get past the first byte of msgpack or JSON, and what a decoder
does behind it is what matters.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec
from msgspec import inspect

_TEXTS: Final = (
    "", "a", "r1", "demo", "p:ann:bob", "g:team", "scroll", "message", "weather", "*bad*", "/(a|b)*c/", "\0",
    "\n", "🀄️", "e\u0301", "\u202eabc", "\ufeff", "x" * 65, "y" * 1001, "../..", "https://host/x",
    "1767225600000-3",
)  # fmt: skip
_NUMBERS: Final = (
    0,
    1,
    2,
    3,
    7,
    -1,
    63,
    255,
    256,
    2**31,
    2**32,
    2**53 - 1,
    2**53,
    2**63,
    2**64 - 1,
    -(2**63),
)
_ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    1.5,
    float("inf"),
    float("nan"),
    -0.0,
    1e308,
    b"",
    b"\xff\x00",
    [],
    {},
    [[]],
    {"": {}},
)
_DEPTHS: Final = (3, 40, 400, 1200)
_ODD_SHARE: Final = 0.04  # of all values
_MOST_ITEMS: Final = 4
_MOST_DEPTH: Final = 5  # beyond it a value stays small: types may hold themselves


class Examples:
    """Of one type, by chance. `odd`: whether some of what is in them is what the type forbids."""

    def __init__(self, kind: Any, random: Random) -> None:
        self._type = inspect.type_info(kind)
        self._random = random
        self._odd = False
        self._makers: dict[type, Callable[[Any, int], Any]] = {
            inspect.StructType: self._struct,
            inspect.UnionType: self._union,
            inspect.ListType: self._list,
            inspect.VarTupleType: self._list,
            inspect.SetType: self._list,
            inspect.FrozenSetType: self._list,
            inspect.TupleType: lambda kind, depth: [self._of(item, depth) for item in kind.item_types],
            inspect.NamedTupleType: lambda kind, depth: [self._of(one.type, depth) for one in kind.fields],
            inspect.DataclassType: self._dataclass,
            inspect.DictType: self._dict,
            inspect.StrType: lambda _, __: random.choice(_TEXTS),
            inspect.IntType: lambda _, __: random.choice(_NUMBERS),
            inspect.FloatType: lambda _, __: random.choice((0.0, 0.5, 1.0, -1.0, 1e9)),
            inspect.BoolType: lambda _, __: random.random() < 0.5,
            inspect.NoneType: lambda _, __: None,
            inspect.BytesType: lambda _, __: random.randbytes(random.randrange(20)),
            inspect.LiteralType: lambda kind, _: random.choice(kind.values),
            inspect.EnumType: lambda kind, _: random.choice(list(kind.cls)).value,
            inspect.RawType: lambda _, depth: self._anything(depth),
            inspect.AnyType: lambda _, depth: self._anything(depth),
            inspect.Metadata: lambda kind, depth: self._of(kind.type, depth),
        }

    def next(self, *, odd: bool) -> Any:
        self._odd = odd
        return self._of(self._type, 0)

    def _of(self, kind: Any, depth: int) -> Any:
        if self._odd and self._random.random() < _ODD_SHARE:
            return self._oddity()
        return self._makers[type(kind)](kind, depth + 1)

    def _struct(self, kind: inspect.StructType, depth: int) -> Any:
        fields = kind.fields
        if kind.array_like:
            head = [] if kind.tag is None else [kind.tag]
            return head + [self._of(field.type, depth) for field in fields]
        made = {} if kind.tag is None else {str(kind.tag_field): kind.tag}
        for field in fields:
            if field.required or self._random.random() < 0.5:
                made[field.encode_name] = self._of(field.type, depth)
        if self._odd and self._random.random() < 0.2:
            made["later"] = self._anything(depth)
        return made

    def _dataclass(self, kind: inspect.DataclassType, depth: int) -> Any:
        return {field.encode_name: self._of(field.type, depth) for field in kind.fields}

    def _union(self, kind: inspect.UnionType, depth: int) -> Any:
        return self._of(self._random.choice(kind.types), depth)

    def _list(self, kind: Any, depth: int) -> Any:
        return [self._of(kind.item_type, depth) for _ in range(self._many(depth))]

    def _dict(self, kind: inspect.DictType, depth: int) -> Any:
        pairs = (
            (self._of(kind.key_type, depth), self._of(kind.value_type, depth))
            for _ in range(self._many(depth))
        )
        return {key if isinstance(key, str | int) else "odd": value for key, value in pairs}

    def _anything(self, depth: int) -> Any:
        chosen = self._random.randrange(6 if depth < _MOST_DEPTH else 4)
        if chosen == 4:
            return [self._anything(depth + 1) for _ in range(self._many(depth))]
        if chosen == 5:
            return {self._random.choice(_TEXTS): self._anything(depth + 1) for _ in range(self._many(depth))}
        return self._random.choice((_TEXTS, _NUMBERS, (None, True), (0.5, 1e9))[chosen])

    def _many(self, depth: int) -> int:
        return self._random.randrange(_MOST_ITEMS) if depth < _MOST_DEPTH else 0

    def _oddity(self) -> Any:
        if self._random.random() < 0.8:
            return self._random.choice(self._random.choice((_ODD, _NUMBERS, _TEXTS)))
        deep: Any = self._random.choice((0, "x", None))
        for _ in range(self._random.choice(_DEPTHS)):
            deep = [deep] if self._random.random() < 0.9 else {"x": deep}
        return deep


def as_msgpack(value: Any) -> bytes:
    return _nested(value, msgspec.msgpack.encode)


def as_json(value: Any) -> bytes:
    return _nested(value, msgspec.json.encode)


def _nested(value: Any, encode: Callable[[Any], bytes]) -> bytes:
    """What the encoder cannot say is left to `mutations`, which makes depth and oddities out of bytes."""
    try:
        return encode(value)
    except (RecursionError, OverflowError, TypeError):
        return encode([])
