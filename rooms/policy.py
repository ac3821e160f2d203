"""Whether something may be said in a room. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import msgspec

from config.settings import Policy
from danmaku import wire
from danmaku.errors import (
    ACCOUNT_TOO_NEW,
    BAD_FRAME,
    BLOCKED_WORDS,
    DUPLICATE_TEXT,
    EMOJI_ONLY,
    EMPTY,
    FOLLOWERS_ONLY,
    FORBIDDEN,
    LINKS_NOT_ALLOWED,
    MEMBERS_ONLY,
    RATE_LIMITED,
    ROOM_CLOSED,
    SLOW_MODE,
    TOO_LONG,
    Refusal,
)
from danmaku.model import NORMAL_SIZE, WHITE, Role
from danmaku.rows import SendRow
from danmaku.wordlist import Found
from rooms.content import has_link, only_emoji
from rooms.generations import Generations
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.rate import Rate
from rooms.rules import Rules
from rooms.text import alike, clean
from rooms.verdict import Fate, Verdict
from rooms.words import NO_WORDS

MAX_NAME: Final = 32
MAX_COLOR: Final = 0xFFFFFF
MIN_SIZE: Final = 10
MAX_SIZE: Final = 64
_MAX_USERS: Final = 50_000  # remembered per room and generation; the oldest go early
_MAX_NAMES: Final = 10_000  # whose words are known
_MAX_TEXTS: Final = 20_000  # likewise

_NOTHING: Final = Found()
_HOLD: Final = Fate.HOLD
_GUEST: Final = Role.GUEST  # a look-up of a member costs more than what is done with it
_comment = msgspec.msgpack.Decoder(wire.Comment).decode


class Judge:
    """Judges comments of one room, and remembers of its users what that takes.

    Staff is exempt from all rules but bounds of length, colour and size. Sanctions do not bind streamers of
    the room and admins: whoever may impose them is not asked for the rank of whom they hit. Those that hold
    in all rooms bind streamers, too.

    is_open: whether the room is. settings: the rules, for people.
    """

    __slots__ = (
        "_asks_what",
        "_asks_who",
        "_due_s",
        "_guest_rate",
        "_heard_s",
        "_lists",
        "_names",
        "_said_s",
        "_spoke_s",
        "_user_rate",
        "is_open",
        "rules",
        "sanctions",
        "settings",
    )

    def __init__(self, rules: Rules, policy: Policy, sanctions: Sanctions) -> None:
        self.rules = rules
        self.is_open = True
        self.sanctions = sanctions
        self._due_s: Generations[str, float] = Generations(0, _MAX_USERS)
        self._spoke_s: Generations[str, float] = Generations(0, _MAX_USERS)
        self._said_s: Generations[tuple[str, str], float] = Generations(0, _MAX_USERS)
        self._heard_s: Generations[str, float] = Generations(0, _MAX_TEXTS)
        self._lists = NO_WORDS, NO_WORDS
        self._names: dict[str, Found] = {}
        self.keep_pace(policy)
        self.change(rules)

    def keep_pace(self, policy: Policy) -> None:
        """Let everybody send as often as it says from now on."""
        self._guest_rate = Rate(policy.guest_count, policy.guest_per_s, policy.guest_burst)
        self._user_rate = Rate(policy.user_count, policy.user_per_s, policy.user_burst)
        self._due_s.span_s = max(self._guest_rate.memory_s, self._user_rate.memory_s)

    def change(self, rules: Rules) -> None:
        """Judge by these from now on."""
        self.rules = rules
        self._spoke_s.span_s = rules.slow_s
        self._said_s.span_s = rules.repeat_s
        self._heard_s.span_s = rules.unique_s
        self.settings = rules.as_settings()
        # What every comment would ask is asked once: most rooms have none of these rules.
        self._asks_who = bool(
            rules.staff_only
            or rules.members_only
            or rules.followers_only
            or rules.min_account_s
            or not rules.guests_may_send
        )
        self._asks_what = rules.emoji_only or rules.review or rules.links != "show"

    def check_open(self) -> None:
        """Raises `room_closed`."""
        if not self.is_open:
            raise Refusal(ROOM_CLOSED)

    def may_still(self, uid: str, now: Moment) -> bool:
        """Whether what somebody said a while ago, who is no staff, may be shown."""
        try:
            self.check_open()
            self.check_sanctions(uid, Role.VIEWER, now)
        except Refusal:
            return False
        return True

    def check_banned(self, uid: str, role: Role, now: Moment) -> None:
        """Raises `banned`."""
        if role < Role.STREAMER:
            self.sanctions.check("ban", uid, now.ms)
        self.sanctions.everywhere.check_banned(uid, role, now.ms)

    def check_sanctions(self, uid: str, role: Role, now: Moment) -> None:
        """Raises `banned` or `muted`."""
        if not self.sanctions.concern(uid):  # as it is with most users
            return
        self.check_banned(uid, role, now)
        if role < Role.STREAMER:
            self.sanctions.check("mute", uid, now.ms)
        self.sanctions.everywhere.check_muted(uid, role, now.ms)

    def comment(
        self, row: SendRow, now: Moment, check_room_for: Callable[[bytes, int], object] | None = None
    ) -> Verdict:
        """What comes of it; counts against its user's rates. Raises Refusal.

        check_room_for: refuses what is to be held, before it counts, where no more can be.
        """
        self.check_sanctions(row.uid, row.role, now)
        is_staff = row.role.is_staff
        if self._asks_who and not is_staff:
            self._check_may_send(row, now.ms)
        text = self._text(row.text)
        mode = None if row.mode == "scroll" else row.mode
        color = _within("color", row.color, 0, MAX_COLOR, WHITE)
        size = _within("size", row.size, MIN_SIZE, MAX_SIZE, NORMAL_SIZE)
        name = clean(row.name)[:MAX_NAME].rstrip() or row.uid
        if is_staff:
            said = wire.Comment(row.uid, name, text, mode, color, size, row.role.label)
            return Verdict(wire.encode_item(said))
        why, found, shown = "", _NOTHING, text
        if self._asks_what:
            why = self._why_held(text)
        if self.sanctions.have_words:
            found, name = self._look(text), self._name(name)
            shown = found.text
        item = wire.encode_item(wire.Comment(row.uid, name, shown, mode, color, size))
        verdict = _verdict(item, why, found) if why or found.action else Verdict(item)
        if check_room_for is not None and verdict.fate is _HOLD:
            check_room_for(item, now.ms)
        self._check_pace(row, text, now.s)
        return verdict

    def _look(self, text: str) -> Found:
        """Raises `blocked_words`."""
        found = self.sanctions.look(text)
        if found.action == "refuse":
            raise Refusal(BLOCKED_WORDS)
        return found

    def _name(self, name: str) -> str:
        """As it is shown: of a word that would hold or shadow a text, only stars. Raises `blocked_words`."""
        lists = self.sanctions.everywhere.words, self.sanctions.words
        if lists != self._lists or len(self._names) >= _MAX_NAMES:
            self._lists = lists
            self._names = {}
        found = self._names.get(name)
        if found is None:
            found = self._names[name] = self.sanctions.look(name)
        if found.action == "refuse":
            raise Refusal(BLOCKED_WORDS, "your name holds words that are not allowed here")
        return found.text if found.action in (None, "mask") else "*" * len(name)

    def _check_may_send(self, row: SendRow, now_ms: int) -> None:
        rules = self.rules
        if rules.staff_only:
            raise Refusal(FORBIDDEN, "only staff may write here now")
        if row.role == Role.GUEST and not rules.guests_may_send:
            raise Refusal(FORBIDDEN, "guests may not write here")
        if rules.members_only and not row.member:
            raise Refusal(MEMBERS_ONLY)
        if rules.followers_only and not row.follower:
            raise Refusal(FOLLOWERS_ONLY)
        if rules.min_account_s:
            self._check_age(row.since_s, now_ms)

    def _check_age(self, since_s: int, now_ms: int) -> None:
        """An account of which nobody says how old it is will not be old enough either."""
        left_ms = (since_s + self.rules.min_account_s) * 1000 - now_ms
        if not since_s or left_ms > 0:
            raise Refusal(ACCOUNT_TOO_NEW, retry_ms=left_ms if since_s else None)

    def changed(self, item: bytes, text: str) -> bytes:
        """The item with this text instead. Raises Refusal (empty, too_long)."""
        comment = _comment(item)
        return wire.encode_item(msgspec.structs.replace(comment, text=self._text(text)))

    def _text(self, text: str) -> str:
        cleaned = clean(text)
        if not cleaned:
            raise Refusal(EMPTY)
        if len(cleaned) > self.rules.max_length:
            raise Refusal(TOO_LONG, f"at most {self.rules.max_length} characters are allowed here")
        return cleaned

    def _why_held(self, text: str) -> str:
        """Why a moderator has to see it first; empty where none has to. Raises Refusal."""
        rules = self.rules
        if rules.emoji_only and not only_emoji(text):
            raise Refusal(EMOJI_ONLY)
        if rules.links != "show" and has_link(text):
            if rules.links == "refuse":
                raise Refusal(LINKS_NOT_ALLOWED)
            return "link"
        return "review" if rules.review else ""

    def _check_pace(self, row: SendRow, text: str, now_s: float) -> None:
        uid, said, rules = row.uid, (row.uid, text), self.rules
        spoke_s = self._spoke_s.get(uid) if rules.slow_s else None
        if spoke_s is not None and now_s < spoke_s + rules.slow_s:
            raise Refusal(SLOW_MODE, retry_ms=_ms(spoke_s + rules.slow_s - now_s))
        said_s = self._said_s.get(said) if rules.repeat_s else None
        if said_s is not None and now_s < said_s + rules.repeat_s:
            raise Refusal(DUPLICATE_TEXT, retry_ms=_ms(said_s + rules.repeat_s - now_s))
        same = self._unheard(text, now_s) if rules.unique_s else ""
        rate = self._guest_rate if row.role == _GUEST else self._user_rate
        due_s = self._due_s.get(uid) or 0.0
        wait_s = rate.wait_s(due_s, now_s)
        if wait_s > 0:
            raise Refusal(RATE_LIMITED, retry_ms=_ms(wait_s))
        self._due_s.put(uid, rate.due_s(due_s, now_s), now_s)
        if rules.slow_s:
            self._spoke_s.put(uid, now_s, now_s)
        if rules.repeat_s:
            self._said_s.put(said, now_s, now_s)
        if rules.unique_s:
            self._heard_s.put(same, now_s, now_s)

    def _unheard(self, text: str, now_s: float) -> str:
        """As which it is remembered. Raises `duplicate_text`."""
        same, unique_s = alike(text), self.rules.unique_s
        heard_s = self._heard_s.get(same)
        if heard_s is not None and now_s < heard_s + unique_s:
            detail = "somebody said the same a moment ago"
            raise Refusal(DUPLICATE_TEXT, detail, retry_ms=_ms(heard_s + unique_s - now_s))
        return same


def _verdict(item: bytes, why: str, found: Found) -> Verdict:
    if why or found.action == "hold":
        return Verdict(item, Fate.HOLD, why or f"word {found.entry}")
    return Verdict(item, Fate.SHADOW, f"word {found.entry}") if found.action == "shadow" else Verdict(item)


def _within(key: str, value: int | None, least: int, most: int, normal: int) -> int | None:
    """`value`, or None where it is what is shown anyway."""
    if value is None or value == normal:
        return None
    if not least <= value <= most:
        raise Refusal(BAD_FRAME, f"{key} must be from {least} to {most}")
    return value


def _ms(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))
