"""Comments about which a webhook is asked: each sender's are decided in order of arrival. Pure."""

from __future__ import annotations

from collections import deque

from danmaku.rows import SendRow
from rooms.advice import Advice


class Question:
    """row: as it came. item: as it would be shown. advice: None until there is one.

    withdrawn: it is not to be shown, whatever the advice.
    """

    __slots__ = ("advice", "item", "row", "withdrawn")

    def __init__(self, row: SendRow, item: bytes) -> None:
        self.row = row
        self.item = item
        self.advice: Advice | None = None
        self.withdrawn = False


class Asked:
    """Of one room."""

    __slots__ = ("_new", "_waiting")

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Question]] = {}
        self._new: list[Question] = []

    def __bool__(self) -> bool:
        """Whether something waits for advice."""
        return bool(self._waiting)

    @property
    def has_new(self) -> bool:
        return bool(self._new)

    def add(self, question: Question) -> None:
        self._waiting.setdefault(question.row.uid, deque()).append(question)
        self._new.append(question)

    def take_new(self) -> list[Question]:
        """Those that came since this was asked last: to be asked about now."""
        new, self._new = self._new, []
        return new

    def withdraw(self, uid: str | None) -> None:
        """Show nothing of what waits of this user, None: of all, whatever comes of it."""
        theirs = self._waiting.values() if uid is None else [self._waiting.get(uid, ())]
        for waiting in theirs:
            for question in waiting:
                question.withdrawn = True

    def advised(self, question: Question, advice: Advice) -> list[tuple[Question, Advice]]:
        """Once a question. Returns what is decided now: nothing while an earlier one of the sender waits."""
        question.advice = advice
        uid = question.row.uid
        waiting = self._waiting[uid]
        decided: list[tuple[Question, Advice]] = []
        while waiting and (known := waiting[0].advice) is not None:
            decided.append((waiting.popleft(), known))
        if not waiting:
            del self._waiting[uid]
        return decided
