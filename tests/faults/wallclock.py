"""A process of the service whose wall clock can be made to jump: `python -m tests.faults.wallclock rooms`.

By the file that `WALL_CLOCK` names: seconds that its clock is wrong by, read anew at each look at the clock.
As when somebody sets the clock of a machine, those that only ever go on - monotonic and boot clock - go on.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

VARIABLE: Final = "WALL_CLOCK"

_true_ns: Final = time.time_ns


def wrong_clock(by: Path) -> Callable[[], int]:
    """The wall clock in nanoseconds, wrong by what stands in the file; by nothing while that is away."""

    def time_ns() -> int:
        try:
            return _true_ns() + round(float(by.read_text() or 0) * 1e9)
        except FileNotFoundError:
            return _true_ns()

    return time_ns


if __name__ == "__main__":
    clock = wrong_clock(Path(os.environ[VARIABLE]))
    time.time_ns = clock
    time.time = lambda: clock() / 1e9
    module = sys.argv.pop(1)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
