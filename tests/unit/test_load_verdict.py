"""What is said at the end of a run: what went wrong, and whether it was the load that was asked for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from loadtest import verdict
from loadtest.figures import Result, complete
from loadtest.options import Output
from loadtest.verdict import kept_out, wrong

FINE: Result = {"offered": 100, "refused": {}, "shed": 0, "lost": 0, "duplicates": 0, "out_of_order": 0}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("lost", "1,200 lost"),
        ("duplicates", "1,200 doubled"),
        ("out_of_order", "1,200 out of order"),
        ("misdirected", "1,200 of another room"),
        ("passing_duplicates", "1,200 doubled for those who came and went"),
        ("slow_misdirected", "1,200 of another room for slow viewers"),
    ],
)
def test_what_must_not_happen_is_said(key: str, said: str) -> None:
    assert wrong({**FINE, key: 1200}) == [said]


def test_nothing_is_wrong_where_nothing_was_lost_or_measured() -> None:
    assert wrong(FINE) == wrong(complete({})) == []
    assert wrong({**FINE, "lost": -3}) == [], "others spoke in the room, too"
    assert kept_out(FINE) == kept_out(complete({})) == []


def test_each_server_is_judged_by_itself() -> None:
    figures = {**FINE, "peers": {"danmaku": FINE, "nats": {**FINE, "lost": 2, "duplicates": 1}}}
    assert wrong(figures) == ["nats: 2 lost, 1 doubled"]
    shed = {**FINE, "peers": {"danmaku": FINE, "ws": {**FINE, "shed": 90}}}
    assert kept_out(shed)[0].startswith("warning: ws: ")


@pytest.mark.parametrize(
    ("figures", "settings"),
    [
        ({"refused": {"rate_limited": 90}}, ["policy.user_count", "policy.display_high_per_s", "--token"]),
        ({"shed": 90}, ["policy.display_per_s"]),
        ({"refused": {"rate_limited": 30}, "shed": 30}, ["policy.user_burst", "policy.display_per_s"]),
        ({"refused": {"rate_limited": 90}, "acknowledged": 10}, ["--users"]),
    ],
)
def test_where_most_was_refused_that_is_said_with_what_helps(
    figures: dict[str, Any], settings: list[str]
) -> None:
    first, *helps = kept_out({**FINE, **figures})
    assert first.startswith("warning: this was not the load that was asked for: of 100 offered ")
    for setting in settings:
        assert setting in " ".join(helps)


def test_the_counts_are_named_the_most_frequent_first() -> None:
    first, *_ = kept_out({**FINE, "refused": {"muted": 10, "rate_limited": 40}, "shed": 5})
    assert first.endswith("40 refused (rate_limited), 10 refused (muted), 5 left out by the display limit")


def test_half_of_the_load_is_still_a_run() -> None:
    assert kept_out({**FINE, "refused": {"rate_limited": 25}, "shed": 25}) == []


def test_every_setting_that_is_named_exists() -> None:
    text = Path(verdict.__file__).read_text()
    named = re.findall(r"\b(policy|edge)\.(\w+)", text)
    assert len(named) > 5
    for section, key in named:
        assert hasattr(getattr(Settings(), section), key), f"{section}.{key}"


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    there = str(tmp_path / "figures.json")
    Output(json_file=there, report=there).check()
    Output(json_file="-").check()
    missing = tmp_path / "none" / "figures.json"
    with pytest.raises(ValueError, match=f"--json {missing}: there is no folder {missing.parent}"):
        Output(json_file=str(missing)).check()
    with pytest.raises(ValueError, match=f"--report {missing}: there is no folder"):
        Output(report=str(missing)).check()
    with pytest.raises(ValueError, match="that is a folder"):
        Output(json_file=str(tmp_path)).check()
