"""What a run tells while it goes on."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from loadtest.figures import new_histogram
from loadtest.view import Lines, Screen, View, view_on


def sample(**given: Any) -> dict[str, Any]:
    return {"deliveries_per_s": 1500.0, "missing": 2, "cpu_share": {"rooms": 0.1, "edge": 0.5}, **given}


def second(latency_us: int) -> Any:
    latency = new_histogram()
    latency.record_value(latency_us)
    return latency


def test_each_place_gets_the_view_that_fits() -> None:
    assert isinstance(view_on(Console(file=io.StringIO(), force_terminal=True), quiet=False), Screen)
    assert isinstance(view_on(Console(file=io.StringIO()), quiet=False), Lines)
    assert type(view_on(Console(), quiet=True)) is View


def test_a_run_so_far_adds_up() -> None:
    view = View()
    view.connected(40, 50)
    view.sample(sample(), second(10_000), 1.0, 2.0)
    view.sample(sample(deliveries_per_s=7.0), second(30_000), 2.0, 2.0)
    standing = view.standing
    assert (standing.lost, standing.deliveries_per_s) == (4, 7.0)
    assert 9.9 <= standing.p50 <= 10.1
    assert 29.9 <= standing.p99 <= 30.1
    assert dict(standing.rows())["connected"] == "40 of 50"
    assert dict(standing.rows())["CPU"] == "edge 50%, rooms 10%"


def test_results_are_lines_and_brackets_are_no_markup() -> None:
    for view, out in lines():
        with view.watched():
            view.phase("window 1 of 1")
            view.say("[red]p50[/red] 3 ms")
        assert "[red]p50[/red] 3 ms\n" in out.getvalue().replace("\r", "")


def test_the_table_shows_the_standing() -> None:
    out = io.StringIO()
    view = Screen(Console(file=out, force_terminal=True, width=100))
    with view.watched():
        view.phase("joining", 50)
        view.connected(50, 50)
        view.sample(sample(), second(10_000), 1.0, 2.0)
    shown = out.getvalue()
    for word in ("joining", "50 of 50", "deliveries/s", "1,500", "edge 50%"):
        assert word in shown


def lines() -> list[tuple[View, io.StringIO]]:
    plain, terminal = io.StringIO(), io.StringIO()
    return [
        (Lines(Console(file=plain)), plain),
        (Screen(Console(file=terminal, force_terminal=True, width=80)), terminal),
    ]
