"""What runs, as admins are told."""

from __future__ import annotations

import msgspec

from danmaku.envelope import Drain, EdgeReport, Owners, decode_edge_report, decode_owners
from danmaku.model import Role
from tests.unit.api_service import Service


async def test_edges_and_rooms_processes_are_listed() -> None:
    service = Service()
    service.rooms.reports = [
        EdgeReport("e2", [], 0, draining=True),
        EdgeReport("e1", ["wss://a"], 7, version="1.1", region="eu", weight=2.0, capacity=500, adjusted=7),
    ]
    service.rooms.owners = [
        Owners("r1", dict.fromkeys(range(60), 5), version="1.1", adjusted=6),
        Owners("r0", {}, leaving=True),
    ]
    answer = await service.call("GET", "/v1/fleet", token=service.token("root", Role.ADMIN))
    assert answer.json == {
        "edges": [
            {
                "edge": "e1",
                "addresses": ["wss://a"],
                "connections": 7,
                "draining": False,
                "version": "1.1",
                "region": "eu",
                "weight": 2.0,
                "capacity": 500,
                "adjusted": 7,
            },
            {
                "edge": "e2",
                "addresses": [],
                "connections": 0,
                "draining": True,
                "version": "",
                "region": "",
                "weight": 1.0,
                "capacity": 0,
                "adjusted": 0,
            },
        ],
        "rooms": [
            {"process": "r0", "partitions": 0, "leaving": True, "version": "", "adjusted": 0},
            {"process": "r1", "partitions": 60, "leaving": False, "version": "1.1", "adjusted": 6},
        ],
        "unowned": 4,
    }


async def test_an_edge_drains_and_comes_back() -> None:
    service = Service()
    token = service.token("root", Role.ADMIN)
    path = "/v1/admin/edges/e1/drain"
    service.rooms.reports = [EdgeReport("e1", [], 7), EdgeReport("e2", [], 0, draining=True)]
    assert (await service.call("POST", path, {"seconds": 3}, token=token)).refusal == (409, "conflict")
    assert (await service.call("POST", path, {"last": True}, token=token)).json["draining"]
    assert service.rooms.asked_for.pop() == ("e1", Drain(True))
    service.rooms.reports.append(EdgeReport("e3", [], 0))
    answer = await service.call("POST", path, {"seconds": 3}, token=token)
    assert (answer.status, answer.json["draining"], answer.json["connections"]) == (200, True, 7)
    assert (await service.call("DELETE", path, token=token)).json["draining"] is False
    assert service.rooms.asked_for == [("e1", Drain(True, 3)), ("e1", Drain(False))]
    assert (await service.call("POST", path, {"seconds": -1}, token=token)).refusal == (400, "bad_frame")
    nobody = await service.call("POST", "/v1/admin/edges/nobody/drain", {}, token=token)
    assert nobody.refusal == (404, "no_such_edge")


def test_an_older_version_says_less_and_a_newer_one_more() -> None:
    pack = msgspec.msgpack.encode
    assert decode_owners(pack(["r1", {0: 5}, False])) == Owners("r1", {0: 5})
    assert decode_owners(pack(["r1", {0: 5}, False, "9", 7, "what is this"])) == Owners(
        "r1", {0: 5}, version="9", adjusted=7
    )
    assert decode_edge_report(pack(["e1", [], 3])) == EdgeReport("e1", [], 3)
    assert decode_edge_report(pack(["e1", [], 3, False, "9"])) == EdgeReport("e1", [], 3, version="9")
    assert decode_edge_report(pack(["e1", [], 3, False, "9", "eu", 2, 500, 7, "what is this"])) == EdgeReport(
        "e1", [], 3, version="9", region="eu", weight=2.0, capacity=500, adjusted=7
    )
