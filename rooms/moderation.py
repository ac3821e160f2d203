"""Who is muted or banned in a room now, and what may not be said: by its own staff, or in all rooms. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from danmaku.errors import CONFLICT, Refusal
from danmaku.model import SanctionKind as Kind
from danmaku.wordlist import Found
from rooms.everywhere import Everywhere, barred
from rooms.words import NO_WORDS, List, look

MAX_SANCTIONS: Final = 10_000


class Kept(NamedTuple):
    """A sanction: until when, None until it is lifted; and why."""

    until_ms: int | None
    reason: str


class Sanctions:
    """The sanctions in force in one room, at most `most`. Times are wall-clock milliseconds.

    `everywhere`: those that hold in all rooms, shared with these. words: the room's own list.
    """

    __slots__ = ("_kept", "_most", "everywhere", "words")

    def __init__(self, everywhere: Everywhere | None = None, most: int = MAX_SANCTIONS) -> None:
        self.everywhere = Everywhere() if everywhere is None else everywhere
        self.words: List = NO_WORDS
        self._most = most
        self._kept: dict[tuple[Kind, str], Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def check_room_for(self, kind: Kind, uid: str, now_ms: int) -> None:
        """Raises `conflict` when one more cannot be kept."""
        if (kind, uid) in self._kept or len(self._kept) < self._most:
            return
        self._kept = {key: kept for key, kept in self._kept.items() if _lasts(kept, now_ms)}
        if len(self._kept) >= self._most:
            raise Refusal(CONFLICT, f"a room keeps at most {self._most} mutes and bans; lift some first")

    def impose(self, kind: Kind, uid: str, until_ms: int | None, reason: str = "") -> None:
        """Replaces one of the same kind and user. None: until lifted."""
        self._kept[kind, uid] = Kept(until_ms, reason)

    def lift(self, kind: Kind, uid: str) -> None:
        """Nothing happens where there is none."""
        self._kept.pop((kind, uid), None)

    @property
    def have_words(self) -> bool:
        """Whether there is anything to look for in texts."""
        return self.words.size > 0 or self.everywhere.words.size > 0

    def look(self, text: str) -> Found:
        """What becomes of a text by the words of the room and those for all rooms."""
        return look(text, (self.everywhere.words, self.words))

    def concern(self, uid: str) -> bool:
        """Whether anything is kept of this user, here or for all rooms; it may have run out."""
        kept = self._kept
        if kept and (("ban", uid) in kept or ("mute", uid) in kept):
            return True
        return self.everywhere.concern(uid)

    def bar(self, uid: str, now_ms: int) -> bool:
        """Whether a viewer is banned, here or from all rooms."""
        return self._in_force("ban", uid, now_ms) is not None or self.everywhere.is_banned(uid, now_ms)

    def check(self, kind: Kind, uid: str, now_ms: int) -> None:
        """Raises `muted` or `banned` where the user is, in this room."""
        kept = self._in_force(kind, uid, now_ms)
        if kept is not None:
            raise barred(kind, kept.reason, kept.until_ms, now_ms)

    def _in_force(self, kind: Kind, uid: str, now_ms: int) -> Kept | None:
        kept = self._kept.get((kind, uid)) if self._kept else None
        return kept if kept is not None and _lasts(kept, now_ms) else None


def _lasts(kept: Kept, now_ms: int) -> bool:
    return kept.until_ms is None or now_ms < kept.until_ms
