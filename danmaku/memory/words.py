"""Lists of words in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from danmaku.change import Reworded
from danmaku.memory.audit import MemoryAudit
from danmaku.memory.leases import MemoryLeases
from danmaku.model import Act
from danmaku.store.audit import EVERYWHERE
from danmaku.store.words import STAGED_MS, Piece
from danmaku.subjects import partition_of


class MemoryWords:
    """note: into the changes log."""

    def __init__(
        self,
        leases: MemoryLeases,
        clock: Callable[[], int],
        audit: MemoryAudit,
        note: Callable[[Reworded], None],
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._audit = audit
        self._note = note
        self._rooms: dict[str, bytes] = {}
        self._version = ""
        self._pieces: dict[int, bytes] = {}
        self._staged: dict[str, tuple[dict[int, bytes], int]] = {}  # version: (pieces, until)

    async def load(self, room: str) -> bytes:
        return self._rooms.get(room, b"")

    async def save(self, process: str, lease: int, room: str, words: bytes, acts: Sequence[Act] = ()) -> bool:
        held = self._leases.holds(process, lease, partition_of(room))
        if held:
            self._rooms[room] = words
            self._audit.add(room, acts)
        return held

    async def stage(self, version: str, number: int, piece: bytes) -> None:
        found = {**self._there(version), number: piece}
        self._staged[version] = found, self._clock() + STAGED_MS

    async def staged(self, version: str, pieces: int) -> bytes | None:
        there = self._there(version)
        if any(number not in there for number in range(pieces)):
            return None
        return b"".join(there[number] for number in range(pieces))

    async def replace(
        self, change: Reworded, pieces: int, acts: Sequence[Act] = (), over: str | None = None
    ) -> bool:
        if change.version == self._version:
            return True
        there = self._there(change.version)
        if len(there) != pieces or over not in (None, self._version):
            return False
        self._version, self._pieces = change.version, there
        del self._staged[change.version]
        self._note(change)
        self._audit.add(EVERYWHERE, acts)
        return True

    async def piece(self, number: int) -> Piece:
        return Piece(self._version, len(self._pieces), self._pieces.get(number, b""))

    def _there(self, version: str) -> dict[int, bytes]:
        pieces, until = self._staged.get(version, ({}, 0))
        return pieces if self._clock() < until else {}
