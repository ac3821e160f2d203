"""Signs of abuse in a room, as they are seen: what its moderators follow."""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from danmaku.errors import INTERNAL, Refusal
from danmaku.model import MAX_NUMBER
from danmaku.moderation_rows import Signs as SignsAnswer
from danmaku.moderation_rows import SignsRow
from edge.api.routing import Call, NumberQuery, RoomsClient, Route, Who
from edge.api.waiting import MAX_WAIT_S, WAIT, Waiting

_PATH: Final = "/v1/admin/rooms/{room}/signs"
_AFTER: Final = NumberQuery("after", "the `at` of the newest one that is known", 0, MAX_NUMBER)


class Sign(msgspec.Struct):
    """kind: `same_text` of so many users, so many `joins`, or so many users of `new_accounts` who write.
    at: when; no two signs of a room have the same. since: when it began. sample: such a text, or a user.
    """

    at: int
    kind: str
    count: int
    sample: str
    since: int


class Signs(msgspec.Struct):
    """Oldest first, of the newest 100. They are not stored: a new owner of the room begins anew."""

    room: str
    signs: list[Sign]


class SignCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms
        self._waiting = Waiting(rooms)

    def routes(self) -> list[Route]:
        text = "Signs of abuse. Ask again and again with `wait_s` to follow them."
        query = (_AFTER, WAIT)
        return [
            Route("GET", _PATH, Who.MODERATOR, text, self.get, None, Signs, query, waits_s=MAX_WAIT_S),
        ]

    async def get(self, call: Call) -> Signs:
        """Safe to cancel."""
        room = call.parts["room"]
        row = SignsRow(room, call.caller.uid, call.role, _AFTER.read(call) or 0)
        wait_s = WAIT.read(call) or 0
        signs = await self._ask(row) or await self._waiting.until_there(call, wait_s, partial(self._ask, row))
        return Signs(room, signs)

    async def _ask(self, row: SignsRow) -> list[Sign]:
        answer = await self._rooms.ask(row)
        if not isinstance(answer, SignsAnswer):
            raise Refusal(INTERNAL)
        return [Sign(one.at, one.kind, one.count, one.sample, one.since) for one in answer.signs]
