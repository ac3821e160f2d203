"""Whether a server still was the primary when it had answered: what a majority of sentinels says.

Hard because a primary that hung while it was replaced wakes up without knowing it. Until its last replica is
moved it has one that confirms what it takes, and all of that is lost; what is read there is not what counts.
So it is not believed: whoever asked it asks the sentinels afterwards. None of them makes another server the
primary without the votes of a majority. Where nobody could have had these by then, who is chosen later is
chosen by what it has, the write included.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import hiredis
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

from danmaku.calls import STORE
from danmaku.store.valkey.options import Address
from danmaku.store.valkey.scripts import Call

_pack: Final[Callable[[Call], bytes]] = hiredis.pack_command  # type: ignore[assignment]  # typed for one word
_NOBODY: Final = b"*"
_NO_VOTE: Final = 0, "danmaku"  # in an epoch that is over: what was voted is told, and no vote is given
_FAILED: Final = (RedisError, OSError, TimeoutError)


class View(NamedTuple):
    """Of one sentinel. `vote`: for whom, and in which epoch."""

    primary: Address
    vote: tuple[bytes, int] | None = None


class Closer(NamedTuple):
    """The same looked at more closely. `busy`: this sentinel is making another server the primary."""

    primary: Address
    busy: bool


def is_vouched(address: Address, views: Sequence[View], sentinels: int) -> bool:
    """Whether nobody can have the votes to replace it, as far as these of all the `sentinels` know.

    Those that did not answer, or name another server, may have voted for anybody.
    """
    naming = [view for view in views if view.primary == address]
    votes = Counter(view.vote for view in naming if view.vote is not None)
    unknown = sentinels - len(naming)
    return max(votes.values(), default=0) + unknown < sentinels // 2 + 1


def is_given_up(address: Address, views: Sequence[Closer], sentinels: int) -> bool:
    """Whether votes to replace it that still stand are of a failover that nobody is about any more."""
    return len(views) >= sentinels and all(one == Closer(address, busy=False) for one in views)


class Vouching:
    """Asks all sentinels, once for all who wait; who comes while they are asked waits for the next time.

    To be closed. There are as many sentinels as the URL names, or more once `learn` was called.
    """

    def __init__(self, sentinel: Sentinel, master: str) -> None:
        self._sentinels: list[Any] = list(sentinel.sentinels)
        self._master = master
        self._known = len(self._sentinels)
        self._asked: dict[int, asyncio.Task[None]] = {}  # by place; those that did not answer yet
        self._turns: list[asyncio.Task[bool]] = []  # each waits for the one before it
        self._next: Address | None = None  # of the last turn, while it has not begun

    async def learn(self) -> None:
        """How many sentinels there are, by the first that tells. Raises one of _FAILED if none does."""
        error: Exception = RedisError("there are no sentinels")
        for one in self._sentinels:
            try:
                facts = await one.sentinel_master(self._master)
            except _FAILED as failed:
                error = failed
            else:
                self._known = max(len(self._sentinels), int(facts["num-other-sentinels"]) + 1)
                return
        raise error

    async def holds(self, address: Address) -> bool:
        """Whether nobody could have begun to replace it when this was called. Safe to cancel."""
        if self._next != address:
            before = self._turns[-1] if self._turns else None
            turn = asyncio.create_task(self._turn(address, before), name="store vouched")
            self._turns.append(turn)
            turn.add_done_callback(self._turns.remove)
            self._next = address
        return await asyncio.shield(self._turns[-1])

    async def close(self) -> None:
        tasks = {*self._turns, *self._asked.values()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _turn(self, address: Address, before: asyncio.Task[bool] | None) -> bool:
        if before is not None:
            await asyncio.wait([before])
            await asyncio.sleep(STORE.vouched_s)
        if self._turns[-1] is asyncio.current_task():
            self._next = None
        question = _pack(("SENTINEL", "IS-MASTER-DOWN-BY-ADDR", *address, *_NO_VOTE))
        question += _pack(("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._master))
        views: list[View] = []
        closer: list[Closer] = []

        async def look(one: Any) -> None:
            (_, leader, epoch), named = await _answers(one.connection_pool, question, 2)
            if named is not None:
                views.append(View(_address(*named), None if leader == _NOBODY else (leader, int(epoch))))

        async def look_closer(one: Any) -> None:
            facts = await one.sentinel_master(self._master)
            busy = "failover_in_progress" in facts["flags"].split(",")
            closer.append(Closer((str(facts["ip"]), int(facts["port"])), busy))

        return await self._ask(look, lambda: is_vouched(address, views, self._known)) or await self._ask(
            look_closer, lambda: is_given_up(address, closer, self._known)
        )

    async def _ask(self, look: Callable[[Any], Awaitable[None]], enough: Callable[[], bool]) -> bool:
        """All that have answered what they were asked before, until it is enough or none is left."""
        places = [place for place in range(len(self._sentinels)) if place not in self._asked]
        left = {self._begin(place, look) for place in places}
        while left and not enough():
            _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        return enough()

    def _begin(self, place: int, look: Callable[[Any], Awaitable[None]]) -> asyncio.Task[None]:
        async def ask() -> None:
            try:
                await look(self._sentinels[place])
            except _FAILED:
                pass  # it is as if it had voted
            finally:
                del self._asked[place]

        self._asked[place] = asyncio.create_task(ask(), name="store sentinel")
        return self._asked[place]


async def _answers(pool: Any, question: bytes, count: int) -> list[Any]:
    """By hand, as this is asked again and again: a pipeline of the client takes nearly twice the time."""
    connection = await pool.get_connection()
    try:
        await connection.send_packed_command(question)
        return [await connection.read_response() for _ in range(count)]
    except BaseException:
        await connection.disconnect(nowait=True)  # it was left in the middle of a reply
        raise
    finally:
        await pool.release(connection)


def _address(host: bytes, port: bytes) -> Address:
    return host.decode(), int(port)
