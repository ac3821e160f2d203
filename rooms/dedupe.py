"""Repeats: the same (uid, cid) gets the same answer, and nothing is shown twice. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from danmaku.rows import Delayed, Shadowed, Shed, Shown
from rooms.generations import Generations

W = TypeVar("W")
Key = tuple[str, str]
"""(uid, cid)"""
Settled = Shown | Shed | Shadowed | Delayed

MAX_REMEMBERED: Final = 100_000


class Dedupe(Generic[W]):
    """What became of each comment: pending, or its final answer, which is kept for `memory_s`.

    What is delayed is settled twice, and shown in the end. What is not shown to all is kept apart, for there
    is no end to it: where it is too much it goes early, and is judged once more. What was shown is no more
    than a room may show. A refusal is not kept: what was refused may be tried again under its cid. Of those
    who wait, the ones that are over are forgotten with each repeat, so that they do not pile up.
    """

    __slots__ = ("_is_over", "_pending", "_shown", "_unshown")

    def __init__(self, memory_s: float, is_over: Callable[[W], bool], most: int = MAX_REMEMBERED) -> None:
        self._is_over = is_over
        self._pending: dict[Key, list[W]] = {}
        self._shown: Generations[Key, Shown] = Generations(memory_s, most)
        self._unshown: Generations[Key, Shed | Shadowed | Delayed] = Generations(memory_s, most)

    def answer(self, key: Key) -> Settled | None:
        """The final answer, if there is one."""
        return self._shown.get(key) or self._unshown.get(key)

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

    def waiters(self, key: Key) -> list[W]:
        """Those who wait for a pending one; later waiters are added to this list."""
        return self._pending[key]

    def release(self, key: Key) -> list[W]:
        """It is no longer pending, and has no answer that is kept. Returns those who wait."""
        return self._pending.pop(key, [])

    def settle(self, key: Key, answer: Settled, now_s: float) -> None:
        """It is no longer pending, or was never seen here but is known from history."""
        self._pending.pop(key, None)
        if isinstance(answer, Shown):
            self._shown.put(key, answer, now_s)
        else:
            self._unshown.put(key, answer, now_s)
