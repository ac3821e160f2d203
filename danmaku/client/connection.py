"""A connection that comes back by itself: open, greet, keep alive, lose, wait, open again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from danmaku import errors
from danmaku.client.edges import Ask, move
from danmaku.client.link import Link, Lost
from danmaku.client.pace import Pace, Timing
from danmaku.client.places import Places
from danmaku.errors import Close, Refusal
from danmaku.wire import Codec, Hello, Ok, Ping, ServerFrame

TokenSource = Callable[[], Awaitable[str]]

_CLOSED_FOR_GOOD: Final = {
    int(Close.UNAUTHORIZED): errors.UNAUTHORIZED,
    int(Close.BANNED): errors.BANNED,
    int(Close.REPLACED): errors.CONFLICT,
    int(Close.FRAME_TOO_LARGE): errors.TOO_LARGE,
}
_HEARTBEAT_MS: Final = 25_000
_MESSAGE_BYTES: Final = 16 * 1024 * 1024  # a join's history is the largest thing a server says
_BROKEN: Final = 1006
_log = logging.getLogger("danmaku.client")


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told, synchronously and in order, what becomes of the connection.

    opened: tasks that are begun here speak right behind the hello, and are answered after it; where that is
    refused, the connection is lost to them. lost: close code, reason, seconds until the next attempt. ended:
    why, and whether it was the user's own wish.
    """

    opened: Callable[[Link], None]
    greeted: Callable[[Ok], None]
    delivered: Callable[[ServerFrame], None]
    lost: Callable[[int, str, float], None]
    ended: Callable[[Refusal, bool], None]


class Connection:
    """`run` it in a task; `linked` gives the open connection to whoever needs one.

    urls: where the service is; another one of them after each connection. ask: what names more of them.
    """

    def __init__(
        self,
        urls: Sequence[str],
        ask: Ask | None,
        codec: Codec,
        hello: Hello,
        token: str | TokenSource | None,
        listener: Listener,
        timing: Timing,
        random: Callable[[], float],
    ) -> None:
        self._places = Places([socket_url(url) for url in urls])
        self._ask = ask
        self._failed = 0  # attempts before the first connection
        self.refusal: Refusal | None = None
        self._codec = codec
        self._hello = hello
        self._token = token
        self._listener = listener
        self._timing = timing
        self._pace = Pace(timing, random)
        self._link: Link | None = None
        self._changed = asyncio.Event()
        self._was_open = False

    @property
    def url(self) -> str:
        """Where it is, or was last."""
        return self._places.current

    @property
    def link(self) -> Link | None:
        """The connection, if it is open and greeted now."""
        return self._link if self._link is not None and self._link.alive else None

    async def linked(self) -> Link:
        """The open connection, waited for. Raises Refusal when there will be none. Cancel-safe."""
        while True:
            if self.refusal is not None:
                raise self.refusal
            if self.link is not None:
                return self.link
            self._changed.clear()
            await self._changed.wait()

    async def run(self) -> None:
        """Stay connected until that makes no sense any more, then `end`."""
        try:
            while True:
                code, reason = await self._once()
                retry_s = self._pace.wait(code, time.monotonic())
                if retry_s is None:
                    self.end(refusal_of_close(code, reason))
                    return
                self._listener.lost(code, reason, retry_s)
                await asyncio.sleep(retry_s)
        except Refusal as refusal:
            self.end(refusal)
        except Exception as error:
            _log.exception("the client failed")
            self.end(Refusal(errors.INTERNAL, f"the client failed: {error!r}"))

    def end(self, refusal: Refusal, *, wished: bool = False) -> None:
        """No connection from now on; whoever waits for one gets `refusal`. Idempotent."""
        if self.refusal is None:
            self.refusal = refusal
            self._changed.set()
            self._listener.ended(refusal, wished)

    async def move(self, retry_ms: int) -> None:
        """The server wants this client elsewhere: come back after `retry_ms`, even if it never hangs up."""
        link = self.link
        self._pace.asked_to_wait(retry_ms, time.monotonic())
        await asyncio.sleep(retry_ms / 1000)
        if link is not None:
            await link.close()

    async def _once(self) -> tuple[int, str]:
        """One connection from beginning to end; returns close code and reason. Raises Refusal for good."""
        try:
            token = await self._fresh_token()
        except Refusal:
            raise
        except Exception as error:
            return self._not_reached(f"there is no token: {error!r}")
        await move(self._places, self._ask)
        try:
            socket = await self._open()
        except InvalidStatus as error:
            status = error.response.status_code
            if status in (401, 403):
                kind = errors.UNAUTHORIZED if status == 401 else errors.FORBIDDEN
                raise Refusal(kind, f"{self.url} answered {status}") from None
            is_plain = status == errors.UPGRADE_REQUIRED.status
            lost = ", as if a proxy had left out the Upgrade header" if is_plain else ""
            return self._not_reached(f"it answered {status}{lost}")
        except (OSError, WebSocketException) as error:
            return self._not_reached(str(error) or type(error).__name__)
        link = Link(socket, self._codec, self._listener.delivered)
        reading = asyncio.create_task(link.read())
        try:
            if await self._greet(link, token):
                await self._keep_alive(link, reading)
            code, reason = await reading
        finally:
            self._link = None
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await link.close()
        may_come_back = errors.may_reconnect(code)
        return self._not_reached(reason) if may_come_back and not self._was_open else (code, reason)

    async def _fresh_token(self) -> str | None:
        """Raises whatever its source does, and TimeoutError."""
        if not callable(self._token):
            return self._token
        async with asyncio.timeout(self._timing.connect):
            return await self._token()

    async def _open(self) -> ClientConnection:
        return await connect(
            self.url,
            subprotocols=[Subprotocol(self._codec.protocol)],
            compression=None,
            open_timeout=self._timing.connect,
            close_timeout=self._timing.close,
            ping_interval=None,  # our own are said where nothing was heard
            max_size=_MESSAGE_BYTES,
        )

    async def _greet(self, link: Link, token: str | None) -> bool:
        """Say hello. False when this connection is over; raises Refusal when the server says no for good."""
        # higher with each connection of this device, also after the program was started anew
        number = max((self._hello.n or 0) + 1, time.time_ns() // 1_000_000)
        self._hello = msgspec.structs.replace(self._hello, token=token, n=number)
        try:
            async with asyncio.timeout(self._timing.connect):
                self._listener.opened(link)  # tasks begin once this one waits, and then the hello is said
                ok = await link.ask(self._hello)
        except (Lost, TimeoutError):
            link.abort()
            return False
        except Refusal as refusal:
            if not (refusal.kind.retry and self._was_open):
                raise
            if refusal.retry_ms is not None:
                self._pace.asked_to_wait(refusal.retry_ms, time.monotonic())
            link.abort()
            return False
        self._was_open = True
        link.most_bytes = ok.frame_bytes or link.most_bytes
        self._heartbeat_s = (ok.heartbeat_ms or _HEARTBEAT_MS) / 1000
        self._link = link
        self._pace.connected(time.monotonic())
        self._changed.set()
        self._listener.greeted(ok)
        return True

    async def _keep_alive(self, link: Link, reading: asyncio.Task[tuple[int, str]]) -> None:
        """Until it ends: ping when nothing was heard for a while, and end it when nothing comes then."""
        heard = link.heard
        while not (await asyncio.wait({reading}, timeout=self._heartbeat_s))[0]:
            if link.heard != heard:
                heard = link.heard
                continue
            try:
                async with asyncio.timeout(self._timing.pong):
                    await link.ask(Ping(0))
            except TimeoutError:
                if link.heard == heard:
                    link.abort()
                    return
            except (Lost, Refusal):
                pass
            heard = link.heard

    def _not_reached(self, why: str) -> tuple[int, str]:
        """The first connection fails once no place takes it, so that wrong addresses are seen; later ones try
        again."""
        self._failed += 1
        if not self._was_open and self._failed >= len(self._places):
            raise Refusal(errors.UNAVAILABLE, f"{self.url} cannot be reached: {why}")
        return _BROKEN, why


def socket_url(url: str) -> str:
    """The address of the WebSocket, for whatever form of the service's address was given."""
    parts = urlsplit(url if "://" in url else f"ws://{url}")
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    path = parts.path if parts.path not in ("", "/") else "/v1/ws"
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


def refusal_of_close(code: int, reason: str) -> Refusal:
    """Why a connection was closed for good."""
    return Refusal(_CLOSED_FOR_GOOD.get(code, errors.FORBIDDEN), reason or None)
