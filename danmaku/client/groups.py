"""Groups, as `Client.groups`, for who is logged in.

async with Client("http://127.0.0.1:8080", token=token, device="phone-1", chat=True) as client:
    group = await client.groups.make("Friends", ["bob", "cid"])
    await client.groups.appoint(group.gid, "bob", "admin")
    await client.chat.send(group.conv, "welcome")
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from danmaku.client.calls import Calls
from danmaku.client.results import Group
from danmaku.errors import INTERNAL, Refusal
from danmaku.model import check_id


class Groups:
    """What one can do with groups, as far as one's role there allows. `gid` is what stands behind `g:`.

    Each call returns the group as it is then, without its members for who does not belong to it any more.
    Raises Refusal: among others `forbidden`, `not_a_member`, `no_such_conversation`, `conflict` (the group is
    dissolved, or its owner would leave others behind), `group_full`, `blocked` (by whom is to be invited).
    Where the outcome is unknown a change is made again, under the same id, until `timeout_s` is over: it is
    made once. Cancelled, it is unknown whether it is made.
    """

    def __init__(self, calls: Calls, me: Callable[[], str]) -> None:
        self._calls = calls
        self._me = me

    async def make(
        self,
        name: str,
        members: Sequence[str] = (),
        *,
        gid: str | None = None,
        timeout_s: float | None = None,
    ) -> Group:
        """A group of one's own, with these members (at most 100) from the start."""
        gid = secrets.token_urlsafe(12) if gid is None else gid
        body = {"gid": gid, "name": name, "members": list(members)}
        return await self._change("POST", "/v1/groups", body, timeout_s)

    async def read(self, gid: str, *, timeout_s: float | None = None) -> Group:
        """A group that one belongs to."""
        return _group(await self._calls.call("GET", _path(gid), None, timeout_s))

    async def rename(self, gid: str, name: str, *, timeout_s: float | None = None) -> Group:
        """As owner or admin."""
        return await self._change("PATCH", _path(gid), {"name": name}, timeout_s)

    async def dissolve(self, gid: str, *, timeout_s: float | None = None) -> Group:
        """For good, as owner: its members can read it, and nothing is said in it any more."""
        return await self._change("DELETE", _path(gid), None, timeout_s)

    async def join(self, gid: str, *, timeout_s: float | None = None) -> Group:
        """Only where groups are open, and for who was not sent away."""
        return await self._change("PUT", _member(gid, self._me()), {}, timeout_s)

    async def invite(self, gid: str, uid: str, *, timeout_s: float | None = None) -> Group:
        """He is a member at once. Any member may."""
        return await self._change("PUT", _member(gid, uid), {}, timeout_s)

    async def leave(self, gid: str, *, timeout_s: float | None = None) -> Group:
        """An owner hands the group over first, or dissolves it; the last one just leaves."""
        return await self._change("DELETE", _member(gid, self._me()), None, timeout_s)

    async def kick(self, gid: str, uid: str, *, timeout_s: float | None = None) -> Group:
        """Send a member away whose role is below one's own. He comes again only if staff invites him."""
        return await self._change("DELETE", _member(gid, uid), None, timeout_s)

    async def appoint(
        self, gid: str, uid: str, role: Literal["admin", "member"], *, timeout_s: float | None = None
    ) -> Group:
        """Give a member another role, as owner."""
        return await self._change("PUT", _member(gid, uid), {"role": role}, timeout_s)

    async def hand_over(self, gid: str, uid: str, *, timeout_s: float | None = None) -> Group:
        """A member becomes the owner, and the owner an admin."""
        return await self._change("PUT", _member(gid, uid), {"role": "owner"}, timeout_s)

    async def mute(
        self, gid: str, uid: str, seconds: int | None = None, *, timeout_s: float | None = None
    ) -> Group:
        """A member whose role is below one's own; until it is lifted where `seconds` does not say."""
        body = {"uid": uid} if seconds is None else {"uid": uid, "seconds": seconds}
        return await self._change("POST", f"{_path(gid)}/mutes", body, timeout_s)

    async def unmute(self, gid: str, uid: str, *, timeout_s: float | None = None) -> Group:
        path = f"{_path(gid)}/mutes/{check_id(uid, 'uid')}"
        return await self._change("DELETE", path, None, timeout_s)

    async def mute_all(self, gid: str, *, timeout_s: float | None = None) -> Group:
        """Only owner and admins may speak."""
        return await self._change("PATCH", _path(gid), {"muted": True}, timeout_s)

    async def unmute_all(self, gid: str, *, timeout_s: float | None = None) -> Group:
        return await self._change("PATCH", _path(gid), {"muted": False}, timeout_s)

    async def _change(self, method: str, path: str, body: Any, timeout_s: float | None) -> Group:
        path = f"{path}?cid={secrets.token_urlsafe(12)}"
        return _group(await self._calls.call(method, path, body, timeout_s))


def _path(gid: str) -> str:
    """Raises Refusal (bad_id)."""
    return f"/v1/groups/{check_id(gid, 'gid')}"


def _member(gid: str, uid: str) -> str:
    return f"{_path(gid)}/members/{check_id(uid, 'uid')}"


def _group(answer: bytes) -> Group:
    try:
        return msgspec.json.decode(answer, type=Group)
    except msgspec.MsgspecError:
        raise Refusal(INTERNAL, "what answers is not danmaku") from None
