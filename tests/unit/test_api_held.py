from __future__ import annotations

from danmaku import wire
from danmaku.envelope import Answer, Row
from danmaku.held import Held
from danmaku.model import Role
from danmaku.moderation_rows import DecideRow, HeldRow
from danmaku.rows import Done, HeldPage, Shown
from tests.unit.api_service import Service

PATH = "/v1/admin/rooms/r/held"
ONE = Held("7-1", "bob", "c1", 5, wire.encode_item(wire.Comment("bob", "Bob", "hi", color=255)), "link")


async def test_what_waits_is_listed() -> None:
    service = Service()
    token = service.token("ann", r=Role.MODERATOR)
    service.rooms.answers[HeldRow] = HeldPage([ONE])
    answer = await service.call("GET", f"{PATH}?after=6-2&limit=7&wait_s=5", token=token)
    assert (answer.status, answer.json["room"]) == (200, "r")
    shown = {"id": "7-1", "uid": "bob", "name": "Bob", "text": "hi", "cid": "c1", "why": "link", "at": 5}
    assert answer.json["held"] == [{**shown, "color": 255}]
    assert service.rooms.rows[-1] == HeldRow("r", "ann", Role.MODERATOR, "6-2", 7)
    service.rooms.answers[HeldRow] = Done()
    assert (await service.call("GET", PATH, token=token)).refusal == (500, "internal")


async def test_who_waits_hears_when_there_is_something() -> None:
    service = Service()
    token = service.token("ann", r=Role.MODERATOR)
    assert (await service.call("GET", f"{PATH}?wait_s=1", token=token)).json["held"] == []
    asked = sum(isinstance(row, HeldRow) for row in service.rooms.rows)
    assert asked >= 2
    ask = service.rooms.ask

    async def later(row: Row) -> Answer:
        if sum(isinstance(row, HeldRow) for row in service.rooms.rows) > asked:
            service.rooms.answers[HeldRow] = HeldPage([ONE])
        return await ask(row)

    service.rooms.ask = later  # type: ignore[method-assign]  # it has something after a while
    answer = await service.call("GET", f"{PATH}?wait_s=25", token=token)
    assert [one["id"] for one in answer.json["held"]] == ["7-1"]


async def test_who_decides_is_told_what_became_of_it() -> None:
    service = Service()
    token = service.token("ann", r=Role.MODERATOR)
    service.rooms.answers[DecideRow] = Shown(7, 3, 1234)
    answer = await service.call("POST", f"{PATH}/7-1", {"decision": "approve"}, token)
    assert answer.json == {"room": "r", "id": "7-1", "decision": "approve", "epoch": 7, "seq": 3, "at": 1234}
    service.rooms.answers[DecideRow] = Done()
    answer = await service.call("POST", f"{PATH}/7-1", {"decision": "deny", "reason": "no"}, token)
    assert answer.json == {"room": "r", "id": "7-1", "decision": "deny"}
    row = service.rooms.rows[-1]
    assert isinstance(row, DecideRow)
    assert (row.held, row.approve, row.by, row.reason) == ("7-1", False, "ann", "no")
    for body in ({"decision": "maybe"}, {}, {"decision": "deny", "reason": "x" * 201}):
        assert (await service.call("POST", f"{PATH}/7-1", body, token)).refusal == (400, "bad_frame")
