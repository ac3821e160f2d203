"""WebSockets and HTTP on uWebSockets (by socketify's native library), made safe for asyncio code.

Why it is hard: the library is C++ that trusts its caller. A pointer kept after its socket ended is
reused for somebody else's socket, so a late `send` would tell one user's secret to another; an
exception, or a call at a wrong moment, ends the process. So raw pointers never leave this file and
its parts (`_uws_…`): a `Connection` holds its socket from `open` to `close` and forgets it before any call
that may end it, and each object that native code points at is kept in one table until that close.

Everything here belongs to the thread of the event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from danmaku import errors
from danmaku.certificate import Certificate, CertificateError
from danmaku.ports import PortInUse, ensure_port_free, free_port
from edge._uws_door import Door, Doorway
from edge._uws_http import (
    HttpHandler,
    HttpSide,
    Pointer,
    Request,
    Response,
    as_response,
    copy_request,
    refusal,
    write_response,
)
from edge._uws_native import load_native
from edge._uws_tls import Swap
from edge.loop_bridge import LibuvMissing, LoopBridge

__all__ = [
    "Accept",
    "Connection",
    "Door",
    "HttpHandler",
    "LibuvMissing",
    "PortInUse",
    "Request",
    "Response",
    "Server",
    "SocketHandler",
    "ensure_port_free",
]

logger = logging.getLogger(__name__)

_TEXT: Final = 1
_BINARY: Final = 2
_DROPPED: Final = 2  # what a native send says when the socket's buffer is over its limit
GOODBYE_S: Final = 16.0  # the longest that native code waits for the other side to hang up
_MAX_REASON_BYTES: Final = 123
_UPGRADE_HEADERS: Final = frozenset(
    ("authorization", "origin", "sec-websocket-key", "sec-websocket-protocol", "upgrade", "x-forwarded-for")
)
_RESERVED_CODES: Final = (1004, 1005, 1006, 1015)


class Accept(NamedTuple):
    """An upgrade granted: the one subprotocol chosen of those offered, and the connection's `session`."""

    protocol: str | None
    session: Any


class SocketHandler(Protocol):
    """What happens to the WebSockets of one path. All calls are synchronous; what they raise is logged."""

    def upgrade(self, request: Request) -> Accept | Response:
        """Of the headers it has authorization, origin, upgrade, x-forwarded-for and those of WebSocket."""

    def opened(self, connection: Connection) -> None: ...
    def received(self, connection: Connection, message: bytes, binary: bool) -> None: ...
    def beat(self, connection: Connection) -> None:
        """A ping or pong of WebSocket's own came; a ping is answered already."""

    def closed(self, connection: Connection, code: int, reason: bytes) -> None:
        """Exactly once per `opened`, also from inside `close` and `drop`. The connection is dead by then."""


class Connection:
    """One WebSocket. Once closed, its methods do nothing, so it may be kept for as long as one likes."""

    __slots__ = ("_server", "_socket", "_topics", "address", "session")

    def __init__(self, server: Server, address: str, session: Any) -> None:
        self._server = server
        self._socket: Pointer = None
        # A tuple: nearly all have a topic or two, and a set costs a quarter of a kilobyte.
        self._topics: tuple[str, ...] = ()
        self.address = address
        self.session = session

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    @property
    def topics(self) -> frozenset[str]:
        """What it is subscribed to; still known after the close."""
        return frozenset(self._topics)

    def send(self, message: bytes, binary: bool = True) -> bool:
        """False where the message is lost: closed, or its unread bytes are over the limit."""
        if self._socket is None:
            return False
        server = self._server
        opcode = _BINARY if binary else _TEXT
        status = server._lib.uws_ws_send(server._ssl, self._socket, message, len(message), opcode)
        server._bridge.poke()
        return bool(status != _DROPPED)

    def subscribe(self, topic: str) -> None:
        """It will get what is published from now on."""
        if self._socket is not None and topic not in self._topics:
            name = topic.encode()
            self._server._lib.uws_ws_subscribe(self._server._ssl, self._socket, name, len(name))
            self._topics += (topic,)

    def unsubscribe(self, topic: str) -> None:
        if self._socket is not None and topic in self._topics:
            name = topic.encode()
            self._server._lib.uws_ws_unsubscribe(self._server._ssl, self._socket, name, len(name))
            self._topics = tuple(other for other in self._topics if other != topic)

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye after everything sent so far, then hang up. `closed` runs before this returns."""
        if not 1000 <= code <= 4999 or code in _RESERVED_CODES:
            raise ValueError(f"{code} is not a close code that may be sent")
        ending, self._socket = self._socket, None
        if ending is not None:
            text = _clip(reason)
            self._server._lib.uws_ws_end(self._server._ssl, ending, code, text, len(text))
            self._server._bridge.poke()

    def drop(self) -> None:
        """Hang up without a word. `closed` runs before this returns."""
        ending, self._socket = self._socket, None
        if ending is not None:
            self._server._lib.uws_ws_close(self._server._ssl, ending)
            self._server._bridge.poke()

    def buffered(self) -> int:
        """Bytes sent that the kernel has not taken yet; 0 once closed."""
        if self._socket is None:
            return 0
        return int(self._server._lib.uws_ws_get_buffered_amount(self._server._ssl, self._socket))


class Server:
    """WebSockets and HTTP on one port, driven by the running asyncio loop. One per process at a time.

    `max_frame_bytes`: a larger message drops its sender. `max_buffered_bytes`: a reader further behind
    than this misses messages until it has caught up. `idle_timeout_s`: a peer that is silent for so long,
    even to pings, is dropped; 0 is never. `max_requests`: HTTP requests under way; one more gets a 503.
    With a `certificate` everything is spoken over TLS 1.2 or 1.3, and nothing without it.
    """

    def __init__(
        self,
        *,
        max_frame_bytes: int,
        max_buffered_bytes: int,
        idle_timeout_s: int,
        max_body_bytes: int,
        max_requests: int = 1024,
        certificate: Certificate | None = None,
    ) -> None:
        """Raises CertificateError."""
        _check("max_frame_bytes", max_frame_bytes, 1, 2**31 - 1)
        _check("max_buffered_bytes", max_buffered_bytes, 1, 2**31 - 1)
        _check("max_body_bytes", max_body_bytes, 0, 2**31 - 1)
        _check("max_requests", max_requests, 1, 2**20)
        if idle_timeout_s != 0:
            _check("idle_timeout_s, unless 0,", idle_timeout_s, 8, 960)
        loop = asyncio.get_running_loop()
        self._max_frame_bytes = max_frame_bytes
        self._max_buffered_bytes = max_buffered_bytes
        self._idle_timeout_s = idle_timeout_s
        self._max_body_bytes = max_body_bytes
        self._max_requests = max_requests
        self._native = load_native()
        self._lib = self._native.lib
        self._handles: dict[Connection, Pointer] = {}  # what native sockets point at: freed when they close
        self._http: HttpSide | None = None
        self._doorway: Doorway | None = None
        self._listening: Pointer = None
        self._http_context: Pointer = None
        self._app = self._native.create_app(self, certificate)
        self._ssl = self._native.ssl
        self._swap: Swap | None = None
        self._bridge = LoopBridge(self._native.loop_address, loop)

    def door(self, door: Door, goodbye_s: float = GOODBYE_S) -> None:
        """Ask it about every TCP connection, from the first one on, and how fast they may come."""
        self._doorway = Doorway(self._native, door, goodbye_s)
        self._doorway.register(self._app)

    def websocket(self, path: str, handler: SocketHandler) -> None:
        """Serve WebSockets at `path`; a plain request for it goes to the HTTP handler."""
        native = self._native
        side = _WebSocketSide(self, handler)
        beat = native.keep("uws_websocket_ping_pong_handler", side.beat)
        behavior = native.ffi.new(
            "uws_socket_behavior_t *",
            {
                "maxPayloadLength": self._max_frame_bytes,
                "maxBackpressure": self._max_buffered_bytes,
                "idleTimeout": self._idle_timeout_s,
                "sendPingsAutomatically": True,
                "upgrade": native.keep("uws_websocket_upgrade_handler", side.upgrade),
                "open": native.keep("uws_websocket_handler", side.open),
                "message": native.keep("uws_websocket_message_handler", side.message),
                "ping": beat,
                "pong": beat,
                "close": native.keep("uws_websocket_close_handler", side.close),
            },
        )
        self._lib.uws_ws(self._ssl, self._app, path.encode(), behavior[0], native.ffi.NULL)

    def http(
        self,
        handler: HttpHandler,
        *,
        timeout_s: float,
        waits_s: float = 0.0,
        body_bytes: Callable[[Request], int] | None = None,
    ) -> None:
        """Answer every request that is not a WebSocket upgrade, whatever its path and (known) method.

        `handler` runs in a task of its own, which is cancelled when its client goes away and after
        `timeout_s` (504), and `waits_s` more, in which it may wait for something to tell. What it raises is
        logged and answered with 500. body_bytes: how many bytes the body of a request may have, of which all
        but the body is known; of those above `max_body_bytes` only some are taken at one time.
        """
        self._http = HttpSide(
            self._native,
            self._bridge,
            handler,
            timeout_s=timeout_s,
            waits_s=waits_s,
            max_body_bytes=self._max_body_bytes,
            max_requests=self._max_requests,
            body_bytes=body_bytes or (lambda _: self._max_body_bytes),
        )
        self._http.register(self._app)

    def listen(self, host: str, port: int, *, shared: bool) -> int:
        """Start to accept; the port is returned, 0 picks one. Workers that share a port all say so."""
        _check("port", port, 0, 65535)
        if self._listening is not None:
            raise RuntimeError("this server listens already")
        if not shared:
            ensure_port_free(host, port)
        elif port == 0:
            port = free_port(host)  # native code would not let others share a port it was not told
        listening = self._native.listen(self._app, host, port, shared=shared)
        if listening is None:
            raise PortInUse(f"cannot listen on {host} port {port}: in use, or not an address of this host")
        self._listening = listening
        self._http_context = self._native.context_of(listening)
        if self._doorway is not None:
            self._doorway.opened(self._look)
        if self._ssl:
            self._swap = self._native.swap(self._http_context)
        self._bridge.poke()
        return int(self._lib.us_socket_local_port(self._ssl, listening))

    def renew(self, certificate: Certificate) -> None:
        """Connections from now on get this one; those that are here keep theirs. Raises CertificateError."""
        if self._swap is None:
            raise CertificateError("this server does not listen with TLS")
        self._swap.use(certificate)

    def publish(self, topic: str, message: bytes, binary: bool = True) -> None:
        """Send to all subscribers, in order with every other send; a turn's publishes leave together."""
        name = topic.encode()
        opcode = _BINARY if binary else _TEXT
        self._lib.uws_publish(self._ssl, self._app, name, len(name), message, len(message), opcode, False)
        self._bridge.poke()

    def push(self) -> None:
        """Hand what was published to the kernel now; as a by-product, take in what has come."""
        self._bridge.run()

    def subscribers(self, topic: str) -> int:
        name = topic.encode()
        return int(self._lib.uws_num_subscribers(self._ssl, self._app, name, len(name)))

    def connections(self) -> list[Connection]:
        """The open connections, oldest first: a copy, so they may be closed on the way through it."""
        return list(self._handles)

    @property
    def connection_count(self) -> int:
        return len(self._handles)

    def stop_listening(self) -> None:
        """Accept no more TCP connections; the present ones live on."""
        listening, self._listening = self._listening, None
        if self._doorway is not None:
            self._doorway.shut()
        if listening is not None:
            self._lib.us_listen_socket_close(self._ssl, listening)
            self._bridge.poke()

    def _look(self, looks: bool) -> None:
        if self._listening is not None:
            self._native.look(self._listening, looks)
            self._bridge.poke()

    async def shut_down(self) -> None:
        """End everything: listening, HTTP requests under way, connections. May be called again."""
        if not self._native.is_owned_by(self):
            return
        self.stop_listening()
        self._native.close_all(self._http_context)
        for connection in self.connections():
            connection.drop()
        if self._http is not None:
            await self._http.finish()
        self._bridge.run()
        self._bridge.detach()
        self._native.release(self)


class _WebSocketSide:
    """What native code calls for the WebSockets of one path."""

    def __init__(self, server: Server, handler: SocketHandler) -> None:
        native = server._native
        self._server = server
        self._native = native
        self._handler = handler
        self._handles = server._handles
        self._received = handler.received
        self._unpack = native.ffi.unpack
        self._from_handle = native.ffi.from_handle
        self._user_data = native.lib.uws_ws_get_user_data
        self._ssl = native.ssl
        self._on_aborted = native.keep("void(uws_res_t *, void *)", lambda _response, _data: None)

    def upgrade(self, response: Pointer, native_request: Pointer, context: Pointer, _: Pointer) -> None:
        native = self._native
        # Without this, a mistake in here would not only cost an answer but the process.
        native.lib.uws_res_on_aborted(native.ssl, response, self._on_aborted, native.ffi.NULL)
        request = copy_request(native, response, native_request, _UPGRADE_HEADERS)
        answer = self._ask(request)
        if isinstance(answer, Response):
            write_response(native, response, request.method, answer)
            return
        doorway = self._server._doorway
        address = request.address if doorway is None else doorway.upgraded(response)
        connection = Connection(self._server, address, answer.session)
        handle = self._handles[connection] = native.ffi.new_handle(connection)
        key = request.headers["sec-websocket-key"].encode("latin-1")
        protocol = (answer.protocol or "").encode()
        native.lib.uws_res_upgrade(
            native.ssl, response, handle, key, len(key), protocol, len(protocol), b"", 0, context
        )

    def open(self, ws: Pointer, _: Pointer) -> None:
        connection = self._from_handle(self._user_data(self._ssl, ws))
        connection._socket = ws
        self._handler.opened(connection)

    def message(self, ws: Pointer, data: Pointer, length: int, opcode: int, _: Pointer) -> None:
        message = self._unpack(data, length) if length else b""
        self._received(self._from_handle(self._user_data(self._ssl, ws)), message, opcode == _BINARY)

    def beat(self, ws: Pointer, _data: Pointer, _length: int, _: Pointer) -> None:
        self._handler.beat(self._from_handle(self._user_data(self._ssl, ws)))

    def close(self, ws: Pointer, code: int, data: Pointer, length: int, _: Pointer) -> None:
        connection = self._from_handle(self._user_data(self._ssl, ws))
        connection._socket = None
        del self._handles[connection]
        if self._server._doorway is not None:
            self._server._doorway.closed(connection.address, hung_up=self._native.is_closed(ws))
        self._handler.closed(connection, code, self._unpack(data, length) if length else b"")

    def _ask(self, request: Request) -> Accept | Response:
        try:
            answer = self._handler.upgrade(request)
            return answer if isinstance(answer, Accept) else as_response(answer)
        except Exception:
            logger.exception("the upgrade handler failed")
            return refusal(errors.INTERNAL)


def _clip(reason: str) -> bytes:
    """A close reason as it fits into a close frame, cut between two characters."""
    return reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore").encode()


def _check(name: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise ValueError(f"{name} must be from {lowest} to {highest}, not {value}")
