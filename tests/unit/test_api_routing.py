from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku.errors import RATE_LIMITED, UNAUTHORIZED, UNAVAILABLE, Refusal
from danmaku.model import Identity, Role
from edge.api.routing import Call, IdQuery, NumberQuery, Route, Router, Who, authorize, check_parts, refused
from edge.uws import Request


async def nothing(call: Call) -> None:
    raise AssertionError("it is only looked for")


def route(method: str, path: str, who: Who = Who.ANYONE) -> Route:
    return Route(method, path, who, "", nothing)


ROUTER = Router(
    [
        route("GET", "/healthz"),
        route("GET", "/v1/rooms"),
        route("GET", "/v1/rooms/{room}"),
        route("PUT", "/v1/rooms/{room}"),
        route("POST", "/v1/rooms/{room}/messages"),
        route("DELETE", "/v1/rooms/{room}/mutes/{uid}"),
        route("POST", "/v1/tokens/refresh"),
        route("DELETE", "/v1/tokens/{uid}"),
    ]
)


def found(method: str, path: str) -> tuple[str, dict[str, str]]:
    route, parts = ROUTER.find(method, path)
    assert route.method == ("GET" if method == "HEAD" else method)
    return route.path, parts


def refusal(method: str, path: str) -> str:
    with pytest.raises(Refusal) as caught:
        check_parts(ROUTER.find(method, path)[1])
    return caught.value.name


def call(query: str = "", identity: Identity | None = None, **parts: str) -> Call:
    return Call(Request("GET", "/", query, {}, ""), identity, parts)


def test_paths_with_and_without_ids() -> None:
    assert found("GET", "/healthz") == ("/healthz", {})
    assert found("GET", "/v1/rooms") == ("/v1/rooms", {})
    assert found("GET", "/v1/rooms/") == ("/v1/rooms", {})
    assert found("GET", "/v1/rooms/lobby") == ("/v1/rooms/{room}", {"room": "lobby"})
    assert found("HEAD", "/v1/rooms/lobby") == ("/v1/rooms/{room}", {"room": "lobby"})
    assert found("DELETE", "/v1/rooms/a/mutes/b")[1] == {"room": "a", "uid": "b"}


def test_a_word_goes_before_an_id() -> None:
    assert found("POST", "/v1/tokens/refresh") == ("/v1/tokens/refresh", {})
    assert found("DELETE", "/v1/tokens/ann") == ("/v1/tokens/{uid}", {"uid": "ann"})
    assert found("DELETE", "/v1/tokens/refresh") == ("/v1/tokens/{uid}", {"uid": "refresh"})
    assert refusal("PUT", "/v1/tokens/refresh") == "method_not_allowed"
    assert ROUTER.methods("/v1/tokens/refresh") == {"POST", "DELETE"}


def test_parts_are_percent_decoded_once() -> None:
    assert found("GET", "/v1/%72ooms/%6Cobby") == ("/v1/rooms/{room}", {"room": "lobby"})
    assert refusal("GET", "/v1/rooms/%256C") == "bad_id"
    assert refusal("GET", "/v1/rooms/a%2Fmessages") == "bad_id"
    assert refusal("GET", "/v1%2Frooms") == "no_such_route"


@pytest.mark.parametrize("part", ["a%20b", "a.b", "..", "%FF", "%00", "caf\u00e9", "a" * 65, "%E5%BC%B9"])
def test_what_is_no_id(part: str) -> None:
    assert refusal("GET", f"/v1/rooms/{part}") == "bad_id"


@pytest.mark.parametrize(
    "path", ["", "/", "//", "/v1", "/v2/rooms", "/v1/rooms/a/b", "/healthz/x", "//v1/rooms", "/" + "a" * 2000]
)
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    assert refusal("GET", path) == "no_such_route"
    assert ROUTER.methods(path) == set()


def test_a_method_that_a_path_does_not_have_is_refused() -> None:
    assert ROUTER.methods("/v1/rooms/lobby") == {"GET", "PUT"}
    assert refusal("POST", "/v1/rooms/lobby") == "method_not_allowed"
    assert refusal("HEAD", "/v1/rooms/lobby/messages") == "method_not_allowed"


@given(st.text(max_size=60))
def test_no_path_breaks_it(path: str) -> None:
    with pytest.raises(Refusal) as caught:
        ROUTER.find("PATCH", path)
    assert caught.value.name in {"no_such_route", "method_not_allowed"}


LIMIT = NumberQuery("limit", "", 1, 100)


@pytest.mark.parametrize(
    ("query", "number"),
    [("", None), ("other=1", None), ("limit=1", 1), ("limit=5&limit=100", 100)],
)
def test_numbers_of_a_query(query: str, number: int | None) -> None:
    assert LIMIT.read(call(query)) == number


@pytest.mark.parametrize("word", ["", "0", "101", "-1", "1.0", "x", "%EF%BC%91", "%C2%B2", "1e1", "9" * 5000])
def test_what_is_no_such_number(word: str) -> None:
    with pytest.raises(Refusal, match="limit must be a number from 1 to 100") as caught:
        LIMIT.read(call(f"limit={word}"))
    assert caught.value.name == "bad_frame"


def test_ids_of_a_query() -> None:
    room = IdQuery("room", "")
    assert room.read(call()) is None
    assert room.read(call("room=a")) == "a"
    with pytest.raises(Refusal) as caught:
        room.read(call("room=a%20b"))
    assert caught.value.name == "bad_id"


@pytest.mark.parametrize("least", [Who.VIEWER, Who.MODERATOR, Who.STREAMER, Who.ADMIN])
@pytest.mark.parametrize("role", Role)
def test_a_role_is_enough_or_not(least: Who, role: Role) -> None:
    general = call(identity=Identity("u", "U", role), room="r")
    own = call(identity=Identity("u", "U", Role.GUEST, {"r": role}), room="r")
    for one in (general, own):
        if role >= least.role:
            authorize(route("GET", "/{room}", least), one)
        else:
            with pytest.raises(Refusal, match="this needs") as caught:
                authorize(route("GET", "/{room}", least), one)
            assert caught.value.name == "forbidden"


def test_a_role_in_a_room_counts_only_there() -> None:
    streamer = Identity("u", "U", Role.VIEWER, {"r": Role.ADMIN})
    for elsewhere in (call(identity=streamer), call(identity=streamer, room="other")):
        with pytest.raises(Refusal) as caught:
            authorize(route("GET", "/", Who.MODERATOR), elsewhere)
        assert caught.value.name == "forbidden"


def test_nobody_may_call_what_is_for_anyone_only() -> None:
    authorize(route("GET", "/", Who.ANYONE), call())
    with pytest.raises(Refusal) as caught:
        authorize(route("GET", "/", Who.VIEWER), call())
    assert caught.value.name == "unauthorized"


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [
        (Refusal(RATE_LIMITED), "1"),
        (Refusal(RATE_LIMITED, retry_ms=1001), "2"),
        (Refusal(UNAVAILABLE, retry_ms=0), "1"),
        (Refusal(UNAUTHORIZED), None),
    ],
)
def test_a_refusal_says_in_its_head_when_to_try_again(refusal: Refusal, seconds: str | None) -> None:
    response = refused(refusal)
    assert response.status == refusal.kind.status
    assert dict(response.headers).get("Retry-After") == seconds


@given(st.text(max_size=60))
def test_no_query_breaks_it(query: str) -> None:
    for text in (query, f"limit={query}"):
        with suppress(Refusal):
            number = LIMIT.read(call(text))
            assert number is None or 1 <= number <= 100
