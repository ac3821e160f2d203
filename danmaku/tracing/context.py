"""Of what a span is part, and how a message on the bus says so. Pure.

A message holds many rows or items, few of which are followed. So its header `traceparent` may hold several
values as W3C Trace Context writes them, separated by commas, each with the number of its row where that is
not 0: `00-<trace>-<span>-01;row=7`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

MOST: Final = 32  # of one message; the others of it are followed no further

_ONE: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:;row=([0-9]{1,6}))?")


class Context(NamedTuple):
    """A span: its trace, 128 bits, and its own number, 64 bits. Neither is 0."""

    trace: int
    span: int


class Followed(NamedTuple):
    """Row or item `row` of a message is followed; what comes of it belongs below `parent`."""

    row: int
    parent: Context


def encode(followed: Iterable[Followed]) -> str:
    """The header; empty where nothing is followed. Of the first MOST."""
    return ",".join(map(_encoded, list(followed)[:MOST]))


def decode(header: str) -> list[Followed]:
    """What of it can be read, at most MOST: a trace is never a reason to refuse a message."""
    found: list[Followed] = []
    for word in header.split(",", MOST)[:MOST]:
        match = _ONE.fullmatch(word.strip())
        if match is not None:
            trace, span, row = int(match[1], 16), int(match[2], 16), int(match[3] or 0)
            if trace and span:
                found.append(Followed(row, Context(trace, span)))
    return found


def _encoded(one: Followed) -> str:
    context = f"00-{one.parent.trace:032x}-{one.parent.span:016x}-01"
    return f"{context};row={one.row}" if one.row else context
