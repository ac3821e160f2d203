"""From a request to its handler: paths, methods, tokens, bodies, and refusals as answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, unquote

import msgspec

from danmaku.envelope import (
    Answer,
    Done,
    EdgeReport,
    HelloRow,
    HistoryReply,
    Refreshed,
    RefreshRow,
    RevokeRow,
    Row,
    UserNotice,
)
from danmaku.errors import (
    BAD_FRAME,
    FORBIDDEN,
    METHOD_NOT_ALLOWED,
    NO_SUCH_ROUTE,
    TOO_LARGE,
    UNAUTHORIZED,
    Refusal,
)
from danmaku.model import Identity, Position, Role, RoomInfo, check_id
from edge.uws import Request, Response

_JSON: Final = ("Content-Type", "application/json")
_MAX_PATH: Final = 1024


class RoomsClient(Protocol):
    """What the API asks of rooms processes; edge.rooms_client has it."""

    async def ask(self, row: Row) -> Answer | Refreshed: ...
    async def users(self, row: HelloRow | RefreshRow | RevokeRow) -> Done | Refreshed: ...
    async def history(self, room: str, since: Position | None, limit: int) -> HistoryReply: ...
    async def rooms(self, limit: int) -> list[RoomInfo]: ...
    async def broadcast(self, uid: str, cid: str, item: bytes) -> int: ...
    async def close_user(self, notice: UserNotice) -> None: ...
    def edges(self) -> list[EdgeReport]: ...
    def ready(self) -> dict[str, bool]: ...


class Who(Enum):
    """Who may call; a role in a room counts where the path names one."""

    ANYONE = "anyone"
    VIEWER = "a logged-in user"
    MODERATOR = "a moderator of the room"
    STREAMER = "the streamer of the room"
    ADMIN = "an admin"

    @property
    def role(self) -> Role:
        return Role.GUEST if self is Who.ANYONE else Role[self.name]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, understood: who calls (None without a token), path parts, query and typed body."""

    request: Request
    identity: Identity | None
    parts: dict[str, str]
    body: Any = None

    @property
    def caller(self) -> Identity:
        """Raises Refusal (unauthorized) where nobody is logged in."""
        if self.identity is None:
            raise Refusal(UNAUTHORIZED)
        return self.identity

    @property
    def role(self) -> Role:
        """The caller's role in the room of the path, or in general."""
        caller = self.caller
        room = self.parts.get("room")
        return caller.role_in(room) if room else caller.role

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A number of the query. Raises Refusal (bad_frame) for anything else."""
        values = parse_qs(self.request.query).get(name)
        if not values:
            return default
        text = values[-1]
        if not (text.isascii() and text.isdigit()) or len(text) > 20 or not least <= int(text) <= most:
            raise Refusal(BAD_FRAME, f"{name} must be a number from {least} to {most}")
        return int(text)


@dataclass(frozen=True, slots=True)
class Query:
    """A number that may stand in the query, for the description of the API."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the API. `answer` None: the handler makes the Response itself."""

    method: str
    path: str
    who: Who
    text: str
    handler: Callable[[Call], Awaitable[Any]]
    body: type | None = None
    answer: Any = None
    query: tuple[Query, ...] = ()
    status: int = 200
    media: str = "application/json"


@dataclass(slots=True)
class _Node:
    """Routes below one part of a path. `name` names the part that may be anything."""

    routes: dict[str, Route] = field(default_factory=dict)
    below: dict[str, _Node] = field(default_factory=dict)
    any: _Node | None = None
    name: str = ""


class Router:
    """Finds routes by path and method."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        self.routes = tuple(routes)
        for route in self.routes:
            node = self._root
            for part in route.path.strip("/").split("/"):
                if part.startswith("{"):
                    node.any = node.any or _Node(name=part[1:-1])
                    node = node.any
                else:
                    node = node.below.setdefault(part, _Node())
            node.routes[route.method] = route

    def methods(self, path: str) -> list[str]:
        """What may be done at `path`; empty where there is nothing."""
        node, _ = self._find(path)
        return sorted(node.routes) if node else []

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and the decoded parts of its path. Raises Refusal (no_such_route, method_not_allowed)."""
        node, parts = self._find(path)
        if node is None or not node.routes:
            raise Refusal(NO_SUCH_ROUTE)
        route = node.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            raise Refusal(METHOD_NOT_ALLOWED)
        return route, parts

    def _find(self, path: str) -> tuple[_Node | None, dict[str, str]]:
        parts: dict[str, str] = {}
        node: _Node | None = self._root if len(path) <= _MAX_PATH else None
        for part in path.strip("/").split("/"):
            if node is None:
                break
            if part in node.below:
                node = node.below[part]
            elif node.any is not None:
                parts[node.any.name] = unquote(part)
                node = node.any
            else:
                node = None
        return node, parts


def authorize(route: Route, call: Call) -> None:
    """Raise Refusal unless the caller may use `route`. Ids in the path are checked as well."""
    for name, value in call.parts.items():
        check_id(value, name)
    if route.who is not Who.ANYONE and call.role < route.who.role:
        raise Refusal(FORBIDDEN, f"this needs the role of {route.who.value}")


def decode_body(route: Route, request: Request, most_bytes: int) -> Any:
    """The typed body, None where the route takes none. Raises Refusal (bad_frame, too_large)."""
    if len(request.body) > most_bytes:
        raise Refusal(TOO_LARGE)
    if route.body is None:
        return None
    try:
        return msgspec.json.decode(request.body or b"{}", type=route.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(BAD_FRAME, str(error) or "the body is nested too deeply") from None


def answered(answer: Any, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(status, msgspec.json.encode(answer), (_JSON,))


class ErrorBody(msgspec.Struct, omit_defaults=True):
    code: int
    error: str
    message: str
    retry_ms: int | None = None


class ErrorAnswer(msgspec.Struct):
    """Every refusal over HTTP."""

    error: ErrorBody


def refused(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal as an answer with the status of its table row."""
    body = ErrorAnswer(ErrorBody(refusal.code, refusal.name, refusal.message, refusal.retry_ms))
    extra = dict(headers or {})
    if refusal.retry_ms is not None or refusal.kind.status in {429, 503}:
        extra["Retry-After"] = str(max(-(-(refusal.retry_ms or 1000) // 1000), 1))
    if refusal.kind.status == 401:
        extra["WWW-Authenticate"] = "Bearer"
    return Response(refusal.kind.status, msgspec.json.encode(body), (_JSON, *extra.items()))
