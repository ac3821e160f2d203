"""What one room has accepted and not chosen yet: the order of arrival, shed and delay. Pure.

Normal comments wait until the next cut, which shows them or leaves them out, and in a room with a delay for
so long again; events and comments of staff until their budget has room; what the room itself says (opened,
closed, settings) not at all.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import count
from typing import Generic, NamedTuple, TypeVar

from danmaku.rows import Delayed
from rooms.accepted import Accepted
from rooms.delay import Delay
from rooms.moment import Moment
from rooms.policy import Judge
from rooms.shed import Display

W = TypeVar("W")


class Choice(NamedTuple, Generic[W]):
    """now: in order of arrival. later: what waits from now on for a delay. never: what is left out.

    aside: what its sender alone is shown now.
    """

    now: list[Accepted[W]]
    later: list[tuple[Accepted[W], Delayed]]
    never: list[Accepted[W]]
    aside: list[Accepted[W]]


class Waiting(Generic[W]):
    """Each item is in one place until it leaves: `normal`, `high`, `own`, or the delay.

    Order is given here alone: whoever adds an item gives it the next of `orders`.
    """

    __slots__ = ("_delay", "_display", "_hurries", "_judge", "high", "normal", "orders", "own")

    def __init__(self, judge: Judge, display: Display) -> None:
        self.normal: list[Accepted[W]] = []
        self.high: deque[Accepted[W]] = deque()
        self.own: list[Accepted[W]] = []
        self.orders = count()
        self._judge = judge
        self._display = display
        self._delay: Delay[Accepted[W]] = Delay()
        self._hurries = False

    def __bool__(self) -> bool:
        return bool(self.normal or self.high or self.own or self._delay)

    @property
    def takes_high(self) -> bool:
        """Whether one more event or comment of staff would be shown soon."""
        return self._display.may_queue_high(len(self.high))

    def hurry(self) -> None:
        """What is delayed is due with the next choice."""
        self._hurries = True

    @property
    def delays(self) -> bool:
        """Whether what is chosen next has to wait once more."""
        return bool(self._judge.rules.delay_s or self._delay)

    def put_off(self, accepted: Accepted[W], now: Moment) -> Delayed:
        """Delay it; for how long."""
        wait_s = self._delay.put(accepted, self._judge.rules.delay_s, now.s)
        return Delayed(math.ceil(wait_s * 1000))

    def withdraw(self, uid: str | None) -> list[Accepted[W]]:
        """What is delayed of this user, None: of all, or would be; it waits no longer."""
        withdrawn: list[Accepted[W]] = []
        if self.delays:
            waiting, self.normal = self.normal, []
            for accepted in waiting:
                (withdrawn if uid in (None, accepted.uid) else self.normal).append(accepted)
        return withdrawn + self._delay.remove(lambda accepted: uid in (None, accepted.uid))

    def choose(self, now: Moment) -> Choice[W]:
        """What is to become of all that waits for this cut."""
        chosen, self.own = self.own, []
        high = self._display.spend_high(len(self.high), now.s)
        if any(one.effect is not None and not one.effect.info.open for one in chosen):
            high = len(self.high)  # what was taken before the room closes is shown before that
        for _ in range(high):
            chosen.append(self.high.popleft())
        normal, self.normal = self.normal, []
        kept = self._display.choose([accepted.uid for accepted in normal], now.s)
        wanted = [normal[index] for index in kept]
        never: list[Accepted[W]] = []
        if len(kept) < len(normal):
            shown = set(kept)
            never = [accepted for index, accepted in enumerate(normal) if index not in shown]
        choice: Choice[W] = Choice(chosen, [], never, [])
        if self.delays:
            if not self._hurries:
                choice.later.extend((accepted, self.put_off(accepted, now)) for accepted in wanted)
                wanted = []
            self._leave(choice, now)
        chosen += wanted
        chosen.sort(key=_order)
        return choice

    def _leave(self, choice: Choice[W], now: Moment) -> None:
        """What was delayed long enough; not all of it may be shown any more."""
        for accepted in self._delay.due(math.inf if self._hurries else now.s):
            if not self._judge.may_still(accepted.uid, now):
                choice.never.append(accepted)
            elif accepted.shadowed:
                choice.aside.append(accepted)
            else:
                choice.now.append(accepted)


def _order(accepted: Accepted[W]) -> int:
    return accepted.order
