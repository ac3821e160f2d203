from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku.auth import Authority
from danmaku.errors import SLOW_MODE, UNAVAILABLE, Refusal
from danmaku.model import Role
from danmaku.moderation_rows import SanctionEverywhereRow
from danmaku.rows import GetRoomRow, HelloRow
from edge.api.pages import Pages
from tests.unit.api_service import NOW, SECRET, Service

ROOM = "/v1/rooms/r"


async def test_a_token_is_verified_and_looked_up() -> None:
    service = Service()
    token = service.token("ann", Role.STREAMER)
    assert (await service.call("PUT", ROOM, {}, token)).status == 200
    assert service.rooms.user_rows == [HelloRow("ann", round(NOW * 1000), role=Role.STREAMER)]
    service.rooms.revoked.add("ann")
    assert (await service.call("PUT", ROOM, {}, token)).refusal == (401, "unauthorized")


async def test_no_token_and_bad_tokens() -> None:
    service = Service()
    pair = service.authority.issue(service.authority.verify(service.token("a", Role.ADMIN), NOW), NOW)
    stranger = Authority(secret=SECRET + "x").issue(service.authority.verify(pair.access, NOW), NOW)
    for header in (
        None, "", "Bearer", "Bearer ", "Bearer x.y.z", f"Basic {pair.access}", pair.access,
        f"Bearer {pair.refresh}", f"Bearer {stranger.access}", f"Bearer {'x' * 5000}",
    ):  # fmt: skip
        given = {} if header is None else {"authorization": header}
        answer = await service.call("PUT", ROOM, {}, **given)
        assert answer.refusal == (401, "unauthorized"), header
        assert answer.headers["www-authenticate"] == "Bearer"
        assert not header or header not in answer.body.decode()
    assert (await service.call("PUT", ROOM, {}, authorization=f"bearer {pair.access}")).status == 200
    service.now_s += 3600
    assert (await service.call("PUT", ROOM, {}, pair.access)).refusal == (401, "unauthorized")
    assert len(service.rooms.rows) == 1


async def test_a_bad_token_changes_nothing_where_anyone_may_call() -> None:
    service = Service()
    assert (await service.call("GET", ROOM, token="nonsense")).status == 200
    assert service.rooms.user_rows == []


async def test_who_is_unknown_and_who_may_not() -> None:
    """Nobody is asked to log in; a guest with a token of their own may not, however they log in."""
    service = Service()
    kick = ("POST", "/v1/admin/rooms/r/kicks", {"uid": "bob"})
    assert (await service.call(*kick)).refusal == (401, "unauthorized")
    answer = await service.call(*kick, service.token("g-1", Role.GUEST))
    assert answer.refusal == (403, "forbidden")
    assert "www-authenticate" not in answer.headers


async def test_a_role_is_needed_before_anything_is_read_or_asked() -> None:
    service = Service()
    answer = await service.call("PUT", ROOM, b"{", service.token("ann"))
    assert answer.refusal == (403, "forbidden")
    assert "the streamer of the room" in answer.json["error"]["message"]
    assert service.rooms.rows == []


async def test_there_is_nothing_at_an_address() -> None:
    service = Service()
    assert (await service.call("GET", "/v1/nothing")).refusal == (404, "no_such_route")
    assert (await service.call("OPTIONS", "/v1/nothing")).refusal == (404, "no_such_route")
    assert service.metric("http_requests", route="none", status="404") == 2


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", ROOM, "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("GET", "/v1/broadcast", "OPTIONS, POST"),
        ("HEAD", "/v1/broadcast", "OPTIONS, POST"),
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("POST", "/docs", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_method_that_is_not_taken(method: str, path: str, allowed: str) -> None:
    service = Service()
    answer = await service.call(method, path)
    assert answer.refusal == (405, "method_not_allowed")
    assert answer.headers["allow"] == allowed
    asked = await service.call("OPTIONS", path)
    assert (asked.status, asked.headers["allow"], asked.body) == (204, allowed, b"")


async def test_head_is_answered_as_get() -> None:
    """Whoever writes the answer leaves the body out and keeps its length."""
    service = Service()
    assert await service.call("HEAD", ROOM) == await service.call("GET", ROOM)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "kind is missing"),
        (b"{", "the body is not JSON: truncated"),
        (b"[]", "the body must be an object"),
        (b'{"kind": "dance"}', "kind must be one of announce, comment"),
        (b'{"kind": "comment", "cid": "c"}', "text is missing"),
        (b'{"kind": "comment", "cid": "c", "text": "\xff"}', "utf-8"),
        (b'{"kind": "comment", "cid": "c", "text": 1}', "text must be text"),
        (b'{"kind": "comment", "cid": "c", "text": "x", "loud": true}', "no such field as loud; it may be"),
        (b'{"kind": "comment", "cid": "c", "text": "x", "color": -1}', "color must be a whole number"),
        (
            b'{"kind": "comment", "cid": "c", "text": "x", "color": 99999999999999999999999}',
            "color must be a whole number",
        ),
        (b'{"kind": "comment", "cid": "c", "text": "\\ud800 is no character"}', "surrogate"),
        (b'{"x": ' + b"[" * 50_000, "recursion"),
    ],
)
async def test_a_body_that_cannot_be_understood(body: bytes, reason: str) -> None:
    service = Service()
    answer = await service.call("POST", ROOM + "/messages", body, service.token())
    assert answer.refusal == (400, "bad_frame")
    assert reason in answer.json["error"]["message"]
    assert service.rooms.rows == []


UNDISTURBED = Service(pages=Pages(Path("there-is-no-such-folder")))


@given(st.binary(max_size=200))
async def test_no_body_breaks_it(body: bytes) -> None:
    service = UNDISTURBED
    answer = await service.call("POST", ROOM + "/messages", body, service.token())
    assert answer.refusal == (400, "bad_frame")


async def test_a_body_that_is_too_large() -> None:
    service = Service(body_bytes=1024)
    answer = await service.call("PUT", ROOM, b"x" * 1025, service.token("ann", Role.ADMIN))
    assert answer.refusal == (413, "too_large")


async def test_a_refusal_of_the_rooms_processes_is_handed_on() -> None:
    service = Service()
    service.rooms.answers[GetRoomRow] = Refusal(SLOW_MODE, "wait a bit", retry_ms=2500)
    answer = await service.call("GET", ROOM)
    assert answer.refusal == (429, "slow_mode")
    assert answer.json["error"] == {
        "code": 4290, "error": "slow_mode", "message": "wait a bit", "retry_ms": 2500,
    }  # fmt: skip
    assert answer.headers["retry-after"] == "3"
    service.rooms.answers[GetRoomRow] = Refusal(UNAVAILABLE)
    assert (await service.call("GET", ROOM)).headers["retry-after"] == "1"
    assert service.metric("refusals", name="slow_mode") == 1
    assert service.metric("refusals", name="unavailable") == 1


async def test_no_answer_in_time_is_a_timeout() -> None:
    service = Service(request_s=0.05)
    service.rooms.is_stuck = True
    assert (await service.call("GET", ROOM)).refusal == (504, "timeout")


async def test_a_mistake_of_ours_is_told_as_such_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    service = Service()
    del service.rooms.answers[GetRoomRow]
    answer = await service.call("GET", ROOM)
    assert answer.refusal == (500, "internal")
    assert b"GetRoomRow" not in answer.body
    assert service.metric("http_requests", route="/v1/rooms/{room}", status="500") == 1


async def test_requests_are_counted_by_route_not_by_path() -> None:
    service = Service()
    for room in "abc":
        await service.call("GET", f"/v1/rooms/{room}")
    assert service.metric("http_requests", route="/v1/rooms/{room}", status="200") == 3
    await service.call("GET", "/")
    assert service.metric("http_requests", route="page", status="200") == 1


async def test_answers_are_neither_stored_nor_guessed_at() -> None:
    answer = await Service().call("GET", ROOM)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "application/json"


# Pages of other sites.


async def test_any_site_may_read_answers_where_all_may() -> None:
    service = Service()
    for headers in ({}, {"origin": "https://any.example"}):
        answer = await service.call("GET", ROOM, **headers)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


async def test_only_sites_of_the_list_may_read_answers() -> None:
    service = Service(cors=["https://live.example"])
    known = await service.call("GET", ROOM, origin="https://live.example")
    assert known.headers["access-control-allow-origin"] == "https://live.example"
    assert known.headers["vary"] == "Origin"
    for headers in ({}, {"origin": "https://evil.example"}, {"origin": "null"}):
        other = await service.call("GET", ROOM, **headers)
        assert "access-control-allow-origin" not in other.headers
        assert other.headers["vary"] == "Origin"


async def test_a_browser_asks_before_it_calls() -> None:
    service = Service(cors=["https://live.example"])
    preflight = {"origin": "https://live.example", "access_control_request_method": "PUT"}
    answer = await service.call("OPTIONS", ROOM, **preflight)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "https://live.example"
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert "access-control-allow-methods" not in (await service.call("OPTIONS", ROOM)).headers
    refused = await service.call("PUT", ROOM, {}, origin="https://live.example")
    assert refused.headers["access-control-allow-origin"] == "https://live.example"


async def test_who_is_not_logged_in_shares_what_their_address_may_have() -> None:
    service = Service(address_per_s=2, address_burst=3)
    for _ in range(3):
        assert (await service.call("GET", "/v1/rooms")).status == 200
    answer = await service.call("GET", "/v1/rooms/r/messages")
    assert answer.refusal == (429, "rate_limited")
    assert answer.json["error"]["retry_ms"] == 500
    assert service.metric("refusals", name="rate_limited") == 1
    elsewhere = await service.call("GET", "/v1/rooms", x_forwarded_for="9.9.9.9")
    assert elsewhere.status == 200, "the proxy on this machine is believed"
    service.now_s += 0.5
    assert (await service.call("GET", "/v1/rooms")).status == 200


async def test_who_is_logged_in_has_as_much_and_staff_no_limit() -> None:
    service = Service(address_per_s=2, address_burst=3)
    path = "/v1/rooms/r/messages"
    ann, bob = service.token("ann"), service.token("bob")
    for _ in range(3):
        assert (await service.call("GET", path, token=ann)).status == 200
    assert (await service.call("GET", path, token=ann)).refusal == (429, "rate_limited")
    assert (await service.call("GET", path, token=bob)).status == 200
    for staff in (service.token("root", Role.ADMIN), service.token("boss", r=Role.STREAMER)):
        for _ in range(10):
            assert (await service.call("GET", path, token=staff)).status == 200


async def test_what_watches_over_the_service_may_always_ask() -> None:
    service = Service(address_per_s=0.01, address_burst=1)
    assert (await service.call("GET", "/v1/rooms")).status == 200
    assert (await service.call("GET", "/v1/rooms")).status == 429
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await service.call("GET", path, token="bad")).status == 200


async def test_bad_tokens_of_an_address_are_paced_and_nobody_is_asked_about_them() -> None:
    service = Service(address_per_s=0.01, address_burst=3)
    path = "/v1/rooms/r/messages"
    root = service.token("root", Role.ADMIN)
    service.rooms.revoked.add("root")
    answers = [await service.call("GET", path, token=token) for token in ("bad", "worse", root, root, "bad")]
    assert [answer.status for answer in answers] == [401, 401, 401, 429, 429]
    assert len(service.rooms.user_rows) == 1
    assert (await service.call("GET", path, token=service.token("ann"))).status == 429, (
        "from there nobody gets in"
    )
    elsewhere = await service.call("GET", path, token=service.token("ann"), x_forwarded_for="9.9.9.9")
    assert elsewhere.status == 200
    refresh = await service.call("POST", "/v1/tokens/refresh", {"refresh_token": "bad"}, token="bad")
    assert refresh.status == 401, "the way to a good one stays open"


async def test_no_token_is_no_bad_token() -> None:
    service = Service(Authority(secret=SECRET, guests=False), address_per_s=0.01, address_burst=3)
    path = "/v1/rooms/r/messages"
    answers = [(await service.call("GET", path)).status for _ in range(5)]
    assert answers == [401, 401, 401, 429, 429], "it has what its address may have"
    assert (await service.call("GET", path, token=service.token("ann"))).status == 200


async def test_where_anyone_may_ask_a_token_only_tells_whose_allowance_it_is() -> None:
    service = Service(address_per_s=0.01, address_burst=2)
    for _ in range(2):
        assert (await service.call("GET", "/v1/rooms", token="bad")).status == 200, "as without one"
    assert (await service.call("GET", "/v1/rooms")).status == 429
    for token in (service.token("ann"), service.token("root", Role.ADMIN)):
        answers = [(await service.call("GET", "/v1/rooms", token=token)).status for _ in range(3)]
        assert answers == [200, 200, 429]
    assert service.rooms.user_rows == [], "nobody is asked whether it still holds"


async def test_who_may_not_call_is_told_that_before_what_is_wrong_with_the_path() -> None:
    service = Service()
    assert (await service.call("DELETE", "/v1/tokens/no%20id")).refusal == (401, "unauthorized")
    admin = service.token(role=Role.ADMIN)
    assert (await service.call("DELETE", "/v1/tokens/no%20id", token=admin)).refusal == (400, "bad_id")


@pytest.mark.parametrize(
    ("seconds", "status"), [(b"60.0", 200), (b"6e1", 200), (b"60.5", 400), (b"1e999", 400)]
)
async def test_an_integer_may_be_written_as_a_fraction(seconds: bytes, status: int) -> None:
    service = Service()
    body = b'{"uid": "bob", "seconds": %b}' % seconds
    answer = await service.call("POST", "/v1/admin/mutes", body, service.token(role=Role.ADMIN))
    assert answer.status == status, answer.body
    sanctions = [row.seconds for row in service.rooms.user_rows if isinstance(row, SanctionEverywhereRow)]
    assert sanctions == ([60] if status == 200 else [])
