"""The rules of docs/PROTOCOL.md, "Positions and recovery", once more and without any code under test.

A viewer of the checked tests is nothing but sockets and these rules, and it logs what it showed.
"""

from __future__ import annotations

from typing import Any, Final

Position = tuple[int, int]
Item = tuple[Position, str]

START: Final[Position] = (0, 0)
Frame = dict[str, Any]


class Follower:
    """One room as one viewer follows it. `log` is what was shown, in the order in which it was shown."""

    def __init__(self) -> None:
        self.log: list[Item] = []
        self.given_up = 0  # times that something was lost for good
        self.skipped = 0
        self.position: Position | None = None  # none before the first join
        self._head = START
        self._held: list[Frame] = []

    @property
    def gap(self) -> bool:
        return self.position is not None and self.position < self._head

    def joined(self, answer: Frame, *, again: bool) -> None:
        head = (answer["epoch"], answer["seq"])
        if again:
            self._head = max(self._head, head)
            self.history(answer)
            return
        self.position = START
        for batch in answer["history"]:
            self._show(batch)
        self.position = max(self.position, head)
        self._head = max(self._head, self.position)
        self._show_held()

    def take(self, frame: Frame) -> None:
        """A batch or skip as it came."""
        if self._is_seen(frame):
            return
        self._head = max(self._head, _last(frame))
        self._held.append(frame)
        self._held.sort(key=_first)
        self._show_held()

    def stats(self, frame: Frame) -> None:
        self._head = max(self._head, (frame["epoch"], frame["seq"]))

    def history(self, answer: Frame) -> None:
        """The answer to a question about what comes after `position`."""
        assert self.position is not None
        before = self.position
        for batch in answer["history"]:
            if self._is_seen(batch):
                continue
            if not self._continues(batch):
                self.given_up += 1
            self._show(batch)
        self._show_held()
        if not self.gap or self.position > before:
            return
        if self._held:
            self.given_up += 1
            self._show(self._held.pop(0))
            self._show_held()
        elif answer["complete"]:
            self._head = self.position
        else:
            self.given_up += 1
            self.position = self._head

    def lost(self) -> None:
        """The connection is gone."""
        self._held.clear()

    def _is_seen(self, frame: Frame) -> bool:
        return self.position is not None and _last(frame) <= self.position

    def _continues(self, frame: Frame) -> bool:
        assert self.position is not None
        epoch, seq = _first(frame)
        if epoch == self.position[0]:
            return seq <= self.position[1] + 1
        prev = frame.get("prev")
        return prev is not None and (prev["epoch"], prev["seq"]) <= self.position

    def _show_held(self) -> None:
        while self._held and self.position is not None:
            if self._is_seen(self._held[0]):
                self._held.pop(0)
            elif self._continues(self._held[0]):
                self._show(self._held.pop(0))
            else:
                return

    def _show(self, frame: Frame) -> None:
        assert self.position is not None
        if frame.get("t") == "skip":
            self.skipped += 1
        else:
            epoch, seq = _first(frame)
            items = (((epoch, seq + index), item) for index, item in enumerate(frame["items"]))
            self.log += [(at, item.get("text", "")) for at, item in items if at > self.position]
        self.position = _last(frame)


def _first(frame: Frame) -> Position:
    return frame["epoch"], frame["from"] if frame.get("t") == "skip" else frame["seq"]


def _last(frame: Frame) -> Position:
    if frame.get("t") == "skip":
        return frame["epoch"], frame["to"]
    return frame["epoch"], frame["seq"] + len(frame["items"]) - 1
