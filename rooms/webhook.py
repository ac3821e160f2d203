"""Asks an HTTP service of the deployment's own about comments, and never waits for it for long.

At most so many questions are under way; who does not answer in time, or nonsense, is not asked for a while.
In all these cases the settings say what becomes of a comment.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import aiohttp
import structlog

from config.settings import Review
from config.words import masked_url
from danmaku.rows import SendRow
from danmaku.telemetry import RoomsMetrics
from rooms.advice import Advice, answered, question, signature
from rooms.breaker import Breaker

_MOST_BYTES: Final = 64 * 1024
_OK: Final = 200
_HEADERS: Final = {
    "Content-Type": "application/json",
    "User-Agent": "danmaku",
    "Accept-Encoding": "identity",
}

_log: Any = structlog.get_logger("rooms.webhook")


class Webhook:
    """Made inside the running loop."""

    def __init__(self, settings: Review, metrics: RoomsMetrics) -> None:
        self._settings = settings
        self._secret = settings.secret.encode()
        self._metrics = metrics
        self._breaker = Breaker(settings)
        self._loop = asyncio.get_running_loop()
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)  # who asks has a bound
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None),  # all of it is timed here
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers=_HEADERS,
        )

    def unasked(self, *, busy: bool) -> Advice | None:
        if busy:
            return self._fallback("busy")
        state, may_ask = self._breaker.state, self._breaker.may_ask(self._loop.time())
        self._tell_state(state)
        return None if may_ask else self._fallback("open")

    async def ask(self, row: SendRow, at_ms: int) -> Advice:
        begin, state, known = self._loop.time(), self._breaker.state, False
        try:
            async with asyncio.timeout(self._settings.timeout_ms / 1000):
                advice = await self._post(question(row, at_ms))
            self._breaker.succeeded()
            known = True
        except TimeoutError:
            return self._failed("timeout", None)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return self._failed("failed", error)
        else:
            self._metrics.webhook.labels(advice.decision).inc()
            return advice
        finally:
            if not known:
                self._breaker.gave_up(self._loop.time())
            self._metrics.webhook_seconds.observe(self._loop.time() - begin)
            self._tell_state(state)

    async def close(self) -> None:
        await self._session.close()

    async def _post(self, body: bytes) -> Advice:
        """Raises ValueError, ClientError, OSError."""
        timestamp = str(int(time.time()))
        headers = {
            "X-Danmaku-Timestamp": timestamp,
            "X-Danmaku-Signature": signature(self._secret, timestamp, body),
        }
        posted = self._session.post(self._settings.url, data=body, headers=headers, allow_redirects=False)
        async with posted as response:
            if response.status != _OK:
                raise ValueError(f"status {response.status}")
            answer = bytearray()
            async for part in response.content.iter_any():
                answer += part
                if len(answer) > _MOST_BYTES:
                    raise ValueError("the answer is too large")
            return answered(bytes(answer))

    def _failed(self, outcome: str, error: Exception | None) -> Advice:
        self._breaker.failed(self._loop.time())
        _log.debug("the webhook failed", outcome=outcome, error=repr(error))
        return self._fallback(outcome)

    def _fallback(self, outcome: str) -> Advice:
        self._metrics.webhook.labels(outcome).inc()
        return Advice(self._settings.fallback)

    def _tell_state(self, before: str) -> None:
        state = self._breaker.state
        self._metrics.webhook_open.set(state != "closed")
        if state == "open" and before == "closed":
            url = masked_url(self._settings.url)
            _log.warning("the webhook does not answer: it is not asked for a while", url=url)
        elif state == "closed" and before != "closed":
            _log.info("the webhook answers again")
