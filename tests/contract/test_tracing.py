"""What sends spans: never in the way, never more than so many, and not needed by who follows nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from config.settings import Tracing
from danmaku.telemetry import TracingMetrics
from danmaku.tracing.context import Context
from danmaku.tracing.exporting import Exporting
from danmaku.tracing.opening import TracingMissing, tracing
from danmaku.tracing.spans import Span
from tests.collector import collector
from tests.measured import measured
from tests.ports import free_port
from tests.waiting import until

_DEADLINE_S = 30.0


def span(number: int) -> Span:
    context = Context(7, number)
    return Span("append", context, Context(7, 999), 5, 9, {"room": "lobby", "viewers": 3, "answered": True})


def exporting(url: str) -> tuple[Exporting, Callable[[str], float]]:
    registry = CollectorRegistry()

    def count(outcome: str) -> float:
        return measured(registry, "danmaku_tracing_spans_total", outcome=outcome)

    return Exporting(url, "danmaku-test", "test-1", TracingMetrics(registry)), count


async def test_a_span_comes_as_it_was_measured() -> None:
    with collector() as taken:
        sender, count = exporting(taken.url)
        sender.export(span(3))
        await sender.close()
        (seen,) = taken.seen
        assert (seen.name, seen.process) == ("append", "danmaku-test")
        ids = seen.trace, seen.span, seen.parent
        assert [int.from_bytes(one) for one in ids] == [7, 3, 999]
        assert (seen.begin_ns, seen.end_ns) == (5, 9)
        assert seen.words == {"room": "lobby", "viewers": 3, "answered": True}
        assert (count("ended"), count("sent"), count("lost")) == (1, 1, 0)


async def test_what_waits_for_a_collector_that_hangs_is_bounded() -> None:
    with collector() as taken:
        taken.answers.clear()
        sender, count = exporting(taken.url)
        for number in range(1, 20_001):
            sender.export(span(number))
        taken.answers.set()
        await until(lambda: any(one.span == (20_000).to_bytes(8) for one in taken.seen))  # the newest is kept
        await sender.close()
        assert count("ended") == 20_000
        assert len(taken.seen) < 6000


async def test_a_collector_that_never_answers_holds_up_nobody_who_stops() -> None:
    with collector() as taken:
        taken.answers.clear()
        sender, _ = exporting(taken.url)
        sender.export(span(1))
        async with asyncio.timeout(_DEADLINE_S):
            await sender.close()
        assert taken.seen == []


async def test_a_collector_that_is_away_costs_its_spans_only() -> None:
    sender, count = exporting(f"http://127.0.0.1:{free_port()}/v1/traces")
    sender.export(span(1))
    await until(lambda: count("lost") == 1)
    await sender.close()


async def test_who_follows_nothing_gets_nothing() -> None:
    async with tracing(Tracing(), "danmaku-test", "test-1") as spans:
        assert spans is None


async def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "danmaku.tracing.exporting")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(TracingMissing, match=r"pip install -e '\.\[tracing\]'"):
        async with tracing(Tracing(url="http://127.0.0.1:4318/v1/traces"), "danmaku-test", "test-1"):
            raise AssertionError("it is opened")


@pytest.mark.parametrize(
    "program",
    [
        "import sys, edge.worker; sys.exit('opentelemetry' in sys.modules)",
        # The store's client imports it for itself where it finds it.
        "import sys; sys.modules['opentelemetry'] = None; import rooms.__main__",
    ],
)
def test_nobody_needs_opentelemetry_who_follows_nothing(program: str) -> None:
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
