"""A process goes by its file as it is now, says in one line what that changed, and tells its children."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from config.live import Running
from config.loading import Loaded, load_with_origins
from danmaku.rereading import Handing, Rereading
from tests.waiting import until

NOTHING = {"event": "settings were read again", "log_level": "info", "changed": "nothing"}


class Process:
    """Made of a file with `max_length = 50`."""

    def __init__(self, folder: Path, logs: list[Any], *, hands: bool = False) -> None:
        self.file = folder / "my.toml"
        self.logs = logs
        self.reads = 0
        self.write("max_length = 50")
        loaded = self.read()
        self.running = Running(loaded.settings, loaded.origins)
        self.took: list[Loaded] = []
        self.full = False
        self.asked = asyncio.Event()
        self.rereading = Rereading(self.read, loaded, self.running, self.take if hands else None)

    def write(self, policy: str, others: str = "") -> None:
        self.file.write_text(f"[policy]\n{policy}\n{others}")

    def read(self) -> Loaded:
        found = load_with_origins(self.file, {}, {})
        self.reads += 1
        return found

    def take(self, found: Loaded) -> None:
        if self.full:
            raise OSError("no space left")
        self.took.append(found)

    async def reread(self) -> Any:
        """What it says of that."""
        self.logs.clear()
        self.asked.set()
        await until(lambda: self.logs)
        (line,) = self.logs
        return line


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as found:
        yield found


@asynccontextmanager
async def following(made: Process) -> AsyncIterator[Process]:
    async with made.rereading.follow(made.asked):
        await until(lambda: made.reads == 2)  # at the start, and once more
        yield made


@pytest.fixture
async def process(tmp_path: Path, logs: list[Any]) -> Any:
    async with following(Process(tmp_path, logs)) as made:
        yield made


@pytest.fixture
async def parent(tmp_path: Path, logs: list[Any]) -> Any:
    """One that has children."""
    async with following(Process(tmp_path, logs, hands=True)) as made:
        yield made


async def test_it_says_what_is_adjusted_and_cannot_be_used(process: Process) -> None:
    process.running.adjust({"edge.heartbeat_s": 900.0})
    told = await process.reread()
    assert (told["log_level"], told.get("changed")) == ("warning", None)
    assert "must be below edge.idle_s" in told["adjusted_in_vain"]


async def test_it_says_in_a_line_what_changed(process: Process) -> None:
    assert await process.reread() == NOTHING
    process.write('max_length = 60\nlinks = "hold"')
    told = await process.reread()
    assert (told["log_level"], told["changed"]) == ("info", 'policy.max_length = 60, policy.links = "hold"')
    assert process.running.settings.policy.max_length == 60
    assert await process.reread() == NOTHING


async def test_whoever_has_children_says_what_they_are_handed(parent: Process) -> None:
    assert (await parent.reread())["handed_on"] == "nothing"
    parent.write("max_length = 60")
    told = await parent.reread()
    assert (told["log_level"], told["handed_on"], told.get("changed")) == (
        "info",
        "policy.max_length = 60",
        None,
    )
    assert [one.settings.policy.max_length for one in parent.took] == [60]


async def test_what_stands_above_or_waits_is_in_that_line(process: Process) -> None:
    process.running.adjust({"policy.max_length": 10, "edge.heartbeat_s": 50.0})
    process.write('max_length = 60\nlinks = "hold"', "[edge]\nport = 1\nidle_s = 20\nheartbeat_s = 10")
    told = await process.reread()
    assert told == {
        "event": "settings were read again",
        "log_level": "warning",
        "changed": 'policy.links = "hold"',
        "adjusted_above": "edge.heartbeat_s = 10.0 is passed over for 50.0, "
        "policy.max_length = 60 is passed over for 10",
        "waits_for_restart": "edge.port, edge.idle_s",
    }
    assert process.running.settings.policy.max_length == 10


async def test_what_goes_only_with_what_waits_is_left_and_the_rest_is_taken(parent: Process) -> None:
    parent.write("max_length = 60", "[rooms]\nwindow_ms = 10\nhistory_batches = 12000")
    told = await parent.reread()
    assert told["handed_on"] == "policy.max_length = 60"
    assert told["waits_for_restart"] == "rooms.window_ms, rooms.history_batches"
    assert (parent.running.settings.policy.max_length, parent.running.settings.rooms.window_ms) == (60, 50)
    (taken,) = parent.took
    assert (taken.settings.rooms.window_ms, taken.origins["rooms.window_ms"]) == (50, "default")
    parent.write("max_length = 60")
    assert (await parent.reread())["handed_on"] == "nothing"


async def test_a_file_that_cannot_be_used_changes_nothing(parent: Process) -> None:
    parent.write("max_length = 0\nslow_s = 3")
    told = await parent.reread()
    assert (told["event"], told["log_level"]) == ("settings stay as they are", "error")
    assert "policy.max_length = 0" in told["error"]
    assert parent.running.settings.policy.slow_s == 0
    assert parent.took == []


async def test_that_children_have_the_former_ones_is_said_until_they_are_told(parent: Process) -> None:
    parent.full = True
    parent.write("max_length = 60")
    for _ in range(2):
        told = await parent.reread()
        assert told["event"] == "children have the former settings, and only they"
        assert (told["log_level"], told["error"]) == ("error", "no space left")
        assert parent.running.settings.policy.max_length == 60
    parent.full = False
    assert (await parent.reread())["handed_on"] == "policy.max_length = 60"
    assert [one.settings.policy.max_length for one in parent.took] == [60]


async def test_what_changed_before_anybody_could_ask_counts(tmp_path: Path, logs: list[Any]) -> None:
    process = Process(tmp_path, logs)
    process.write("max_length = 60")
    async with process.rereading.follow(process.asked):
        await until(lambda: logs)
        assert process.running.settings.policy.max_length == 60


def test_the_file_of_children_is_made_again_where_somebody_tidied_up(tmp_path: Path, logs: list[Any]) -> None:
    file = tmp_path / "run" / "handed.toml"
    source = tmp_path / "my.toml"
    source.write_text("[policy]\nslow_s = 3\n")
    handing = Handing(load_with_origins(source, {}, {}), file)
    assert "policy.slow_s = 3" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    handing.ensure()
    assert "policy.slow_s = 3" in file.read_text()
    file.unlink()
    file.parent.rmdir()
    file.parent.write_text("in the way")
    handing.ensure()
    assert [line["event"] for line in logs] == ["children cannot be given their settings"]
