"""Groups over HTTP: who belongs to them, and what they may do there."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from danmaku import chat, conversation
from danmaku.conversation import Change
from danmaku.errors import (
    BAD_FRAME,
    BLOCKED,
    CONFLICT,
    EMPTY,
    FORBIDDEN,
    GROUP_FULL,
    NO_SUCH_CONVERSATION,
    NOT_A_MEMBER,
    TOO_LONG,
    Refusal,
)
from danmaku.model import Number, check_id
from edge.api.chat import ChatService, Conv
from edge.api.routing import Call, Id, IdQuery, Route, Who

_GROUP: Final = "/v1/groups/{gid}"
_MOST_S: Final = 366 * 24 * 3600
_CID: Final = IdQuery("cid", "the change's own id: said again under it, it is made once; for a day")
_READING: Final = (NOT_A_MEMBER, NO_SUCH_CONVERSATION)
_CHANGING: Final = (*_READING, EMPTY, TOO_LONG, FORBIDDEN, BLOCKED, CONFLICT, GROUP_FULL)
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\S")]


class NewGroup(msgspec.Struct, forbid_unknown_fields=True):
    """Whoever makes it owns it. With a `gid` of one's own it may be said again, and is made once."""

    name: Name
    gid: Id | None = None
    members: Annotated[list[Id], Meta(max_length=100)] = []


class GroupChange(msgspec.Struct, forbid_unknown_fields=True):
    """One of the two. `muted`: only owner and admins may speak."""

    name: Name | None = None
    muted: bool | None = None


class NewMember(msgspec.Struct, forbid_unknown_fields=True):
    """Without a role he comes to the group. With one he, a member, gets it; `owner` hands the group over."""

    role: Literal["owner", "admin", "member"] | None = None


class GroupMute(msgspec.Struct, forbid_unknown_fields=True):
    """Without `seconds` it lasts until it is lifted."""

    uid: Id
    seconds: Annotated[int, Meta(ge=1, le=_MOST_S)] | None = None


class GroupMember(msgspec.Struct, omit_defaults=True):
    """`since`: the seq with which he came. `muted_until_ms`: -1 until it is lifted."""

    uid: Id
    role: str
    since: Number
    muted_until_ms: int = 0


class GroupInfo(msgspec.Struct):
    """`members` is empty for who does not belong to it any more."""

    gid: Id
    conv: Conv
    name: str
    last_seq: Number
    created_ms: Number
    muted: bool
    dissolved: bool
    members: list[GroupMember]


class GroupCalls:
    def __init__(self, service: ChatService) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        def route(method: str, path: str, text: str, handler: Any, body: Any = None) -> Route:
            query, refuses = ((), _READING) if method == "GET" else ((_CID,), _CHANGING)
            return Route(method, path, Who.VIEWER, text, handler, body, GroupInfo, query, refuses)

        member, mutes = _GROUP + "/members/{uid}", _GROUP + "/mutes"
        return [
            route("POST", "/v1/groups", "Make a group.", self.create, NewGroup),
            route("GET", _GROUP, "A group that one belongs to.", self.read),
            route("PATCH", _GROUP, "Rename a group, or let only its staff speak.", self.change, GroupChange),
            route("DELETE", _GROUP, "Dissolve a group for good.", self.dissolve),
            route(
                "PUT", member, "Join, invite, appoint, or hand the group over.", self.put_member, NewMember
            ),
            route("DELETE", member, "Leave, or send somebody away.", self.delete_member),
            route("POST", mutes, "Mute a member.", self.mute, GroupMute),
            route("DELETE", mutes + "/{uid}", "Let a muted member speak again.", self.unmute),
        ]

    async def create(self, call: Call) -> GroupInfo:
        new: NewGroup = call.body
        gid = secrets.token_urlsafe(12) if new.gid is None else check_id(new.gid, "gid")
        uids = [check_id(uid, "a member") for uid in new.members]
        return await self._do(call, gid, conversation.Create(new.name, uids))

    async def read(self, call: Call) -> GroupInfo:
        row = chat.GroupRow(call.caller.uid, call.parts["gid"])
        return _info(await self._service.ask(row, chat.Group))

    async def change(self, call: Call) -> GroupInfo:
        asked: GroupChange = call.body
        if (asked.name is None) is (asked.muted is None):
            raise Refusal(BAD_FRAME, "say either name or muted")
        change: Change
        if asked.name is not None:
            change = conversation.Rename(asked.name)
        else:
            change = conversation.MuteAll() if asked.muted else conversation.UnmuteAll()
        return await self._do(call, call.parts["gid"], change)

    async def dissolve(self, call: Call) -> GroupInfo:
        return await self._do(call, call.parts["gid"], conversation.Dissolve())

    async def put_member(self, call: Call) -> GroupInfo:
        role, uid = call.body.role, call.parts["uid"]
        change: Change
        if role == "owner":
            change = conversation.HandOver(uid)
        elif role is not None:
            change = conversation.Appoint(uid, role)
        elif uid == call.caller.uid:
            change = conversation.Join()
        else:
            change = conversation.Invite([uid])
        return await self._do(call, call.parts["gid"], change)

    async def delete_member(self, call: Call) -> GroupInfo:
        uid = call.parts["uid"]
        leaves = uid == call.caller.uid
        change = conversation.Leave() if leaves else conversation.Kick(uid)
        return await self._do(call, call.parts["gid"], change)

    async def mute(self, call: Call) -> GroupInfo:
        asked: GroupMute = call.body
        change = conversation.Mute(check_id(asked.uid, "uid"), asked.seconds)
        return await self._do(call, call.parts["gid"], change)

    async def unmute(self, call: Call) -> GroupInfo:
        return await self._do(call, call.parts["gid"], conversation.Unmute(call.parts["uid"]))

    async def _do(self, call: Call, gid: str, change: Change) -> GroupInfo:
        # without a cid of the caller's, one by which this edge itself may ask twice
        row = chat.ChangeGroupRow(call.caller.uid, gid, change, _CID.read(call) or secrets.token_urlsafe(12))
        return _info(await self._service.ask(row, chat.Group))


def _info(group: chat.Group) -> GroupInfo:
    members = [GroupMember(one.uid, one.role, one.since, one.muted_until_ms) for one in group.members]
    return GroupInfo(
        group.gid,
        conversation.group(group.gid),
        group.name,
        group.last_seq,
        group.created_ms,
        group.muted,
        group.dissolved,
        members,
    )
