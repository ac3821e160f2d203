"""Asking the service which edges there are: `GET /v1/edges`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http.client import HTTPException
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from danmaku import staying
from danmaku.client.places import Places

Ask = Callable[[str], Awaitable[list[str]]]
"""The sockets to try, asked of the service whose socket is at this URL. Raises OSError, ValueError."""

_MOST_ASKED: Final = 3  # for one attempt to connect
_ANSWER_BYTES: Final = 1024 * 1024
_log = logging.getLogger("danmaku.client")


class _Edge(msgspec.Struct):
    address: str
    full: bool = False


class _Edges(msgspec.Struct):
    edges: list[_Edge]


def asking(region: str, timeout_s: float) -> Ask:
    """Over HTTP, in a thread; no token is shown."""
    opener = staying.opener()
    query = f"?region={quote(region)}" if region else ""

    def once(url: str) -> list[str]:
        # what is no http or https was refused before
        with opener.open(f"{http_url(url)}/v1/edges{query}", timeout=timeout_s) as answer:
            told = msgspec.json.decode(answer.read(_ANSWER_BYTES), type=_Edges)
        return [edge.address for edge in told.edges if not edge.full]

    async def ask(url: str) -> list[str]:
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.to_thread(once, url)
        except HTTPException as error:
            raise ValueError(f"{url} answered what is no HTTP: {error!r}") from None

    return ask


async def move(places: Places, ask: Ask | None) -> str:
    """Where to connect next, by what the service says about that where it is to be asked and answers."""
    if ask is not None:
        await _hear(places, ask)
    return places.move()


async def _hear(places: Places, ask: Ask) -> None:
    for url in places.to_ask(_MOST_ASKED):
        try:
            places.told(await ask(url))
        except (OSError, ValueError) as error:  # also what is no such answer, and a time-out
            _log.debug("%s did not say where to connect: %s", url, error)
        else:
            return


def http_url(url: str) -> str:
    """Of the service whose WebSocket is at `url`, without a slash at its end."""
    parts = urlsplit(url)
    scheme = "https" if parts.scheme == "wss" else "http"
    return urlunsplit((scheme, parts.netloc, parts.path.removesuffix("/v1/ws").rstrip("/"), "", ""))
