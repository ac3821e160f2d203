"""A user's own sessions over HTTP: on which devices he is connected, and how to end that."""

from __future__ import annotations

from typing import Any

import msgspec

from danmaku import chat
from danmaku.model import Number
from edge.api.chat import ChatService
from edge.api.routing import Call, Id, Route, Who


class Session(msgspec.Struct):
    """`seen_ms`: when the edge told of it last, which it does every few minutes while it is connected."""

    device: Id
    edge: str
    seen_ms: Number


class Sessions(msgspec.Struct):
    """By device. One whose connection is gone is listed for some ten minutes."""

    sessions: list[Session]


class SessionCalls:
    def __init__(self, service: ChatService) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        def route(method: str, path: str, text: str, handler: Any) -> Route:
            return Route(method, path, Who.VIEWER, text, handler, answer=Sessions)

        ends = "End a device's session: it needs a token that is issued after this."
        return [
            route("GET", "/v1/chat/sessions", "One's devices.", self.list_all),
            route("DELETE", "/v1/chat/sessions/{device}", ends, self.end),
        ]

    async def list_all(self, call: Call) -> Sessions:
        found = await self._service.ask(chat.SessionsRow(call.caller.uid), chat.Sessions)
        return Sessions([Session(*one) for one in found.devices])

    async def end(self, call: Call) -> Sessions:
        await self._service.ask(chat.EndSessionRow(call.caller.uid, call.parts["device"]), chat.Done)
        return await self.list_all(call)
