from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.parser import text_string_to_metric_families

from danmaku.supervisor import PLACE_VARIABLE
from danmaku.telemetry import (
    FOLDER_VARIABLE,
    BusMetrics,
    EdgeMetrics,
    LoopLag,
    RoomsMetrics,
    forget_process,
    scrape,
)
from danmaku.telemetry.tallies import BucketTally
from tests.waiting import until


def _samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_edge_metrics_have_names_and_explanations() -> None:
    registry = CollectorRegistry()
    metrics = EdgeMetrics(registry)
    metrics.connections.inc(3)
    metrics.connections.inc(-1)
    metrics.items_per_batch.observe(7)
    metrics.hand_over()
    metrics.refusals.labels("muted").inc()
    metrics.http_requests.labels("/healthz", "200").inc()
    text = scrape(registry)
    samples = _samples(text)
    assert samples["danmaku_edge_connections", ()] == 2
    assert samples["danmaku_edge_refusals_total", (("name", "muted"),)] == 1
    assert samples["danmaku_edge_http_requests_total", (("route", "/healthz"), ("status", "200"))] == 1
    assert samples["danmaku_edge_items_per_batch_count", ()] == 1
    _all_explained(text)


def test_rooms_metrics_have_names_and_explanations() -> None:
    registry = CollectorRegistry()
    metrics = RoomsMetrics(registry)
    metrics.leases.set(64)
    metrics.comments.labels("shed").inc(3)
    metrics.store_seconds.labels("append").observe(0.002)
    text = scrape(registry)
    samples = _samples(text)
    assert samples["danmaku_rooms_leases", ()] == 64
    assert samples["danmaku_rooms_comments_total", (("outcome", "shed"),)] == 3
    assert samples["danmaku_rooms_store_seconds_count", (("verb", "append"),)] == 1
    _all_explained(text)


def test_a_histogram_that_is_tallied_tells_the_same_as_one_that_is_not() -> None:
    bounds = (1.0, 2.0, 5.0)
    registries = CollectorRegistry(), CollectorRegistry()
    plain, other = (Histogram("h", "A histogram.", registry=one, buckets=bounds) for one in registries)
    tallied = BucketTally(other, bounds)
    for values in ([], [0.0, 1.0, 1.5], [5.0, 6.0, 2.0], [0.0]):
        for value in values:
            plain.observe(value)
            tallied.observe(value)
        tallied.hand_over()
        one, another = (_samples(scrape(registry)) for registry in registries)
        del one["h_created", ()], another["h_created", ()]
        assert one == another


def _all_explained(text: bytes) -> None:
    families = list(text_string_to_metric_families(text.decode()))
    assert len(families) >= 10
    assert all(family.documentation.endswith(".") for family in families)


_WORKER = """
import sys
import time
from danmaku.telemetry import EdgeMetrics, scrape
metrics = EdgeMetrics()
metrics.connections.inc(int(sys.argv[1]))
metrics.joins.inc(int(sys.argv[1]))
metrics.hand_over()
sys.stdout.buffer.write(scrape())
"""


def _worker(folder: Path, name: str, amount: int) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """A process called `name` counts `amount`, scrapes and ends."""
    placed = f"os.environ[{PLACE_VARIABLE!r}] = f'{{os.getpid()}}:9f3c/{name}'"
    run = f"import os, runpy, sys; {placed}\n{_WORKER}"
    environment = {**os.environ, FOLDER_VARIABLE: str(folder)}
    argv = [sys.executable, "-W", "error", "-c", run, str(amount)]
    return _samples(subprocess.run(argv, env=environment, check=True, stdout=subprocess.PIPE).stdout)


def test_one_scrape_for_all_processes_and_restarts_of_a_node(tmp_path: Path) -> None:
    assert _worker(tmp_path, "edge-1", 5)["danmaku_edge_joins_total", ()] == 5
    both = _worker(tmp_path, "edge-2", 7)
    assert both["danmaku_edge_joins_total", ()] == 12
    assert both["danmaku_edge_connections", ()] == 12
    again = _worker(tmp_path, "edge-1", 1)
    assert again["danmaku_edge_joins_total", ()] == 13  # goes on counting
    assert again["danmaku_edge_connections", ()] == 8  # begins anew
    assert len(list(tmp_path.iterdir())) == 8  # four files each, however often they start


def test_what_a_dead_process_had_open_is_forgotten(tmp_path: Path) -> None:
    _worker(tmp_path, "edge-1", 5)
    forget_process(tmp_path, "edge-1")
    forget_process(tmp_path, "edge-1")
    left = _worker(tmp_path, "edge-2", 1)
    assert left["danmaku_edge_connections", ()] == 1
    assert left["danmaku_edge_joins_total", ()] == 6


async def test_loop_lag_is_measured_while_the_block_lasts() -> None:
    seen: list[float] = []
    counted: list[int] = []
    async with LoopLag(seen.append, counted.append, period_s=0.001) as measuring:
        await until(lambda: len(seen) >= 3)
        time.sleep(0.05)  # noqa: ASYNC251  that is what is to be measured
        await until(lambda: max(seen) >= 0.04)
    await measuring.stop()
    assert min(seen) >= 0
    assert min(counted) >= 2, "this one, and what counts"
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "loop lag"]


def test_what_did_not_happen_yet_is_there_as_zero() -> None:
    registry = CollectorRegistry()
    EdgeMetrics(registry)
    RoomsMetrics(registry)
    BusMetrics(registry)
    samples = _samples(scrape(registry))
    for name, label, value in (
        ("danmaku_edge_skipped_total", "why", "lost"),
        ("danmaku_edge_history_requests_total", "why", "gap"),
        ("danmaku_edge_refusals_total", "name", "unavailable"),
        ("danmaku_rooms_chat_messages_total", "outcome", "duplicate"),
        ("danmaku_rooms_chat_deliveries_total", "kind", "group"),
        ("danmaku_rooms_comments_total", "outcome", "shed"),
        ("danmaku_rooms_lease_changes_total", "change", "lost"),
        ("danmaku_rooms_refusals_total", "name", "blocked"),
        ("danmaku_bus_lost_total", "why", "stale"),
    ):
        assert samples[name, ((label, value),)] == 0
    assert samples["danmaku_edge_chat_delivery_seconds_count", ()] == 0
