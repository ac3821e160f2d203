"""How late a process of tests is, which shares two cores with all that it measures."""

from __future__ import annotations

import asyncio
import time
from typing import Final

_TICK_S: Final = 0.05


class Lateness:
    """How late this process was at worst: what it measures may be as much too long."""

    def __init__(self) -> None:
        self.worst_s = 0.0

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            due = time.monotonic() + _TICK_S
            await asyncio.sleep(_TICK_S)
            self.worst_s = max(self.worst_s, time.monotonic() - due)
