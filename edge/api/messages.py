"""What a room shows: post to it, read its recent history; broadcast to all rooms."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from danmaku import wire
from danmaku.envelope import Row
from danmaku.errors import (
    ACCOUNT_TOO_NEW,
    BAD_FRAME,
    BLOCKED_WORDS,
    CONFLICT,
    DUPLICATE_TEXT,
    EMOJI_ONLY,
    EMPTY,
    FOLLOWERS_ONLY,
    FORBIDDEN,
    HELD_FOR_REVIEW,
    INTERNAL,
    LINKS_NOT_ALLOWED,
    MEMBERS_ONLY,
    MUTED,
    ROOM_CLOSED,
    SLOW_MODE,
    TOO_LONG,
    Refusal,
)
from danmaku.event_rows import PaidRow
from danmaku.model import Identity, Mode, Position, Role, check_id
from danmaku.rows import Delayed, EventRow, SendRow, Shadowed, Shed, Shown
from danmaku.wire import MAX_NUMBER
from edge.api.moderators import ranked
from edge.api.rooms import enter
from edge.api.routing import Call, Id, NumberQuery, RoomsClient, Route, Who
from edge.session import MAX_TEXT

_PATH: Final = "/v1/rooms/{room}/messages"
_MAX_EVENT_TEXT: Final = 1000
_DEFAULT_ITEMS: Final = 50
_EPOCH: Final = NumberQuery("epoch", "with seq: the position after which to begin", 0, MAX_NUMBER)
_SEQ: Final = NumberQuery("seq", "see epoch; without both, the latest are given", 0, MAX_NUMBER)
_LIMIT: Final = NumberQuery("limit", f"about how many items; {_DEFAULT_ITEMS} if not given", 1, 1000)
_TURNS: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_SAYING: Final = (
    *(EMPTY, TOO_LONG, BLOCKED_WORDS, LINKS_NOT_ALLOWED, EMOJI_ONLY),
    *(FORBIDDEN, MUTED, MEMBERS_ONLY, FOLLOWERS_ONLY, ACCOUNT_TOO_NEW),
    *(CONFLICT, DUPLICATE_TEXT, HELD_FOR_REVIEW, ROOM_CLOSED, SLOW_MODE),
)
_BatchFrame = Annotated[
    msgspec.Raw,
    Meta(
        description="A `batch` frame as on the WebSocket: room, epoch, seq, at, items, prev?.",
        extra_json_schema={"type": "object"},
    ),
]


Amount = Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", extra={"allowed": "three capital letters, like CNY"})]


class Comment(msgspec.Struct, tag_field="kind", tag="comment", forbid_unknown_fields=True):
    """As `send`: judged like one from a socket. The same `cid` again gives the same answer, shown once."""

    text: str
    cid: Id
    mode: Mode | None = None
    color: wire.Number | None = None
    size: wire.Number | None = None


class Announcement(msgspec.Struct, tag_field="kind", tag="announce", forbid_unknown_fields=True):
    """`pin_s`: for so many seconds it is pinned, or until another one is."""

    text: str
    cid: Id
    pin_s: Annotated[int, Meta(ge=1, le=24 * 3600)] | None = None


class Gift(msgspec.Struct, tag_field="kind", tag="gift", forbid_unknown_fields=True):
    """`uid` and `name` say who gives, as the shop knows them; without them it is the caller.

    `amount`: what was paid for all of it, in the smallest unit of `currency`. For so long as that says it is
    pinned, as a paid comment is. `ask`: as there.
    """

    gift: str
    cid: Id
    count: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    text: str | None = None
    uid: Id | None = None
    name: str | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    ask: bool = False


class Paid(msgspec.Struct, tag_field="kind", tag="paid", forbid_unknown_fields=True):
    """A comment that `uid` paid for, in the smallest unit of a currency.

    `ask` true: nothing is shown, but refused is what would be. Ask before the money is taken.
    """

    uid: Id
    name: str
    text: str
    amount: Amount
    currency: Currency
    cid: Id
    ask: bool = False


class Posted(msgspec.Struct, omit_defaults=True):
    """`shown` true: with its position, if it got one. False: to be shown in `delay_ms`; without that, left
    out of a room that shows all it can.
    """

    shown: bool
    epoch: int | None = None
    seq: int | None = None
    at: int | None = None
    delay_ms: int | None = None


class Broadcast(msgspec.Struct):
    """How many rooms it goes to; it reaches them one after the other."""

    rooms: int


class History(msgspec.Struct):
    """Batches as they were shown, oldest first. `complete` false: more follows, or older ones are gone."""

    room: str
    epoch: int
    seq: int
    complete: bool
    history: list[_BatchFrame]


_Message = Comment | Announcement | Gift | Paid


class MessageCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        post = "Post a comment; staff of the room also announcements, gifts and paid comments."
        everywhere = "Show an announcement or a gift in every open room."
        event = Announcement | Gift
        query = (_EPOCH, _SEQ, _LIMIT)
        return [
            Route("POST", _PATH, Who.VIEWER, post, self.post, _Message, Posted, (), _SAYING),
            Route(
                "GET",
                _PATH,
                Who.READER,
                "Recent history.",
                self.history,
                None,
                History,
                query,
                (ROOM_CLOSED,),
            ),
            Route(
                *("POST", "/v1/broadcast", Who.ADMIN, everywhere, self.broadcast, event, Broadcast),
                refuses=(EMPTY, TOO_LONG, CONFLICT),
            ),
        ]

    async def post(self, call: Call) -> Posted:
        body: _Message = call.body
        check_id(body.cid, "cid")
        if not isinstance(body, Comment):
            call = await ranked(self._rooms, call)
        answer = await self._rooms.ask(_row(call, body))
        if isinstance(answer, Shown):
            return Posted(True, answer.epoch, answer.seq, answer.at)
        if isinstance(answer, Shadowed):
            return Posted(True, at=answer.at)
        if isinstance(answer, Shed) or (isinstance(body, Gift | Paid) and body.ask):
            return Posted(False)
        if isinstance(answer, Delayed):
            return Posted(False, delay_ms=answer.ms)
        raise Refusal(INTERNAL)

    async def history(self, call: Call) -> History:
        room, since = call.parts["room"], _since(call)
        await enter(self._rooms, call)
        reply = await self._rooms.history(room, since, _LIMIT.read(call) or _DEFAULT_ITEMS)
        batches = [msgspec.Raw(wire.JSON.batch(frame)) for frame in reply.frames]
        return History(room, reply.epoch, reply.seq, reply.complete, batches)

    async def broadcast(self, call: Call) -> Broadcast:
        body: Announcement | Gift = call.body
        check_id(body.cid, "cid")
        if isinstance(body, Gift) and body.ask:
            raise Refusal(BAD_FRAME, "what would become of it is asked of one room")
        item = wire.encode_item(_item(call.caller, call.role, body))
        return Broadcast(await self._rooms.broadcast(call.caller.uid, body.cid, item, _pin_s(body)))


def _since(call: Call) -> Position | None:
    epoch, seq = _EPOCH.read(call), _SEQ.read(call)
    if epoch is None and seq is None:
        return None
    if epoch is None or seq is None:
        raise Refusal(BAD_FRAME, "epoch and seq are given together, or not at all")
    return Position(epoch, seq)


def _row(call: Call, body: _Message) -> Row:
    room, caller, role = call.parts["room"], call.caller, call.role
    if isinstance(body, Comment):
        if len(body.text) > MAX_TEXT:
            raise Refusal(TOO_LONG)
        look = (body.mode, body.color, body.size)
        claims = (caller.is_member(room), caller.is_follower(room), caller.since_s)
        return SendRow(room, caller.uid, caller.name, role, body.text, body.cid, *look, *claims)
    if role < Role.MODERATOR:
        raise Refusal(FORBIDDEN, "announcements, gifts and paid comments are posted by staff of the room")
    if isinstance(body, Paid):
        said = (check_id(body.uid, "uid"), body.name, body.text[:MAX_TEXT], body.amount, body.currency)
        return PaidRow(room, caller.uid, role, body.cid, *said, body.ask)
    item, asks = wire.encode_item(_item(caller, role, body)), isinstance(body, Gift) and body.ask
    return EventRow(room, caller.uid, role, body.cid, item, _pin_s(body), asks)


def _pin_s(body: Announcement | Gift) -> int:
    return body.pin_s or 0 if isinstance(body, Announcement) else 0


def _item(caller: Identity, role: Role, body: Announcement | Gift) -> wire.Item:
    if isinstance(body, Announcement):
        return wire.Announce(_line(body.text, _MAX_EVENT_TEXT), caller.uid, caller.name, role.label)
    if (body.amount is None) != (body.currency is None):
        raise Refusal(BAD_FRAME, "amount and currency are given together, or not at all")
    uid = caller.uid if body.uid is None else check_id(body.uid, "uid")
    name = _line(body.name or (caller.name if body.uid is None else uid), 64)
    text = _line(body.text, _MAX_EVENT_TEXT) if body.text else None
    return wire.Gift(uid, name, _line(body.gift, 64), body.count, text, body.amount, body.currency)


def _line(text: str, most: int) -> str:
    """One line, without control characters and what turns the direction of text. Raises Refusal."""
    words = " ".join(text.split())
    line = "".join(
        char
        for char in words
        if unicodedata.category(char) != "Cc" and unicodedata.bidirectional(char) not in _TURNS
    ).strip()
    if not line:
        raise Refusal(EMPTY)
    if len(line) > most:
        raise Refusal(TOO_LONG, f"there is room for {most} characters here")
    return line
