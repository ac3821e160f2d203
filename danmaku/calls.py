"""Every call over bus and store: how long it is waited for, what then, how many there may be.

This is the one place for these numbers. `tests/unit/test_calls.py` finds calls that have some of their own,
and tables in docs/OPERATIONS.md that say something else. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final


@dataclass(frozen=True, slots=True)
class Call:
    """A request of an edge over the bus.

    share: of `edge.request_s`, for one attempt. most_s: for one attempt, whatever that setting is.
    repeated: attempts follow each other until `edge.request_s` is over, or `in_all_s`.
    in_all_s, attempts, at_once: 0 where there is no such bound. at_once is of one edge worker.
    then: what happens where no answer comes.
    """

    what: str
    then: str
    share: float = 1.0
    most_s: float = inf
    repeated: bool = False
    in_all_s: float = 0.0
    attempts: int = 0
    at_once: int = 0
    at_once_of: str = "requests"

    def timeout_s(self, request_s: float) -> float:
        """Of one attempt, where all together may take `request_s`."""
        return min(self.most_s, self.share * request_s)

    @property
    def patience(self) -> str:
        """In words, for people."""
        whole = "`edge.request_s`"
        words = f"{self.share:g} × {whole}" if self.share != 1 else whole
        if self.most_s < inf:
            words = f"{self.most_s:g} s"
        if self.repeated:
            words += f" an attempt, {f'{self.in_all_s:g} s' if self.in_all_s else whole} in all"
        if self.attempts:
            words += f", {self.attempts} attempts"
        if self.at_once:
            words += f", {self.at_once:,} {self.at_once_of} at a time"
        return words


@dataclass(frozen=True, slots=True)
class Retry:
    """When something is done again whose outcome is not known: each pause is twice the one before it.

    attempts: after so many it is given up; 0: when nobody needs it any more.
    """

    what: str
    first_s: float
    most_s: float
    attempts: int = 0

    def after(self, pause_s: float) -> float:
        """The pause that follows one of `pause_s`, 0 where there was none."""
        return min(self.most_s, pause_s * 2 or self.first_s)

    @property
    def pauses(self) -> str:
        """In words, for people."""
        words = f"{self.first_s:g} s"
        if self.most_s != self.first_s:
            words += f" to {self.most_s:g} s"
        return f"{words}, {self.attempts} attempts" if self.attempts else words


@dataclass(frozen=True, slots=True)
class StoreCalls:
    """A call of the store, or a pipeline of them: `store.timeout_s`, and parts of it.

    replicas: of what is left of it, for these to have it. unread: for a server that is not there, did not
    answer the call before, or refuses calls unread; `tries` of them. looks: to ask who has what, `look` for
    one answer to that. connections: to each server, and as many again for calls that wait for replicas.
    vouched_s: from when sentinels said whether a server is still the primary to when they are asked again.
    """

    replicas: float = 0.8
    unread: float = 0.1
    tries: int = 16
    pause_s: float = 0.02
    looks: float = 2
    look: float = 0.25
    connections: int = 16
    vouched_s: float = 0.005


STORE: Final = StoreCalls()

COMMENTS: Final = Call(
    "edge → owner: `send`",
    "asked again of whoever owns the room by then; in the end `unavailable`",
    share=0.3,
    repeated=True,
    at_once=32,
    at_once_of="requests of 400 rows to one owner",
)
ROWS: Final = Call(
    "edge → owner: votes, events, acts, and all else",
    "the same",
    share=0.3,
    repeated=True,
    at_once=32,
    at_once_of="requests of 400 rows to one owner",
)
AT_ONCE: Final = Call(
    "edge → owner: `like`, `join`, and what an owner tells from memory",
    "the same",
    share=0.3,
    repeated=True,
    at_once=32,
    at_once_of="requests of 400 rows to one owner",
)
USERS: Final = Call(
    "edge → any rooms process: hello, refresh, revoke, sanctions for all rooms",
    "asked again; in the end `unavailable`",
    share=0.3,
    repeated=True,
    at_once=32,
    at_once_of="requests of 400 rows",
)
CHAT: Final = Call(
    "edge → any rooms process: chat",
    "asked again; in the end `unavailable` or `timeout`: the same `cid` again gets the first answer",
    share=0.3,
    repeated=True,
    at_once=32,
    at_once_of="requests of 200 rows",
)
CHAT_LISTS: Final = Call(
    "edge → any rooms process: what of chat is answered with a list",
    "the same",
    share=0.3,
    repeated=True,
    at_once=64,
    at_once_of="requests of one row",
)
OPEN_ROOM: Final = Call(
    "edge → history, to open a room",
    "joins get `unavailable`",
    share=0.3,
    repeated=True,
)
CLOSE_GAP: Final = Call(
    "edge → history, to close a gap",
    "viewers get what there is, see the gap and ask themselves; the edge asks again with the next head",
    most_s=0.4,
    repeated=True,
    in_all_s=1.0,
    attempts=8,
    at_once=16,
    at_once_of="rooms",
)
HISTORY: Final = Call(
    "edge → history, for a viewer",
    "`unavailable`",
    at_once=256,
    at_once_of="different questions",
)
CHANGES: Final = Call(
    "edge → any rooms process: what is new in the changes log",
    "asked again after half a second; without a hint it is asked every 4.6 s at most",
    most_s=1.0,
)
EVERYWHERE: Final = Call(
    "edge → any rooms process: sanctions, settings and words for all rooms",
    "`unavailable`",
)
ADJUSTMENTS: Final = Call(
    "edge → any rooms process: what settings are adjusted to, and adjusting them",
    "asked again; in the end `unavailable`: what was to be adjusted may be, or not",
    share=0.3,
    repeated=True,
)
RECORDS: Final = Call(
    "edge → any rooms process: what moderators read",
    "`unavailable`; who waits for new entries is answered within `wait_s` and as long again as for any call",
)
ALL_OWNERS: Final = Call(
    "edge → owners: list of rooms, broadcast",
    "`unavailable`; a broadcast has not begun, or its `cid` makes it repeatable",
)
COUNTS: Final = Call(
    "edge → owners: counts, answered with heads",
    "the next round, within 2 s",
    most_s=1.0,
    at_once=1024,
)
DRAIN: Final = Call("edge → edge: that it is to let its viewers go", "`unavailable`; it may be told so again")
CALLS: Final = (
    *(COMMENTS, ROWS, AT_ONCE, USERS, CHAT, CHAT_LISTS, OPEN_ROOM, CLOSE_GAP, HISTORY),
    *(CHANGES, EVERYWHERE, ADJUSTMENTS, RECORDS, ALL_OWNERS, COUNTS, DRAIN),
)

VOTED_S: Final = 0.2  # for what somebody voted to be looked up; other rows wait for the same reply

APPEND: Final = Retry("the append of a room's batch", 0.05, 1.0)
CHANGE: Final = Retry("a change of a room, of its moderation or its rules", 0.1, 1.0)
LOAD: Final = Retry("reading a room that nobody has in memory", 0.2, 0.8, attempts=4)
VOTES: Final = Retry("storing votes", 0.5, 0.5)
WORDS: Final = Retry("reading the list of words for all rooms", 0.2, 0.2)
ADJUSTMENT: Final = Retry("reading what settings are adjusted to", 0.2, 0.2)
RETRIES: Final = (APPEND, CHANGE, LOAD, VOTES, WORDS, ADJUSTMENT)

_MOST_BUDGET_S: Final = 30.0  # however long a caller says that it waits
_OF_BUDGET: Final = 0.8  # of it an owner uses; the rest is for the way back


def budget_s(budget_ms: int) -> float:
    """How long whoever is asked may take, where the caller waits for `budget_ms`."""
    return max(0.0, min(budget_ms / 1000, _MOST_BUDGET_S))


def owner_s(budget_ms: int) -> float:
    """The same for an owner, whose rows that are not answered by then are said to be open."""
    return budget_s(budget_ms) * _OF_BUDGET
