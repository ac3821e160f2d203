"""One run: a service, people who use it, faults for a while, then calm; and what was broken."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.injuries import Injuries
from tests.faults.people import People
from tests.faults.whole import whole_service

_FAULTS: Final = 0.55  # of the time of the load
CALM_S: Final = 10.5  # after healing, in which everybody must hear something
_SETTINGS: Final[Mapping[str, str]] = {
    "DANMAKU_CHAT_GROUP_MESSAGES": "100000"
}  # all is kept, to be read back
_OF_KIND: Final[Mapping[str, Mapping[str, str]]] = {  # all replicas: a primary of a cluster has one
    "sentinel": {"DANMAKU_STORE_REPLICAS": "2"},
    "cluster": {"DANMAKU_STORE_REPLICAS": "1"},
}
_ENGINES: Final = ("single", "single", "single", "sentinel", "cluster")


@dataclass
class Outcome:
    """Of one run. late_s: how late its own process was at worst."""

    seed: int
    kind: str
    seconds: float
    faults: list[str] = field(default_factory=list)
    looked: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    late_s: float = 0.0
    took_s: float = 0.0


def kind_of(seed: int) -> str:
    """The engines of a run: mostly single ones, to which most can be done."""
    return _ENGINES[seed % len(_ENGINES)]


async def run(
    seed: int, seconds: float, folder: Path, kind: str = "", *, calm_s: float = CALM_S, only: str = ""
) -> Outcome:
    """A run with `seconds` of load; the same seed does the same things, at about the same times.

    only: faults with this in their name. After healing it goes on for `calm_s`, or until all was taken.
    """
    outcome = Outcome(seed, kind or kind_of(seed), seconds)
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        more = {**_SETTINGS, **_OF_KIND.get(outcome.kind, {})}
        whole = await stack.enter_async_context(whole_service(outcome.kind, folder, more))
        people = People(whole)
        async with AsyncExitStack() as clients:
            await people.come(clients)
            injuries = Injuries(whole, seed, only)
            outcome.faults = injuries.done
            talking = asyncio.create_task(people.talk(seconds))
            try:
                healed_s = await injuries.run(seconds * _FAULTS)
                await talking
                await asyncio.sleep(healed_s + calm_s - time.monotonic())
                ended_s = await people.pulse.end()
                looked, outcome.problems = await people.judge(healed_s, ended_s)
                outcome.looked = dict(looked)
            except* (TimeoutError, AssertionError) as group:
                outcome.problems += [f"{error!r}"[:2000] for error in _leaves(group)]
            finally:
                talking.cancel()
                await asyncio.gather(talking, return_exceptions=True)
            outcome.problems += await people.go()
        outcome.late_s = people.late_s
        if outcome.problems:
            (folder / "said.log").write_text(whole.said)
    outcome.took_s = time.monotonic() - began
    return outcome


def total(outcomes: list[Outcome]) -> Counter[str]:
    """What all of them looked at, together."""
    sums: Counter[str] = Counter()
    for one in outcomes:
        sums.update(one.looked)
        sums["faults"] += len(one.faults)
    return sums


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for one in group.exceptions:
        found += _leaves(one) if isinstance(one, BaseExceptionGroup) else [one]
    return found
