"""The page of a measurement, whatever was measured."""

from __future__ import annotations

from typing import Any

from loadtest.figures import complete
from loadtest.report import page

WHERE: dict[str, Any] = {"machine": {"cpu": "<none>"}, "versions": {}, "settings": {}}
SAMPLE: dict[str, Any] = {
    "at_s": 1.0,
    "deliveries_per_s": 5.0,
    "latency_ms": {"p50": 1.0, "p99": 2.0},
    "cpu_share": {"edge": 0.5},
    "rss_bytes": {"edge": 1_000_000},
}


def test_what_is_there_is_drawn() -> None:
    latency = {"p50": 1.0, "max": 3.0}
    figures: dict[str, Any] = {
        "lost": 0,
        "latency_ms": latency,
        "rounds": [{"samples": [SAMPLE, {**SAMPLE, "at_s": 2.0}]}],
    }
    assert page("fanout", {**complete(figures), **WHERE}).count("<svg") == 5
    foreign = {**SAMPLE, "cpu_share": {}, "rss_bytes": {}}
    figures["rounds"] = [{"samples": [foreign]}]
    assert page("fanout", {**complete(figures), **WHERE}).count("<svg") == 3
    assert page("ingest", {**complete({"latency_ms": latency, "rounds": [{}]}), **WHERE}).count("<svg") == 1
    told = page("idle", {**complete({"viewers": 7}), **WHERE})
    assert "<svg" not in told
    assert '<td>viewers</td><td class="number">7</td>' in told


def test_nothing_gets_out_of_its_place() -> None:
    told = page("<b>", {**complete({}), **WHERE})
    assert "<b>" not in told
    assert "&lt;none&gt;" in told
