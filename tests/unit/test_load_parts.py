"""The parts of the load tool that only calculate."""

from __future__ import annotations

import inspect
import json
from math import inf, sqrt
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from loadtest.cli import SCENARIOS, app, tell
from loadtest.crowd import PER_PROCESS, Audience, dealt
from loadtest.figures import COUNTED, STABLE, Result, complete, summary
from loadtest.load import Load, Room, many_rooms
from loadtest.options import Output
from loadtest.scenarios.compression import compared, told, turns
from loadtest.scenarios.overload import abnormal_s
from loadtest.senders import ROOMS_EACH, Clock, said
from loadtest.sizes import zipf
from loadtest.slope import slope


@given(st.integers(1, 200), st.integers(0, 5000), st.floats(0, 5))
def test_zipf_places_all_viewers_and_leaves_no_room_empty(rooms: int, more: int, exponent: float) -> None:
    sizes = zipf(rooms + more, rooms, exponent)
    assert sum(sizes) == rooms + more
    assert min(sizes) >= 1
    assert sizes == sorted(sizes, reverse=True)


def test_zipf_sizes_fall_as_they_should() -> None:
    assert zipf(1100 + 10, 10, 0) == [111] * 10
    first, second, third = zipf(1100, 3, 1)
    assert first / second == pytest.approx(2, rel=0.01)
    assert first / third == pytest.approx(3, rel=0.01)
    with pytest.raises(ValueError, match="3 viewers cannot fill 4 rooms"):
        zipf(3, 4, 1)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=20), st.integers(1, 5))
def test_viewers_are_dealt_out_evenly_and_all(viewers: list[int], hands: int) -> None:
    rooms = [(f"r{number}", count) for number, count in enumerate(viewers)]
    held = dealt(rooms, hands)
    for room, count in rooms:
        assert sum(share for hand in held for name, share in hand if name == room) == count
    sizes = [sum(share for _, share in hand) for hand in held]
    assert max(sizes) - min(sizes) <= 1


def test_a_client_process_has_no_more_sockets_than_it_may() -> None:
    plans = Audience((("hot", 2 * PER_PROCESS + 1),), "p").plans("127.0.0.1", 1)
    assert len(plans) == 3
    assert sum(plan.viewers for plan in plans) == 2 * PER_PROCESS + 1
    assert len({plan.first_address for plan in plans}) == 3


@given(st.integers(10**18, 10**19 - 1), st.integers(1, 10_000))
def test_a_comment_is_as_long_as_it_is_to_be_and_begins_with_its_stamp(due_ns: int, size: int) -> None:
    text = said(due_ns, size)
    assert text.startswith(str(due_ns))
    assert max(size, 19) - 2 <= len(text) <= max(size, 19)  # blanks at its end fall off
    assert text == text.strip()


@given(st.floats(0.01, 50), st.floats(0, 3), st.lists(st.floats(0.5, 20), min_size=1, max_size=6))
def test_a_clock_keeps_its_rate_over_any_windows(per_s: float, offset_s: float, windows: list[float]) -> None:
    clock = Clock("hot", per_s, offset_s)
    end, dues = 0.0, []
    for window in windows:
        begin, end = end, end + window
        part = [at for at, _ in clock.due(end)]
        assert all(begin - 1e-6 <= at < end for at in part)
        dues += part
    assert len(dues) == pytest.approx(max(0.0, (end - offset_s) * per_s), abs=1.001)
    assert dues == sorted(dues)


@given(st.integers(1, 100), st.floats(1, 1000))
def test_senders_say_the_rate_in_as_few_connections_as_rooms_allow(rooms: int, rate: float) -> None:
    load = many_rooms(rooms, 200, rate, 1.0, 110, "p", 1)
    clocks = load.clocks()
    assert all(len(each) <= ROOMS_EACH for each in clocks)
    assert sum(clock.per_s for each in clocks for clock in each) == pytest.approx(rate)
    assert {clock.room for each in clocks for clock in each} == {room.name for room in load.rooms}


def test_a_room_in_which_nothing_is_said_has_no_sender() -> None:
    assert Load((Room("idle", 10, 0),)).clocks() == []


def test_a_slope_and_its_error() -> None:
    exact = slope([(x, 3 * x + 1) for x in (0.0, 1.0, 2.0, 5.0)])
    assert exact.value == pytest.approx(3)
    assert exact.error == pytest.approx(0, abs=1e-9)
    noisy = slope([(0, 0), (1, 2), (2, 0), (3, 2)])
    assert noisy.value == pytest.approx(0.4)
    assert noisy.error == pytest.approx(sqrt(3.2 / 2 / 5)), (
        "what is left of the squares over n - 2 and spread"
    )
    for points in ([], [(0.0, 1.0), (1.0, 2.0)], [(1.0, 1.0)] * 4):
        assert slope(points).error == inf


def test_a_summary_counts_together_and_takes_medians() -> None:
    rounds = [
        {
            "sent": sent, "speed": speed, "refused": {"muted": 1}, "latency_ms": {"p50": speed},
            "cpu_s": {"edge": 1.0},
        }
        for sent, speed in ((1, 5.0), (2, 1.0), (4, 3.0))
    ]  # fmt: skip
    result = summary(rounds, ["sent"], ["speed", "unknown"])
    assert (result["sent"], result["speed"], result["latency_ms"]) == (7, 3.0, {"p50": 3.0})
    assert result["refused"] == {"muted": 3}
    assert "unknown" not in result


def test_every_stable_key_is_there() -> None:
    whole = complete({"lost": 0, "extra": 1})
    assert set(STABLE) < set(whole)
    assert (whole["lost"], whole["extra"], whole["expected"]) == (0, 1, None)


def test_a_run_in_which_something_was_lost_ends_with_1_and_its_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {"offered": 10, "lost": 3, "duplicates": 0}
    output = Output(json_file=str(tmp_path / "figures.json"), quiet=True)
    with pytest.raises(typer.Exit) as ended:
        tell("fanout", figures, {}, output, Console(stderr=True))
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == "something went wrong: 3 lost\n"
    assert json.loads((tmp_path / "figures.json").read_text())["lost"] == 3
    tell("fanout", {**figures, "lost": 0}, {}, output, Console(stderr=True))
    assert capsys.readouterr().err == ""


def test_every_scenario_is_a_command_with_help_and_an_example() -> None:
    names = {command.name for command in app.registered_commands}
    assert names >= {scenario.__name__.lower() for scenario in SCENARIOS}
    for scenario in SCENARIOS:
        assert "Example: python -m loadtest" in (inspect.getdoc(scenario) or "")


def test_latency_is_as_it_was_after_the_last_second_in_which_it_was_not() -> None:
    def seconds(*p99: float) -> list[Result]:
        return [{"at_s": at + 1.0, "latency_ms": {"p99": one}} for at, one in enumerate(p99)]

    assert abnormal_s(seconds(40, 85, 30), quiet_p99=40) == 0.0
    assert abnormal_s(seconds(900, 40, 86, 40), quiet_p99=40) == 3.0
    assert abnormal_s([], quiet_p99=40) == 0.0


def test_windows_in_which_nothing_came_are_not_compared() -> None:
    none = {"delivered": 0, "frames": 0, "frame_bytes": 0.0, "cpu_us_per_delivery": 500.0}
    before = {"delivered": 10, "frames": 5, "frame_bytes": 100.0, "cpu_us_per_delivery": 8.0}
    after = {"delivered": 10, "frames": 5, "frame_bytes": 20.0, "cpu_us_per_delivery": 6.0}
    assert compared([none], [none]) == {}
    result = compared([none, before, before], [after, after, none])
    assert result == {
        "bytes_per_delivery_plain": 50,
        "bytes_per_delivery_compressed": 10,
        "bytes_ratio": 0.2,
        "cpu_ratio": 0.75,
        "cpu_ratios": [0.75],
    }
    not_ours = [{name: value for name, value in before.items() if name != "cpu_us_per_delivery"}]
    assert "cpu_ratio" not in compared(not_ours, not_ours)


def test_compressed_and_plain_take_turns_at_being_first() -> None:
    assert [turns(number) for number in range(3)] == [
        ("plain", "compressed"),
        ("compressed", "plain"),
        ("plain", "compressed"),
    ]


def test_figures_of_compressed_and_plain_are_not_mixed() -> None:
    windows = {
        name: [_window(size), _window(size)] for name, size in (("plain", 100.0), ("compressed", 20.0))
    }
    figures = told({name: {"connect_per_s": 7.0} for name in windows}, windows)
    assert (figures["delivered"], figures["latency_ms"]) == (40, None)
    assert {"frame_bytes", "cpu_us_per_delivery", "connect_per_s"} & figures.keys() == set()
    assert {name: kind["frame_bytes"] for name, kind in figures["kinds"].items()} == {
        "plain": 100.0, "compressed": 20.0,
    }  # fmt: skip
    assert figures["kinds"]["plain"]["delivered"] == 20
    assert [window["kind"] for window in figures["rounds"]] == ["plain", "compressed", "compressed", "plain"]


def _window(frame_bytes: float) -> Result:
    counts = {**dict.fromkeys(COUNTED, 0), "delivered": 10, "frames": 5}
    return {**counts, "frame_bytes": frame_bytes, "cpu_us_per_delivery": 1.0, "latency_ms": {}, "cpu_s": {}}
