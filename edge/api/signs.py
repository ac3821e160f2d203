"""Signs of abuse in a room, as they are seen: what its moderators follow."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from danmaku import rows
from danmaku.errors import INTERNAL, Refusal
from danmaku.model import MAX_NUMBER
from danmaku.moderation_rows import Signs as SignsAnswer
from danmaku.moderation_rows import SignsRow
from edge.api.routing import Call, NumberQuery, RoomsClient, Route, Who

MAX_WAIT_S: Final = 25
_PATH: Final = "/v1/admin/rooms/{room}/signs"
_AFTER: Final = NumberQuery("after", "the `at` of the newest one that is known", 0, MAX_NUMBER)
_WAIT: Final = NumberQuery("wait_s", "where there is none, wait so long for one", 0, MAX_WAIT_S)
_EVERY_S: Final = 0.4


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

    def routes(self) -> list[Route]:
        text = "Signs of abuse. Ask again and again with `wait_s` to follow them."
        query = (_AFTER, _WAIT)
        return [
            Route("GET", _PATH, Who.MODERATOR, text, self.get, None, Signs, query, waits_s=MAX_WAIT_S),
        ]

    async def get(self, call: Call) -> Signs:
        """Asks every now and then: an owner that waited would hold up what else was asked with it."""
        room = call.parts["room"]
        row = SignsRow(room, call.caller.uid, call.role, _AFTER.read(call) or 0)
        loop = asyncio.get_running_loop()
        until_s = loop.time() + (_WAIT.read(call) or 0)
        while True:
            signs = _signs(await self._rooms.ask(row))
            if signs or loop.time() + _EVERY_S > until_s:
                return Signs(room, signs)
            await asyncio.sleep(_EVERY_S)


def _signs(answer: rows.AnswerBase) -> list[Sign]:
    if not isinstance(answer, SignsAnswer):
        raise Refusal(INTERNAL)
    return [Sign(one.at, one.kind, one.count, one.sample, one.since) for one in answer.signs]
