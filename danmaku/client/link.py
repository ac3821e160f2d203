"""One connection: frames out, each matched with its answer, everything else delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from danmaku.errors import BAD_FRAME, REFUSALS, TIMEOUT, TOO_LARGE, UNAVAILABLE, Kind, Refusal
from danmaku.wire import ClientFrame, Codec, Err, Ok, ServerFrame, inflated

_GONE_WITHOUT_A_WORD = 1006
_MESSAGE_BYTES = 16 * 1024  # what a service takes as shipped
_RETRY_MS = 250

T = TypeVar("T")


class Lost(Exception):
    """The connection ended before the answer came."""


class Link:
    """A connection that was opened; `alive` until it is known to be gone.

    most_bytes: for a larger message the service would close the connection; its `hello` tells.
    """

    def __init__(
        self,
        socket: ClientConnection,
        codec: Codec,
        deliver: Callable[[ServerFrame], None],
    ) -> None:
        self.alive = True
        self.heard = 0  # messages so far
        self.most_bytes = _MESSAGE_BYTES
        self._socket = socket
        self._codec = codec
        self._deliver = deliver
        self._ids = count(1)
        self._asked: dict[int, asyncio.Future[Ok | Err | None]] = {}

    async def ask(self, frame: ClientFrame) -> Ok:
        """Send `frame` under an id of its own and return the answer.

        Raises Refusal, or Lost when it is unknown whether the server got it. Cancel-safe.
        """
        if not self.alive:
            raise Lost
        number = next(self._ids)
        try:
            message = self._codec.encode(msgspec.structs.replace(frame, id=number))
        except (ValueError, OverflowError) as error:
            raise Refusal(BAD_FRAME, f"this cannot be sent: {error}") from None
        if len(message) > self.most_bytes:
            raise Refusal(TOO_LARGE)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send(message, text=not self._codec.binary)
            reply: Ok | Err | None = await answer
        except ConnectionClosed:
            self._end()
            raise Lost from None
        finally:
            self._asked.pop(number, None)
        if reply is None:
            raise Lost
        if isinstance(reply, Err):
            raise refusal_of(reply)
        return reply

    async def read(self) -> tuple[int, str]:
        """Read until the connection ends; returns its close code and reason."""
        try:
            while True:
                message = await self._socket.recv(decode=False)
                self.heard += 1
                for frame in self._codec.decode_server(inflated(message)):
                    self._take(frame)
        except ConnectionClosed as closed:
            if closed.rcvd is None:
                return _GONE_WITHOUT_A_WORD, "the connection broke"
            return closed.rcvd.code, closed.rcvd.reason
        except ValueError as error:
            self.abort()
            return _GONE_WITHOUT_A_WORD, f"the server sent what is no frame: {error}"
        finally:
            self._end()

    def abort(self) -> None:
        """Drop the connection at once, without a closing handshake."""
        self._socket.transport.abort()

    async def close(self) -> None:
        """Say goodbye, within the socket's own bound of time; it is closed after that. Idempotent."""
        try:
            await self._socket.close()
        finally:
            # In a task that is being cancelled, a time-out of Python before 3.11.4 is one more cancellation.
            if not self._socket.transport.is_closing():
                self.abort()

    def _take(self, frame: ServerFrame) -> None:
        if not isinstance(frame, Ok | Err):
            self._deliver(frame)
            return
        answer = None if frame.id is None else self._asked.get(frame.id)
        if answer is not None and not answer.done():
            answer.set_result(frame)

    def _end(self) -> None:
        if self.alive:
            self.alive = False
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_result(None)


async def until_answered(
    linked: Callable[[], Awaitable[Link]],
    attempt: Callable[[Link], Awaitable[T]],
    *,
    timeout_s: float,
    random: Callable[[], float],
) -> T:
    """Try over whatever connection `linked` gives, again where the outcome is unknown, until time is out.

    Only for what may be said twice. Raises Refusal: the server's, or `timeout`. Cancel-safe.
    """
    last: Refusal | None = None
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                link = await linked()
                try:
                    return await attempt(link)
                except Lost:
                    continue
                except Refusal as refusal:
                    if refusal.kind not in (UNAVAILABLE, TIMEOUT):
                        raise
                    last = refusal
                await asyncio.sleep((last.retry_ms or _RETRY_MS) * (0.5 + random()) / 1000)
    except TimeoutError:
        raise last or Refusal(TIMEOUT) from None


async def at_most_once(
    linked: Callable[[], Awaitable[Link]],
    attempt: Callable[[Link], Awaitable[T]],
    *,
    timeout_s: float,
) -> T:
    """Try once the connection is there, and never again: for what counts each time. Raises Refusal."""
    try:
        async with asyncio.timeout(timeout_s):
            return await attempt(await linked())
    except Lost:
        raise Refusal(UNAVAILABLE, "the connection was lost before the answer came") from None
    except TimeoutError:
        raise Refusal(TIMEOUT) from None


def refusal_of(err: Err) -> Refusal:
    """An `err` frame as the exception; a name that only a later version knows keeps what was said."""
    kind = REFUSALS.get(err.error)
    if kind is None:
        kind = Kind(err.code, err.error, err.message, 500, retry=err.retry_ms is not None)
    return Refusal(kind, err.message, retry_ms=err.retry_ms)
