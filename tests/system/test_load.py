"""The load tool on a small scale: it must count right; how fast it all is, is no matter here."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from loadtest.figures import STABLE
from loadtest.service import own_service

pytestmark = pytest.mark.long
_FEW = "--talkers", "20", "--frames", "2000"


@pytest.mark.parametrize("subprotocol", ["msgpack", "json"])
async def test_fanout_delivers_everything_once_and_says_so(tmp_path: Path, subprotocol: str) -> None:
    floor = "--floor" if shutil.which("cc") else "--no-floor"
    result = await measured(tmp_path, "fanout", "--idle", "0", "--subprotocol", subprotocol, floor)
    assert result["viewers"] == 40
    assert result["offered"] == result["shown"] == 40
    assert result["delivered"] == result["expected"] == 40 * 40
    assert (result["lost"], result["duplicates"], result["out_of_order"], result["closed"]) == (0, 0, 0, 0)
    assert result["frames"] >= result["shown"]
    assert 0 < result["latency_ms"]["p50"] <= result["latency_ms"]["p99"] <= result["latency_ms"]["max"]
    assert {"edge", "rooms", "nats", "store"} <= set(result["cpu_s"])
    assert ("ratio_to_floor" in result) is (floor == "--floor")


@pytest.mark.parametrize(
    ("kind", "ends"),
    [("frames", {"4103"}), ("garbage", {"4103"}), ("sockets", {"101", "429"}), ("handshakes", {"101"})],
)
async def test_a_flood_is_told_from_what_others_get(tmp_path: Path, kind: str, ends: set[str]) -> None:
    result = await measured(
        tmp_path, "flood", "--kind", kind, "--sockets", "150", "--handshakes", "200", *_FEW
    )
    assert result["delivered"] == result["expected"] == 2 * 40 * 40
    assert (result["lost"], result["closed"]) == (0, 0)
    assert result["quiet_latency_ms"]["p99"] > 0
    assert result["p99_ratio"] > 0
    assert ends <= set(result["flood_ended"])
    assert result["flood_connections"] > 0
    assert (result["flood_frames"] > 0) is (kind in {"frames", "garbage"})
    assert result["settings"]["kind"] == kind


async def test_all_floods_at_one_time(tmp_path: Path) -> None:
    result = await measured(tmp_path, "flood", "--kind", "all", "--half", "100", "--handshakes", "200", *_FEW)
    assert result["lost"] == result["closed"] == 0
    assert result["flood_held"] >= 100
    assert result["flood_frames"] > 0
    assert {"101", "4103"} <= set(result["flood_ended"])


async def test_overload_is_told_with_what_came_before_and_after_it(tmp_path: Path) -> None:
    flags = "--factor", "0.1", "--calm", "1", "--display", "5"
    result = await measured(tmp_path, "overload", *flags, rounds=False)
    assert result["delivered"] == result["expected"] == 40 * result["shown"]
    assert all_in_order(result)
    assert (result["lost"], result["closed"], result["unanswered"]) == (0, 0, 0)
    assert result["offered"] == result["shown"] + result["shed"]
    assert result["shed"] > 0
    assert result["offered_per_s"] == pytest.approx(20 + result["saturation_per_s"] * 0.1, rel=0.05, abs=5)
    assert result["normal_again_s"] >= 0
    assert {"quiet_latency_ms", "after_latency_ms", "worst_second_p99_ms"} <= set(result)


async def test_a_room_on_two_workers_is_carried_twice_by_the_bus(tmp_path: Path) -> None:
    result = await measured(tmp_path, "spread")
    assert result["delivered"] == result["expected"] == 2 * 40 * 40
    assert all_in_order(result)
    assert result["cpu_ratio"] > 0
    assert result["bus_messages_per_batch_of_one"] == 1
    assert result["bus_messages_per_batch_of_several"] == 2


async def test_who_asks_for_compression_gets_the_same_in_fewer_bytes(tmp_path: Path) -> None:
    flags = "--display", "100", "--window", "250", "--payload", "200"
    result = await measured(tmp_path, "compression", *flags)
    assert result["delivered"] == result["expected"] == 2 * 40 * 40
    assert all_in_order(result)
    assert 0 < result["bytes_ratio"] < 0.8
    assert len(result["cpu_ratios"]) == 1
    plain, compressed = (result["kinds"][name] for name in ("plain", "compressed"))
    assert compressed["frame_bytes"] < plain["frame_bytes"]
    assert plain["latency_ms"]["p50"] > 0


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


@pytest.mark.parametrize("bare", ["--bare", "--no-bare"])
async def test_chat_is_checked_by_everybody_who_hears_it(tmp_path: Path, bare: str) -> None:
    flags = "--users", "20", "--members", "9", "--groups", "2", "--rate", "120", "--processes", "2", bare
    result = await measured(tmp_path, "chat", *flags, viewers=False, rate=False)
    assert result["conversations"] == 12
    assert result["offered"] == result["acknowledged"] == 240
    assert (result["unanswered"], result["refused"]) == (0, {})
    assert result["delivered"] == result["expected"] == 20 * 10 * 2 + 20 * 2 * 9
    assert (result["lost"], result["duplicates"]) == (0, 0)
    for latency in (result["ack_latency_ms"], result["latency_ms"]):
        assert 0 < latency["p50"] <= latency["p99"] <= latency["max"]
    assert {"edge", "rooms", "nats", "store"} <= set(result["cpu_us_per_message_of"])
    assert ("ratio_to_bare" in result) is (bare == "--bare")
    if bare == "--bare":
        assert result["bare_appends_per_s"] > 0


async def test_a_storm_lets_all_in_and_the_others_see_everything(tmp_path: Path) -> None:
    result = await measured(tmp_path, "storm", "--newcomers", "100", rounds=False)
    assert (result["viewers"], result["joined"]) == (40, 100)
    assert result["delivered"] == result["expected"] > 0
    assert (result["lost"], result["closed"]) == (0, 0)
    assert result["stormy_latency_ms"]["p99"] > 0


async def test_rooms_get_what_is_theirs_and_all_of_it(tmp_path: Path) -> None:
    flags = "--rooms", "30", "--viewers", "100", "--rate", "60"
    result = await measured(tmp_path, "rooms", *flags, viewers=False, rate=False)
    assert (result["rooms"], result["viewers"]) == (30, 100)
    assert result["largest_room"] > result["smallest_room"] >= 1
    assert result["offered"] == result["shown"] == pytest.approx(120, abs=30)
    assert result["delivered"] == result["expected"] > 0
    assert all_in_order(result)


async def test_slow_viewers_are_counted_apart_and_closed(tmp_path: Path) -> None:
    slow = "--share", "0.1", "--read-bytes", "100", "--buffered", "20000", "--patience", "0.5"
    flags = *slow, "--payload", "4000", "--rate", "50", "--rounds", "3"
    result = await measured(tmp_path, "slow", *flags, rate=False)
    assert (result["viewers"], result["slow_viewers"]) == (36, 4)
    assert result["delivered"] == result["expected"] == 36 * 300
    assert all_in_order(result)
    assert result["slow_delivered"] < 4 * 300
    assert sum(result["slow_closed_with"].values()) == result["slow_closed"] == 4
    assert set(result["slow_closed_with"]) <= {"4104", "1006"}
    assert (result["slow_duplicates"], result["slow_misdirected"]) == (0, 0)
    assert result["with_slow_latency_ms"]["p99"] > 0
    assert result["rss_bytes_per_slow_viewer"] is not None


async def test_soak_tells_what_grows(tmp_path: Path) -> None:
    flags = "--rooms", "20", "--churn", "10", "--minutes", "0.1"
    result = await measured(tmp_path, "soak", *flags, rounds=False)
    assert len(result["rounds"]) == 3
    assert result["delivered"] == result["expected"] > 0
    assert all_in_order(result)
    assert (result["unanswered"], result["refused"]) == (0, {})
    assert result["passing_joined"] == 30
    assert (result["passing_out_of_order"], result["passing_duplicates"]) == (0, 0)
    for kind in ("edge", "rooms", "nats", "store"):
        assert result["memory_bytes_at_the_end"][kind] > 2**20
        assert kind in result["memory_bytes_per_hour"]


async def test_after_an_edge_worker_was_killed_all_come_back_and_miss_nothing(tmp_path: Path) -> None:
    result = await measured(tmp_path, "storm", "--reconnect", "--viewers", "200", rounds=False, viewers=False)
    assert result["viewers"] == 200
    assert result["thrown_out"] == result["returned"] == result["closed"] > 0
    assert result["closed_with"] == {"1006": result["closed"]}
    assert result["delivered"] == result["expected"] > 0
    assert (result["lost"], result["duplicates"], result["misdirected"]) == (0, 0, 0)


async def test_a_rolling_restart_moves_each_viewer_once_and_loses_nothing(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    small = "--viewers", "200", "--rooms", "20", "--rate", "40", "--drain", "2", "--seconds", "1"
    result = await run(figures, "rolling", *small)
    assert result["viewers"] == 200
    assert result["delivered"] == result["expected"] > 0
    assert (result["unanswered"], result["refused"]) == (0, {})
    assert (result["lost"], result["duplicates"], result["misdirected"]) == (0, 0, 0)
    first, second = result["returned_per_restart"].values()
    assert 0 < first < second == 200, "all are at the second worker when that is restarted"
    assert result["closed_with"] == {"4000": first + second}
    assert (result["returned"], result["reconnects_too_many"]) == (first + second, 0)
    assert result["away_ms"]["p99"] > 0


async def test_a_peer_is_measured_beside_our_own_service(tmp_path: Path) -> None:
    floor = "--floor" if shutil.which("cc") else "--no-floor"
    result = await measured(tmp_path, "peer", "danmaku", "nats", floor)
    assert set(result["peers"]) == set(result["cpu_us_per_frame_of"]) == {"danmaku", "nats"}
    for figures in result["peers"].values():
        assert figures["delivered"] == figures["expected"] == 40 * 40
        assert all_in_order(figures)
        assert figures["latency_ms"]["p50"] > 0
        assert figures["rss_bytes_per_viewer"] > 0
    assert set(result["ratio_to_floor_of"]) == ({"danmaku", "nats"} if floor == "--floor" else set())


async def test_acts_of_a_moderator_are_felt_by_everybody(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    result = await run(figures, "moderate", "--viewers", "40", "--acts", "2")
    assert (result["viewers"], result["acts"]) == (40, 2)
    assert (result["duplicates"], result["misdirected"], result["out_of_order"]) == (0, 0, 0)
    for key in ("muted_ms", "words_ms", "recalled_ms"):
        assert 0 < result[key]["median"] <= result[key]["max"]


async def test_idle_viewers_stay(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    tool = "danmaku.cli", "load"
    result = await run(figures, "idle", "--viewers", "40", "--seconds", "1", tool=tool)
    assert (result["viewers"], result["closed"]) == (40, 0)


async def test_compressed_batches_are_smaller_and_all_there(tmp_path: Path) -> None:
    flags = "--window", "200", "--deflate", "--rate", "200", "--no-floor"
    result = await measured(tmp_path, "goim", *flags, rate=False)
    assert result["delivered"] == result["expected"] == 40 * 400
    assert all_in_order(result)
    bytes_each = result["frame_bytes"] * result["frames"] / result["delivered"]
    assert bytes_each < 25, "a comment of 19 letters takes more than 40 as it is"


async def test_goim_and_its_page(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    floor = "--floor" if shutil.which("cc") else "--no-floor"
    result = await measured(tmp_path, "goim", "--window", "100", "--report", str(report), floor)
    page = await asyncio.to_thread(report.read_text)
    assert page.count("<svg") == 5
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", ""), "all is in the file"
    assert result["delivered"] == result["expected"] == 40 * 40
    assert result["deliveries_per_cpu_s"] > 0
    assert ("floor_deliveries_per_cpu_s" in result) is (floor == "--floor")


def all_in_order(result: Any) -> bool:
    return not any(result[key] for key in ("lost", "duplicates", "out_of_order", "misdirected", "closed"))


async def measured(
    folder: Path, scenario: str, *flags: str, viewers: bool = True, rounds: bool = True, rate: bool = True
) -> Any:
    """The figures of one short window of 40 viewers."""
    common = ["--seconds", "2"]
    if rate:
        common += ["--rate", "20"]
    if viewers:
        common += ["--viewers", "40"]
    if rounds:
        common += ["--rounds", "1"]
    return await run(folder / "figures.json", scenario, *common, *flags)


async def run(figures: Path, scenario: str, *flags: str, tool: tuple[str, ...] = ("loadtest",)) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *tool, scenario, "--json", str(figures), *flags,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, said.decode()
    result = json.loads(await asyncio.to_thread(figures.read_text))
    assert {*STABLE, "machine", "versions", "settings"} <= set(result)
    return result


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_and_leaves_nothing_behind(ending: signal.Signals) -> None:
    with tempfile.TemporaryDirectory() as folder:  # a short path: the store listens in there
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "loadtest", "fanout", "--viewers", "20", "--no-floor", "--idle", "0",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True,
            env={**os.environ, "TMPDIR": folder},
        )  # fmt: skip
        assert process.stderr is not None
        async with asyncio.timeout(60):
            first = (await process.stderr.readline()).decode()
            assert "20 viewers joined" in first
            # A terminal gives it to the client processes, too.
            (os.killpg if ending == signal.SIGINT else os.kill)(process.pid, ending)
            _, said = await process.communicate()
        assert process.returncode == 130
        assert said.decode().strip() == "interrupted: nothing was written"
        assert not await asyncio.to_thread(os.listdir, folder), "the service was stopped, its folder removed"


async def test_a_service_that_is_not_there_is_said_in_one_line() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", "fanout", "--viewers", "2", "--no-floor",
        "--url", "http://127.0.0.1:1", "--token", "x",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert said.decode().startswith("http://127.0.0.1:1: ")
    assert "Connection refused" in said.decode()
    assert "Traceback" not in said.decode()


async def test_a_running_service_is_measured_twice_by_the_same_user(tmp_path: Path) -> None:
    async with own_service({}) as service:
        target = "--url", f"http://{service.host}:{service.port}", "--token", service.token
        for _ in range(2):
            result = await measured(tmp_path, "fanout", "--idle", "0", "--no-floor", *target)
            assert result["delivered"] == result["expected"] == 40 * 40
            assert all_in_order(result)
        flags = "--rooms", "5", "--senders", "10", "--rate", "200", "--no-floor"
        for _ in range(2):
            result = await measured(tmp_path, "ingest", *flags, *target, viewers=False, rate=False)
            assert result["shown"] + result["shed"] == result["offered"] == 400


async def test_a_load_that_was_mostly_left_out_is_no_quiet_success(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", "fanout", "--viewers", "2", "--rate", "100", "--display", "5",
        "--seconds", "2", "--rounds", "1", "--idle", "0", "--no-floor", "--quiet",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, said.decode()
    assert said.decode().startswith("warning: this was not the load that was asked for: of 200 offered ")
    assert "policy.display_per_s" in said.decode()


async def test_a_file_in_no_folder_is_refused_in_one_line_before_anything_starts(tmp_path: Path) -> None:
    missing = tmp_path / "none" / "figures.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", "fanout", "--json", str(missing),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 2
    assert said.decode() == f"--json {missing}: there is no folder {missing.parent}\n"
