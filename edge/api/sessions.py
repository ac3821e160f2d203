"""Sessions over HTTP: on which devices a user is connected, the end of that, and whether others are there."""

from __future__ import annotations

from typing import Any

import msgspec

from danmaku import chat
from danmaku.errors import FORBIDDEN, NO_SUCH_DEVICE, Kind
from danmaku.model import Number
from edge.api.chat import ChatService
from edge.api.routing import Call, Id, Route, Who


class Session(msgspec.Struct):
    """`seen_ms`: when it was heard of last, which happens every few minutes while it is `online`.

    edge: where it is connected; empty where it is not.
    """

    device: Id
    online: bool
    edge: str
    seen_ms: Number


class Sessions(msgspec.Struct):
    """By device. One whose connection has ended is listed for some ten minutes."""

    sessions: list[Session]


class Presence(msgspec.Struct):
    """`seen_ms`: when the user was heard of last; null where that is more than some ten minutes ago."""

    uid: Id
    online: bool
    seen_ms: Number | None


class SessionCalls:
    def __init__(self, service: ChatService) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        def route(
            method: str, path: str, text: str, handler: Any, answer: Any = Sessions, *refuses: Kind
        ) -> Route:
            return Route(method, path, Who.VIEWER, text, handler, None, answer, refuses=refuses)

        ends = "End a device's session: it needs a token that is issued after this."
        return [
            route("GET", "/v1/chat/sessions", "One's devices.", self.list_all),
            route("DELETE", "/v1/chat/sessions/{device}", ends, self.end, Sessions, NO_SUCH_DEVICE),
            route(
                "GET", "/v1/chat/presence/{uid}", "Whether somebody one shares a conversation with is there.",
                self.presence, Presence, FORBIDDEN,
            ),
        ]  # fmt: skip

    async def list_all(self, call: Call) -> Sessions:
        found = await self._service.ask(chat.SessionsRow(call.caller.uid), chat.Sessions)
        return Sessions([Session(device, edge != "", edge, at) for device, edge, at in found.devices])

    async def end(self, call: Call) -> Sessions:
        await self._service.ask(chat.EndSessionRow(call.caller.uid, call.parts["device"]), chat.Done)
        return await self.list_all(call)

    async def presence(self, call: Call) -> Presence:
        uid = call.parts["uid"]
        found = await self._service.ask(chat.PresenceRow(call.caller.uid, uid), chat.Presence)
        return Presence(uid, found.online, found.seen_ms)
