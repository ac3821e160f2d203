from __future__ import annotations

from typing import Any

from danmaku.envelope import EdgeReport
from tests.unit.api_service import Service


async def listed(service: Service, **headers: str) -> list[tuple[str, int]]:
    answer: Any = (await service.call("GET", "/v1/edges?room=r", **headers)).json
    assert set(answer["reconnect"]) == {"min_ms", "max_ms", "jitter"}
    return [(edge["address"], edge["connections"]) for edge in answer["edges"]]


async def test_edges_are_listed_lightest_first_and_none_that_drains() -> None:
    service = Service()
    service.rooms.reports = [
        EdgeReport("a1", ["wss://a/v1/ws"], 30, capacity=30, region="eu"),
        EdgeReport("a2", ["wss://a/v1/ws"], 30, capacity=30, region="eu"),
        EdgeReport("b1", ["wss://b/v1/ws"], 50),
        EdgeReport("c1", ["wss://c/v1/ws"], 0, draining=True),
    ]
    assert await listed(service) == [("wss://b/v1/ws", 50), ("wss://a/v1/ws", 60)]
    answer: Any = (await service.call("GET", "/v1/edges?region=eu")).json
    assert [(edge["region"], edge["full"]) for edge in answer["edges"]] == [("", False), ("eu", True)]


async def test_edges_without_an_address_are_where_the_request_came_to() -> None:
    service = Service()
    service.rooms.reports = [EdgeReport("a1", [], 3), EdgeReport("a2", [], 4)]
    assert await listed(service, host="live.example:8080") == [("ws://live.example:8080/v1/ws", 7)]
    proxied = {"host": "live.example", "x_forwarded_proto": "https"}
    assert await listed(service, **proxied) == [("wss://live.example/v1/ws", 7)]


async def test_an_edge_with_a_certificate_is_reached_over_tls() -> None:
    service = Service(tls_certificate="cert.pem", tls_key="key.pem")
    assert await listed(service, host="live.example") == [("wss://live.example/v1/ws", 0)]


async def test_where_no_edge_was_heard_of() -> None:
    assert await listed(Service(), host="here") == [("ws://here/v1/ws", 0)]
    assert await listed(Service(addresses=["wss://a/v1/ws"]), host="here") == [("wss://a/v1/ws", 0)]


async def test_a_room_and_a_region_must_be_one() -> None:
    assert (await Service().call("GET", "/v1/edges?room=a%20b")).refusal == (400, "bad_id")
    assert (await Service().call("GET", "/v1/edges?region=a%20b")).refusal == (400, "bad_id")
    assert (await Service().call("GET", "/v1/edges")).status == 200


async def test_what_comes_to_the_address_of_websockets_without_being_one_is_told_why() -> None:
    answer = await Service().call("GET", "/v1/ws", connection="keep-alive")
    assert (answer.status, answer.json["error"]["error"]) == (426, "upgrade_required")
    assert "proxy" in answer.json["error"]["message"]
    assert answer.headers["upgrade"] == "websocket"
