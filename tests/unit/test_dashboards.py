"""Alert rules and dashboards ask for what is really measured, in PromQL that Prometheus takes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml
from prometheus_client import CollectorRegistry

from danmaku.telemetry import BusMetrics, EdgeMetrics, RoomsMetrics, SlowMetrics, TracingMetrics

CONFIG = Path(__file__).parents[2] / "config"
OF_PROMETHEUS = {"instance", "le"}
ALERTS = yaml.safe_load((CONFIG / "prometheus/alerts.yaml").read_text())
DASHBOARD = json.loads((CONFIG / "grafana/danmaku.json").read_text())


def _measured() -> dict[str, frozenset[str]]:
    """Each name that a query may use, with its labels."""
    registry = CollectorRegistry()
    EdgeMetrics(registry), RoomsMetrics(registry), BusMetrics(registry), SlowMetrics(registry)
    TracingMetrics(registry)
    found: dict[str, frozenset[str]] = {}
    known = registry._collector_to_names  # no public way tells labels without a sample
    for collector, names in known.items():
        found |= dict.fromkeys(names, frozenset(getattr(collector, "_labelnames", ())))
    return found


MEASURED = _measured()


def _check(query: str) -> None:
    """That each selector names what is measured, with labels that it has."""
    selectors: list[promql.VectorSelector] = []
    summed_by: set[str] = set()

    def visit(part: promql.Expr) -> None:
        if isinstance(part, promql.VectorSelector):
            selectors.append(part)
        if isinstance(part, promql.AggregateExpr) and part.modifier is not None:
            summed_by.update(part.modifier.labels)

    promql.walk(promql.parse(query.replace("$__rate_interval", "1m")), visit)
    assert selectors
    for selector in selectors:
        name = re.sub("_(bucket|sum|count)$", "", selector.name or "")
        assert name in MEASURED, f"{selector.name} is not measured"
        used = {matcher.name for matcher in selector.matchers.matchers} | summed_by
        assert used <= MEASURED[name] | OF_PROMETHEUS, f"{selector.name} has no such label: {used}"


def _rules() -> list[Any]:
    return [rule for group in ALERTS["groups"] for rule in group["rules"]]


def _targets() -> list[tuple[str, str]]:
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    return [(panel["title"], target["expr"]) for panel in panels for target in panel["targets"]]


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_is_measured_and_says_what_to_do(rule: dict[str, Any]) -> None:
    _check(rule["expr"])
    assert rule["labels"]["severity"] in {"page", "warn", "info"}
    assert set(rule["annotations"]) == {"summary", "description"}


@pytest.mark.parametrize(
    ("title", "query"), _targets(), ids=[str(number) for number, _ in enumerate(_targets())]
)
def test_a_panel_asks_for_what_is_measured(title: str, query: str) -> None:
    _check(query)


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in DASHBOARD["panels"]):
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells
        assert place["x"] + place["w"] <= 24
        taken |= cells
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)


WRONG = [
    "rate(danmaku_edge_no_such_total[1m])",
    'danmaku_rooms_leases{colour="red"}',
    "sum by (colour) (danmaku_rooms_queue)",
]


@pytest.mark.parametrize("query", WRONG)
def test_the_check_finds_what_is_wrong(query: str) -> None:
    with pytest.raises(AssertionError):
        _check(query)
