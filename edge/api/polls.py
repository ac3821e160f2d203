"""Polls of a room, and what is pinned there."""

from __future__ import annotations

import secrets
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from danmaku.errors import (
    BAD_FRAME,
    CONFLICT,
    EMPTY,
    FORBIDDEN,
    INTERNAL,
    MUTED,
    NO_SUCH_MESSAGE,
    NO_SUCH_POLL,
    POLL_CLOSED,
    POLL_FULL,
    ROOM_CLOSED,
    TOO_LONG,
    Refusal,
)
from danmaku.event_rows import ClosePollRow, GetPollRow, Polled, PollRow, UnpinRow, VoteRow, poll_id
from danmaku.model import MAX_NUMBER, Role, check_id
from danmaku.rows import Shown
from edge.api.rooms import enter
from edge.api.routing import Call, Id, RoomsClient, Route, Who

_POLLS: Final = "/v1/rooms/{room}/polls"
_POLL: Final = _POLLS + "/{poll}"
_POSTING: Final = (MUTED, CONFLICT, ROOM_CLOSED)
_VOTING: Final = (NO_SUCH_POLL, BAD_FRAME, FORBIDDEN, MUTED, CONFLICT, POLL_CLOSED, POLL_FULL, ROOM_CLOSED)
_Option = Annotated[str, Meta(max_length=1000)]


class NewPoll(msgspec.Struct, forbid_unknown_fields=True):
    """Without `seconds` it is open until it is closed. The same `cid` again gives the same answer."""

    question: Annotated[str, Meta(max_length=1000)]
    options: Annotated[list[_Option], Meta(min_length=2, max_length=10)]
    cid: Id
    seconds: Annotated[int, Meta(ge=1, le=7 * 24 * 3600)] | None = None


class Vote(msgspec.Struct, forbid_unknown_fields=True):
    """The place of an option in the poll's list, from 0."""

    option: Annotated[int, Meta(ge=0, le=MAX_NUMBER)]


class OpenedPoll(msgspec.Struct):
    """Its id, and where the item that tells of it stands."""

    poll: str
    epoch: int
    seq: int
    at: int


class PollState(msgspec.Struct, omit_defaults=True):
    """Votes for each option, in order; `open` false: what came of it. `voted`: for which who asks voted."""

    poll: str
    question: str
    options: list[str]
    counts: list[int]
    open: bool
    until: int | None = None
    voted: int | None = None


class Voted(msgspec.Struct):
    poll: str
    option: int


class Unpinned(msgspec.Struct):
    """Where the item that tells of it stands."""

    epoch: int
    seq: int
    at: int


class PollCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        staff, pinned = Who.MODERATOR, "/v1/rooms/{room}/pinned"
        opens, closes = "Open a poll; one at a time.", "Close a poll."
        finds, votes = "The poll that is open.", "Vote, once and for good."
        reads = "The open poll, or the one that was closed last."
        unread = NO_SUCH_POLL, ROOM_CLOSED
        unpins = "Take the pinned announcement down."
        return [
            Route(
                *("POST", _POLLS, staff, opens, self.open, NewPoll, OpenedPoll),
                refuses=(EMPTY, TOO_LONG, *_POSTING),
            ),
            Route("GET", _POLLS, Who.READER, finds, self.get_open, None, PollState, (), unread),
            Route("GET", _POLL, Who.READER, reads, self.get, None, PollState, (), unread),
            Route("POST", _POLL + "/votes", Who.VIEWER, votes, self.vote, Vote, Voted, (), _VOTING),
            Route("DELETE", _POLL, staff, closes, self.close, None, PollState, (), unread),
            Route(
                *("DELETE", pinned, staff, unpins, self.unpin, None, Unpinned),
                refuses=(*_POSTING, NO_SUCH_MESSAGE),
            ),
        ]

    async def open(self, call: Call) -> OpenedPoll:
        body: NewPoll = call.body
        room, uid = call.parts["room"], call.caller.uid
        cid = check_id(body.cid, "cid")
        row = PollRow(room, uid, call.role, cid, body.question, body.options, body.seconds)
        shown = await self._shown(row)
        return OpenedPoll(poll_id(uid, cid), shown.epoch, shown.seq, shown.at)

    async def get_open(self, call: Call) -> PollState:
        return await self._read(call, "")

    async def get(self, call: Call) -> PollState:
        return await self._read(call, call.parts["poll"])

    async def vote(self, call: Call) -> Voted:
        body: Vote = call.body
        room, poll = call.parts["room"], call.parts["poll"]
        await self._rooms.ask(VoteRow(room, call.caller.uid, call.role, poll, body.option))
        return Voted(poll, body.option)

    async def close(self, call: Call) -> PollState:
        row = ClosePollRow(call.parts["room"], call.caller.uid, call.role, call.parts["poll"])
        return await self._polled(row)

    async def unpin(self, call: Call) -> Unpinned:
        cid = secrets.token_hex(8)  # of this call: asked again under way it is the same one
        shown = await self._shown(UnpinRow(call.parts["room"], call.caller.uid, call.role, cid))
        return Unpinned(shown.epoch, shown.seq, shown.at)

    async def _read(self, call: Call, poll: str) -> PollState:
        await enter(self._rooms, call)
        uid = "" if call.role is Role.GUEST else call.caller.uid
        return await self._polled(GetPollRow(call.parts["room"], poll, uid))

    async def _shown(self, row: PollRow | UnpinRow) -> Shown:
        answer = await self._rooms.ask(row)
        if not isinstance(answer, Shown):
            raise Refusal(INTERNAL)
        return answer

    async def _polled(self, row: GetPollRow | ClosePollRow) -> PollState:
        answer = await self._rooms.ask(row)
        if not isinstance(answer, Polled):
            raise Refusal(INTERNAL)
        poll, counts, voted = answer.poll, answer.counts, answer.voted
        options = list(poll.options)
        return PollState(poll.id, poll.question, options, counts, answer.open, poll.until, voted)
