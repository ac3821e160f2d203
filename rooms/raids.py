"""Ends raid modes when their time is over, also those that an owner before began."""

from __future__ import annotations

import asyncio
from typing import Final

from rooms.changes import Changes

_EVERY_S: Final = 0.5


class Raids:
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            self._changes.end_raids()
