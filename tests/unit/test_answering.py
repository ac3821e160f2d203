"""Whatever comes of a request that could be read, whoever asked is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry, Histogram

from danmaku.errors import BAD_ID, Refusal
from danmaku.memory import MemoryBus
from danmaku.store.errors import StoreDown
from rooms.answering import Answering, Asked, refusable
from rooms.outbox import Outbox


@dataclass
class Question:
    text: str
    budget_ms: int = 60_000


class Posted(Outbox):
    def __init__(self) -> None:
        super().__init__(MemoryBus(), Histogram("s", "s", registry=CollectorRegistry()))
        self.posted: list[tuple[str, bytes]] = []

    def post(self, subject: str, payload: bytes, traced: object = None) -> None:
        self.posted.append((subject, payload))


def read(payload: bytes) -> Question:
    if payload == b"bad id":
        raise Refusal(BAD_ID)
    return Question(payload.decode(), 1 if payload == b"hurry" else 60_000)


async def echo(question: Question) -> bytes:
    return question.text.encode()


async def never(question: Question) -> bytes:
    await asyncio.Event().wait()
    raise AssertionError(question)


def fails(error: Exception) -> Callable[[Question], Awaitable[bytes]]:
    async def fail(_: Question) -> bytes:
        raise error

    return fail


def sorry(question: Question) -> bytes:
    return f"sorry, {question.text}".encode()


async def answers(
    answer: Callable[[Question], Awaitable[bytes]], payload: bytes = b"hi", *, repeated: bool = False
) -> list[bytes]:
    outbox = Posted()
    answering = Answering("questions", 10, outbox, repeated=repeated)
    answering.begin(Asked(read, answer, sorry), payload, "reply")
    await answering.finish(60)
    return [told for subject, told in outbox.posted if subject == "reply"]


async def test_a_request_is_answered() -> None:
    assert await answers(echo) == [b"hi"]


@pytest.mark.parametrize("payload", [b"\xff", b"bad id"])
async def test_what_cannot_be_read_is_not_answered(payload: bytes) -> None:
    assert await answers(echo, payload) == []


@pytest.mark.parametrize("error", [StoreDown("away"), ValueError("no such place")])
async def test_what_fails_is_answered_all_the_same(error: Exception) -> None:
    assert await answers(fails(error)) == [b"sorry, hi"]


async def test_when_time_is_up_it_is_answered_all_the_same() -> None:
    assert await answers(never, b"hurry") == [b"sorry, hurry"]


async def test_what_is_asked_again_is_left_open_when_time_is_up_and_only_then() -> None:
    assert await answers(never, b"hurry", repeated=True) == []
    assert await answers(fails(StoreDown("away")), repeated=True) == [b"sorry, hi"]


async def test_too_many_are_answered_at_once_and_none_outlives_the_owner() -> None:
    outbox = Posted()
    answering = Answering("questions", 2, outbox)
    for number in range(4):
        answering.begin(Asked(read, never), b"hi", f"r{number}")
    assert outbox.posted == [("r2", b""), ("r3", b"")]
    await answering.close()
    answering.begin(Asked(read, echo), b"hi", "r4")
    await answering.finish(60)
    assert outbox.posted[2:] == [("r4", b"hi")]


async def test_a_refusal_is_told_in_the_reply() -> None:
    def refused(refused: str, detail: str | None = None) -> str:
        return f"{refused}: {detail}"

    async def answer(question: Question) -> str:
        if question.text == "no":
            raise Refusal(BAD_ID, "not so")
        if question.text == "away":
            raise StoreDown("away")
        return question.text

    asked = refusable(read, answer, refused, str.encode)
    outbox = Posted()
    answering = Answering("questions", 9, outbox)
    for word in (b"yes", b"no", b"away"):
        answering.begin(asked, word, word.decode())
    await answering.finish(5)
    assert dict(outbox.posted) == {"yes": b"yes", "no": b"bad_id: not so", "away": b"unavailable: None"}
