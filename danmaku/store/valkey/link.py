"""The connection to Valkey or Redis: pipelined calls, scripts by their digest, one time-out for all."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import hiredis
from redis.asyncio.connection import BlockingConnectionPool
from redis.exceptions import NoScriptError, RedisError, ResponseError

from danmaku.store.errors import StoreDown

Word = bytes | str | int
Call = tuple[Word, ...]

_CONNECTIONS: Final = 16
_WAIT: Final = 0.8  # of a call's time, for replicas
_LUA: Final = Path(__file__).parent.parent / "lua"
_pack: Final[Callable[[Call], bytes]] = hiredis.pack_command  # type: ignore[assignment]  # typed for one word
_INCLUDE: Final = re.compile(rb"^-- include (\w+)$", re.MULTILINE)


class Scripts:
    """The verbs in `store/lua/`, one file each, called by their digest.

    A file with an underscore is no verb: it stands in place of the line `-- include <its name>`.
    """

    def __init__(self) -> None:
        files = {file.stem: file.read_bytes() for file in sorted(_LUA.glob("*.lua"))}
        self._texts = {
            verb: _INCLUDE.sub(lambda found: files[found[1].decode()], text)
            for verb, text in files.items()
            if not verb.startswith("_")
        }
        self._digests = {
            # SHA-1 is what EVALSHA wants; nothing secret hangs on it.
            verb: hashlib.sha1(text, usedforsecurity=False).hexdigest()
            for verb, text in self._texts.items()
        }

    def call(self, verb: str, keys: Sequence[str], *words: Word) -> Call:
        return ("EVALSHA", self._digests[verb], len(keys), *keys, *words)

    def load(self) -> list[Call]:
        return [("SCRIPT", "LOAD", text) for text in self._texts.values()]


class Link:
    """Carries calls to the server. All methods raise StoreDown; cancelled, the outcome is unknown.

    Nothing is ever repeated here but what a server refused unread for lack of the script.
    """

    def __init__(self, url: str, timeout_s: float, replicas: int = 0) -> None:
        self._timeout_s = timeout_s
        wait_ms = round(timeout_s * _WAIT * 1000)
        self._wait: list[Call] = [("WAIT", replicas, wait_ms)] if replicas else []
        self._replicas = replicas
        self._scripts = Scripts()
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=timeout_s,
            socket_timeout=None,  # `many` times all of it
            socket_connect_timeout=timeout_s,
            retry_on_timeout=False,
            protocol=2,
        )

    def script(self, verb: str, keys: Sequence[str], *words: Word) -> Call:
        """A call of the script `verb`, for `one` and `many`."""
        return self._scripts.call(verb, keys, *words)

    async def one(self, *call: Word) -> Any:
        """The reply to one call."""
        (reply,) = await self.many([call])
        if isinstance(reply, StoreDown):
            raise reply
        return reply

    async def all(self, calls: Sequence[Call], *, safe: bool = False) -> list[Any]:
        """The replies to pipelined calls, if every one was carried out; `safe` as of `many`."""
        replies = await self.many(calls, safe=safe)
        for reply in replies:
            if isinstance(reply, StoreDown):
                raise reply
        return replies

    async def many(self, calls: Sequence[Call], *, safe: bool = False) -> list[Any]:
        """The replies to pipelined calls in their order; a StoreDown in place of each that failed alone.

        safe: what they wrote has reached as many replicas as it should, or it is a StoreDown.
        """
        wait = self._wait if safe and calls else []
        try:
            async with asyncio.timeout(self._timeout_s):
                replies = await self._carry(calls, wait)
                unknown = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
                if unknown:
                    again = await self._carry([*self._scripts.load(), *(calls[i] for i in unknown)], wait)
                    for i, reply in zip(unknown, again[-len(unknown) :], strict=True):
                        replies[i] = reply
        except TimeoutError as error:
            raise StoreDown(f"the store did not answer within {self._timeout_s:g} s") from error
        except (RedisError, OSError) as error:
            raise StoreDown(f"the store cannot be reached: {error}") from error
        return [StoreDown(str(reply)) if isinstance(reply, ResponseError) else reply for reply in replies]

    async def _carry(self, calls: Sequence[Call], wait: Sequence[Call]) -> list[Any]:
        """`wait` on the same connection: the server waits for what was written on it."""
        if not calls:
            return []
        connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]  # decorated so
        try:
            await connection.send_packed_command(b"".join(map(_pack, (*calls, *wait))))
            replies = []
            for _ in (*calls, *wait):
                try:
                    replies.append(await connection.read_response())
                except ResponseError as error:  # each reply may be an error of its own
                    replies.append(error)
        finally:
            # A connection that was left in the middle of a reply has closed itself.
            await self._pool.release(connection)
        if wait and not any(isinstance(reply, NoScriptError) for reply in replies):
            self._check_reached(replies[-1])
        return replies[: len(calls)]

    def _check_reached(self, reached: Any) -> None:
        if not isinstance(reached, int) or reached < self._replicas:
            raise StoreDown(f"{self._replicas} replicas should have what was written, it is: {reached}")

    async def close(self) -> None:
        await self._pool.aclose()
