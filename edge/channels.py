"""Whom gathered rows go to: the owner of a room, or anybody where they are about users. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from danmaku import chat, envelope
from danmaku.envelope import OwnerRequest, Row, Sent, UserRow, UsersRequest
from danmaku.rows import Done, Elsewhere, Refreshed, Shadowed, Shown
from danmaku.subjects import Subjects, partition_of
from edge.owners import OwnerMap

R = TypeVar("R")
A = TypeVar("A")
Answer = envelope.Answer | Refreshed
Answered = Callable[[Answer], None]

_ANYBODY: Final = "anybody"
_IS_DONE: Final = frozenset((Shown, Shadowed, Done))


class Channel(Protocol[R, A]):
    """To whom rows go, and how requests and replies are written."""

    def subject(self, destination: str) -> str: ...

    def encode(self, rows: list[R], budget_ms: int, now_ms: int) -> bytes:
        """now_ms: by a clock of this process that never goes back."""

    def decode(self, reply: bytes, rows: list[R]) -> list[A]:
        """The answers to `rows`. Raises ValueError."""

    def refer(self, destination: str, rows: list[R], answers: list[A]) -> None:
        """Take note of rows that belong elsewhere; called with each reply."""

    def lose(self, destination: str) -> None:
        """Nobody answers there."""

    def seek(self) -> None:
        """Some row has no destination."""


class ToOwners:
    """Rows about rooms; a destination is a rooms process. `ask` makes all of them tell what they own."""

    def __init__(self, edge: str, subjects: Subjects, owners: OwnerMap, ask: Callable[[], None]) -> None:
        self._edge = edge
        self._subjects = subjects
        self._owners = owners
        self._ask = ask

    def route(self, row: Row) -> str | None:
        return self._owners.owner(row.room)

    def subject(self, destination: str) -> str:
        return self._subjects.owner(destination)

    def encode(self, rows: list[Row], budget_ms: int, now_ms: int) -> bytes:
        return envelope.encode(OwnerRequest(self._edge, budget_ms, rows, Sent(self._edge, now_ms)))

    def decode(self, reply: bytes, rows: list[Row]) -> list[Answer]:
        read = envelope.decode_owner_reply(reply)
        return [
            answer if type(answer) in _IS_DONE else self._if_current(row, read.epochs, answer)
            for row, answer in zip(rows, read.answers, strict=True)
        ]

    def _if_current(self, row: Row, epochs: dict[int, int], answer: envelope.Answer) -> envelope.Answer:
        """What was done is done; what a replaced owner thinks of a row is to be asked again, elsewhere."""
        if self._owners.is_current(row.room, epochs.get(partition_of(row.room))):
            return answer
        return Elsewhere()

    def refer(self, destination: str, rows: list[Row], answers: list[Answer]) -> None:
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, Elsewhere):
                self._owners.doubt(row.room, destination)

    def lose(self, destination: str) -> None:
        self._owners.lose(destination)

    def seek(self) -> None:
        self._ask()


class ToAnybody:
    """Rows about users, which any rooms process can answer."""

    def __init__(self, edge: str, subjects: Subjects) -> None:
        self._edge = edge
        self._subjects = subjects

    def route(self, row: UserRow) -> str:
        return _ANYBODY

    def subject(self, destination: str) -> str:
        return self._subjects.users

    def encode(self, rows: list[UserRow], budget_ms: int, now_ms: int) -> bytes:
        return envelope.encode(UsersRequest(budget_ms, rows, Sent(self._edge, now_ms)))

    def decode(self, reply: bytes, rows: list[UserRow]) -> list[Answer]:
        return list(envelope.decode_users_reply(reply).answers)

    def refer(self, destination: str, rows: list[UserRow], answers: list[Answer]) -> None:
        """They belong nowhere in particular."""

    def lose(self, destination: str) -> None:
        """Somebody else may answer the next time."""

    def seek(self) -> None:
        """Anybody is always there."""


class ToChat:
    """Rows about conversations, which any rooms process can answer."""

    def __init__(self, edge: str, subjects: Subjects) -> None:
        self._edge = edge
        self._subjects = subjects

    def route(self, row: chat.Row) -> str:
        return _ANYBODY

    def subject(self, destination: str) -> str:
        return self._subjects.chat

    def encode(self, rows: list[chat.Row], budget_ms: int, now_ms: int) -> bytes:
        return chat.encode(chat.ChatRequest(budget_ms, rows, Sent(self._edge, now_ms)))

    def decode(self, reply: bytes, rows: list[chat.Row]) -> list[chat.Answer]:
        return list(chat.decode_reply(reply).answers)

    def refer(self, destination: str, rows: list[chat.Row], answers: list[chat.Answer]) -> None:
        """They belong nowhere in particular."""

    def lose(self, destination: str) -> None:
        """Somebody else may answer the next time."""

    def seek(self) -> None:
        """Anybody is always there."""
