"""The bus in memory."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from danmaku.bus import BusDown, BusTimeout, NoResponder, Receive, ReceiveTraced


class MemoryBus:
    """One instance is the whole bus: give the same one to everybody who is to meet on it.

    Set `connected` to False for an outage.
    """

    def __init__(self) -> None:
        self._connected = True
        self._members: dict[str, list[_MemorySubscription]] = defaultdict(list)
        self._listeners: list[Callable[[], None]] = []
        self._requests: dict[str, asyncio.Future[bytes]] = {}
        self._numbers = count(1)

    @property
    def connected(self) -> bool:
        return self._connected

    @connected.setter
    def connected(self, connected: bool) -> None:
        restored = connected and not self._connected
        self._connected = connected
        for answer in list(self._requests.values()):
            if not connected and not answer.done():
                answer.set_exception(BusDown("the connection was lost while waiting for the reply"))
        if restored:
            for listener in self._listeners:
                listener()

    def on_reconnect(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    async def publish(self, subject: str, payload: bytes, trace: str = "") -> None:
        self._send(subject, payload, "", trace)

    async def request(self, subject: str, payload: bytes, timeout_s: float, trace: str = "") -> bytes:
        self._check()
        reply = f"_INBOX.{next(self._numbers)}"
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._requests[reply] = answer
        try:
            if not self._send(subject, payload, reply, trace):
                raise NoResponder("nobody listens there")
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError as error:
            raise BusTimeout(f"no reply from {subject} in time") from error
        finally:
            del self._requests[reply]

    async def subscribe(
        self, subject: str, receive: Receive, queue: str = "", traced: ReceiveTraced | None = None
    ) -> _MemorySubscription:
        self._check()
        members = self._members[subject]
        subscription = _MemorySubscription(members, queue, receive, traced)
        members.append(subscription)
        return subscription

    async def flush(self, timeout_s: float) -> None:
        self._check()

    async def close(self) -> None:
        self._members.clear()
        self.connected = False

    def _check(self) -> None:
        if not self._connected:
            raise BusDown("not connected to the bus")

    def _send(self, subject: str, payload: bytes, reply: str, trace: str) -> bool:
        """Whether anybody gets it, in a later turn of the loop as from a real bus."""
        self._check()
        call_soon = asyncio.get_running_loop().call_soon
        answer = self._requests.get(subject)
        if answer is not None:
            call_soon(_resolve, answer, payload)
            return True
        takers = _one_of_each_queue(self._members[subject])
        for taker in takers:
            call_soon(taker.take, payload, reply, trace)
        return bool(takers)


@dataclass(eq=False)
class _MemorySubscription:
    members: list[_MemorySubscription]
    queue: str
    receive: Receive
    traced: ReceiveTraced | None
    listening: bool = True

    async def unsubscribe(self) -> None:
        self.listening = False
        if self in self.members:
            self.members.remove(self)

    async def drain(self, timeout_s: float) -> None:
        if self in self.members:
            self.members.remove(self)
        await asyncio.sleep(0)  # what was sent comes in this turn
        await self.unsubscribe()

    def take(self, payload: bytes, reply: str, trace: str) -> None:
        if not self.listening:
            return
        if trace and self.traced is not None:
            self.traced(payload, reply, trace)
        else:
            self.receive(payload, reply)


def _one_of_each_queue(members: list[_MemorySubscription]) -> list[_MemorySubscription]:
    """Everybody without a queue, and the next in turn of each queue."""
    takers = [member for member in members if not member.queue]
    for queue in {member.queue for member in members} - {""}:
        taker = next(member for member in members if member.queue == queue)
        members.remove(taker)
        members.append(taker)
        takers.append(taker)
    return takers


def _resolve(answer: asyncio.Future[bytes], payload: bytes) -> None:
    if not answer.done():
        answer.set_result(payload)
