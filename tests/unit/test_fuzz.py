"""Every decoder is fed a little by chance, as `make fuzz` does it by the million; and mistakes are found."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from danmaku.errors import BAD_ID, Refusal
from tests.fuzz.decoders import Decoder, Refusals, decoders
from tests.fuzz.driver import feed

INPUTS = 10_000  # altogether


def test_only_refusals_by_name_come_of_what_is_read(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        chosen = decoders(tmp_path, runner.get_loop())
        shares = sum(one.share for one in chosen)
        outcomes = {
            one.name: feed(one, max(30, round(INPUTS * one.share / shares)), "test") for one in chosen
        }
    assert [str(outcome.mistake) for outcome in outcomes.values() if outcome.mistake] == []
    assert len(outcomes) == len(chosen) > 90, "no two have one name"
    unread = [name for name, outcome in outcomes.items() if outcome.refused == outcome.inputs]
    assert unread == [], "some of it has to be read, or nothing is tried"


def decoder(what: str, refusals: Refusals = (Refusal,)) -> Decoder:
    def read(data: bytes) -> None:
        if b"\xdb" not in data:
            raise Refusal(BAD_ID)
        if what == "slow":
            until = time.thread_time() + 0.3
            while time.thread_time() < until:
                pass
        elif what == "wrong":
            raise KeyError("x")

    return Decoder(what, read, refusals, lambda _: [b"abc"])


@pytest.mark.parametrize(("what", "told"), [("slow", "took 0.3"), ("wrong", "KeyError('x')")])
def test_a_mistake_is_found_and_told_with_its_input(what: str, told: str) -> None:
    outcome = feed(decoder(what), 10_000, "1")
    assert outcome.mistake is not None
    assert outcome.mistake.what.startswith(told)
    assert b"\xdb" in outcome.mistake.data
    assert outcome.refused == outcome.inputs - 1
    assert feed(decoder(what), 10_000, "1").mistake == outcome.mistake or what == "slow"


def test_another_exception_than_the_named_is_a_mistake() -> None:
    outcome = feed(decoder("none", (ValueError,)), 10, "1")
    assert outcome.mistake is not None
    assert outcome.inputs == 1


def test_the_same_seed_gives_the_same_inputs() -> None:
    seen: list[list[bytes]] = []
    for seed in ("1", "1", "2"):
        heard: list[bytes] = []
        feed(Decoder("any", heard.append, (), lambda random: [random.randbytes(9)]), 200, seed)
        seen.append(heard)
    assert seen[0] == seen[1] != seen[2]
