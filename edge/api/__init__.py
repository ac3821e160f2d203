"""The HTTP API and the pages, on the same port as the WebSocket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from config import settings as config
from danmaku.auth import Authority
from danmaku.envelope import HelloRow
from danmaku.errors import INTERNAL, UNAUTHORIZED, Refusal
from danmaku.model import Identity
from danmaku.telemetry import EdgeMetrics, get_logger
from edge.api.edges import EdgeCalls
from edge.api.health import HealthCalls
from edge.api.messages import MessageCalls
from edge.api.openapi import describe
from edge.api.pages import SECURITY, Pages
from edge.api.rooms import RoomCalls
from edge.api.routing import (
    Call,
    RoomsClient,
    Route,
    Router,
    Who,
    answered,
    authorize,
    decode_body,
    refused,
)
from edge.api.sanctions import SanctionCalls
from edge.api.tokens import TokenCalls
from edge.uws import Request, Response

_log = get_logger("edge.api")
_PAGE: Final = "page"
_NOTHING: Final = "none"


class Api:
    """Answers every HTTP request of an edge. `now_s` is the wall clock."""

    def __init__(
        self,
        authority: Authority,
        rooms: RoomsClient,
        edge: config.Edge,
        metrics: EdgeMetrics,
        now_s: Callable[[], float],
        pages: Pages | None = None,
    ) -> None:
        self._authority = authority
        self._rooms = rooms
        self._settings = edge
        self._metrics = metrics
        self._now_s = now_s
        self._pages = pages or Pages()
        calls = (
            TokenCalls(authority, rooms, now_s),
            RoomCalls(rooms),
            MessageCalls(rooms),
            SanctionCalls(rooms),
            EdgeCalls(rooms),
            HealthCalls(rooms),
        )
        routes = [route for call in calls for route in call.routes()]
        text = "This description."
        routes.append(Route("GET", "/openapi.json", Who.ANYONE, text, self._describe, None, dict))
        self._router = Router(routes)
        self._description = answered(describe(self._router.routes))

    async def __call__(self, request: Request) -> Response:
        """Never raises; a refusal becomes an answer with its name and status."""
        name, response = await self._answer(request)
        self._metrics.http_requests.labels(name, str(response.status)).inc()
        _log.debug("request", method=request.method, route=name, status=response.status)
        headers = (*response.headers, *self._shared_with(request))
        if name != _PAGE:
            headers += (("Cache-Control", "no-store"), *SECURITY)
        return Response(response.status, response.body, headers)

    async def _answer(self, request: Request) -> tuple[str, Response]:
        """The name of the route, for the metrics, and the answer."""
        if request.method == "OPTIONS":
            return "OPTIONS", self._options(request)
        if request.method in {"GET", "HEAD"} and (page := self._pages.find(request.path)):
            return _PAGE, page.answer(request)
        name = _NOTHING
        try:
            route, parts = self._router.find(request.method, request.path)
            name = route.path
            call = Call(request, await self._identify(request, route), parts)
            authorize(route, call)
            body = decode_body(route, request, self._settings.body_bytes)
            answer = await route.handler(Call(request, call.identity, parts, body))
        except Refusal as refusal:
            methods = ", ".join(self._router.methods(request.path))
            return name, refused(refusal, {"Allow": methods} if refusal.kind.status == 405 else None)
        except Exception:
            _log.exception("request failed", route=name)
            return name, refused(Refusal(INTERNAL))
        return name, answer if isinstance(answer, Response) else answered(answer, route.status)

    async def _identify(self, request: Request, route: Route) -> Identity | None:
        """Whom the token names, and whether it was revoked. Raises Refusal."""
        header = request.headers.get("authorization")
        if header is None or route.who is Who.ANYONE:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Refusal(UNAUTHORIZED, "the Authorization header must be: Bearer <token>")
        identity = self._authority.verify(token.strip(), self._now_s())
        await self._rooms.users(HelloRow(identity.uid, identity.issued_ms))
        return identity

    async def _describe(self, call: Call) -> Response:
        return self._description

    def _options(self, request: Request) -> Response:
        """What may be done here, and to a browser whether another site's page may do it."""
        methods = ", ".join(sorted({*self._router.methods(request.path), "HEAD", "OPTIONS"}))
        headers = [("Allow", methods)]
        if "access-control-request-method" in request.headers:
            headers += [
                ("Access-Control-Allow-Methods", methods),
                ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
                ("Access-Control-Max-Age", "600"),
            ]
        return Response(204, b"", tuple(headers))

    def _shared_with(self, request: Request) -> tuple[tuple[str, str], ...]:
        """CORS: who may read the answer. Tokens travel in a header, so no credentials are allowed along."""
        origin = request.headers.get("origin")
        if origin is None:
            return ()
        if "*" in self._settings.cors:
            return (("Access-Control-Allow-Origin", "*"),)
        if origin in self._settings.cors:
            return (("Access-Control-Allow-Origin", origin), ("Vary", "Origin"))
        return ()
