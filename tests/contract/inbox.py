"""Somebody at the bus who keeps what comes."""

from __future__ import annotations

from tests.waiting import until

SOON = 20.0  # within which a busy machine answers


class Inbox:
    """Receives, and waits for what it was to receive."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def __call__(self, payload: bytes, reply: str) -> None:
        self.got.append(payload)

    async def has(self, count: int) -> list[bytes]:
        await until(lambda: len(self.got) >= count)
        return self.got
