"""`make fuzz`: feeds every decoder by chance, counts the inputs, and tells what should not have come of one.

Only refusals by name may come of an input, within bounds of time and memory. What is repeated: the same seed
gives the same inputs.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from config.settings import Log
from danmaku.logs import configure_logging
from tests.fuzz.decoders import decoders
from tests.fuzz.driver import feed


def main() -> int:
    """1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="altogether")
    parser.add_argument("--seed", default=str(time.time_ns()), help="of another run, to repeat it")
    parser.add_argument("--only", default="", help="decoders with this in their names")
    flags = parser.parse_args()
    configure_logging(Log(level="error"), "fuzz")
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, hard))
    with tempfile.TemporaryDirectory(prefix="danmaku-fuzz-") as folder, asyncio.Runner() as runner:
        chosen = [one for one in decoders(Path(folder), runner.get_loop()) if flags.only in one.name]
        shares = sum(one.share for one in chosen)
        print(f"seed {flags.seed}: {len(chosen)} decoders", flush=True)
        total, mistakes = 0, []
        for one in chosen:
            begin = time.monotonic()
            outcome = feed(one, max(1, round(flags.inputs * one.share / shares)), flags.seed)
            total += outcome.inputs
            print(
                f"{outcome.inputs:>9,} inputs, {outcome.refused / outcome.inputs:4.0%} refused, "
                f"{outcome.longest_s * 1000:6.1f} ms at most, + {outcome.grown_bytes >> 20:>3} MiB, "
                f"{outcome.inputs / (time.monotonic() - begin):>7,.0f}/s  {one.name}",
                flush=True,
            )
            if outcome.mistake is not None:
                mistakes.append(outcome.mistake)
                print(outcome.mistake, flush=True)
    print(f"{total:,} inputs to {len(chosen)} decoders, {len(mistakes)} mistakes; seed {flags.seed}")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
