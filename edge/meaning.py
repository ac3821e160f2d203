"""What an entry of the changes log means for a connection of the user it is about. Pure."""

from __future__ import annotations

from danmaku.change import AboutUser, Imposed, Lifted, Revoked
from danmaku.errors import BANNED, Close
from danmaku.model import Identity, Role
from danmaku.wire import Notice
from edge.session import End


def meaning(change: AboutUser, identity: Identity, now_ms: int) -> list[Notice | End]:
    """What to do about a connection that speaks for `identity`, in order.

    A guest holds no token, so none of theirs can be revoked. Sanctions do not bind admins; lifting a ban
    tells nobody.
    """
    if isinstance(change, Revoked):
        is_void = 0 < identity.issued_ms <= change.at_ms
        return [End(Close.UNAUTHORIZED, "the token was revoked")] if is_void else []
    if identity.role >= Role.ADMIN:
        return []
    if isinstance(change, Lifted):
        return [Notice("unmuted")] if change.kind == "mute" else []
    return _imposed(change, now_ms)


def _imposed(change: Imposed, now_ms: int) -> list[Notice | End]:
    sanction = change.sanction
    if not sanction.active(now_ms):
        return []
    left_ms = None if sanction.until_ms is None else sanction.until_ms - now_ms
    if sanction.kind == "mute":
        return [Notice("muted", reason=sanction.reason or None, retry_ms=left_ms)]
    return banned(sanction.reason or None, left_ms)


def banned(reason: str | None, left_ms: int | None) -> list[Notice | End]:
    """Who is banned from all rooms is told so, why and for how long still, before the connection ends."""
    return [Notice("banned", reason=reason, retry_ms=left_ms), End(Close.BANNED, reason or BANNED.text)]
