"""Repeats: the same (uid, cid) gets the same answer, and nothing is shown twice. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from danmaku.rows import Shadowed, Shed, Shown
from rooms.generations import Generations

W = TypeVar("W")
Key = tuple[str, str]
"""(uid, cid)"""
Settled = Shown | Shed | Shadowed

MAX_REMEMBERED: Final = 100_000


class Dedupe(Generic[W]):
    """What became of each comment: pending, or its final answer, which is kept for `memory_s`.

    Those that were left out or shadowed are kept apart, for there is no end to them: where they are too
    many they go early, and are judged once more. Those that were shown are no more than a room may show. A
    refusal is not kept: what was refused may be tried again under the same cid. Of those who wait, the ones
    that are over are forgotten with each repeat, so that repeats do not pile up.
    """

    __slots__ = ("_is_over", "_pending", "_shed", "_shown")

    def __init__(self, memory_s: float, is_over: Callable[[W], bool], most: int = MAX_REMEMBERED) -> None:
        self._is_over = is_over
        self._pending: dict[Key, list[W]] = {}
        self._shown: Generations[Key, Shown] = Generations(memory_s, most)
        self._shed: Generations[Key, Shed | Shadowed] = Generations(memory_s, most)

    def answer(self, key: Key) -> Settled | None:
        """The final answer, if there is one."""
        return self._shown.get(key) or self._shed.get(key)

    def wait(self, key: Key, waiter: W) -> bool:
        """Let `waiter` get the same answer as the pending one; False when it is not pending."""
        waiters = self._pending.get(key)
        if waiters is None:
            return False
        waiters[:] = [one for one in waiters if not self._is_over(one)]
        waiters.append(waiter)
        return True

    def begin(self, key: Key, waiters: list[W]) -> None:
        """It is pending from now on; later waiters are added to `waiters`."""
        self._pending[key] = waiters

    def settle(self, key: Key, answer: Settled, now_s: float) -> None:
        """It is no longer pending, or was never seen here but is known from history."""
        self._pending.pop(key, None)
        if isinstance(answer, Shown):
            self._shown.put(key, answer, now_s)
        else:
            self._shed.put(key, answer, now_s)
