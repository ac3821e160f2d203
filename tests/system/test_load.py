"""The load tool on a small scale: it must count right; how fast it all is, is no matter here."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("subprotocol", ["msgpack", "json"])
async def test_fanout_delivers_everything_once_and_says_so(tmp_path: Path, subprotocol: str) -> None:
    figures = tmp_path / "figures.json"
    floor = "--floor" if shutil.which("cc") else "--no-floor"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", "fanout", "--viewers", "40", "--rate", "20", "--seconds", "2",
        "--rounds", "1", "--idle", "1", "--subprotocol", subprotocol, "--json", str(figures), floor,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, said.decode()
    result = json.loads(figures.read_text())
    assert result["viewers"] == 40
    assert result["offered"] == result["shown"] == 40
    assert result["delivered"] == result["expected"] == 40 * 40
    assert (result["lost"], result["duplicates"], result["out_of_order"], result["closed"]) == (0, 0, 0, 0)
    assert result["frames"] >= result["shown"]
    assert 0 < result["latency_ms"]["p50"] <= result["latency_ms"]["p99"] <= result["latency_ms"]["max"]
    assert {"edge", "rooms", "nats", "store"} <= set(result["cpu_s"])
    assert ("ratio_to_floor" in result) is (floor == "--floor")


async def test_a_service_that_is_not_there_is_said_in_one_line() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", "fanout", "--viewers", "2", "--no-floor",
        "--url", "http://127.0.0.1:1",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert "Connection refused" in said.decode()
    assert "Traceback" not in said.decode()
