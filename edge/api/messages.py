"""What a room shows: post to it, read its recent history; broadcast to all rooms."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from danmaku import wire
from danmaku.envelope import EventRow, SendRow, Shed, Shown
from danmaku.errors import EMPTY, FORBIDDEN, INTERNAL, Refusal
from danmaku.model import Identity, Mode, Position, Role, check_id
from danmaku.wire import MAX_NUMBER
from edge.api.routing import Call, Query, RoomsClient, Route, Who

_Text = Annotated[str, Meta(max_length=1000)]


class Post(msgspec.Struct, forbid_unknown_fields=True):
    """A comment, an announcement or a gift. The same `cid` again gives the same answer, shown once."""

    kind: Literal["comment", "announce", "gift"]
    cid: str
    text: _Text | None = None
    mode: Mode | None = None
    color: int | None = None
    size: int | None = None
    gift: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    count: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    uid: str | None = None
    name: Annotated[str, Meta(max_length=64)] | None = None


class Posted(msgspec.Struct, omit_defaults=True):
    """`shown` false: accepted, but the room shows all it can; otherwise the position it got."""

    shown: bool
    epoch: int | None = None
    seq: int | None = None
    at: int | None = None


class Announcement(msgspec.Struct, forbid_unknown_fields=True):
    """For every open room."""

    kind: Literal["announce"]
    text: _Text
    cid: str


class Broadcast(msgspec.Struct):
    """How many rooms it goes to; it reaches them one after the other."""

    rooms: int


class History(msgspec.Struct):
    """Batches as they were shown, oldest first. `complete` false: more follows, or older ones are gone."""

    room: str
    epoch: int
    seq: int
    complete: bool
    history: list[msgspec.Raw]


class MessageCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        query = (
            Query("epoch", "with seq: the position after which to begin; without both, the latest"),
            Query("seq", "see epoch"),
            Query("limit", "how many items about, 1 to 1000; 50 if not given"),
        )
        return [
            Route(
                "POST",
                "/v1/rooms/{room}/messages",
                Who.VIEWER,
                "Post a comment; staff also announcements and gifts.",
                self.post,
                Post,
                Posted,
            ),
            Route(
                "GET",
                "/v1/rooms/{room}/messages",
                Who.ANYONE,
                "Recent history.",
                self.history,
                None,
                History,
                query,
            ),
            Route(
                "POST",
                "/v1/broadcast",
                Who.ADMIN,
                "Announce something in every open room.",
                self.broadcast,
                Announcement,
                Broadcast,
            ),
        ]

    async def post(self, call: Call) -> Posted:
        body: Post = call.body
        check_id(body.cid, "cid")
        row = _comment(call, body) if body.kind == "comment" else _event(call, body)
        answer = await self._rooms.ask(row)
        if isinstance(answer, Shown):
            return Posted(True, answer.epoch, answer.seq, answer.at)
        if isinstance(answer, Shed):
            return Posted(False)
        raise Refusal(INTERNAL)

    async def history(self, call: Call) -> History:
        room = call.parts["room"]
        epoch, seq = call.number("epoch", 0, 0, MAX_NUMBER), call.number("seq", 0, 0, MAX_NUMBER)
        since = Position(epoch, seq) if "epoch=" in call.request.query else None
        reply = await self._rooms.history(room, since, call.number("limit", 50, 1, 1000))
        frames = [msgspec.Raw(wire.JSON.batch(frame)) for frame in reply.frames]
        return History(room, reply.epoch, reply.seq, reply.complete, frames)

    async def broadcast(self, call: Call) -> Broadcast:
        body: Announcement = call.body
        check_id(body.cid, "cid")
        item = wire.encode_item(wire.Announce(_said(body.text), call.caller.uid, call.caller.name))
        return Broadcast(await self._rooms.broadcast(call.caller.uid, body.cid, item))


def _comment(call: Call, body: Post) -> SendRow:
    caller = call.caller
    return SendRow(
        call.parts["room"],
        caller.uid,
        caller.name,
        call.role,
        body.text or "",
        body.cid,
        body.mode,
        body.color,
        body.size,
    )


def _event(call: Call, body: Post) -> EventRow:
    if call.role < Role.MODERATOR:
        raise Refusal(FORBIDDEN, "announcements and gifts are posted by staff of the room")
    item = _gift(call.caller, body) if body.kind == "gift" else _announcement(call.caller, body)
    return EventRow(call.parts["room"], call.caller.uid, call.role, body.cid, wire.encode_item(item))


def _announcement(caller: Identity, body: Post) -> wire.Item:
    return wire.Announce(_said(body.text), caller.uid, caller.name)


def _gift(caller: Identity, body: Post) -> wire.Item:
    """The giver is named in the body, as the shop knows them; without one it is the caller."""
    if body.gift is None:
        raise Refusal(EMPTY, "a gift needs its name in `gift`")
    uid = check_id(body.uid, "uid") if body.uid else caller.uid
    return wire.Gift(uid, body.name or body.uid or caller.name, body.gift, body.count, body.text)


def _said(text: str | None) -> str:
    said = (text or "").strip()
    if not said:
        raise Refusal(EMPTY)
    return said
