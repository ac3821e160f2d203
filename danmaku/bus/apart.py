"""What the client library of NATS does for longer than a moment, kept from who waits for it.

That library swallows cancellations, and cancels futures that others of its tasks wait for. In a task of its
own neither reaches the caller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog

_AGAIN_S: Final = 0.1
_TELLINGS: Final = 10

_log: Any = structlog.get_logger("danmaku.bus")


async def apart(work: Coroutine[Any, Any, None], timeout_s: float) -> None:
    """Do `work` in a task of its own. Raises what it raises, and TimeoutError: also when it was cancelled
    from within.

    Safe to cancel: `work` has ended then, or was told to again and again.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_taken)
    try:
        await asyncio.wait([task], timeout=timeout_s)
        in_time = task.done()
    finally:
        for _ in range(_TELLINGS):  # once is not enough: before Python 3.12 a wait_for may swallow it
            if task.done():
                break
            task.cancel()
            await asyncio.wait([task], timeout=_AGAIN_S)
        else:
            _log.error("something in the bus client does not end", work=repr(work))
    if not in_time:
        raise TimeoutError(f"it did not end within {timeout_s} s")
    if task.cancelled():
        raise TimeoutError("it was cancelled from within")
    task.result()


def _taken(task: asyncio.Task[None]) -> None:
    """Nobody may be left to take what it raised."""
    if not task.cancelled():
        task.exception()
