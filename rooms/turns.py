"""Which room is loaded next: one that somebody waits for, before those that are only watched. Pure."""

from __future__ import annotations


class Turns:
    """Rooms in order of arrival, each once."""

    __slots__ = ("_urgent", "_watched")

    def __init__(self) -> None:
        self._urgent: dict[str, None] = {}
        self._watched: dict[str, None] = {}

    def add(self, room: str, *, urgent: bool) -> None:
        """It is not among them yet."""
        (self._urgent if urgent else self._watched)[room] = None

    def hurry(self, room: str) -> None:
        """Somebody waits for it now, if its turn has not come yet."""
        if room in self._watched:
            del self._watched[room]
            self._urgent[room] = None

    def next(self) -> str | None:
        """Whose turn it is; it is not among them any more."""
        rooms = self._urgent or self._watched
        room = next(iter(rooms), None)
        if room is not None:
            del rooms[room]
        return room

    def clear(self) -> None:
        self._urgent.clear()
        self._watched.clear()
