"""What is answered where nothing is: a page to a browser, JSON to everybody else."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from edge.api.pages import Pages
from tests.unit.api_service import Service

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/nothing/",
        "/a/b",
        "/v1/nothing/at/all",
        "/a" * 33,
        "/a" * 34,
        "/consoles/",
        "/lost/index.html",
    ],
)
@pytest.mark.parametrize("below", ["", "/ours"])
async def test_a_browser_is_shown_the_way_back_from_wherever_it_is(path: str, below: str) -> None:
    """Also where a proxy serves all of it below a path of its own, unless it is very far away."""
    service = Service()
    answer = await service.call("GET", path, accept=BROWSER)
    assert answer.status == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    if below and path.count("/") == 34:
        return
    html = answer.body.decode()
    links = [
        urlsplit(urljoin(f"{below}{path}", link)).path for link in re.findall(r'(?:href|src)="([^"]+)"', html)
    ]
    assert {f"{below}{page}" for page in ("/", "/studio", "/console", "/chat", "/docs")} <= set(links)
    for link in links:
        assert (await service.call("GET", link.removeprefix(below))).status == 200, link
    assert service.metric("refusals", name="no_such_route") == 1


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "",
        "application/json",
        "application/json, text/html",
        "text/html;q=0",
        "image/avif,image/webp,*/*;q=0.8",
    ],
)
async def test_programs_are_told_the_name(accept: str) -> None:
    answer = await Service().call("GET", "/nothing", accept=accept)
    assert answer.refusal == (404, "no_such_route")


async def test_only_who_reads_is_shown_a_page() -> None:
    service = Service()
    assert (await service.call("POST", "/nothing", accept=BROWSER)).refusal == (404, "no_such_route")
    assert (await service.call("HEAD", "/nothing", accept=BROWSER)) == (
        await service.call("GET", "/nothing", accept=BROWSER)
    )
    assert (await service.call("DELETE", "/", accept=BROWSER)).refusal == (405, "method_not_allowed")
    assert (await service.call("GET", "/v1/admin/settings", accept=BROWSER)).refusal == (401, "unauthorized")


async def test_where_there_is_no_such_page_everybody_is_told_the_name(tmp_path: Path) -> None:
    answer = await Service(pages=Pages(tmp_path)).call("GET", "/nothing", accept=BROWSER)
    assert answer.refusal == (404, "no_such_route")
