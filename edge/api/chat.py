"""Conversations over HTTP: what the `chat.*` frames do, and whom one does not want to hear of."""

from __future__ import annotations

from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec

from danmaku import chat, wire_chat
from danmaku.conversation import Mention
from danmaku.errors import (
    BAD_FRAME,
    BLOCKED,
    CONFLICT,
    EMPTY,
    FORBIDDEN,
    MUTED,
    NO_SUCH_CONVERSATION,
    NO_SUCH_MESSAGE,
    NOT_A_MEMBER,
    REFUSALS,
    TOO_LATE_TO_RECALL,
    TOO_LONG,
    Refusal,
)
from danmaku.model import MAX_NUMBER, Number, check_id
from danmaku.wire import JSON
from danmaku.wire_chat import After, Part
from edge import chat_rows
from edge.api.routing import CONV_SCHEMA, Call, Id, NumberQuery, Route, TextQuery, Who, answered
from edge.uws import Response

A = TypeVar("A", bound=chat.Answer)

Conv = Annotated[str, msgspec.Meta(extra_json_schema=CONV_SCHEMA)]

_READING: Final = (NOT_A_MEMBER, NO_SUCH_CONVERSATION)
_SAYING: Final = (*_READING, EMPTY, TOO_LONG, FORBIDDEN, MUTED, BLOCKED, CONFLICT)
_RECALLING: Final = (*_READING, FORBIDDEN, NO_SUCH_MESSAGE, CONFLICT, TOO_LATE_TO_RECALL)
_CONVERSATIONS: Final = "/v1/chat/conversations"
_MESSAGES: Final = _CONVERSATIONS + "/{conv}/messages"
_AFTER: Final = NumberQuery("after", "the seq after which to begin; 0 when it is left out", 0, MAX_NUMBER)
_LIMIT: Final = NumberQuery(
    "limit",
    f"messages, {chat_rows.PULL_MESSAGES} when it is left out",
    1,
    chat_rows.MOST_PULL_MESSAGES,
)
_PAGE: Final = NumberQuery(
    "limit",
    f"conversations, {chat_rows.SYNC_CONVERSATIONS} when it is left out",
    1,
    chat_rows.MOST_SYNC_CONVERSATIONS,
)
_CURSOR: Final = TextQuery(
    "cursor", "where to go on, as the answer before said", wire_chat.MAX_CURSOR, CONV_SCHEMA["pattern"]
)


class ChatService(Protocol):
    """What of edge.chat_client.ChatClient is needed here. It may raise Refusal."""

    async def ask(self, row: chat.Row, kind: type[A]) -> A: ...


class NewMessage(msgspec.Struct, forbid_unknown_fields=True):
    """To a user (`to`) or into a conversation (`conv`); one of the two. Under one `cid` it is stored once."""

    body: list[Part]
    cid: Id
    to: Id | None = None
    conv: Conv | None = None
    mention: Mention | None = None


class Said(msgspec.Struct):
    """`duplicate`: it was stored already, and this is the first answer again."""

    conv: Conv
    seq: Number
    at: Number
    duplicate: bool


class ReadUpTo(msgspec.Struct, forbid_unknown_fields=True):
    seq: Number


class Position(msgspec.Struct):
    """It never goes back."""

    conv: Conv
    read_seq: Number


class Message(
    msgspec.Struct, tag_field="t", tag="chat", rename={"from_": "from"}, omit_defaults=True, kw_only=True
):
    """As it comes over the WebSocket. `recall`: of number `of`. `member`: `change` tells what changed."""

    conv: Conv
    seq: Number
    from_: str | None = None
    at: Number | None = None
    kind: str  # message, recall, member, gone
    cid: str | None = None
    body: list[Part] | None = None
    mention: Mention | None = None
    of: Number | None = None
    change: dict[str, Any] | None = None


class Conversation(msgspec.Struct, omit_defaults=True):
    """`last`: the newest message, if there is any. name, role: of a group, and of the user in it.

    other_read_seq: in private, how far the other one has read; left out where that is nothing yet.

    mentions: how many of the unread messages mention the user, or all.
    """

    conv: Conv
    last_seq: Number
    read_seq: Number
    unread: Number
    mentions: Number = 0
    last: Message | None = None
    name: str | None = None
    role: str | None = None
    other_read_seq: Number = 0


class Conversations(msgspec.Struct, omit_defaults=True):
    """By id. With `more`, go on with `cursor`."""

    conversations: list[Conversation]
    more: bool
    cursor: str | None = None


class Messages(msgspec.Struct):
    """In order. Not `complete`: something after `after` is no longer kept, or not for this user to see."""

    conv: Conv
    messages: list[Message]
    last_seq: Number
    more: bool
    complete: bool


class Block(msgspec.Struct, forbid_unknown_fields=True):
    uid: Id


class Blocked(msgspec.Struct):
    """Who may not send to the user in private."""

    uids: list[Id]


class ChatCalls:
    def __init__(self, service: ChatService) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        def route(method: str, path: str, text: str, handler: Any, **more: Any) -> Route:
            return Route(method, path, Who.VIEWER, text, handler, **more)

        return [
            route(
                "POST", "/v1/chat/messages", "Say something.", self.send,
                body=NewMessage, answer=Said, refuses=_SAYING,
            ),
            route(
                "GET", _CONVERSATIONS, "One's conversations.", self.sync,
                answer=Conversations, query=(_PAGE, _CURSOR),
            ),
            route(
                "GET", _MESSAGES, "What was said in a conversation.", self.pull,
                answer=Messages, query=(_AFTER, _LIMIT), refuses=_READING,
            ),
            route(
                "PUT", _CONVERSATIONS + "/{conv}/read", "All up to this was read.", self.read,
                body=ReadUpTo, answer=Position, refuses=_READING,
            ),
            route(
                "DELETE", _MESSAGES + "/{seq}", "Take a message back.", self.recall,
                answer=Said, refuses=_RECALLING,
            ),
            route("GET", "/v1/chat/blocks", "Whom one has blocked.", self.blocked, answer=Blocked),
            route("POST", "/v1/chat/blocks", "Block a user.", self.block, body=Block, answer=Blocked),
            route(
                "DELETE", "/v1/chat/blocks/{uid}", "Let him send again.", self.unblock,
                answer=Blocked, refuses=(BAD_FRAME,),
            ),
        ]  # fmt: skip

    async def send(self, call: Call) -> Said:
        new: NewMessage = call.body
        wire_chat.check_send(new.to, new.conv, new.cid, new.body, new.mention)
        row = chat_rows.send_row(call.caller.uid, new.to, new.conv, new.cid, new.body, new.mention)
        return _said(await self._service.ask(row, chat.Said))

    async def recall(self, call: Call) -> Said:
        row = chat.RecallRow(call.caller.uid, call.parts["conv"], int(call.parts["seq"]))
        return _said(await self._service.ask(row, chat.Said))

    async def sync(self, call: Call) -> Response:
        cursor = _CURSOR.read(call)
        wire_chat.check_cursor(cursor)
        row = chat_rows.sync_row(call.caller.uid, _PAGE.read(call), cursor)
        synced = await self._service.ask(row, chat.Synced)
        told = {"conversations": chat_rows.summaries(JSON, synced), "more": synced.cursor is not None}
        return answered(told if synced.cursor is None else {**told, "cursor": synced.cursor})

    async def pull(self, call: Call) -> Response:
        asked = After(call.parts["conv"], _AFTER.read(call) or 0, _LIMIT.read(call))
        row = chat_rows.pull_row(call.caller.uid, [asked])
        [page] = (await self._service.ask(row, chat.Pulled)).results
        if page.refused is not None:
            raise Refusal(REFUSALS.get(page.refused, REFUSALS["internal"]))
        told = {
            "conv": page.conv,
            "messages": chat_rows.messages(JSON, page.conv, page.messages),
            "last_seq": page.last_seq,
            "more": page.more,
            "complete": page.complete,
        }
        return answered(told)

    async def read(self, call: Call) -> Position:
        row = chat.ReadRow(call.caller.uid, call.parts["conv"], call.body.seq)
        read = await self._service.ask(row, chat.ReadUpTo)
        return Position(read.conv, read.seq)

    async def blocked(self, call: Call) -> Blocked:
        users = await self._service.ask(chat.BlockedRow(call.caller.uid), chat.Users)
        return Blocked(users.ids)

    async def block(self, call: Call) -> Blocked:
        return await self._put_block(call, check_id(call.body.uid, "uid"), blocked=True)

    async def unblock(self, call: Call) -> Blocked:
        return await self._put_block(call, call.parts["uid"], blocked=False)

    async def _put_block(self, call: Call, uid: str, *, blocked: bool) -> Blocked:
        if uid == call.caller.uid:
            raise Refusal(BAD_FRAME, "nobody blocks himself")
        await self._service.ask(chat.BlockRow(call.caller.uid, uid, blocked), chat.Done)
        return await self.blocked(call)


def _said(said: chat.Said) -> Said:
    return Said(said.conv, said.seq, said.at, said.duplicate)
