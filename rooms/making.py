"""Makes lists of words ready to be looked for, so that other work of the loop has its turn all the time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import structlog

from danmaku.errors import Refusal
from danmaku.wordlist import Word, unpack
from rooms.words import NO_WORDS, List, Making

_AT_ONCE: Final = 250  # entries: a millisecond of work

_log: Any = structlog.get_logger("rooms.making")


async def make(words: Sequence[Word]) -> List:
    """Raises `bad_frame` naming an entry that cannot be looked for."""
    making = Making()
    for begin in range(0, len(words), _AT_ONCE):
        making.add(words[begin : begin + _AT_ONCE])
        await asyncio.sleep(0)
    steps = making.finish()
    whole: List | None = None
    while whole is None:
        whole = await asyncio.to_thread(next, steps)
    return whole


async def make_of(packed: bytes) -> List:
    """The same of a list that was taken before: what cannot be looked for any more is left out."""
    try:
        words = await asyncio.to_thread(unpack, packed)
    except ValueError as error:
        _log.error("a list of words cannot be read", error=str(error))
        return NO_WORDS
    try:
        return await make(words)
    except Refusal as refusal:
        _log.error("a list of words holds what cannot be looked for", error=str(refusal))
        return await make([word for word in words if word.pattern is None])
