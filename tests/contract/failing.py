"""A store whose verbs fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import pytest

from danmaku.store.errors import StoreDown


class Fault:
    """A verb of the store that fails for a while: before it is carried out, or only to say so."""

    def __init__(self, noun: Any, verb: str, monkeypatch: pytest.MonkeyPatch, *, carried_out: bool) -> None:
        self._call: Callable[..., Awaitable[Any]] = getattr(noun, verb)
        self._carried_out = carried_out
        self.left = 0
        self.seen = 0
        monkeypatch.setattr(noun, verb, self)

    async def __call__(self, *words: Any, **more: Any) -> Any:
        self.seen += 1
        if self.left == 0:
            return await self._call(*words, **more)
        self.left -= 1
        if self._carried_out:
            await self._call(*words, **more)
        raise StoreDown("as the test wants it")


async def away(*_: object) -> NoReturn:
    """In the place of any verb."""
    raise StoreDown("as the test wants it")
