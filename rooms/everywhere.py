"""What was decided for all rooms and holds now, as the changes log tells. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest

from danmaku.change import Change, Configured, Imposed, Lifted
from danmaku.errors import BANNED, MUTED, Refusal
from danmaku.model import Role, RoomSettings, Sanction, SanctionKind
from rooms.words import NO_WORDS, List


def barred(kind: SanctionKind, reason: str, until_ms: int | None, now_ms: int) -> Refusal:
    """What somebody is told who is muted or banned: why, and for how long still where that has an end."""
    left_ms = None if until_ms is None else until_ms - now_ms
    return Refusal(BANNED if kind == "ban" else MUTED, reason or None, retry_ms=left_ms)


class Everywhere:
    """One for all rooms of a process, with as many sanctions as the store keeps. Times are wall-clock ms.

    Only admins are exempt: streamers are not asked, in their own rooms either.
    settings: what rooms go by that have no setting of their own. words: the list for all rooms.
    """

    __slots__ = ("_kept", "settings", "words")

    def __init__(self) -> None:
        self.settings = RoomSettings()
        self.words: List = NO_WORDS
        self._kept: dict[tuple[SanctionKind, str], Sanction] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def replace(self, sanctions: Iterable[Sanction], settings: RoomSettings) -> None:
        """These, and no others."""
        self.settings = settings
        self._kept = {(sanction.kind, sanction.uid): sanction for sanction in sanctions}

    def take(self, change: Change) -> None:
        """What the log says next; a revocation is none of this."""
        if isinstance(change, Imposed):
            self._kept[change.kind, change.uid] = change.sanction
        elif isinstance(change, Lifted):
            self._kept.pop((change.kind, change.uid), None)
        elif isinstance(change, Configured):
            self.settings = change.settings

    def forget(self, now_ms: int) -> None:
        """What has run out."""
        self._kept = {key: sanction for key, sanction in self._kept.items() if sanction.active(now_ms)}

    def concern(self, uid: str) -> bool:
        """Whether anything is kept of this user; it may have run out."""
        kept = self._kept
        return bool(kept) and (("ban", uid) in kept or ("mute", uid) in kept)

    def is_banned(self, uid: str, now_ms: int) -> bool:
        """Whether who is no admin is."""
        return self._in_force("ban", uid, Role.VIEWER, now_ms) is not None

    def check_banned(self, uid: str, role: Role, now_ms: int) -> None:
        """Raises `banned`."""
        self._check("ban", uid, role, now_ms)

    def check_muted(self, uid: str, role: Role, now_ms: int) -> None:
        """Raises `muted`."""
        self._check("mute", uid, role, now_ms)

    def page(self, after: str, users: int, now_ms: int) -> tuple[list[Sanction], str | None]:
        """The sanctions of so many users with a uid above `after`, by uid; the last uid if there are more."""
        uids = {sanction.uid for sanction in self._kept.values() if sanction.active(now_ms)}
        found = nsmallest(users + 1, (uid for uid in uids if uid > after))
        shown = found[:users]
        kinds: tuple[SanctionKind, ...] = ("ban", "mute")
        kept = (self._kept.get((kind, uid)) for uid in shown for kind in kinds)
        page = [sanction for sanction in kept if sanction is not None and sanction.active(now_ms)]
        return page, shown[-1] if len(found) > users else None

    def of(self, uid: str, now_ms: int) -> list[Sanction]:
        """What this user is under."""
        kinds: tuple[SanctionKind, ...] = ("ban", "mute")
        kept = (self._kept.get((kind, uid)) for kind in kinds)
        return [one for one in kept if one is not None and one.active(now_ms)]

    def _check(self, kind: SanctionKind, uid: str, role: Role, now_ms: int) -> None:
        kept = self._in_force(kind, uid, role, now_ms)
        if kept is not None:
            raise barred(kind, kept.reason, kept.until_ms, now_ms)

    def _in_force(self, kind: SanctionKind, uid: str, role: Role, now_ms: int) -> Sanction | None:
        sanction = self._kept.get((kind, uid)) if self._kept and role < Role.ADMIN else None
        return sanction if sanction is not None and sanction.active(now_ms) else None
