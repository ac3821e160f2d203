"""What an entry of the changes log means for a connection of the user it is about. Pure."""

from __future__ import annotations

from danmaku.change import AboutUser, Imposed, Lifted, Revoked
from danmaku.errors import BANNED, Close
from danmaku.model import Identity, Role
from danmaku.wire import Notice
from edge.session import End


def meaning(change: AboutUser, identity: Identity, now_ms: int) -> End | Notice | None:
    """What to do about a connection that speaks for `identity`; None: nothing.

    A guest holds no token, so none of theirs can be revoked. Sanctions do not bind admins; lifting a ban
    tells nobody.
    """
    if isinstance(change, Revoked):
        is_void = 0 < identity.issued_ms <= change.at_ms
        return End(Close.UNAUTHORIZED, "the token was revoked") if is_void else None
    if identity.role >= Role.ADMIN:
        return None
    if isinstance(change, Lifted):
        return Notice("unmuted") if change.kind == "mute" else None
    return _imposed(change, now_ms)


def _imposed(change: Imposed, now_ms: int) -> End | Notice | None:
    sanction = change.sanction
    if not sanction.active(now_ms):
        return None
    if sanction.kind == "ban":
        return End(Close.BANNED, sanction.reason or BANNED.text)
    left_ms = None if sanction.until_ms is None else sanction.until_ms - now_ms
    return Notice("muted", reason=sanction.reason or None, retry_ms=left_ms)
