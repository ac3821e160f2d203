"""Which groups an edge listens to, for whom, and how far it knows who belongs to them. Pure.

A user is told to belong to a group by the list of his groups or by a hint; both may be out of date, so
only the group's own list of members counts, and only while nothing newer is known of. What is said in a
group carries the version at which it was stored: it is handed out by a list that is not older. But a store
that lost its latest writes goes back to older versions: a list that was asked for after the latest hint is
right, whatever its version. Of that list only who is here is kept, so for whoever comes it is asked again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

_UNKNOWN: Final = -1


class Learned(NamedTuple):
    """What came of a list of members.

    known: False where it is too old: ask again. came: somebody here is known to belong to it, who was not.
    again: somebody here may have come after the list was asked for.
    """

    known: bool
    came: bool = False
    again: bool = False


class _Group:
    __slots__ = ("asked", "claimed", "heard", "here", "version", "wanted")

    def __init__(self) -> None:
        self.version = _UNKNOWN  # of the list by which `here` is known
        self.wanted = 0  # the newest version that was heard of
        self.asked = False  # the list, since all is in doubt
        self.heard = 0  # the newest version since it was asked for
        self.here: dict[str, int | None] = {}  # who is said to belong to it: since which seq, where known
        self.claimed: set[str] = set()  # those of whom it was said since it was asked for


class Belonging:
    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._users: dict[str, dict[str, None]] = {}  # who is here, and their groups

    @property
    def users(self) -> list[str]:
        return list(self._users)

    def is_here(self, uid: str) -> bool:
        return uid in self._users

    def is_followed(self, gid: str) -> bool:
        """Whether somebody here is said to belong to it."""
        return gid in self._groups

    def arrive(self, uid: str) -> bool:
        """True for the first connection of a user: it is to be asked for his groups."""
        first = uid not in self._users
        if first:
            self._users[uid] = {}
        return first

    def depart(self, uid: str) -> list[str]:
        """The last connection of a user is gone; the groups that nobody here belongs to any more."""
        return [gid for gid in self._users.pop(uid, {}) if self._remove(gid, uid)]

    def claim(self, uid: str, gid: str, version: int = 0) -> bool:
        """It is said that `uid` belongs to `gid`, as of `version`. True where who does is to be asked."""
        groups = self._users.get(uid)
        if groups is None:
            return False  # he left meanwhile
        groups[gid] = None
        group = self._groups.setdefault(gid, _Group())
        is_new = group.here.setdefault(uid, None) is None
        if is_new:
            group.claimed.add(uid)
        return not self.hear(gid, version) or is_new

    def hear(self, gid: str, version: int) -> bool:
        """Something was stored at this version of the group. False where who belongs to it is to be asked."""
        group = self._groups.get(gid)
        if group is None:
            return True
        group.wanted = max(group.wanted, version)
        group.heard = max(group.heard, version)
        return group.version >= group.wanted

    def doubt(self) -> list[str]:
        """Whatever is known may be out of date; all groups are to be asked about."""
        for group in self._groups.values():
            group.version, group.wanted, group.asked = _UNKNOWN, 0, False
        return list(self._groups)

    def ask(self, gid: str) -> None:
        """Now it is asked who belongs to the group: what was heard until now is in the answer."""
        group = self._groups.get(gid)
        if group is not None:
            group.asked, group.heard = True, 0
            group.claimed.clear()

    def learn(self, gid: str, version: int, members: Iterable[tuple[str, int]]) -> Learned | None:
        """Who belongs to a group, and since which seq. None: nobody here does; it is of no interest."""
        group = self._groups.get(gid)
        if group is None:
            return None
        if version < group.heard or not group.asked:
            return Learned(known=False)
        group.version = group.wanted = version
        since = {uid: seq for uid, seq in members if uid in group.here}
        came = any(group.here[uid] is None for uid in since)
        for uid in [uid for uid in group.here if uid not in since and uid not in group.claimed]:
            del group.here[uid]
            self._users[uid].pop(gid, None)
        again = len(group.here) > len(since)
        group.here = {uid: since.get(uid) for uid in group.here}
        if group.here:
            return Learned(known=True, came=came, again=again)
        del self._groups[gid]
        return None

    def here(self, gid: str, seq: int | None = None) -> list[str]:
        """The members at this edge, by the list that is known; for a message those who had come by then."""
        group = self._groups.get(gid)
        if group is None:
            return []
        known = ((uid, since) for uid, since in group.here.items() if since is not None)
        return [uid for uid, since in known if seq is None or since <= seq]

    def _remove(self, gid: str, uid: str) -> bool:
        """True when he was the last."""
        group = self._groups[gid]
        del group.here[uid]
        group.claimed.discard(uid)
        if group.here:
            return False
        del self._groups[gid]
        return True
