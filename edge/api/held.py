"""Comments of a room that wait for a moderator: list them, follow them, approve or deny one."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from danmaku import wire
from danmaku.errors import CONFLICT, INTERNAL, NO_SUCH_MESSAGE, ROOM_CLOSED, Refusal
from danmaku.held import Held
from danmaku.model import Mode
from danmaku.moderation_rows import DecideRow, HeldRow
from danmaku.rows import HeldPage, Shown
from edge.api.audit import PlaceQuery
from edge.api.routing import Call, NumberQuery, RoomsClient, Route, Who
from edge.api.waiting import MAX_WAIT_S, WAIT, Waiting

_PATH: Final = "/v1/admin/rooms/{room}/held"
_AFTER: Final = PlaceQuery("after", "tell what came after the one with this id")
_LIMIT: Final = NumberQuery("limit", "how many at most; 50 if not given", 1, 100)

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
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms
        self._waiting = Waiting(rooms)

    def routes(self) -> list[Route]:
        show = "Comments that wait for a moderator; with `wait_s` it waits for one."
        decide = "Show a held comment, or drop it. One decides; whoever comes later is told `conflict`."
        query = (_AFTER, _LIMIT, WAIT)
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
        wait_s = WAIT.read(call) or 0
        found = await self._ask(row) or await self._waiting.until_there(call, wait_s, partial(self._ask, row))
        return HeldComments(room, [HeldComment.of(one) for one in found])

    async def decide(self, call: Call) -> HeldDecided:
        body: HeldDecision = call.body
        room, held, caller = call.parts["room"], call.parts["held"], call.caller
        row = DecideRow(room, held, body.decision == "approve", caller.uid, call.role, body.reason)
        answer = await self._rooms.ask(row)
        place = (answer.epoch, answer.seq, answer.at) if isinstance(answer, Shown) else ()
        return HeldDecided(room, held, body.decision, *place)

    async def _ask(self, row: HeldRow) -> list[Held]:
        answer = await self._rooms.ask(row)
        if not isinstance(answer, HeldPage):
            raise Refusal(INTERNAL)
        return answer.held
