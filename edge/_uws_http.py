"""The HTTP half of `edge.uws`: requests copied, bodies collected, each answered exactly once.

Why it is hard: the native request is gone when its handler returns; the native response is gone when
its client leaves or after its answer, and yet the native side still names it, with the rest of a body
that nobody waits for. So native code is given numbers that are never used twice, not pointers to
Python objects: a number that is no longer known is a request that is over.
"""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from danmaku import errors
from edge.loop_bridge import LoopBridge

logger = logging.getLogger("edge.uws")

Pointer: TypeAlias = Any  # what cffi hands out has no useful static type

_MOST_LARGER: Final = 4  # bodies at a time that are larger than others may be
HEADER: Final = """
struct header {
    const char *name; const char *value; size_t name_size; size_t value_size; struct header *next;
};
"""  # as the library has it; its wrapper does not say of what type `next` is, and a cast of each is dear
_MAX_SURPLUS_BYTES: Final = (
    1024 * 1024
)  # of a too large body, read and forgotten so that its sender hears why


class Native(Protocol):
    """The loaded native library."""

    ffi: Any
    lib: Any
    ssl: int  # the first argument of nearly every call: 1 with TLS
    header: Pointer  # the type of a pointer to a `header` of HEADER

    def keep(self, signature: str, function: Callable[..., None]) -> Pointer:
        """`function` as a native callback that never dies and never lets an exception through."""


class Request(msgspec.Struct, frozen=True):
    """A copy of an HTTP or upgrade request, safe to keep for ever."""

    method: str
    path: str  # raw, still percent-encoded, without the query
    query: str  # raw
    headers: dict[str, str]  # lower-case names; a repeated header's values joined by ", "
    address: str  # the peer's IP, empty where it has gone already
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. `Content-Length` is added by itself; what cannot be written raises when it is made."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        HTTPStatus(self.status)
        if type(self.body) is not bytes:
            raise TypeError("a response body must be bytes")
        for name, value in self.headers:
            if not (name.isascii() and name.isprintable() and value.isascii() and value.isprintable()):
                raise ValueError(f"header {name!r} holds what a header cannot: {value!r}")


HttpHandler: TypeAlias = Callable[[Request], Awaitable[Response]]


def refusal(kind: errors.Kind, *headers: tuple[str, str]) -> Response:
    body = json.dumps({"error": {"code": kind.code, "error": kind.name, "message": kind.text}})
    return Response(kind.status, body.encode(), (("Content-Type", "application/json"), *headers))


def _busy() -> Response:
    return refusal(errors.UNAVAILABLE, ("Retry-After", "1"))


def as_response(answer: Response) -> Response:
    """A handler's answer, found out here if it is none: native code would wait for it for ever."""
    if not isinstance(answer, Response):
        raise TypeError(f"a handler must answer with a Response, not {answer!r}")
    return answer


def copy_request(
    native: Native, response: Pointer, request: Pointer, names: frozenset[str] | None = None
) -> Request:
    """With all headers, or with those of `names` only, which is cheaper."""
    unpack = native.ffi.unpack
    sizes = None if names is None else _sizes(names)

    def text(start: Pointer, length: int) -> str:
        """No text comes as NULL, for one the address of a peer that has gone already."""
        return str(unpack(start, length), "latin-1") if length else ""

    data = native.lib.socketify_asgi_request(native.ssl, request, response)
    headers: dict[str, str] = {}
    try:
        node = native.ffi.cast(native.header, data.header_list)
        while node:
            size = node.name_size
            if sizes is None or size in sizes:
                name = text(node.name, size)
                if names is None or name in names:
                    value = text(node.value, node.value_size)
                    headers[name] = f"{headers[name]}, {value}" if name in headers else value
            node = node.next
    finally:
        native.lib.socketify_destroy_headers(data.header_list)
    path, _, query = text(data.full_url, data.full_url_size).partition("?")
    method = text(data.method, data.method_size)
    address = text(data.remote_address, data.remote_address_size)
    return Request(method, path, query, headers, plain_address(address))


@cache
def _sizes(names: frozenset[str]) -> frozenset[int]:
    return frozenset(map(len, names))


def write_response(
    native: Native, socket: Pointer, method: str, response: Response, *, hang_up: bool = False
) -> None:
    """One whole answer: status, headers, end. The native response is not to be touched after it."""
    lib = native.lib
    status = f"{response.status} {HTTPStatus(response.status).phrase}".encode()
    lib.uws_res_write_status(native.ssl, socket, status, len(status))
    for name, value in response.headers:
        raw_name, raw_value = name.encode(), value.encode()
        lib.uws_res_write_header(native.ssl, socket, raw_name, len(raw_name), raw_value, len(raw_value))
    if method == "HEAD":
        lib.uws_res_write_header_int(native.ssl, socket, b"Content-Length", 14, len(response.body))
    if method == "HEAD" or response.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        lib.uws_res_end_without_body(native.ssl, socket, hang_up)
    else:
        lib.uws_res_end(native.ssl, socket, response.body, len(response.body), hang_up)


@dataclass(eq=False, slots=True)
class _Exchange:
    """One request under way. `socket` is None once it was answered or its client went away."""

    number: int
    socket: Pointer
    request: Request
    max_body_bytes: int
    refusal: Response | None = None
    body: bytearray = field(default_factory=bytearray)
    received: int = 0
    is_larger: bool = False
    task: asyncio.Task[None] | None = None


class HttpSide:
    """Every request of a server that is not a WebSocket upgrade, each handled in a task of its own."""

    def __init__(
        self,
        native: Native,
        bridge: LoopBridge,
        handler: HttpHandler,
        *,
        timeout_s: float,
        waits_s: float,
        max_body_bytes: int,
        max_requests: int,
        body_bytes: Callable[[Request], int],
    ) -> None:
        self._native = native
        self._bridge = bridge
        self._handler = handler
        self._timeout_s = timeout_s
        self._most_s = timeout_s + waits_s
        self._max_body_bytes = max_body_bytes
        self._max_requests = max_requests
        self._body_bytes = body_bytes
        self._numbers = itertools.count(1)
        self._exchanges: dict[int, _Exchange] = {}
        self._deadlines: dict[int, asyncio.TimerHandle] = {}  # of bodies on their way, the oldest first
        self._tasks: set[asyncio.Task[None]] = set()
        self._answer: tuple[str, Response, bool] | None = None  # on its way into the cork callback
        self._on_aborted = native.keep("void(uws_res_t *, void *)", self._aborted)
        self._on_data = native.keep("void(uws_res_t *, const char *, size_t, bool, void *)", self._data)
        self._on_cork = native.keep("void(uws_res_t *, void *)", self._corked)

    def register(self, app: Pointer) -> None:
        on_request = self._native.keep("uws_method_handler", self._requested)
        self._native.lib.uws_app_any(self._native.ssl, app, b"/*", on_request, self._native.ffi.NULL)

    async def finish(self) -> None:
        """Cancel what still runs and wait until it has stopped."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _requested(self, socket: Pointer, native_request: Pointer, _: Pointer) -> None:
        number = next(self._numbers)
        key = self._native.ffi.cast("void *", number)
        # First of all: to return with neither an answer nor these two ends the process.
        self._native.lib.uws_res_on_aborted(self._native.ssl, socket, self._on_aborted, key)
        self._native.lib.uws_res_on_data(self._native.ssl, socket, self._on_data, key)
        request = copy_request(self._native, socket, native_request)
        self._exchanges[number] = _Exchange(number, socket, request, self._body_bytes(request))
        if "content-length" in request.headers or "transfer-encoding" in request.headers:
            self._await_body(number)

    def _await_body(self, number: int) -> None:
        """Only for so long, and only so many: the oldest makes room, so that none is refused for the slow."""
        loop = asyncio.get_running_loop()
        if len(self._deadlines) >= self._max_requests:
            oldest = next(iter(self._deadlines))
            self._forget_deadline(oldest)
            self._exchanges[oldest].refusal = _busy()
            loop.call_soon(self._hang_up, oldest)  # not from within another one's native handler
        self._deadlines[number] = loop.call_later(self._timeout_s, self._hang_up, number)

    def _forget_deadline(self, number: int) -> None:
        deadline = self._deadlines.pop(number, None)
        if deadline is not None:
            deadline.cancel()

    def _hang_up(self, number: int) -> None:
        """The body did not come in time, or has to make room."""
        exchange = self._exchanges.get(number)
        if exchange is not None:
            self._reply(exchange, exchange.refusal or refusal(errors.TIMEOUT), hang_up=True)

    def _data(self, _: Pointer, chunk: Pointer, length: int, last: bool, key: Pointer) -> None:
        """A part of the body. Every request has at least one, which may be empty."""
        exchange = self._exchanges.get(self._number(key))
        if exchange is None:
            return
        exchange.received += length
        if exchange.refusal is None:
            exchange.refusal = self._too_large(exchange)
            if exchange.refusal is not None:
                exchange.body.clear()
        if exchange.refusal is None:
            if length:
                exchange.body += self._native.ffi.buffer(chunk, length)
            if last:
                self._start(exchange)
        elif last or exchange.received > exchange.max_body_bytes + _MAX_SURPLUS_BYTES:
            self._reply(exchange, exchange.refusal, hang_up=not last)

    def _too_large(self, exchange: _Exchange) -> Response | None:
        """Only a few larger ones are taken at a time; what is no larger than elsewhere does not count."""
        if exchange.received > exchange.max_body_bytes:
            return refusal(errors.TOO_LARGE)
        if exchange.received > self._max_body_bytes and not exchange.is_larger:
            if sum(one.is_larger for one in self._exchanges.values()) >= _MOST_LARGER:
                return _busy()
            exchange.is_larger = True
        return None

    def _start(self, exchange: _Exchange) -> None:
        if len(self._tasks) >= self._max_requests:
            self._reply(exchange, _busy())
            return
        self._forget_deadline(exchange.number)
        if exchange.body:
            exchange.request = msgspec.structs.replace(exchange.request, body=bytes(exchange.body))
            exchange.body.clear()
        exchange.task = asyncio.get_running_loop().create_task(self._run(exchange))
        self._tasks.add(exchange.task)
        exchange.task.add_done_callback(self._tasks.discard)

    async def _run(self, exchange: _Exchange) -> None:
        limit = asyncio.timeout(self._most_s)
        try:
            async with limit:
                response = as_response(await self._handler(exchange.request))
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                response = refusal(errors.TIMEOUT)
            else:
                logger.exception("the HTTP handler failed")
                response = refusal(errors.INTERNAL)
        self._reply(exchange, response)

    def _aborted(self, _: Pointer, key: Pointer) -> None:
        exchange = self._exchanges.pop(self._number(key), None)
        if exchange is not None:
            self._forget_deadline(exchange.number)
            exchange.socket = None
            if exchange.task is not None:
                exchange.task.cancel()

    def _reply(self, exchange: _Exchange, response: Response, *, hang_up: bool = False) -> None:
        socket, exchange.socket = exchange.socket, None
        if socket is None:
            return
        del self._exchanges[exchange.number]
        self._forget_deadline(exchange.number)
        self._answer = (exchange.request.method, response, hang_up)
        self._native.lib.uws_res_cork(self._native.ssl, socket, self._on_cork, self._native.ffi.NULL)
        self._bridge.poke()

    def _corked(self, socket: Pointer, _: Pointer) -> None:
        """Called back at once: what is written in here leaves in one piece."""
        if self._answer is not None:
            (method, response, hang_up), self._answer = self._answer, None
            write_response(self._native, socket, method, response, hang_up=hang_up)

    def _number(self, key: Pointer) -> int:
        return int(self._native.ffi.cast("uintptr_t", key))


def plain_address(text: str) -> str:
    if ":" not in text:
        return text
    address = ipaddress.IPv6Address(text)
    return str(address.ipv4_mapped or address)
