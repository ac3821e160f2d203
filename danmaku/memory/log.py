"""The logs of rooms in memory."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from danmaku.store.history import Entry


class Stored(NamedTuple):
    """An entry, and when it was stored by the store's clock."""

    entry: Entry
    stored_ms: int


Logs = dict[str, deque[Stored]]
