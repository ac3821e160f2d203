"""What is told while a run goes on: a live table on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from loadtest.figures import new_histogram

_LINE_S: Final = 5.0  # how often a plain line tells of a window that is still open


@dataclass(slots=True)
class Standing:
    """A run so far. Latency in ms of all that was delivered; CPU as shares of a core in the last second."""

    phase: str = ""
    connected: int = 0
    viewers: int = 0
    deliveries_per_s: float = 0.0
    lost: int = 0
    p50: float = 0.0
    p99: float = 0.0
    cpu_share: dict[str, float] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, str]]:
        cpu = ", ".join(f"{kind} {share:.0%}" for kind, share in sorted(self.cpu_share.items()))
        return [
            ("connected", f"{self.connected:,} of {self.viewers:,}"),
            ("deliveries/s", f"{self.deliveries_per_s:,.0f}"),
            ("lost", f"{self.lost:,}"),
            ("latency so far", f"p50 {self.p50:,.1f} ms   p99 {self.p99:,.1f} ms"),
            ("CPU", cpu or "-"),
        ]

    def line(self) -> str:
        return f"{self.phase}: " + "; ".join(f"{name} {value}" for name, value in self.rows())


class View:
    """Says nothing; and keeps count for those who do."""

    def __init__(self) -> None:
        self.standing = Standing()
        self._latency = new_histogram()

    def watched(self) -> AbstractContextManager[Any]:
        """Show it while this is open."""
        return nullcontext()

    def say(self, line: str) -> None:
        """A result that stays to be read."""

    def phase(self, name: str, steps: int = 0) -> None:
        """What is done now; `advance` says how many of `steps`, if there are any, are done."""
        self.standing.phase = name
        self._show(0, steps)

    def connected(self, count: int, viewers: int) -> None:
        self.standing.connected, self.standing.viewers = count, viewers
        self._show(count, viewers)

    def sample(self, sample: dict[str, Any], latency: Any, at_s: float, seconds: float) -> None:
        """A second of a window of so many seconds, and its latencies."""
        standing = self.standing
        self._latency.add(latency)
        standing.deliveries_per_s = sample["deliveries_per_s"]
        standing.lost += sample["missing"]
        standing.cpu_share = sample["cpu_share"]
        standing.p50 = self._latency.get_value_at_percentile(50) / 1000
        standing.p99 = self._latency.get_value_at_percentile(99) / 1000
        self._show(min(at_s, seconds), seconds)

    def _show(self, done: float, of: float) -> None:
        pass


class Lines(View):
    """For where stderr is no terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._told = ""
        self._last = time.monotonic()

    def say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _show(self, done: float, of: float) -> None:
        now = time.monotonic()
        if self.standing.phase != self._told:
            self._told = self.standing.phase
            self._last = now
        elif now - self._last >= _LINE_S:
            self._last = now
            self.say(self.standing.line())


class Screen(View):
    """For a terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._live: Live | None = None
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
        )
        self._task: TaskID = self._bar.add_task("", total=None)

    @contextmanager
    def watched(self) -> Iterator[None]:
        with Live(console=self._console, get_renderable=self._picture, refresh_per_second=4, transient=True):
            yield

    def say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _show(self, done: float, of: float) -> None:
        self._bar.update(
            self._task, description=self.standing.phase, completed=done, total=of if of else None
        )

    def _picture(self) -> RenderableType:
        table = Table(box=None, show_header=False, padding=(0, 2))
        for name, value in self.standing.rows():
            table.add_row(name, value)
        return Group(self._bar.get_renderable(), table)


def view_on(console: Console, *, quiet: bool) -> View:
    """The one that fits."""
    if quiet:
        return View()
    return Screen(console) if console.is_terminal else Lines(console)
