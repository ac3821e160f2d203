"""What is wrong with a body is said in words of ours, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from danmaku.errors import BAD_FRAME, Refusal
from edge.api.explained import explained
from edge.api.routing import Route, decode_body
from edge.uws import Request
from tests.unit.api_service import Service

WRONG: list[Any] = [
    *(None, True, 1, -1, 2**70, 1.5, 1e300, "", "x" * 9000),
    *([], ["x"], [7], ["x" * 9000, None] * 99, {}, {"x": 1}),
]
ROUTES = [route for route in Service().routes if route.body is not None]


def fields(kind: inspect.Type, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where something stands in such a body."""
    yield path
    if isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from fields(one, path)
    elif isinstance(kind, inspect.Metadata):
        yield from fields(kind.type, path)
    elif isinstance(kind, inspect.StructType):
        if kind.tag_field:
            yield (*path, kind.tag_field)
        for field in kind.fields:
            yield from fields(field.type, (*path, field.encode_name))


def bodies(route: Route) -> Iterator[Any]:
    """One thing wrong with each, or several, or nothing."""
    kind = inspect.type_info(route.body)
    tags = [one.tag for one in getattr(kind, "types", [kind])]
    for path in dict.fromkeys(fields(kind)):
        for wrong in WRONG:
            for tag in tags:
                body = wrong
                for name in reversed(path):
                    body = {name: body}
                yield {"kind": tag, **body} if tag and path and path != ("kind",) else body


def refusal_of(route: Route, body: Any) -> Refusal | None:
    request = Request(route.method, route.path, "", {}, "", msgspec.json.encode(body))
    try:
        decode_body(route, request, 1 << 20)
    except Refusal as refusal:
        return refusal
    return None


def said_of(route: str, raw: bytes) -> str | None:
    (one,) = (one for one in ROUTES if f"{one.method} {one.path}" == route)
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(raw, type=one.body)
    return explained(str(caught.value), one.body, raw)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_no_body_is_answered_in_the_words_of_a_library(route: Route) -> None:
    refusals = [(body, refusal) for body in bodies(route) if (refusal := refusal_of(route, body))]
    assert refusals
    for body, refusal in refusals:
        assert refusal.kind is BAD_FRAME
        assert refusal.message != BAD_FRAME.text, body
        assert "`" not in refusal.message
        assert not refusal.message.startswith(("Expected", "Invalid", "Object")), body


POLLS = "POST /v1/rooms/{room}/polls"
MESSAGES = "POST /v1/rooms/{room}/messages"
OF_ROOM = "PATCH /v1/admin/rooms/{room}/settings"
OF_ALL = "PUT /v1/admin/settings"
TOKENS = "POST /v1/tokens"
CONFIG = "PATCH /v1/admin/config"
LONG = b"9" * 5000
ROLES = "one of admin, guest, moderator, streamer, viewer"


@pytest.mark.parametrize(
    ("route", "body", "told"),
    [
        (
            POLLS,
            {"options": ["one"], "question": "q"},
            "options must be a list of 2 to 10; each: text of at most 1000 characters",
        ),
        (POLLS, {"options": ["a", 1]}, "options[1] must be text of at most 1000 characters"),
        (POLLS, {"seconds": 1 << 40}, "seconds must be a whole number from 1 to 604800"),
        (POLLS, {"question": "q"}, "options is missing"),
        (POLLS, [], "the body must be an object"),
        (MESSAGES, {"kind": "dance"}, "kind must be one of announce, comment, gift, paid"),
        (MESSAGES, {"kind": "paid", "currency": "cny"}, "currency must be three capital letters, like CNY"),
        (MESSAGES, {"kind": "comment", "mode": "up"}, "mode must be one of bottom, scroll, top"),
        (OF_ROOM, {"slow_s": "3"}, "slow_s must be a whole number or null"),
        (OF_ALL, {"settings": {"links": "eat"}}, "settings.links must be one of hold, refuse, show"),
        (OF_ALL, {"settings": {"slow": 3}}, "there is no such field as settings.slow; it may be delay_s, "),
        (MESSAGES, {"kind": "announce", "mode": "top"}, "mode does not go with this kind"),
        (MESSAGES, {"kind": "announce", "mod": "top"}, "there is no such field as mod; it may be amount, "),
        (TOKENS, {"rooms": 7}, "rooms must be an object or null"),
        (TOKENS, {"rooms": {"side": "viewer", "lobby": "boss"}}, f"rooms.lobby must be {ROLES}"),
        (TOKENS, {"rooms": {"lobby": None}}, f"rooms.lobby must be {ROLES}"),
        (
            TOKENS,
            {"rooms": {f"r{n}": "boss" if n > 4 else "guest" for n in range(9)}},
            f"rooms.r5 must be {ROLES}",
        ),
    ],
)
def test_what_may_stand_there_is_said(route: str, body: Any, told: str) -> None:
    said = said_of(route, msgspec.json.encode(body)) or ""
    assert said.startswith(told)
    assert said == told or told.endswith(", ")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"values": {"a": 1, "policy.slow_s": 1e999}}', "values.policy.slow_s is too large a number"),
        (b'{"values": {"a": [1, -1e999]}}', "values.a[1] is too large a number"),
        (b'{"values": {"a": %s}}' % LONG, "values.a is too large a number"),
        (b'{"expected": %s}' % LONG, "expected must be a whole number from 0 to 9007199254740991"),
        (b'{"values": {"a": 1e999}', "values[...] is too large a number"),
        (b'{"values": {"a": 1e999, "a": 1}}', "values[...] is too large a number"),
    ],
)
def test_what_is_too_large_for_any_number_is_told_by_its_key(raw: bytes, told: str) -> None:
    """Where one key can be told: behind the number all may be wrong, or there may be another value."""
    assert said_of(CONFIG, raw) == told


def test_of_what_is_in_no_such_place_nothing_is_made_up() -> None:
    """A key may look like a place."""
    assert explained("Expected `str`, got `int` - at `$.no.such[3]`", ROUTES[0].body, b"{}") is None
