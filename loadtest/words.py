"""What lists of words cost an owner: `python -m loadtest.words`. A program of its own; nothing imports it.

Judges the same comments without words and with a list, and tells how much CPU one takes; and how long it
takes to make a list, with the longest time in which nothing else of the event loop had its turn.
"""

from __future__ import annotations

import asyncio
import json
import random
import string
import time
from collections.abc import Iterator
from itertools import count
from statistics import median
from typing import Annotated, Any, Final

import typer

from config.settings import Policy
from danmaku.model import Role, RoomSettings
from danmaku.rows import SendRow
from danmaku.wordlist import Word
from rooms.making import make
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.policy import Judge
from rooms.rules import Rules
from rooms.words import List

TEXTS: Final = (
    "hello this is a fairly normal comment, ok",
    "这是一条很普通的弹幕哈哈哈",
    "lol that was 10 out of 10!!! so good :)",
    "gg wp",
    "see https://example.com/a.b for more",
    "主播加油, so close!",
)
_ROUNDS: Final = 15
_TICK_S: Final = 0.001

Words = Annotated[int, typer.Option(help="Entries of the list, half Latin, half Chinese.", min=1, max=50_000)]
Comments = Annotated[int, typer.Option(help="Comments judged in one round.", min=100)]


def listed(words: int) -> list[Word]:
    """As many different ones, always the same."""
    chance = random.Random(1)  # noqa: S311  nothing secret hangs on it
    found: dict[str, None] = {}
    while len(found) < words:
        if len(found) % 2:
            found["".join(chance.choices(string.ascii_lowercase, k=chance.randint(6, 12)))] = None
        else:
            found["".join(chr(chance.randint(0x4E00, 0x9000)) for _ in range(chance.randint(3, 5)))] = None
    return [Word(entry, "refuse") for entry in found]


def judge(words: List | None) -> Judge:
    policy = Policy(user_burst=10**9, user_count=10**9, repeat_s=0)
    sanctions = Sanctions()
    if words is not None:
        sanctions.everywhere.words = words
    return Judge(Rules.of(RoomSettings(), RoomSettings(), policy), policy, sanctions)


def comment_us(judge: Judge, comments: int, seconds: Iterator[int]) -> float:
    rows = [
        SendRow("r", f"u{n % 1000}", f"name {n % 1000}", Role.VIEWER, TEXTS[n % len(TEXTS)], f"c{n}")
        for n in range(comments)
    ]
    begin = time.process_time()  # whatever else runs on the machine
    for row in rows:
        judge.comment(row, Moment(float(next(seconds)), 0))
    return (time.process_time() - begin) / comments * 1e6


async def making(words: list[Word]) -> tuple[List, dict[str, float]]:
    """The list, and what that took: CPU, time, and the longest time without a turn for others, in ms."""
    longest, last = 0.0, time.perf_counter()

    async def tick() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.perf_counter()
            longest, last = max(longest, now - last - _TICK_S), now

    ticking = asyncio.create_task(tick())
    begin, cpu_begin = last, time.process_time()
    whole = await make(words)
    cpu_s, took_s = time.process_time() - cpu_begin, time.perf_counter() - begin
    ticking.cancel()
    await asyncio.wait([ticking])
    took = {"making_cpu": cpu_s, "making": took_s, "longest_hold": longest}
    return whole, {f"{name}_ms": round(seconds * 1000, 1) for name, seconds in took.items()}


def measure(words: int = 50_000, comments: int = 6_000) -> dict[str, Any]:
    whole, took = asyncio.run(making(listed(words)))
    without, with_words, seconds = [], [], count(1)
    plain, worded = judge(None), judge(whole)
    for _ in range(_ROUNDS):  # in turn, so that both have the same share of whatever else runs here
        without.append(comment_us(plain, comments, seconds))
        with_words.append(comment_us(worded, comments, seconds))
    more = [after - before for before, after in zip(without, with_words, strict=True)]
    return {
        "words": words,
        "comment_us_without": round(median(without), 2),
        "comment_us_with": round(median(with_words), 2),
        "words_cost_us": round(median(more), 2),
        **took,
    }


def main(words: Words = 50_000, comments: Comments = 6_000) -> None:
    """Measure what a list of words costs an owner, and tell it as JSON."""
    print(json.dumps(measure(words, comments)))


if __name__ == "__main__":
    typer.run(main)
