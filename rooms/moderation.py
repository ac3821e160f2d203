"""Who is muted or banned in a room now, and what may not be said: by its own staff, or in all rooms. Pure."""

from __future__ import annotations

from typing import Final

from danmaku.errors import CONFLICT, Refusal
from danmaku.model import SanctionKind as Kind
from danmaku.wordlist import Found
from rooms.everywhere import Everywhere
from rooms.words import NO_WORDS, List, look

MAX_SANCTIONS: Final = 10_000


class Sanctions:
    """The sanctions in force in one room, at most `most`. Times are wall-clock milliseconds.

    `everywhere`: those that hold in all rooms, shared with these. words: the room's own list.
    """

    __slots__ = ("_most", "_until_ms", "everywhere", "words")

    def __init__(self, everywhere: Everywhere | None = None, most: int = MAX_SANCTIONS) -> None:
        self.everywhere = Everywhere() if everywhere is None else everywhere
        self.words: List = NO_WORDS
        self._most = most
        self._until_ms: dict[tuple[Kind, str], int | None] = {}

    def __len__(self) -> int:
        return len(self._until_ms)

    def check_room_for(self, kind: Kind, uid: str, now_ms: int) -> None:
        """Raises `conflict` when one more cannot be kept."""
        if (kind, uid) in self._until_ms or len(self._until_ms) < self._most:
            return
        self._until_ms = {
            key: until for key, until in self._until_ms.items() if until is None or now_ms < until
        }
        if len(self._until_ms) >= self._most:
            raise Refusal(CONFLICT, f"a room keeps at most {self._most} mutes and bans; lift some first")

    def impose(self, kind: Kind, uid: str, until_ms: int | None) -> None:
        """Replaces one of the same kind and user. None: until lifted."""
        self._until_ms[kind, uid] = until_ms

    def lift(self, kind: Kind, uid: str) -> None:
        """Nothing happens where there is none."""
        self._until_ms.pop((kind, uid), None)

    @property
    def have_words(self) -> bool:
        """Whether there is anything to look for in texts."""
        return self.words.size > 0 or self.everywhere.words.size > 0

    def look(self, text: str) -> Found:
        """What becomes of a text by the words of the room and those for all rooms."""
        return look(text, (self.everywhere.words, self.words))

    def concern(self, uid: str) -> bool:
        """Whether anything is kept of this user, here or for all rooms; it may have run out."""
        kept = self._until_ms
        if kept and (("ban", uid) in kept or ("mute", uid) in kept):
            return True
        return self.everywhere.concern(uid)

    def is_banned(self, uid: str, now_ms: int) -> bool:
        return self._in_force("ban", uid, now_ms)

    def bar(self, uid: str, now_ms: int) -> bool:
        """Whether a viewer is banned, here or from all rooms."""
        return self.is_banned(uid, now_ms) or self.everywhere.is_banned(uid, now_ms)

    def is_muted(self, uid: str, now_ms: int) -> bool:
        return self._in_force("mute", uid, now_ms)

    def mute_left_ms(self, uid: str, now_ms: int) -> int | None:
        """How long a mute lasts still; None when it lasts until lifted, or there is none."""
        until = self._until_ms.get(("mute", uid))
        return None if until is None else max(0, until - now_ms)

    def _in_force(self, kind: Kind, uid: str, now_ms: int) -> bool:
        if not self._until_ms:
            return False
        until = self._until_ms.get((kind, uid), 0)
        return until is None or now_ms < until
