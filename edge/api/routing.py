"""From a request to its handler: paths, methods, parameters, bodies, and refusals as answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Final, Protocol, TypeVar
from urllib.parse import parse_qs, unquote

import msgspec

from danmaku import records
from danmaku.adjustment import Adjustment, AdjustRow, RollBackRow
from danmaku.conversation import check_conv
from danmaku.envelope import (
    Answer,
    Drain,
    EdgeReport,
    HistoryReply,
    Owners,
    Row,
    SanctionsReply,
    SettingsReply,
    UserRow,
)
from danmaku.errors import (
    BAD_FRAME,
    BAD_ID,
    FORBIDDEN,
    INTERNAL,
    METHOD_NOT_ALLOWED,
    NO_SUCH_ROUTE,
    TOO_LARGE,
    UNAUTHORIZED,
    UPGRADE_REQUIRED,
    Kind,
    Refusal,
)
from danmaku.model import MAX_NUMBER, Identity, Position, Role, RoomInfo, check_id
from danmaku.rows import Done, Refreshed
from edge.api.explained import explained
from edge.uws import Request, Response

ID_SCHEMA: Final = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
Id = Annotated[str, msgspec.Meta(extra_json_schema=ID_SCHEMA)]  # check_id refuses others by their own name

CONV_SCHEMA: Final = {
    "type": "string",
    "pattern": "^(p:[A-Za-z0-9_-]{1,64}:[A-Za-z0-9_-]{1,64}|g:[A-Za-z0-9_-]{1,64})$",
}
SEQ_SCHEMA: Final = {"type": "integer", "minimum": 0, "maximum": MAX_NUMBER}
POSITION_SCHEMA: Final = {"type": "string", "pattern": "^[1-9][0-9]{0,14}-[1-9][0-9]{0,14}$"}
# Of parts of a path that are no plain ids.
PART_SCHEMAS: Final = {"conv": CONV_SCHEMA, "seq": SEQ_SCHEMA, "position": POSITION_SCHEMA}

R = TypeVar("R", bound=records.Reply)

_JSON: Final = ("Content-Type", "application/json")
_MAX_PATH: Final = 1024
_MAX_DIGITS: Final = 16


class RoomsClient(Protocol):
    """What the API asks of rooms processes. All of it may raise Refusal, and ends within `edge.request_s`."""

    async def ask(self, row: Row) -> Answer: ...
    async def users(self, row: UserRow) -> Done | Refreshed: ...
    async def history(self, room: str, since: Position | None, limit: int) -> HistoryReply: ...
    async def rooms(self, limit: int) -> list[RoomInfo]: ...
    async def broadcast(self, uid: str, cid: str, item: bytes, pin_s: int = 0) -> int: ...
    async def sanctions(self, users: int, after: str) -> SanctionsReply: ...
    async def settings(self) -> SettingsReply: ...
    async def read(self, request: records.Request, kind: type[R]) -> R: ...
    async def words(self) -> tuple[str, bytes]: ...
    async def replace_words(self, packed: bytes, by: str, role: Role, over: str | None) -> str: ...
    async def adjust(self, row: AdjustRow | RollBackRow) -> Adjustment: ...
    async def adjustments(self, limit: int) -> list[Adjustment]: ...
    async def order(self, edge: str, order: Drain) -> EdgeReport: ...
    def edges(self) -> list[EdgeReport]: ...
    def processes(self) -> list[Owners]: ...
    def ready(self) -> dict[str, bool]: ...


class Who(Enum):
    """Who may call; a role in a room counts where the path names one."""

    ANYONE = "anyone"  # a token only tells whose allowance it takes from
    READER = "whoever may join the room: guests too, where they are admitted"
    VIEWER = "a logged-in user"
    MODERATOR = "a moderator of the room"
    STREAMER = "the streamer of the room"
    ADMIN = "an admin"

    @property
    def role(self) -> Role:
        return Role.GUEST if self in (Who.ANYONE, Who.READER) else Role[self.name]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, understood: who calls (None without a token), path parts, query and typed body.

    granted: the role that the room of the path gives the caller, where it was asked.
    """

    request: Request
    identity: Identity | None
    parts: dict[str, str]
    body: Any = None
    granted: Role = Role.GUEST

    @property
    def caller(self) -> Identity:
        """Raises Refusal (unauthorized) where nobody is logged in."""
        if self.identity is None:
            raise Refusal(UNAUTHORIZED)
        return self.identity

    @property
    def role(self) -> Role:
        """The caller's role in the room of the path, or in general. Raises Refusal (unauthorized)."""
        caller = self.caller
        room = self.parts.get("room")
        return max(caller.role_in(room) if room else caller.role, self.granted)

    def word(self, name: str) -> str | None:
        """What the query says of `name`, the last time it does."""
        return parse_qs(self.request.query, keep_blank_values=True).get(name, [None])[-1]


class Query(Protocol):
    """What may stand in the query of a route."""

    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def schema(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class NumberQuery:
    name: str
    text: str
    least: int
    most: int

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def read(self, call: Call) -> int | None:
        """None where the query does not say. Raises Refusal (bad_frame)."""
        word = call.word(self.name)
        if word is None:
            return None
        is_number = word.isascii() and word.isdigit() and len(word) <= _MAX_DIGITS
        if not is_number or not self.least <= int(word) <= self.most:
            raise Refusal(BAD_FRAME, f"{self.name} must be a number from {self.least} to {self.most}")
        return int(word)


@dataclass(frozen=True, slots=True)
class IdQuery:
    name: str
    text: str

    @property
    def schema(self) -> dict[str, Any]:
        return ID_SCHEMA

    def read(self, call: Call) -> str | None:
        """None where the query does not say. Raises Refusal (bad_id)."""
        word = call.word(self.name)
        return None if word is None else check_id(word, self.name)


@dataclass(frozen=True, slots=True)
class TextQuery:
    """Printable ASCII. `pattern` tells more about it, which who asks for it has to check."""

    name: str
    text: str
    most: int
    pattern: str

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.most, "pattern": self.pattern}

    def read(self, call: Call) -> str | None:
        """None where the query does not say. Raises Refusal (bad_frame)."""
        word = call.word(self.name)
        if word is not None and not (word.isascii() and word.isprintable() and len(word) <= self.most):
            raise Refusal(BAD_FRAME, f"{self.name} must be at most {self.most} printable characters")
        return word


@dataclass(frozen=True, slots=True)
class WordsQuery:
    """What people write, in any script."""

    name: str
    text: str
    most: int

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.most}

    def read(self, call: Call) -> str | None:
        """None where the query does not say. Raises Refusal (bad_frame)."""
        word = call.word(self.name)
        if word is not None and len(word) > self.most:
            raise Refusal(BAD_FRAME, f"{self.name} must be at most {self.most} characters")
        return word


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the API. A handler answers with a value of type `answer`, or makes the Response itself.

    `refuses`: what the handler may refuse by, besides what any route of this kind may be refused by.
    `other`: a status besides `status` with which an `answer` may come. None as `answer` is `media`.
    `most_bytes`: of a body, where it may be larger than others.
    `paced`: counts for whoever calls; what watches over the service may always ask.
    `waits_s`: so much longer than others it may take.
    """

    method: str
    path: str
    who: Who
    text: str
    handler: Callable[[Call], Awaitable[Any]]
    body: Any = None
    answer: Any = None
    query: tuple[Query, ...] = ()
    refuses: tuple[Kind, ...] = ()
    status: int = 200
    other: int | None = None
    media: str = "application/json"
    paced: bool = True
    waits_s: float = 0.0
    most_bytes: int | None = None


@dataclass(slots=True)
class _Node:
    """Routes below one part of a path. `name` names the part that may be anything."""

    routes: dict[str, Route] = field(default_factory=dict)
    below: dict[str, _Node] = field(default_factory=dict)
    any: _Node | None = None
    name: str = ""

    def steps(self, part: str, parts: dict[str, str]) -> Iterator[tuple[_Node, dict[str, str]]]:
        if part in self.below:
            yield self.below[part], parts
        if self.any is not None:
            yield self.any, {**parts, self.any.name: part}


class Router:
    """Finds routes by path and method. A path may be percent-encoded, and end in a slash."""

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

    def methods(self, path: str) -> set[str]:
        """What may be done at `path`; empty where there is nothing."""
        return {method for routes, _ in self._find(path) for method in routes}

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and parts of its path, unchecked. Raises Refusal (no_such_route, method_not_allowed)."""
        found = self._find(path)
        if not found:
            raise Refusal(NO_SUCH_ROUTE)
        for routes, parts in found:
            route = routes.get("GET" if method == "HEAD" else method)
            if route is not None:
                return route, parts
        raise Refusal(METHOD_NOT_ALLOWED)

    def _find(self, path: str) -> list[tuple[dict[str, Route], dict[str, str]]]:
        """The routes that `path` may mean, a fixed part before an id, and the ids in it."""
        found: list[tuple[_Node, dict[str, str]]] = [(self._root, {})] if len(path) <= _MAX_PATH else []
        for part in map(unquote, path.removeprefix("/").removesuffix("/").split("/")):
            found = [further for node, parts in found for further in node.steps(part, parts)]
        return [(node.routes, parts) for node, parts in found if node.routes]


def check_parts(parts: Mapping[str, str]) -> None:
    """What stands for ids in a path has to be some. Raises Refusal (bad_id)."""
    for name, value in parts.items():
        _check_part(name, value)


def _check_part(name: str, value: str) -> None:
    if name == "conv":
        check_conv(value)
    elif name == "seq":
        if not (
            value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS and int(value) <= MAX_NUMBER
        ):
            raise Refusal(BAD_ID, "seq must be a number")
    else:
        check_id(value, name)


def authorize(route: Route, call: Call) -> None:
    """Raise Refusal (unauthorized, forbidden) unless the caller may use `route`."""
    if route.who is not Who.ANYONE and call.role < route.who.role:
        raise Refusal(FORBIDDEN, f"this needs {route.who.value}")


def decode_body(route: Route, request: Request, most_bytes: int) -> Any:
    """The typed body, None where the route takes none. Raises Refusal (bad_frame, too_large)."""
    if len(request.body) > (route.most_bytes or most_bytes):
        raise Refusal(TOO_LARGE)
    if route.body is None:
        return None
    body = request.body or b"{}"
    try:
        return msgspec.json.decode(body, type=route.body)
    except (ValueError, RecursionError) as error:  # bad UTF-8 is a plain ValueError
        if "got `float`" in str(error):
            with suppress(ValueError, RecursionError):
                return msgspec.convert(_lenient.decode(body), route.body)
        raise Refusal(BAD_FRAME, explained(str(error), route.body, body)) from None


def _whole(number: str) -> int | float:
    """To JSON, and so to a schema, 1.0 is an integer as good as 1."""
    value = float(number)
    return int(value) if value.is_integer() else value


_lenient: Final = msgspec.json.Decoder(float_hook=_whole)


def changed(answer: Answer | Refreshed) -> bool:
    """Whether an act did anything. Raises Refusal (internal)."""
    if not isinstance(answer, Done):
        raise Refusal(INTERNAL)
    return answer.changed


def answered(answer: Any, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(status, msgspec.json.encode(answer), (_JSON,))


class ErrorBody(msgspec.Struct, omit_defaults=True):
    """`error` is the name; where `retry_ms` is set, a try after it may succeed."""

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
    if refusal.kind is UPGRADE_REQUIRED:
        extra["Upgrade"] = "websocket"
    if refusal.kind.status == 401:
        extra["WWW-Authenticate"] = "Bearer"
    return Response(refusal.kind.status, msgspec.json.encode(body), (_JSON, *extra.items()))
