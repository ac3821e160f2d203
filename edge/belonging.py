"""Which groups an edge listens to, for whom, and how far it knows who belongs to them. Pure.

A user is told to belong to a group by the list of his groups or by a hint; both may be out of date, so only
the group's own list of members counts, and only while nothing newer is known of. What is said in a
group carries the version at which it was stored: it is handed out by a list that is not older.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_UNKNOWN: Final = -1


class _Group:
    __slots__ = ("here", "members", "version", "wanted")

    def __init__(self) -> None:
        self.version = _UNKNOWN  # of `members`
        self.wanted = 0  # the newest version that was heard of
        self.members: frozenset[str] = frozenset()
        self.here: dict[str, None] = {}  # users at this edge who are said to belong to it


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

    def has_claim(self, uid: str, gid: str) -> bool:
        """Whether it is said already that `uid`, who is here, belongs to `gid`."""
        return gid in self._users.get(uid, ())

    def claim(self, uid: str, gid: str, version: int = 0) -> bool:
        """It is said that `uid` belongs to `gid`, as of `version`. True where who does is to be asked."""
        groups = self._users.get(uid)
        if groups is None:
            return False  # he left meanwhile
        groups[gid] = None
        group = self._groups.setdefault(gid, _Group())
        group.here[uid] = None
        return not self.hear(gid, version)

    def hear(self, gid: str, version: int) -> bool:
        """Something was stored at this version of the group. False where who belongs to it is to be asked."""
        group = self._groups.get(gid)
        if group is None:
            return True
        group.wanted = max(group.wanted, version)
        return group.version >= group.wanted

    def doubt(self) -> list[str]:
        """Whatever is known may be out of date; all groups are to be asked about."""
        for group in self._groups.values():
            group.version = _UNKNOWN
        return list(self._groups)

    def learn(self, gid: str, version: int, members: Iterable[str]) -> bool | None:
        """Who belongs to a group. True: now it is known. False: that is too old, ask again.

        None: nobody here does, so nothing of it is of interest any more.
        """
        group = self._groups.get(gid)
        if group is None:
            return None
        if version < group.wanted:
            return False
        group.version, group.members = version, frozenset(members)
        for uid in [uid for uid in group.here if uid not in group.members]:
            del group.here[uid]
            self._users[uid].pop(gid, None)
        if group.here:
            return True
        del self._groups[gid]
        return None

    def here(self, gid: str) -> list[str]:
        """The members at this edge, by the list that is known."""
        group = self._groups.get(gid)
        return [] if group is None else [uid for uid in group.here if uid in group.members]

    def _remove(self, gid: str, uid: str) -> bool:
        """True when he was the last."""
        group = self._groups[gid]
        del group.here[uid]
        if group.here:
            return False
        del self._groups[gid]
        return True
