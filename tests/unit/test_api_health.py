from __future__ import annotations

import pytest

from tests.unit.api_service import Service


async def test_alive_whatever_else_is_down() -> None:
    service = Service()
    service.rooms.reached = dict.fromkeys(service.rooms.reached, False)
    answer = await service.call("GET", "/healthz")
    assert (answer.status, answer.json) == (200, {"status": "ok"})


async def test_ready_when_all_is_there() -> None:
    answer = await Service().call("GET", "/readyz")
    assert answer.status == 200
    assert answer.json == dict.fromkeys(("ready", "bus", "store", "owners", "newcomers"), True)


@pytest.mark.parametrize("missing", ["bus", "store", "owners"])
async def test_not_ready_when_one_is_missing(missing: str) -> None:
    service = Service()
    service.rooms.reached[missing] = False
    answer = await service.call("GET", "/readyz")
    assert answer.status == 503
    assert [name for name, reached in answer.json.items() if not reached] == ["ready", missing]


async def test_metrics_in_the_text_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    answer = await Service().call("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert b"# HELP python_info" in answer.body
