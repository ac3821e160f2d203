"""The HTTP API as the command line calls it: one request, one answer, nothing kept open."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from math import ceil
from typing import Any
from urllib.parse import urlsplit

import msgspec

from danmaku import staying
from danmaku.errors import BAD_FRAME

_ANSWER_BYTES = 16 * 1024 * 1024


class CallFailed(Exception):
    """The service said no, or nothing. The text is fit for printing.

    status: of the answer, where there was one.
    """

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls the service at `url`, like "http://127.0.0.1:8080". All methods raise CallFailed."""

    url: str
    token: str | None = None
    timeout_s: float = 10.0

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self.call("POST", path, body)

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, timeout_s: float | None = None
    ) -> Any:
        if not _is_address(self.url):
            raise CallFailed(
                f"{self.url} is not the address of a service: give it like http://localhost:8080"
            )
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.token:
            if not (self.token.isascii() and self.token.isprintable()):
                raise CallFailed("the token has characters that no token has")
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else msgspec.json.encode(body)
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        # Only http and https come as far as here.
        request = urllib.request.Request(  # noqa: S310
            self.url.rstrip("/") + path, data=data, headers=headers, method=method
        )
        try:
            with staying.opener().open(request, timeout=timeout_s) as answer:
                return _read(answer.read(_ANSWER_BYTES), self.url)
        except urllib.error.HTTPError as error:
            with error:
                raise CallFailed(_refusal(error.read(_ANSWER_BYTES), error.code), error.code) from None
        except TimeoutError:
            raise CallFailed(f"no answer from {self.url} within {timeout_s:g} s") from None
        except HTTPException as error:
            raise CallFailed(f"what answers at {self.url} is no HTTP: {error!r}") from None
        except (urllib.error.URLError, OSError) as error:
            why = getattr(error, "reason", error)
            why = why.strerror or why if isinstance(why, OSError) else why
            raise CallFailed(f"cannot reach {self.url}: {why}; is it running? (danmaku up)") from None


def told(refused: str, message: str) -> str:
    """A refusal at a shell, where nobody wrote a frame: that name would only puzzle."""
    return message if refused == BAD_FRAME.name else f"{refused}: {message}"


def _is_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https") and " " not in url
    except ValueError:
        return False


def _read(body: bytes, url: str) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except msgspec.DecodeError:
        raise CallFailed(f"what answers at {url} is not danmaku") from None


def _refusal(body: bytes, status: int) -> str:
    try:
        error = msgspec.json.decode(body)["error"]
        text = told(error["error"], error["message"])
    except (msgspec.DecodeError, LookupError, TypeError):
        return f"the service answered with status {status}"
    retry_ms = error.get("retry_ms")
    return f"{text} (try again in {_seconds(retry_ms)} s)" if isinstance(retry_ms, int) else text


def _seconds(ms: int) -> str:
    """At least so long, as exactly as people want it."""
    return f"{ceil(ms / 100) / 10:g}" if ms < 10_000 else str(ceil(ms / 1000))
