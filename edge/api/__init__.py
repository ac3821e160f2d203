"""The HTTP API and the pages, on the same port as the WebSocket."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from config.live import Running
from danmaku.auth import Authority
from danmaku.errors import (
    BANNED,
    INTERNAL,
    METHOD_NOT_ALLOWED,
    NO_SUCH_ROUTE,
    RATE_LIMITED,
    TIMEOUT,
    UNAUTHORIZED,
    Refusal,
)
from danmaku.logs import get_logger
from danmaku.model import Identity, Role
from danmaku.rows import HelloRow
from danmaku.telemetry import EdgeMetrics
from edge.admission import Admission
from edge.api.audit import AuditCalls
from edge.api.chat import ChatCalls, ChatService
from edge.api.config import ConfigCalls
from edge.api.edges import EdgeCalls
from edge.api.everywhere import EverywhereCalls
from edge.api.fleet import FleetCalls
from edge.api.groups import GroupCalls
from edge.api.health import HealthCalls
from edge.api.held import HeldCalls
from edge.api.lost import Lost
from edge.api.messages import MessageCalls
from edge.api.moderators import ModeratorCalls, ranked
from edge.api.openapi import describe
from edge.api.pages import SECURITY, Page, Pages
from edge.api.polls import PollCalls
from edge.api.raid import RaidCalls
from edge.api.recalls import RecallCalls
from edge.api.rooms import RoomCalls
from edge.api.routing import (
    Call,
    RoomsClient,
    Route,
    Router,
    Who,
    answered,
    authorize,
    check_parts,
    decode_body,
    refused,
)
from edge.api.sanctions import SanctionCalls
from edge.api.sessions import SessionCalls
from edge.api.settings import SettingsCalls
from edge.api.signs import SignCalls
from edge.api.tokens import TokenCalls
from edge.api.users import UserCalls
from edge.api.words import WordCalls
from edge.uws import Request, Response

_log: Any = get_logger("edge.api")
_PAGE: Final = "page"
_NOTHING: Final = "none"
# A call may ask the rooms processes several things. This much longer than the time for one of them,
# so that what came of that one is told rather than that time is up.
_PATIENCE: Final = 1.2


class Api:
    """Answers every HTTP request of an edge. `now_s` is the wall clock, `monotonic` the other; in seconds."""

    def __init__(
        self,
        authority: Authority,
        rooms: RoomsClient,
        chat: ChatService,
        running: Running,
        admission: Admission,
        metrics: EdgeMetrics,
        now_s: Callable[[], float],
        monotonic: Callable[[], float],
        pages: Pages | None = None,
    ) -> None:
        edge = running.settings.edge
        self._authority = authority
        self._rooms = rooms
        self._settings = edge
        self._admission = admission
        self._monotonic = monotonic
        self._metrics = metrics
        self._now_s = now_s
        self._pages = pages or Pages(frames=edge.frame_ancestors)
        self._lost = Lost(self._pages.lost) if self._pages.lost is not None else None

        def judge(request: Request) -> object:
            return admission.judge(request.headers, request.address, monotonic())

        calls = (
            TokenCalls(authority, rooms, now_s),
            RoomCalls(rooms),
            MessageCalls(rooms),
            PollCalls(rooms),
            SanctionCalls(rooms),
            RecallCalls(rooms),
            ModeratorCalls(rooms),
            AuditCalls(rooms),
            UserCalls(rooms),
            HeldCalls(rooms),
            EverywhereCalls(rooms),
            SettingsCalls(rooms),
            ConfigCalls(rooms, running),
            RaidCalls(rooms),
            SignCalls(rooms),
            WordCalls(rooms),
            ChatCalls(chat),
            SessionCalls(chat),
            GroupCalls(chat),
            EdgeCalls(rooms, edge.addresses, judge, tls=bool(edge.tls_certificate)),
            FleetCalls(rooms),
            HealthCalls(rooms, admission, metrics),
        )
        routes = [route for call in calls for route in call.routes()]
        text = "This description."
        routes.append(Route("GET", "/openapi.json", Who.ANYONE, text, self._describe, answer=dict[str, Any]))
        self._router = Router(routes)
        self._larger_bodies = {
            f"{route.method} {route.path}": route.most_bytes for route in routes if route.most_bytes
        }
        self._description = answered(describe(self._router.routes))

    def body_bytes(self, request: Request) -> int:
        """How many bytes its body may have: more than usual only where an admin calls. Never raises."""
        most = self._larger_bodies.get(f"{request.method} {request.path}")
        if most is not None:
            with suppress(Refusal):
                if self._verified(request.headers.get("authorization", "")).role is Role.ADMIN:
                    return most
        return self._settings.body_bytes

    @property
    def routes(self) -> tuple[Route, ...]:
        return self._router.routes

    @property
    def waits_s(self) -> float:
        """How long a call may wait for something to tell, besides what it takes."""
        return max(route.waits_s for route in self._router.routes)

    async def __call__(self, request: Request) -> Response:
        """Never raises; a refusal becomes an answer with its name and status. Safe to cancel."""
        name, response = await self._answer(request)
        self._metrics.http_requests.labels(name, str(response.status)).inc()
        _log.debug("request", method=request.method, route=name, status=response.status)
        headers = (*response.headers, *self._shared_with(request))
        if name != _PAGE:
            headers += (("Cache-Control", "no-store"), *SECURITY)
        return Response(response.status, response.body, headers)

    async def _answer(self, request: Request) -> tuple[str, Response]:
        """The name of the route, for the metrics, and the answer."""
        page = self._pages.find(request.path)
        if request.method in {"GET", "HEAD"}:
            if page is not None:
                return _PAGE, page.answer(request)
            if (way := self._pages.moved(request.path)) is not None:
                way += f"?{_plain(request.query)}" if request.query else ""
                return _PAGE, Response(308, b"", (("Location", way), ("Cache-Control", "no-cache")))
        name = _NOTHING
        most_s = self._settings.request_s * _PATIENCE
        limit = asyncio.timeout(most_s)
        try:
            if request.method == "OPTIONS":
                return "OPTIONS", self._options(request)
            route, parts = self._find(request, page)
            name = route.path
            async with limit:
                if route.waits_s:
                    limit.reschedule(asyncio.get_running_loop().time() + most_s + route.waits_s)
                return name, await self._carry_out(route, parts, request)
        except Refusal as refusal:
            return name, self._refuse(request, refusal)
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                return name, self._refuse(request, Refusal(TIMEOUT, retry_ms=1000))
            _log.exception("request failed", route=name)
            return name, self._refuse(request, Refusal(INTERNAL))

    def _find(self, request: Request, page: Page | None) -> tuple[Route, dict[str, str]]:
        """Raises Refusal (no_such_route, method_not_allowed)."""
        if page is not None:
            raise Refusal(METHOD_NOT_ALLOWED)
        return self._router.find(request.method, request.path)

    async def _carry_out(self, route: Route, parts: dict[str, str], request: Request) -> Response:
        """Raises Refusal."""
        call = await self._admit(Call(request, None, parts), route)
        if route.who is not Who.ANYONE and call.identity is None:
            raise Refusal(UNAUTHORIZED)
        check_parts(parts)
        if route.who is Who.MODERATOR:
            call = await ranked(self._rooms, call)
        authorize(route, call)
        body = decode_body(route, request, self._settings.body_bytes)
        answer = await route.handler(replace(call, body=body))
        return answer if isinstance(answer, Response) else answered(answer, route.status)

    async def _admit(self, call: Call, route: Route) -> Call:
        """Who calls, if their token is good and neither they nor their address call too often.

        Bad tokens are counted for their address: where there are too many, none is looked at any more, but
        where none is needed, as to get a new one. Raises Refusal.
        """
        if not route.paced:
            return call
        request, now = call.request, self._monotonic()
        address = self._admission.address(request.headers, request.address)
        tried = f"bad tokens of {address}"
        brought = "authorization" in request.headers and route.who is not Who.ANYONE
        if brought:
            _refuse_for(self._admission.allowances.look_s(tried, now))
        try:
            named = Call(request, self._named(request, route), call.parts)
            self._pace(named, address, now, route)
            if route.who is not Who.ANYONE:
                await self._check(named)
        except Refusal as refusal:
            if refusal.kind in (UNAUTHORIZED, BANNED):
                wait_s = self._admission.allowances.wait_s(tried if brought else address, now)
                if not brought:
                    _refuse_for(wait_s)
            raise
        return named

    def _named(self, request: Request, route: Route) -> Identity | None:
        """Whom the token names. Raises Refusal."""
        header = request.headers.get("authorization")
        if route.who is Who.ANYONE:
            with suppress(Refusal):
                return self._verified(header) if header else None
            return None
        if header is None:
            return self._authority.guest(None, None) if route.who is Who.READER else None
        return self._verified(header)

    def _verified(self, header: str) -> Identity:
        """Raises Refusal (unauthorized)."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Refusal(UNAUTHORIZED, "the Authorization header must be: Bearer <token>")
        return self._authority.verify(token.strip(), self._now_s())

    async def _check(self, call: Call) -> None:
        """Raises Refusal where the token was revoked, or its holder is banned."""
        identity = call.identity
        if identity is not None and identity.issued_ms:  # else no token named a guest
            await self._rooms.users(HelloRow(identity.uid, identity.issued_ms, role=identity.role))

    def _pace(self, call: Call, address: str, now: float, route: Route) -> None:
        """Who is not logged in shares what their address may have; staff has no limit, where it is asked
        whether they still are. Raises Refusal (rate_limited)."""
        identity = call.identity
        if identity is None or identity.role is Role.GUEST:
            who = address
        elif call.role.is_staff and route.who is not Who.ANYONE:
            return
        else:
            who = f"user {identity.uid}"
        _refuse_for(self._admission.allowances.wait_s(who, now))

    async def _describe(self, call: Call) -> Response:
        return self._description

    def _refuse(self, request: Request, refusal: Refusal) -> Response:
        self._metrics.refusals.labels(refusal.name).inc()
        if refusal.kind is NO_SUCH_ROUTE and self._lost is not None:
            shown = self._lost.answer(request)
            if shown is not None:
                return shown
        is_method = refusal.kind is METHOD_NOT_ALLOWED
        return refused(refusal, {"Allow": self._methods(request.path)} if is_method else None)

    def _options(self, request: Request) -> Response:
        """What may be done here, and to a browser whether another site's page may do it. Raises Refusal."""
        methods = self._methods(request.path)
        if not methods:
            raise Refusal(NO_SUCH_ROUTE)
        headers = [("Allow", methods)]
        if "access-control-request-method" in request.headers:
            headers += [
                ("Access-Control-Allow-Methods", methods),
                ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
                ("Access-Control-Max-Age", "600"),
            ]
        return Response(204, b"", tuple(headers))

    def _methods(self, path: str) -> str:
        """As the Allow header tells them; empty where there is nothing at `path`."""
        methods = self._router.methods(path)
        if self._pages.find(path) is not None:
            methods.add("GET")
        if "GET" in methods:
            methods.add("HEAD")
        return ", ".join(sorted({*methods, "OPTIONS"})) if methods else ""

    def _shared_with(self, request: Request) -> tuple[tuple[str, str], ...]:
        """CORS: who may read the answer. Tokens travel in a header, so no credentials are allowed along."""
        if "*" in self._settings.cors:
            return (("Access-Control-Allow-Origin", "*"),)
        origin = request.headers.get("origin")
        if origin is None or origin not in self._settings.cors:
            return (("Vary", "Origin"),)
        return (("Access-Control-Allow-Origin", origin), ("Vary", "Origin"))


def _plain(query: str) -> str:
    """As it came, but what does not belong in an address is encoded, as what no header can hold."""
    return quote(query, safe="%!$&'()*+,;=:@/?~", encoding="latin-1")


def _refuse_for(wait_s: float) -> None:
    """Raises Refusal (rate_limited) where there is anything to wait for."""
    if wait_s > 0:
        raise Refusal(RATE_LIMITED, retry_ms=math.ceil(wait_s * 1000))
