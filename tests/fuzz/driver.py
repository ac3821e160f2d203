"""Feeds one decoder, and looks at what comes out, how long it takes, and how much memory it leaves taken."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.fuzz.decoders import Decoder
from tests.fuzz.mutations import mutated

LONGEST_S: Final = 0.25  # of CPU for one input, of 64 kB at most
MOST_BYTES: Final = 256 * 1024 * 1024  # that the process may grow by while one decoder is fed
_SHOWN: Final = 600  # bytes of an input that is told


@dataclass(frozen=True, slots=True)
class Mistake:
    """An input that something came of which should not: what, and the input."""

    decoder: str
    what: str
    data: bytes

    def __str__(self) -> str:
        cut = f" … ({len(self.data)} bytes)" if len(self.data) > _SHOWN else ""
        return f"{self.decoder}: {self.what}\n    bytes.fromhex({self.data[:_SHOWN].hex()!r}){cut}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one decoder: inputs fed and refused by name, the longest time one took, and the first mistake."""

    inputs: int
    refused: int
    longest_s: float
    grown_bytes: int
    mistake: Mistake | None


def feed(decoder: Decoder, inputs: int, seed: str) -> Outcome:
    """Up to `inputs` inputs, the same for the same `seed`; ends with the first mistake."""
    random = Random(f"{seed} {decoder.name}")  # noqa: S311  chance that can be repeated
    pool = decoder.seeds(random)
    before, refused, longest_s = _most_taken(), 0, 0.0
    clock = time.thread_time
    for number in range(inputs):
        data = pool[number] if number < len(pool) else mutated(random, pool)
        begin = clock()
        try:
            decoder.feed(data)
        except decoder.refusals:
            refused += 1
        except Exception as error:
            return Outcome(number + 1, refused, longest_s, 0, Mistake(decoder.name, repr(error), data))
        took_s = clock() - begin
        if took_s > longest_s:
            longest_s = took_s
            if took_s > LONGEST_S:
                late = Mistake(decoder.name, f"took {took_s:.2f} s", data)
                return Outcome(number + 1, refused, longest_s, 0, late)
        if number % 1024 == 0 and _most_taken() - before > MOST_BYTES:
            large = Mistake(decoder.name, f"grew by {(_most_taken() - before) >> 20} MiB, until", data)
            return Outcome(number + 1, refused, longest_s, _most_taken() - before, large)
    return Outcome(inputs, refused, longest_s, _most_taken() - before, None)


def _most_taken() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
