"""The HTTP API as the client calls it, where there is no frame for it."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, Final

import msgspec

from danmaku import staying
from danmaku.client.connection import TokenSource
from danmaku.client.link import refusal_of
from danmaku.client.pace import Timing
from danmaku.errors import INTERNAL, TIMEOUT, UNAUTHORIZED, UNAVAILABLE, Refusal
from danmaku.wire import Err

_ANSWER_BYTES: Final = 16 * 1024 * 1024
_RETRY_S: Final = 0.25
_OF_PROXIES: Final = (502, 503, 504)


class _No(msgspec.Struct):
    code: int
    error: str
    message: str
    retry_ms: int | None = None


class _Answer(msgspec.Struct):
    error: _No


class Calls:
    """Calls the service that is at `base()`, without a slash at its end. Each waits in a thread, never in the
    loop."""

    def __init__(
        self,
        base: Callable[[], str],
        token: str | TokenSource | None,
        timing: Timing,
        random: Callable[[], float],
    ) -> None:
        self._base = base
        self._token = token
        self._timing = timing
        self._random = random
        self._opener = staying.opener()

    async def call(self, method: str, path: str, body: Any, timeout_s: float | None) -> bytes:
        """What was answered; again where the outcome is unknown, until `timeout_s` is over.

        Only for what may be said twice. Raises Refusal. Cancelled, it is unknown whether it is done.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (self._timing.answer if timeout_s is None else timeout_s)
        last = Refusal(TIMEOUT)
        try:
            async with asyncio.timeout_at(deadline):
                while True:
                    token = await self._fresh_token()
                    left_s = max(0.001, deadline - loop.time())
                    try:
                        return await asyncio.to_thread(self._once, method, path, body, token, left_s)
                    except Refusal as refusal:
                        if refusal.kind not in (UNAVAILABLE, TIMEOUT):
                            raise
                        last = refusal
                    wait_s = _RETRY_S if last.retry_ms is None else last.retry_ms / 1000
                    await asyncio.sleep(wait_s * (0.5 + self._random()))
        except TimeoutError:
            raise last from None

    async def _fresh_token(self) -> str:
        token = await self._token() if callable(self._token) else self._token
        if token is None:
            raise Refusal(UNAUTHORIZED)
        return token

    def _once(self, method: str, path: str, body: Any, token: str, timeout_s: float) -> bytes:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        base = self._base()
        request = urllib.request.Request(  # noqa: S310  what is no http or https was refused before
            base + path,
            data=None if body is None else msgspec.json.encode(body),
            headers=headers,
            method=method,
        )
        try:
            with self._opener.open(request, timeout=timeout_s) as answer:
                read: bytes = answer.read(_ANSWER_BYTES)
                return read
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error.read(_ANSWER_BYTES), error.code) from None
        except (OSError, HTTPException) as error:
            raise Refusal(UNAVAILABLE, f"{base} cannot be reached: {error}") from None


def _refusal(body: bytes, status: int) -> Refusal:
    try:
        no = msgspec.json.decode(body, type=_Answer).error
    except msgspec.MsgspecError:
        kind = UNAVAILABLE if status in _OF_PROXIES else INTERNAL
        return Refusal(kind, f"the service answered with status {status}")
    return refusal_of(Err(None, no.code, no.error, no.message, no.retry_ms))
