"""The cyclic garbage collector, set for servers: what they make lives long, or goes with its last use.

Rows, frames and items can be in no cycle, so that the collector is not even told of them (`gc=False`).
"""

from __future__ import annotations

import gc
from typing import Final

THRESHOLDS: Final = (10_000, 4, 250)
"""As gc.set_threshold takes them; Python's own are 700, 10 and 10. The middle one is small, for what many
viewers keep is looked through once more in one go, so many times 10,000 objects; all at once, very seldom."""


def settle() -> None:
    """To be called once, when a process has made what it keeps until its end: that is never looked at again.

    A comment makes dozens of objects that go with their last reference; with Python's own thresholds an owner
    spends a tenth of its time looking through them. A cycle is found all the same, 10,000 objects later.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
