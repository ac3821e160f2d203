"""What a moderator is shown of one user: rank, sanctions, what was done about them, what they said lately."""

from __future__ import annotations

from typing import Final

import msgspec

from danmaku import wire
from danmaku.model import check_id
from danmaku.records import Card, CardRequest
from danmaku.wire_items import Comment
from edge.api.routing import Call, RoomsClient, Route, Who
from edge.api.sanctions import SanctionInForce

_PATH: Final = "/v1/admin/rooms/{room}/users/{uid}"
_LOOKED_THROUGH: Final = 1000  # items of the room's history, the newest
_SHOWN: Final = 50

_batch = msgspec.msgpack.Decoder(wire.Batch)
_comment = msgspec.msgpack.Decoder(Comment)


class Said(msgspec.Struct):
    """`at` in ms since 1970."""

    epoch: int
    seq: int
    at: int
    name: str
    text: str


class UserCard(msgspec.Struct):
    """`role` is moderator where they were appointed, else null: what their tokens say is not known here.

    `acts`: how many entries of the room's audit record concern them. `comments`: the last among the newest
    items of the room's history, oldest first.
    """

    room: str
    uid: str
    role: str | None
    appointed_by: str | None
    sanctions: list[SanctionInForce]
    everywhere: list[SanctionInForce]
    acts: int
    comments: list[Said]


class UserCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        text = "What is known of a user in this room."
        return [Route("GET", _PATH, Who.MODERATOR, text, self.card, None, UserCard)]

    async def card(self, call: Call) -> UserCard:
        room, uid = call.parts["room"], check_id(call.parts["uid"], "uid")
        card = await self._rooms.read(CardRequest(0, room, uid), Card)
        reply = await self._rooms.history(room, None, _LOOKED_THROUGH)
        said = [one for frame in reply.frames for one in comments_of(uid, frame)]
        return UserCard(
            room,
            uid,
            None if card.appointed is None else "moderator",
            None if card.appointed is None else card.appointed.by,
            [SanctionInForce.of(one) for one in card.here],
            [SanctionInForce.of(one) for one in card.everywhere],
            card.acts,
            said[-_SHOWN:],
        )


def comments_of(uid: str, frame: bytes) -> list[Said]:
    """Their comments in a batch."""
    batch = _batch.decode(frame)
    found = []
    for index, raw in enumerate(batch.items):
        try:
            item = _comment.decode(raw)
        except msgspec.ValidationError:
            continue  # it is of another kind
        if item.uid == uid:
            found.append(Said(batch.epoch, batch.seq + index, batch.at, item.name, item.text))
    return found
