"""What processes cost: CPU and memory of each kind, read from /proc."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    kind: str


def family(root: int) -> list[Process]:
    """All descendants of `root`, named by what they run."""
    children: dict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # gone meanwhile
        children[int(fields[1])].append(int(stat.parent.name))
    found, waiting = [], [root]
    while waiting:
        for pid in children[waiting.pop()]:
            waiting.append(pid)
            found.append(Process(pid, _kind(pid)))
    return found


def _kind(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return "gone"
    line = " ".join(words)
    for kind, sign in (("nats", "nats-server"), ("store", "valkey-server"), ("rooms", "-m rooms")):
        if sign in line:
            return kind
    if "-m edge" in line:
        return "edge" if _has_sockets(pid) else "edge parent"
    return Path(words[0]).name


def _has_sockets(pid: int) -> bool:
    """Whether the process itself serves: a parent of workers holds no more than a few descriptors."""
    return "--worker" in Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0") or not family(pid)


def cpu_s(pid: int) -> float:
    """CPU seconds of all threads, to the nanosecond where the kernel tells; 0.0 when it is gone."""
    total = 0
    for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(stat.read_text().split()[0])
        except OSError:
            continue
    return total / 1e9


def rss_bytes(pid: int) -> int:
    """Resident memory; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


class Family:
    """The processes of a service, by kind. Nobody, for a service that is not ours."""

    def __init__(self, root: int = 0) -> None:
        self._root = root
        self.processes: list[Process] = []
        self.look()

    @classmethod
    def as_one(cls, root: int, kind: str) -> Family:
        """A process and all that it started, as one kind."""
        made = cls()
        made.processes = [Process(pid, kind) for pid in (root, *(one.pid for one in family(root)))]
        return made

    def look(self) -> None:
        """Find out anew who there is: some may have ended, others begun."""
        self.processes = family(self._root) if self._root else []

    def pids(self, kind: str) -> list[int]:
        return [process.pid for process in self.processes if process.kind == kind]

    def rss(self) -> dict[str, int]:
        """Resident bytes of each kind."""
        held: dict[str, int] = defaultdict(int)
        for process in self.processes:
            held[process.kind] += rss_bytes(process.pid)
        return dict(held)

    def edge_cpu_s(self) -> float:
        return sum(cpu_s(pid) for pid in self.pids("edge"))

    def edge_rss(self) -> int:
        return self.rss().get("edge", 0)


class Meter:
    """CPU of a family between two readings, summed by kind. Who ended meanwhile counts nothing."""

    def __init__(self, whole: Family) -> None:
        self._family = whole
        self._begin: dict[int, float] = {}

    def start(self) -> None:
        self._begin = {process.pid: cpu_s(process.pid) for process in self._family.processes}

    def stop(self) -> dict[str, float]:
        spent: dict[str, float] = defaultdict(float)
        for process in self._family.processes:
            spent[process.kind] += max(0.0, cpu_s(process.pid) - self._begin.get(process.pid, 0.0))
        return dict(spent)
