"""Who is here: viewers per room, and which connections a user has. Pure."""

from __future__ import annotations

from typing import Generic, TypeVar

from edge.forms import FORMS, Form

M = TypeVar("M")  # whatever stands for a connection


class Viewers:
    """How many viewers one room has, by form."""

    __slots__ = ("by_form",)

    def __init__(self) -> None:
        self.by_form = [0] * len(FORMS)

    @property
    def total(self) -> int:
        return sum(self.by_form)

    @property
    def forms(self) -> list[Form]:
        """Those that anybody here wants."""
        return [form for form, viewers in zip(FORMS, self.by_form, strict=True) if viewers]


class Roster(Generic[M]):
    """Counts and an index. Most users have one connection, which then costs one entry of a dict."""

    def __init__(self) -> None:
        self._rooms: dict[str, Viewers] = {}
        self._singles: dict[str, M] = {}
        self._crowds: dict[str, dict[M, None]] = {}

    def enter(self, room: str, form: Form) -> bool:
        """One more viewer; True when it is the first in this room."""
        viewers = self._rooms.get(room)
        first = viewers is None
        if viewers is None:
            viewers = self._rooms[room] = Viewers()
        viewers.by_form[form] += 1
        return first

    def leave(self, room: str, form: Form) -> bool:
        """One viewer less; True when it was the last in this room. Raises KeyError for an empty room."""
        viewers = self._rooms[room]
        viewers.by_form[form] -= 1
        if viewers.total:
            return False
        del self._rooms[room]
        return True

    def viewers(self, room: str) -> Viewers | None:
        return self._rooms.get(room)

    def counts(self) -> dict[str, int]:
        """Viewers of every room that has any."""
        return {room: viewers.total for room, viewers in self._rooms.items()}

    @property
    def rooms(self) -> int:
        return len(self._rooms)

    def arrive(self, uid: str, connection: M) -> None:
        """A connection now speaks for `uid`."""
        crowd = self._crowds.get(uid)
        if crowd is not None:
            crowd[connection] = None
        elif uid in self._singles:
            self._crowds[uid] = {self._singles.pop(uid): None, connection: None}
        else:
            self._singles[uid] = connection

    def depart(self, uid: str, connection: M) -> None:
        """It is gone; not an error when it never arrived."""
        crowd = self._crowds.get(uid)
        if crowd is not None:
            crowd.pop(connection, None)
            if not crowd:
                del self._crowds[uid]
        elif self._singles.get(uid) is connection:
            del self._singles[uid]

    def connections(self, uid: str) -> tuple[M, ...]:
        """All connections of a user, in the order they came; a copy."""
        if uid in self._singles:
            return (self._singles[uid],)
        return tuple(self._crowds.get(uid, ()))
