"""What each edge makes when it starts, and is the same for all of them: made once for all tests of a process.

It takes a tenth of a second, and there are more than a thousand such tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

from edge.api.openapi import describe
from edge.api.pages import Pages
from edge.api.routing import Route

_described: list[dict[str, Any]] = []


@contextmanager
def made_once() -> Iterator[None]:
    """Whoever makes an `edge.api.Api` meanwhile gets the description and the pages of the first."""
    with patch("edge.api.describe", _describe), patch("edge.api.Pages", _shared):
        yield


def _describe(routes: tuple[Route, ...]) -> dict[str, Any]:
    if not _described:
        _described.append(describe(routes))
    return _described[0]


def _shared(*, frames: Sequence[str]) -> Pages:
    return _pages(tuple(frames))


@cache
def _pages(frames: tuple[str, ...]) -> Pages:
    return Pages(frames=frames)
