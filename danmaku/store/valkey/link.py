"""The connection to Valkey or Redis: pipelined calls, one time-out for all.

Hard because a call may end in three ways: carried out, not carried out, or nobody knows. Only what was surely
not carried out is repeated here: what a server refused unread (it lacks the script, has not these keys, is
no primary, still loads) or what never left. All else is for those who know what repeating means.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import hiredis
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    MovedError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from config.settings import Store
from danmaku.calls import STORE
from danmaku.login import LoginError
from danmaku.slow import Slow
from danmaku.store.errors import PartlyDown, StoreDown
from danmaku.store.valkey.confirmed import Mark, mark_of
from danmaku.store.valkey.scripts import Call as Call
from danmaku.store.valkey.scripts import Scripts
from danmaku.store.valkey.scripts import Word as Word
from danmaku.store.valkey.servers import Server, Servers, servers

_pack: Final[Callable[[Call], bytes]] = hiredis.pack_command  # type: ignore[assignment]  # typed for one word
_ASKING: Final[Call] = ("ASKING",)
_ROLE: Final[Call] = ("ROLE",)


class _Away(StoreDown):
    """Nobody answers; whether the call was carried out is unknown."""


class _Unsent(_Away):
    """It never left."""


class _Alone(_Away):
    """Not enough replicas have what was written, or it was replaced as the primary."""


_FAILED: Final = (RedisError, _Away)
_UNREAD: Final = (
    *(AskError, TryAgainError, ClusterDownError, ReadOnlyError, BusyLoadingError),
    _Unsent,
)


class Link:
    """Carries calls to the servers. All methods raise StoreDown, in a cluster PartlyDown; cancelled, the
    outcome is unknown.

    Made by `to`, and to be closed.
    """

    def __init__(self, servers: Servers, settings: Store, slow: Slow | None = None) -> None:
        self._servers = servers
        self._slow = slow
        self._timeout_s = settings.timeout_s
        self._replicas = settings.replicas
        self._scripts = Scripts()
        self._down = PartlyDown if servers.several else StoreDown

    @classmethod
    def to(cls, settings: Store, slow: Slow | None = None, lost: Callable[[], None] = lambda: None) -> Link:
        """Connects at the first call; `lost` as of `servers`, which this raises as well."""
        return cls(servers(settings, lost), settings, slow)

    def script(self, verb: str, keys: Sequence[str], *words: Word) -> Call:
        """A call of the script `verb`, for `one` and `many`."""
        return self._scripts.call(verb, keys, *words)

    async def one(self, *call: Word, safe: bool = False) -> Any:
        """The reply to one call; `safe` as of `many`."""
        (reply,) = await self.many([call], safe=safe)
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

        Those for one server are carried in their order. Raises when nobody answers at all.

        safe: what they wrote has reached as many replicas as it should, or it is a StoreDown. Where replicas
        are asked for, nothing is believed of a server that may have been replaced as the primary.
        """
        if not calls:
            return []
        demand = _Demand(safe, vouched=True) if self._replicas else _NOTHING
        if self._slow is None:
            return await self._many(calls, demand)
        begin = time.monotonic()
        try:
            return await self._many(calls, demand)
        finally:
            took = time.monotonic() - begin
            if took >= self._slow.threshold_s:
                verb, key = self._scripts.name(calls[0]), _key(calls[0]).decode(errors="replace")
                self._slow.took("store", took, verb=verb, key=key, calls=len(calls), safe=safe)

    async def _many(self, calls: Sequence[Call], demand: _Demand) -> list[Any]:
        loop = asyncio.get_running_loop()
        until = _Until(loop.time(), self._timeout_s)
        replies: list[Any] = [None] * len(calls)
        left: Sequence[int] = range(len(calls))
        for tries in range(1, STORE.tries + 1):
            await self._carry(calls, left, replies, demand, until)
            if not _fail(replies):
                return replies
            if any(isinstance(reply, _Alone) or _is_refused_alone(reply) for reply in replies):
                self._servers.doubt()  # it may have been replaced while it hung, and not know it yet
            left = [i for i in left if isinstance(replies[i], _UNREAD)]
            if not left:
                break
            moved = any(isinstance(replies[i], AskError) for i in left)
            self._servers.doubt()
            if loop.time() >= (until.last if moved else until.patient):
                break
            if not moved:
                await self._pause(until.patient, tries)
        if all(isinstance(reply, _Away) for reply in replies):
            raise self._down(str(replies[0]))
        return [self._down(str(one)) if isinstance(one, _FAILED) else one for one in replies]

    async def ping(self) -> None:
        """Return when each server that has keys answered or failed to. Raises when none answers."""
        if not self._servers.all():
            self._servers.doubt()
            await self._servers.settled()
        until = _Until(asyncio.get_running_loop().time(), self._timeout_s)
        asked = (self._at(one, [("PING",)], _NOTHING, until) for one in self._servers.all())
        replies = [reply for (reply,) in await asyncio.gather(*asked)]
        failed = [reply for reply in replies if isinstance(reply, Exception)]
        if failed:
            self._servers.doubt()
        if len(failed) == len(replies):
            raise StoreDown(str(failed[0]) if failed else "nobody tells where the store is")

    async def close(self) -> None:
        await self._servers.close()

    async def _pause(self, until: float, tries: int) -> None:
        try:
            async with asyncio.timeout_at(until):
                await asyncio.sleep(STORE.pause_s * tries)
                await self._servers.settled()
        except TimeoutError:
            pass

    async def _carry(
        self,
        calls: Sequence[Call],
        left: Sequence[int],
        replies: list[Any],
        demand: _Demand,
        until: _Until,
    ) -> None:
        """Carry those of `left`, each to where it belongs, and put the reply in its place."""
        if not self._servers.several and (server := self._servers.of(b"")) is not None:
            those = calls if len(left) == len(calls) else [calls[i] for i in left]
            for i, reply in zip(left, await self._at(server, those, demand, until), strict=True):
                replies[i] = reply
            return
        groups: dict[tuple[Server, bool], list[int]] = {}
        for i in left:
            place, asking = self._place(calls[i], replies[i])
            if place is None:
                replies[i] = _Unsent("nobody tells where the store is")
            else:
                groups.setdefault((place, asking), []).append(i)

        async def carry(server: Server, asking: bool, those: list[int]) -> None:
            found = await self._at(server, [calls[i] for i in those], demand, until, asking=asking)
            for i, reply in zip(those, found, strict=True):
                replies[i] = reply

        work = [carry(*where, those) for where, those in groups.items()]
        if len(work) == 1:
            await work[0]
        else:
            await asyncio.gather(*work)

    def _place(self, call: Call, reply: Any) -> tuple[Server | None, bool]:
        """Where it belongs, and whether to ask there as for something that is just moving."""
        if isinstance(reply, AskError) and reply.host:  # MovedError is one; the map tells if it has none
            return self._servers.at((reply.host, reply.port)), not isinstance(reply, MovedError)
        return self._servers.of(_key(call)), False

    async def _at(
        self,
        server: Server,
        calls: Sequence[Call],
        demand: _Demand,
        until: _Until,
        *,
        asking: bool = False,
    ) -> list[Any]:
        """The replies of one server; why there is none in place of each that is missing.

        One that did not answer the last call, and has nobody beside it, is asked by one call at a time: the
        others need not wait as long for it to be found out again.
        """
        if not server.is_slow or self._servers.several:
            return await self._ask(server, calls, demand, until, asking=asking)
        if server.is_tried:
            return [_Unsent("the store does not answer, and is being asked again")] * len(calls)
        server.is_tried = True
        try:
            return await self._ask(server, calls, demand, until, asking=asking)
        finally:
            server.is_tried = False

    async def _ask(
        self, server: Server, calls: Sequence[Call], demand: _Demand, until: _Until, *, asking: bool
    ) -> list[Any]:
        hurries = server.is_slow and self._servers.several  # the others are not to wait for it
        end = until.patient if hurries else until.last
        is_there = False  # to be asked, and not waiting for its turn
        try:
            async with asyncio.timeout_at(end):
                async with server.safe_places if demand.replicas else server.places:
                    is_there = True
                    demand = demand._replace(end=end)
                    replies, mark = await self._exchange(server, calls, demand, asking=asking)
                    if _fail(replies):
                        mark = await self._teach(server, calls, replies, demand, asking=asking) or mark
                if demand.vouched and not await self._servers.vouch(server, mark):
                    replies = _instead(replies, _Alone("the store may have been replaced as the primary"))
        except TimeoutError:
            if not is_there:
                return [_Unsent("too many calls wait for the store")] * len(calls)
            self._doubt_slow(server)
            return [_Away(f"the store did not answer within {end - until.begin:g} s")] * len(calls)
        except asyncio.CancelledError:
            if is_there and asyncio.get_running_loop().time() > until.patient:  # somebody else had less time
                self._doubt_slow(server)
            raise
        except _Unsent as error:
            return [error] * len(calls)
        except (RedisError, OSError, LoginError) as error:
            self._servers.doubt()
            return [_Away(f"the store cannot be reached: {error}")] * len(calls)
        server.is_slow = False
        return replies

    async def _teach(
        self, server: Server, calls: Sequence[Call], replies: list[Any], demand: _Demand, *, asking: bool
    ) -> Mark | None:
        """Say once more what was refused for lack of the script, after all scripts."""
        unknown = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if not unknown:
            return None
        await self._exchange(server, self._scripts.load(), _NOTHING)
        again, mark = await self._exchange(server, [calls[i] for i in unknown], demand, asking=asking)
        for i, reply in zip(unknown, again, strict=True):
            replies[i] = reply
        return mark

    def _wait(self, end: float) -> Call:
        """For replicas, and not for so long that nobody would hear of it: then the server seemed to hang."""
        left_s = (end - asyncio.get_running_loop().time()) * STORE.replicas
        return "WAIT", self._replicas, max(1, round(left_s * 1000))

    def _doubt_slow(self, server: Server) -> None:
        server.is_slow = True
        self._servers.doubt()

    async def _exchange(
        self, server: Server, calls: Sequence[Call], demand: _Demand, *, asking: bool = False
    ) -> tuple[list[Any], Mark | None]:
        """WAIT comes on the same connection: the server waits for what was written on it. ROLE says how far
        replicas are by then."""
        said = [word for call in calls for word in (_ASKING, call)] if asking else [*calls]
        try:
            connection = await server.pool.get_connection()  # type: ignore[no-untyped-call]  # decorated so
        except (RedisError, OSError, LoginError) as error:
            raise _Unsent(f"the store cannot be reached: {error}") from error
        wait = [self._wait(demand.end), _ROLE] if demand.replicas else []  # by now: connecting took its time
        try:
            await connection.send_packed_command(b"".join(map(_pack, (*said, *wait))))
            replies: list[Any] = []
            for _ in (*said, *wait):
                try:
                    replies.append(await connection.read_response(disconnect_on_error=False))
                except (ResponseError, BusyLoadingError) as error:  # each reply may be an error of its own
                    replies.append(error)
            line = server.line
        except BaseException:
            await connection.disconnect(nowait=True)  # it was left in the middle of a reply
            raise
        finally:
            await server.pool.release(connection)
        own = replies[1 : len(said) : 2] if asking else replies[: len(said)]
        if not wait:
            return own, None
        reached, role = replies[len(said) :]
        if not isinstance(reached, int) or reached < self._replicas:
            down = _Alone(f"{self._replicas} replicas should have what was written, it is: {reached}")
            return _instead(own, down), None
        return own, line and mark_of(line, role, self._replicas)


class _Demand(NamedTuple):
    """What must hold of calls before their replies count: see `Link.many`. end: by when, in loop time."""

    replicas: bool = False
    vouched: bool = False
    end: float = 0.0


_NOTHING: Final = _Demand()


class _Until:
    """When a call began, when it ends, and when it ends for who has less time."""

    def __init__(self, now: float, timeout_s: float) -> None:
        self.begin = now
        self.last = now + timeout_s
        self.patient = now + timeout_s * STORE.unread


def _instead(replies: list[Any], down: _Away) -> list[Any]:
    """Of all replies but refusals: what was refused is known not to be done."""
    return [reply if isinstance(reply, RedisError) else down for reply in replies]


def _fail(replies: list[Any]) -> bool:
    return any(isinstance(reply, Exception) for reply in replies)


def _is_refused_alone(reply: Any) -> bool:
    """By `min-replicas-to-write`: nothing was written."""
    return isinstance(reply, ResponseError) and str(reply).startswith("NOREPLICAS")


def _key(call: Call) -> bytes:
    """The first key of a call; all of its keys are at one place."""
    key = call[3] if call[0] == "EVALSHA" else call[1]
    return key.encode() if isinstance(key, str) else str(key).encode() if isinstance(key, int) else key
