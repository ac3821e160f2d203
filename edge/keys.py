"""Looks for the public keys of tokens again and again, at a URL or in a file, and gives them to the ring."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from config.settings import Auth
from danmaku.jwks import MOST_BYTES, BadKeys, KeyRing, parsed, read
from danmaku.logs import get_logger
from danmaku.telemetry import EdgeMetrics

_log: Any = get_logger("edge.keys")
_LOOK_S: Final = 1.0  # how often it is asked whether a look is due
_OK: Final = 200


class KeyLooks:
    """What cannot be had changes nothing: it is counted, and logged once until it can be had again."""

    def __init__(
        self, settings: Auth, ring: KeyRing, metrics: EdgeMetrics, wall: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._ring = ring
        self._metrics = metrics
        self._wall = wall
        self._failed = False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(min(self._ring.wait_s(self._wall()), _LOOK_S))
            if self._ring.wait_s(self._wall()) == 0.0:
                await self.look()

    async def look(self) -> None:
        """Once, for no longer than `auth.jwks_timeout_s`."""
        began_s = self._wall()
        self._ring.looked(began_s)
        try:
            async with asyncio.timeout(self._settings.jwks_timeout_s):
                document = await self._document()
            self._ring.found(parsed(document, self._settings.algorithm), began_s)
        except (OSError, BadKeys) as error:  # TimeoutError is an OSError
            self._metrics.key_looks.labels("failed").inc()
            self._tell(str(error) or "no answer in time")
        else:
            self._metrics.key_looks.labels("found").inc()
            self._tell(None)
        self._metrics.keys.set(len(self._ring))

    def _tell(self, failure: str | None) -> None:
        where = self._settings.jwks_url or self._settings.jwks_file
        if failure is not None and not self._failed:
            _log.warning("the keys of tokens cannot be had, the former stay", source=where, why=failure)
        elif failure is None and self._failed:
            _log.info("the keys of tokens can be had again", source=where)
        self._failed = failure is not None

    async def _document(self) -> bytes:
        """Raises OSError, BadKeys."""
        if self._settings.jwks_file:
            return await asyncio.to_thread(read, self._settings.jwks_file)
        return await _fetched(self._settings.jwks_url)


async def _fetched(url: str) -> bytes:
    """Raises OSError, BadKeys. A redirect is no answer: keys come from where the setting says."""
    import aiohttp  # takes a fifth of the time of a start, and few need it

    try:
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as session,
            session.get(url, allow_redirects=False, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if answer.status != _OK:
                raise BadKeys(f"the answer has status {answer.status}")
            document = b""
            async for chunk in answer.content.iter_any():
                document += chunk
                if len(document) > MOST_BYTES:
                    raise BadKeys(f"it is larger than {MOST_BYTES} bytes")
            return document
    except aiohttp.ClientError as error:
        raise BadKeys(f"{type(error).__name__}: {error}") from None
