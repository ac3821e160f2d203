"""The API described by itself: OpenAPI 3.1, from the same routes and types that serve it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

import msgspec

from danmaku.errors import (
    BAD_FRAME,
    BAD_ID,
    BANNED,
    FORBIDDEN,
    INTERNAL,
    RATE_LIMITED,
    REFUSALS,
    ROOM_NOT_FOUND,
    TIMEOUT,
    TOO_LARGE,
    UNAUTHORIZED,
    UNAVAILABLE,
)
from danmaku.model import Role
from edge.api.routing import ID_SCHEMA, PART_SCHEMAS, ErrorAnswer, Route, Who

_ABOUT: Final = (
    "Live-room danmaku over HTTP. Viewers connect by WebSocket at /v1/ws. "
    "Unknown keys of a query are ignored, those of a body are refused."
)

_ANYWHERE: Final = (TOO_LARGE, INTERNAL, UNAVAILABLE, TIMEOUT)
_LATER: Final = ("TryLater", "Retry-After", "Seconds to wait before the next try.")
_WITH_HEADER: Final = {401: ("NoToken", "WWW-Authenticate", "Always `Bearer`."), 429: _LATER, 503: _LATER}


def describe(routes: tuple[Route, ...]) -> dict[str, Any]:
    """The whole document; every body, answer and refusal is a schema of the type that is used."""
    types = [kind for route in routes for kind in (route.body, route.answer) if kind is not None]
    schemas, components = msgspec.json.schema_components(
        [*types, ErrorAnswer], ref_template="#/components/schemas/{name}"
    )
    known = dict(zip([*types, ErrorAnswer], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, known)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Danmaku", "version": version("danmaku"), "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": _refusals(known[ErrorAnswer]),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "x-refusals": [
            {
                "error": kind.name,
                "code": kind.code,
                "status": kind.status,
                "message": kind.text,
                "retry": kind.retry,
            }
            for kind in REFUSALS.values()
        ],
    }


def _operation(route: Route, known: dict[Any, Any]) -> dict[str, Any]:
    answer = known[route.answer] if route.answer else {"type": "string"}
    responses = {str(route.status): _answer("Done.", answer, route.media)}
    refusals = _refusals_of(route)
    if route.other is not None:
        either = {"anyOf": [answer, known[ErrorAnswer]]}
        responses[str(route.other)] = _answer("Not now.", either, route.media)
        del refusals[route.other]
    for status, names in sorted(refusals.items()):
        responses[str(status)] = {"$ref": f"#/components/responses/{_refusal(status)}", "description": names}
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.text,
        "description": f"For {route.who.value}.",
        "tags": [_tag(route.path)],
        "responses": responses,
    }
    if parameters := _parameters(route):
        operation["parameters"] = parameters
    if route.body is not None:
        content = {"application/json": {"schema": known[route.body]}}
        operation["requestBody"] = {"required": _is_needed(route.body), "content": content}
    if route.who is Who.READER:
        operation["security"] = [{}, {"token": []}]
    elif route.who is not Who.ANYONE:
        operation["security"] = [{"token": []}]
    return operation


def _is_needed(body: Any) -> bool:
    """Nothing is read as a body that says nothing."""
    try:
        msgspec.json.decode(b"{}", type=body)
    except msgspec.ValidationError:
        return True
    return False


def _refusals_of(route: Route) -> dict[int, str]:
    """The names of the refusals that a route may answer with, by status."""
    kinds = {*_ANYWHERE, *route.refuses}
    if "{" in route.path:
        kinds.add(BAD_ID)
    if "{room}" in route.path:
        kinds.add(ROOM_NOT_FOUND)
    if route.body is not None or route.query:
        kinds |= {BAD_FRAME, BAD_ID}
    if route.paced:
        kinds.add(RATE_LIMITED)
    if route.who is not Who.ANYONE:
        kinds |= {UNAUTHORIZED, BANNED}
    if route.who.role > Role.VIEWER:
        kinds.add(FORBIDDEN)
    names: dict[int, str] = {}
    for kind in sorted(kinds, key=lambda kind: kind.code):
        names[kind.status] = f"{names[kind.status]}, {kind.name}" if kind.status in names else kind.name
    return names


def _refusal(status: int) -> str:
    """The component that such a refusal looks like."""
    return _WITH_HEADER[status][0] if status in _WITH_HEADER else "Refusal"


def _refusals(schema: Any) -> dict[str, Any]:
    components = {"Refusal": _answer("A refusal: see x-refusals.", schema)}
    for name, header, text in _WITH_HEADER.values():
        headers = {header: {"required": True, "description": text, "schema": {"type": "string"}}}
        components[name] = {**components["Refusal"], "headers": headers}
    return components


def _answer(text: str, schema: Any, media: str = "application/json") -> dict[str, Any]:
    return {"description": text, "content": {media: {"schema": schema}}}


def _parameters(route: Route) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    parts = [
        {"name": name, "in": "path", "required": True, "schema": PART_SCHEMAS.get(name, ID_SCHEMA)}
        for name in names
    ]
    query = [
        {"name": one.name, "in": "query", "description": one.text, "schema": one.schema}
        for one in route.query
    ]
    return [*parts, *query]


def _operation_id(route: Route) -> str:
    words = [part.strip("{}") for part in route.path.split("/") if part and part != "v1"]
    return "_".join([route.method.lower(), *words]).replace(".", "_")


def _tag(path: str) -> str:
    words = [part for part in path.split("/") if part and part != "v1" and not part.startswith("{")]
    return words[0] if path.startswith("/v1/") else "node"
