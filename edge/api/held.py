"""Comments of a room that wait for a moderator: list them, follow them, approve or deny one."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from danmaku import wire
from danmaku.errors import CONFLICT, INTERNAL, NO_SUCH_MESSAGE, ROOM_CLOSED, Refusal
from danmaku.held import Held
from danmaku.model import Mode
from danmaku.moderation_rows import DecideRow, HeldRow
from danmaku.rows import HeldPage, Shown
from edge.api.routing import Call, IdQuery, NumberQuery, RoomsClient, Route, Who

MAX_WAIT_S: Final = 25
_WAITING: Final = 200  # at a time, in one worker; whoever comes then is answered at once
_POLL_S: Final = 0.5
_PATH: Final = "/v1/admin/rooms/{room}/held"
_AFTER: Final = IdQuery("after", "tell what came after the one with this id")
_LIMIT: Final = NumberQuery("limit", "how many at most; 50 if not given", 1, 100)
_WAIT: Final = NumberQuery("wait_s", "where there is nothing, wait so long for it", 0, MAX_WAIT_S)

_comment = msgspec.msgpack.Decoder(wire.Comment)


class HeldComment(msgspec.Struct, omit_defaults=True):
    """`why`: what it is held for. `at` in ms since 1970."""

    id: str
    uid: str
    name: str
    text: str
    cid: str
    why: str
    at: int
    mode: Mode | None = None
    color: int | None = None
    size: int | None = None

    @classmethod
    def of(cls, one: Held) -> HeldComment:
        shown = _comment.decode(one.item)
        look = shown.mode, shown.color, shown.size
        return cls(one.id, one.uid, shown.name, shown.text, one.cid, one.why, one.at_ms, *look)


class HeldComments(msgspec.Struct):
    """Oldest first. Ask with the last id as `after` for those that came later."""

    room: str
    held: list[HeldComment]


class HeldDecision(msgspec.Struct, forbid_unknown_fields=True):
    """`reason` is for the record, and its author is told."""

    decision: Literal["approve", "deny"]
    reason: Annotated[str, Meta(max_length=200)] | None = None


class HeldDecided(msgspec.Struct, omit_defaults=True):
    """Where it stands, if it was approved and is remembered still."""

    room: str
    id: str
    decision: Literal["approve", "deny"]
    epoch: int | None = None
    seq: int | None = None
    at: int | None = None


class HeldCalls:
    def __init__(self, rooms: RoomsClient, poll_s: float = _POLL_S) -> None:
        self._rooms = rooms
        self._poll_s = poll_s
        self._waiting = 0

    def routes(self) -> list[Route]:
        show = "Comments that wait for a moderator; with `wait_s` it waits for one."
        decide = "Show a held comment, or drop it. One decides; whoever comes later is told `conflict`."
        query = (_AFTER, _LIMIT, _WAIT)
        return [
            Route(
                *("GET", _PATH, Who.MODERATOR, show, self.show),
                *(None, HeldComments, query),
                waits_s=MAX_WAIT_S,
            ),
            Route(
                *("POST", f"{_PATH}/{{held}}", Who.MODERATOR, decide, self.decide, HeldDecision, HeldDecided),
                refuses=(NO_SUCH_MESSAGE, CONFLICT, ROOM_CLOSED),
            ),
        ]

    async def show(self, call: Call) -> HeldComments:
        """Safe to cancel."""
        room = call.parts["room"]
        row = HeldRow(room, call.caller.uid, call.role, _AFTER.read(call) or "", _LIMIT.read(call) or 50)
        wait_s = _WAIT.read(call) or 0
        found = await self._ask(row)
        if not found and wait_s and self._waiting < _WAITING:
            found = await self._await(row, wait_s)
        return HeldComments(room, [HeldComment.of(one) for one in found])

    async def decide(self, call: Call) -> HeldDecided:
        body: HeldDecision = call.body
        room, held, caller = call.parts["room"], call.parts["held"], call.caller
        row = DecideRow(room, held, body.decision == "approve", caller.uid, call.role, body.reason)
        answer = await self._rooms.ask(row)
        place = (answer.epoch, answer.seq, answer.at) if isinstance(answer, Shown) else ()
        return HeldDecided(room, held, body.decision, *place)

    async def _await(self, row: HeldRow, wait_s: int) -> list[Held]:
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        self._waiting += 1
        try:
            while True:
                left_s = until - loop.time()
                await asyncio.sleep(max(0.0, min(self._poll_s, left_s)))
                found = await self._ask(row)
                if found or left_s <= self._poll_s:
                    return found
        finally:
            self._waiting -= 1

    async def _ask(self, row: HeldRow) -> list[Held]:
        answer = await self._rooms.ask(row)
        if not isinstance(answer, HeldPage):
            raise Refusal(INTERNAL)
        return answer.held
