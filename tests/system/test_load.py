"""The load tool on a small scale: it must count right; how fast it all is, is no matter here."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("subprotocol", ["msgpack", "json"])
async def test_fanout_delivers_everything_once_and_says_so(tmp_path: Path, subprotocol: str) -> None:
    floor = "--floor" if shutil.which("cc") else "--no-floor"
    result = await measured(tmp_path, "fanout", "--idle", "1", "--subprotocol", subprotocol, floor)
    assert result["viewers"] == 40
    assert result["offered"] == result["shown"] == 40
    assert result["delivered"] == result["expected"] == 40 * 40
    assert (result["lost"], result["duplicates"], result["out_of_order"], result["closed"]) == (0, 0, 0, 0)
    assert result["frames"] >= result["shown"]
    assert 0 < result["latency_ms"]["p50"] <= result["latency_ms"]["p99"] <= result["latency_ms"]["max"]
    assert {"edge", "rooms", "nats", "store"} <= set(result["cpu_s"])
    assert ("ratio_to_floor" in result) is (floor == "--floor")


@pytest.mark.parametrize(("kind", "ends"), [("frames", {"4103"}), ("sockets", {"101", "429"})])
async def test_a_flood_is_told_from_what_others_get(tmp_path: Path, kind: str, ends: set[str]) -> None:
    result = await measured(tmp_path, "flood", "--kind", kind, "--sockets", "150")
    assert result["delivered"] == result["expected"] == 2 * 40 * 40
    assert (result["lost"], result["closed"]) == (0, 0)
    assert result["quiet_latency_ms"]["p99"] > 0
    assert result["p99_ratio"] > 0
    assert ends <= set(result["flood_ended"])
    assert result["flood_connections"] > 0
    assert (result["flood_frames"] > 0) is (kind == "frames")
    assert result["settings"]["kind"] == kind


async def test_ingest_counts_every_answer(tmp_path: Path) -> None:
    floor = "--floor" if shutil.which("cc") else "--no-floor"
    flags = "--rooms", "5", "--senders", "10", "--rate", "200", "--display", "10", floor
    result = await measured(tmp_path, "ingest", *flags, viewers=False)
    assert result["offered"] == result["accepted"] == result["shown"] + result["shed"] == 400
    assert 0 < result["shown"] < 400
    assert (result["unanswered"], result["refused"]) == (0, {})
    assert 0 < result["latency_ms"]["p50"] <= result["latency_ms"]["max"]
    assert result["cpu_us_per_comment"] > 0
    assert ("ratio_to_floor" in result) is (floor == "--floor")


async def test_a_storm_lets_all_in_and_the_others_see_everything(tmp_path: Path) -> None:
    result = await measured(tmp_path, "storm", "--newcomers", "100", rounds=False)
    assert (result["viewers"], result["joined"]) == (40, 100)
    assert result["delivered"] == result["expected"] > 0
    assert (result["lost"], result["closed"]) == (0, 0)
    assert result["stormy_latency_ms"]["p99"] > 0


async def test_idle_viewers_stay(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    result = await run(figures, "idle", "--viewers", "40", "--seconds", "1")
    assert (result["viewers"], result["closed"]) == (40, 0)


async def test_goim_and_its_page(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    result = await measured(tmp_path, "goim", "--window", "100", "--report", str(report))
    page = await asyncio.to_thread(report.read_text)
    assert page.count("<svg") == 5
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", ""), "all is in the file"
    assert result["delivered"] == result["expected"] == 40 * 40
    assert result["deliveries_per_cpu_s"] > 0


async def measured(
    folder: Path, scenario: str, *flags: str, viewers: bool = True, rounds: bool = True
) -> Any:
    """The figures of one short window of 40 viewers."""
    common = ["--rate", "20", "--seconds", "2"]
    if viewers:
        common += ["--viewers", "40"]
    if rounds:
        common += ["--rounds", "1"]
    return await run(folder / "figures.json", scenario, *common, *flags)


async def run(figures: Path, scenario: str, *flags: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", scenario, "--json", str(figures), *flags,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, said.decode()
    return json.loads(await asyncio.to_thread(figures.read_text))


async def test_a_service_that_is_not_there_is_said_in_one_line() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", "fanout", "--viewers", "2", "--no-floor",
        "--url", "http://127.0.0.1:1", "--token", "x",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert "Connection refused" in said.decode()
    assert "Traceback" not in said.decode()
