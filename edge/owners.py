"""Which rooms process owns which partition, as far as this edge has heard. Pure."""

from __future__ import annotations

from danmaku.envelope import Owners
from danmaku.subjects import PARTITIONS, partition_of


class OwnerMap:
    """The higher epoch wins, so messages may overtake each other."""

    def __init__(self) -> None:
        self._process: list[str | None] = [None] * PARTITIONS
        self._epoch = [0] * PARTITIONS

    def hear(self, message: Owners) -> bool:
        """Take in what a process says; True when the map changed."""
        before = list(self._process)
        owned = {} if message.leaving else message.partitions
        for partition, process in enumerate(before):
            if process == message.process and partition not in owned:
                self._process[partition] = None
        for partition, epoch in owned.items():
            if 0 <= partition < PARTITIONS and epoch >= self._epoch[partition]:
                self._process[partition] = message.process
                self._epoch[partition] = epoch
        return self._process != before

    def owner(self, room: str) -> str | None:
        return self._process[partition_of(room)]

    def is_current(self, room: str, epoch: int | None) -> bool:
        """Whether what an owner with this epoch says of the room still counts; None: it owns it no longer."""
        return epoch is not None and epoch >= self._epoch[partition_of(room)]

    def doubt(self, room: str, process: str) -> None:
        """`process` says it does not own the partition of `room`; somebody will tell who does."""
        partition = partition_of(room)
        if self._process[partition] == process:
            self._process[partition] = None

    def lose(self, process: str) -> None:
        """Nobody answers by this name; it comes back by telling what it owns."""
        self._process = [None if other == process else other for other in self._process]

    @property
    def processes(self) -> set[str]:
        return {process for process in self._process if process is not None}

    @property
    def complete(self) -> bool:
        """Whether every partition has an owner."""
        return None not in self._process
