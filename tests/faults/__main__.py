"""`python -m tests.faults`: faults at random under load, many runs, and what was broken in the end.

make faults ARGS="--runs 100 --parallel 3 --seconds 30"
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from tests.faults.run import CALM_S, Outcome, kind_of, run, total
from tests.faults.whole import KINDS
from tests.ports import PORTS_OF_RUN

_MOST_S: Final = 300.0  # beyond its load; a run that takes longer is stopped, and counts as broken

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def one(
    seed: int, seconds: float, folder: Path, kind: str = "", calm: float = CALM_S, only: str = ""
) -> None:
    """A single run in this process; its outcome goes to `outcome.json` in the folder."""
    outcome = asyncio.run(run(seed, seconds, folder, kind, calm_s=calm, only=only))
    (folder / "outcome.json").write_text(json.dumps(asdict(outcome)))


@app.command()
def many(
    runs: Annotated[int, typer.Option(help="how many")] = 20,
    seed: Annotated[int, typer.Option(help="of the first; the others count on")] = 1,
    parallel: Annotated[int, typer.Option(help="side by side")] = 2,
    seconds: Annotated[float, typer.Option(help="of load in each")] = 30.0,
    calm: Annotated[float, typer.Option(help="seconds at least, after healing")] = CALM_S,
    kind: Annotated[str, typer.Option(help=f"of engines, one of {', '.join(KINDS)}; else by the seed")] = "",
    only: Annotated[str, typer.Option(help="faults with this in their name")] = "",
    folder: Annotated[
        Path | None, typer.Option(help="for logs; runs that ended there before are not run again")
    ] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="write all outcomes there")] = None,
) -> None:
    """Many runs; a line as each ends, and counts of all. Ends with 1 when a promise was broken."""
    if kind and kind not in KINDS:
        raise typer.BadParameter(f"{kind} is none of {', '.join(KINDS)}")
    place = folder or Path(tempfile.mkdtemp(prefix="faults-"))
    outcomes = asyncio.run(Many(place, seconds, kind, calm, only).run(range(seed, seed + runs), parallel))
    if as_json is not None:
        as_json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    print(summary(outcomes))
    raise typer.Exit(any(outcome.problems for outcome in outcomes))


class Many:
    """Each run is a process of its own, so that none disturbs the time-keeping of another."""

    def __init__(self, folder: Path, seconds: float, kind: str, calm_s: float, only: str) -> None:
        self._folder = folder
        self._seconds = seconds
        self._kind = kind
        self._calm_s = calm_s
        self._only = only
        self._outcomes: list[Outcome] = []
        self._began = time.monotonic()

    async def run(self, seeds: range, parallel: int) -> list[Outcome]:
        waiting = list(reversed(seeds))

        async def work(place: int) -> None:
            while waiting:
                self._note(await self._run(waiting.pop(), place), len(seeds))

        async with asyncio.TaskGroup() as tasks:
            for place in range(parallel):
                tasks.create_task(work(place))
        return self._outcomes

    async def _run(self, seed: int, place: int) -> Outcome:
        folder = self._folder / f"{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "outcome.json").exists():
            return Outcome(**json.loads((folder / "outcome.json").read_text()))
        words = ["one", str(seed), str(self._seconds), str(folder), "--kind", self._kind]
        words += ["--calm", str(self._calm_s), "--only", self._only]
        own = {**os.environ, PORTS_OF_RUN: str(place)}  # ports that the others are not given
        with (folder / "printed.log").open("wb") as printed:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.faults", *words, stdout=printed, stderr=printed, env=own
            )
            try:
                async with asyncio.timeout(self._seconds + _MOST_S):
                    await process.wait()
            except TimeoutError:
                process.terminate()
                await process.wait()
        found = folder / "outcome.json"
        if not found.exists():
            said = (folder / "printed.log").read_text(errors="replace")
            kind = self._kind or kind_of(seed)
            return Outcome(seed, kind, self._seconds, problems=[f"the run broke down: {said[-1500:]}"])
        return Outcome(**json.loads(found.read_text()))

    def _note(self, outcome: Outcome, runs: int) -> None:
        self._outcomes.append(outcome)
        verdict = f"{len(outcome.problems)} PROBLEMS" if outcome.problems else "ok"
        broken = sum(bool(one.problems) for one in self._outcomes)
        print(
            f"[{len(self._outcomes)}/{runs}, {broken} broken, {time.monotonic() - self._began:.0f} s] "
            f"seed {outcome.seed} {outcome.kind}: {len(outcome.faults)} faults, {outcome.took_s:.0f} s, "
            f"late {outcome.late_s:.1f} s: {verdict}",
            flush=True,
        )
        for problem in outcome.problems[:10]:
            print(f"    {problem}", flush=True)


def summary(outcomes: list[Outcome]) -> str:
    kinds = Counter(outcome.kind for outcome in outcomes)
    faults = Counter(fault.split()[0] for outcome in outcomes for fault in outcome.faults)
    broken = [outcome.seed for outcome in outcomes if outcome.problems]
    lines = [
        f"{len(outcomes)} runs ({', '.join(f'{n} {kind}' for kind, n in kinds.most_common())}), "
        f"{len(broken)} broke a promise{f': seeds {broken}' if broken else ''}",
        f"faults: {', '.join(f'{n} {fault}' for fault, n in faults.most_common())}",
        f"looked at: {', '.join(f'{n} {what}' for what, n in total(outcomes).most_common())}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    app(prog_name="python -m tests.faults")
