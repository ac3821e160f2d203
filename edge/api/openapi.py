"""The API described by itself: OpenAPI 3.1, from the same routes and types that serve it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import msgspec

from edge.api.routing import ErrorAnswer, Route, Who


def describe(routes: tuple[Route, ...]) -> dict[str, Any]:
    """The whole document; every body, answer and refusal is a schema of the type that is used."""
    types = [kind for route in routes for kind in (route.body, route.answer) if kind is not None]
    schemas, components = msgspec.json.schema_components(
        [*types, ErrorAnswer], ref_template="#/components/schemas/{name}"
    )
    known = dict(zip([id(kind) for kind in [*types, ErrorAnswer]], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Danmaku",
            "version": version("danmaku"),
            "description": "Live-room danmaku over HTTP. Viewers connect by WebSocket at /v1/ws.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(route: Route, known: dict[int, Any]) -> dict[str, Any]:
    error = {"application/json": {"schema": known[id(ErrorAnswer)]}}
    content: dict[str, Any] = {"schema": known[id(route.answer)]} if route.answer else {}
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.text,
        "description": f"For {route.who.value}.",
        "tags": [_tag(route.path)],
        "responses": {
            str(route.status): {"description": "Done.", "content": {route.media: content}},
            "default": {"description": "A refusal.", "content": error},
        },
    }
    if parameters := _parameters(route):
        operation["parameters"] = parameters
    if route.body is not None:
        body = {"application/json": {"schema": known[id(route.body)]}}
        operation["requestBody"] = {"required": True, "content": body}
    if route.who is not Who.ANYONE:
        operation["security"] = [{"token": []}]
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    identifier = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
    parts = [{"name": name, "in": "path", "required": True, "schema": identifier} for name in names]
    number = {"type": "integer", "minimum": 0}
    query = [{"name": q.name, "in": "query", "description": q.text, "schema": number} for q in route.query]
    return [*parts, *query]


def _operation_id(route: Route) -> str:
    words = [part.strip("{}") for part in route.path.split("/") if part and part != "v1"]
    return "_".join([route.method.lower(), *words]).replace(".", "_")


def _tag(path: str) -> str:
    words = [part for part in path.split("/") if part and part != "v1" and not part.startswith("{")]
    return words[0] if path.startswith("/v1/") else "node"
