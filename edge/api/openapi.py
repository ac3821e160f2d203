"""The API described by itself: OpenAPI 3.1, from the same routes and types that serve it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

import msgspec

from danmaku.errors import REFUSALS
from edge.api.routing import ID_SCHEMA, PART_SCHEMAS, ErrorAnswer, Route, Who

_ABOUT: Final = (
    "Live-room danmaku over HTTP. Viewers connect by WebSocket at /v1/ws. "
    "Unknown keys of a query are ignored, those of a body are refused."
)


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
            "responses": {"Refusal": _answer("A refusal: see x-refusals.", known[ErrorAnswer])},
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
    if route.other is not None:
        responses[str(route.other)] = _answer("Not now.", answer, route.media)
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.text,
        "description": f"For {route.who.value}.",
        "tags": [_tag(route.path)],
        "responses": {**responses, "default": {"$ref": "#/components/responses/Refusal"}},
    }
    if parameters := _parameters(route):
        operation["parameters"] = parameters
    if route.body is not None:
        content = {"application/json": {"schema": known[route.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.who is Who.READER:
        operation["security"] = [{}, {"token": []}]
    elif route.who is not Who.ANYONE:
        operation["security"] = [{"token": []}]
    return operation


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
