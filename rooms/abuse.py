"""Signs that a crowd comes to disturb a room: for its moderators, who decide what to do. Pure.

What is refused counts too: who raids a room that is closed to them is still there. All of it is bounded: of
texts the oldest go early, and of a crowd so many are told apart.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal

from danmaku.moderation_rows import Sign
from rooms.generations import Generations
from rooms.moment import Moment
from rooms.text import alike, clean

SignKind = Literal["same_text", "joins", "new_accounts"]

WINDOW_S: Final = 10.0
USERS: Final = 10  # who say the same within it
JOINS: Final = 200  # within it, and four times as many as usual
NEW_ACCOUNT_S: Final = 24 * 3600
NEW_WINDOW_S: Final = 60.0
NEW_USERS: Final = 10  # with accounts as new as that, who write within it
_MAX_TEXTS: Final = 2000
_MAX_CROWD: Final = 2000
_MAX_SIGNS: Final = 100
_SHORTEST: Final = 6  # characters: many say "666" at once and mean no harm
_LEAST_DIFFERENT: Final = 4
_TIMES_USUAL: Final = 4
_INERTIA: Final = 0.8
_SAMPLE: Final = 100


class _Crowd:
    """Users who do the same. It is told of when there are so many, and then each time that they doubled."""

    __slots__ = ("_next", "since", "uids")

    def __init__(self, uids: set[str], first: int, now: Moment) -> None:
        self.uids = uids
        self.since = now
        self._next = first

    def grew(self, uid: str) -> bool:
        """One of them is `uid`; whether that is worth telling."""
        if len(self.uids) >= _MAX_CROWD:
            return False
        self.uids.add(uid)
        is_many = len(self.uids) >= self._next
        if is_many:
            self._next *= 2
        return is_many


class Abuse:
    """Of one room. `signs`: the newest, oldest first."""

    __slots__ = ("_began_s", "_joins", "_new", "_next_joins", "_texts", "_uncounted", "_usual", "signs")

    def __init__(self) -> None:
        self.signs: deque[Sign] = deque(maxlen=_MAX_SIGNS)
        self._uncounted: list[SignKind] = []
        # By text: its only user so far, or all of them.
        self._texts: Generations[str, str | _Crowd] = Generations(WINDOW_S, _MAX_TEXTS)
        self._new: _Crowd | None = None
        self._began_s = 0.0
        self._joins = 0
        self._usual = 0.0
        self._next_joins = JOINS

    def said(self, uid: str, text: str, since_s: int, now: Moment) -> None:
        """Somebody who is no staff wrote. since_s: when the account was made, 0 where nobody says so."""
        if since_s and now.ms < (since_s + NEW_ACCOUNT_S) * 1000:
            self._wrote(uid, now)
        if not text.isprintable():  # signs that nobody sees make no text another one
            text = clean(text)
        if len(text) < _SHORTEST:
            return
        same = alike(text)
        before = self._texts.get(same)
        if before is None:
            self._texts.put(same, uid, now.s)
        elif isinstance(before, _Crowd):
            if before.grew(uid):
                self._tell("same_text", len(before.uids), text[:_SAMPLE], before.since.ms, now)
        elif before != uid and len(set(same)) >= _LEAST_DIFFERENT:
            self._texts.put(same, _Crowd({before, uid}, USERS, now), now.s)

    def joined(self, now: Moment) -> None:
        """Somebody who is no staff came in."""
        passed_s = now.s - self._began_s
        if passed_s >= WINDOW_S:
            usual = self._joins * WINDOW_S / passed_s  # also where nobody came for a long time
            self._usual = self._usual * _INERTIA + usual * (1 - _INERTIA)
            self._next_joins = max(JOINS, round(self._usual * _TIMES_USUAL))
            self._began_s, self._joins = now.s, 0
        self._joins += 1
        if self._joins >= self._next_joins:
            self._next_joins *= 2
            self._tell("joins", self._joins, "", now.ms - round((now.s - self._began_s) * 1000), now)

    def after(self, at: int) -> list[Sign]:
        """The signs behind that."""
        return [sign for sign in self.signs if sign.at > at]

    def uncounted(self) -> list[SignKind]:
        """The kinds of the signs since this was asked last."""
        kinds, self._uncounted = self._uncounted, []
        return kinds

    def _wrote(self, uid: str, now: Moment) -> None:
        if self._new is None or now.s - self._new.since.s >= NEW_WINDOW_S:
            self._new = _Crowd(set(), NEW_USERS, now)
        if self._new.grew(uid):
            self._tell("new_accounts", len(self._new.uids), uid, self._new.since.ms, now)

    def _tell(self, kind: SignKind, count: int, sample: str, since_ms: int, now: Moment) -> None:
        last = self.signs[-1].at if self.signs else 0
        self.signs.append(Sign(max(now.ms, last + 1), kind, count, sample, since_ms))
        self._uncounted = [*self._uncounted, kind][-_MAX_SIGNS:]
