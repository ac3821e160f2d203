"""What settings were changed to, in so many characters that it can still be read. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

Change = Mapping[str, object]  # what a setting is and was, by words

ELLIPSIS: Final = "…"
_SHORT: Final = 20  # characters, which no value is shortened below


def fitted(changes: Mapping[str, Change], most: int, head: Mapping[str, object] | None = None) -> str:
    """As JSON of at most `most` characters, behind what `head` says, which is short.

    Where it would be longer, the longest values are shortened, all to the same length: a list to its first
    ones with "…" behind them, all else to a beginning with "…". Where that is not enough the last settings
    are left out, and "…" tells how many.
    """
    kept, left_out = list(changes), 0

    def told(length: int) -> str:
        some: dict[str, object] = {
            key: {word: _shortened(value, length) for word, value in changes[key].items()} for key in kept
        }
        return _json({**(head or {}), **some} | ({ELLIPSIS: left_out} if left_out else {}))

    while len(told(_SHORT)) > most:
        kept.pop()
        left_out += 1
    whole = told(most)
    return whole if len(whole) <= most else told(_longest(most, most, lambda length: len(told(length))))


def _shortened(value: object, most: int) -> object:
    """What of it has that many characters as JSON."""
    text = _json(value)
    if len(text) <= most:
        return value
    if isinstance(value, list | tuple):
        first = list(value)
        return [*first[: _longest(len(first), most, lambda n: len(_json([*first[:n], ELLIPSIS])))], ELLIPSIS]
    words = value if isinstance(value, str) else text
    return words[: _longest(len(words), most, lambda n: len(_json(words[:n] + ELLIPSIS)))] + ELLIPSIS


def _longest(end: int, most: int, length: Callable[[int], int]) -> int:
    """The largest number up to `end` whose length, which grows with it, is at most `most`; or 0."""
    return max(0, bisect_right(range(end + 1), most, key=length) - 1)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
