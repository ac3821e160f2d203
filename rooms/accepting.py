"""What comes of what is said in one room, until it waits to be shown: policy, and what is asked. Pure.

A comment is judged once. Then it is refused, told to its sender alone, held for a moderator, asked about, or
accepted; what is asked about comes to one of these later.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Generic, TypeVar

from config.settings import Rooms
from danmaku.errors import (
    BLOCKED_WORDS,
    CONFLICT,
    FORBIDDEN,
    HELD_FOR_REVIEW,
    RATE_LIMITED,
    TOO_LARGE,
    UNAVAILABLE,
    Refusal,
)
from danmaku.event_rows import PollRow
from danmaku.held import Held
from danmaku.model import Act, Role
from danmaku.rows import Delayed, Refused, SendRow, Shadowed, Shed
from rooms.abuse import Abuse
from rooms.accepted import Accepted, Decided
from rooms.advice import Advice
from rooms.asked import Asked, Question
from rooms.board import RoomBoard
from rooms.dedupe import Dedupe, Key, Settled
from rooms.events import Made, PostedRow
from rooms.held import HeldQueue, decision
from rooms.moment import Moment
from rooms.owed import Owed
from rooms.policy import Judge
from rooms.verdict import Fate, Verdict
from rooms.waiting import Waiting

W = TypeVar("W")
_BUSY_MS: Final = 1000
_SHED: Final = Shed()
_SHOW, _HOLD = Fate.SHOW, Fate.HOLD  # a look-up of a member costs more than what is done with it


class Accepting(Generic[W]):
    """Whoever waits for an answer is known to `dedupe` by the key of what he said, and to nobody else.

    Only what is asked about, or in `waiting`, is owed. asks: whether somebody has to be asked about comments.
    """

    __slots__ = (
        "_asides",
        "_asks",
        "_board",
        "_dedupe",
        "_judge",
        "_limits",
        "_owed",
        "_waiting",
        "abuse",
        "asked",
        "held",
    )

    def __init__(
        self,
        judge: Judge,
        held: HeldQueue,
        board: RoomBoard,
        dedupe: Dedupe[W],
        owed: Owed[W],
        waiting: Waiting[W],
        limits: Rooms,
        *,
        asks: bool,
    ) -> None:
        self.abuse = Abuse()
        self.asked = Asked()
        self.held = held
        self._judge = judge
        self._board = board
        self._dedupe = dedupe
        self._owed = owed
        self._waiting = waiting
        self._limits = limits
        self._asks = asks
        self._asides: list[tuple[str, bytes]] = []

    def take(self, row: SendRow | PostedRow, waiter: W, now: Moment) -> Settled | None:
        """The answer; None when it comes later. Raises Refusal."""
        key = row.uid, row.cid
        settled = self._dedupe.answer(key)
        if settled is not None:
            return settled
        if self._dedupe.wait(key, waiter):
            return None
        self._judge.check_open()
        if self.held.knows(key):
            raise Refusal(HELD_FOR_REVIEW)
        if self._owed.is_full:
            raise Refusal(UNAVAILABLE, "too many comments wait to be shown", retry_ms=_BUSY_MS)
        if isinstance(row, SendRow):
            return self._comment(row, key, waiter, now)
        self._check_high()
        made = self.make(row, now)
        self._high(key, made, waiter)
        if isinstance(row, PollRow):
            self._board.opens(key)
        return None

    def make(self, row: PostedRow, now: Moment) -> Made:
        """What is posted, as an item. Raises Refusal."""
        if not row.role.is_staff:
            raise Refusal(FORBIDDEN)
        self._judge.check_sanctions(row.uid, row.role, now)
        made = self._board.make(row, now)
        if made.payer is not None:
            self._judge.check_sanctions(made.payer, Role.VIEWER, now)
        return made

    def approve(self, one: Held, act: Act, waiter: W, now: Moment) -> None:
        """Let what was held be shown. Raises Refusal."""
        self._judge.check_open()
        try:
            self._judge.check_sanctions(one.uid, Role.VIEWER, now)
        except Refusal as refusal:
            raise Refusal(CONFLICT, "its author is muted or banned now; it may be denied") from refusal
        self._owed.add()
        key, decided = (one.uid, one.cid), Decided(decision(one, act), act)
        waiting = self._waiting
        waiting.own.append(Accepted(next(waiting.orders), key, one.item, [waiter], decided=decided))

    def held_stored(self, kept: Iterable[Held], gone: Iterable[str]) -> list[W]:
        """The store has carried out what `held.to_store` said. Returns those to be told that it is held."""
        kept = list(kept)
        self.held.stored(kept, gone)
        return [waiter for one in kept for waiter in self._dedupe.release((one.uid, one.cid))]

    def held_dropped(self) -> list[W]:
        """Nothing more of what is held is stored. Returns those who wait for that."""
        return [waiter for key in self.held.drop_unsaved() for waiter in self._dedupe.release(key)]

    def advised(self, question: Question, advice: Advice, now: Moment) -> list[tuple[W, Settled | Refused]]:
        """What was asked about is known. Returns the answers it settles; what is held or shown follows."""
        answers: list[tuple[W, Settled | Refused]] = []
        for one, known in self.asked.advised(question, advice):
            key = one.row.uid, one.row.cid
            try:
                answer = self._follow(one, known, key, now)
            except Refusal as refusal:
                answer = Refused.of(refusal)
            if answer is not None:
                answers += [(waiter, answer) for waiter in self._owed.release(key)]
                if not isinstance(answer, Refused):
                    self._dedupe.settle(key, answer, now.s)
        return answers

    def aside(self, uid: str, item: bytes) -> None:
        """Show it to its sender alone."""
        self._asides.append((uid, item))

    def asides(self) -> list[tuple[str, bytes]]:
        """What its sender is to be shown, and nobody else, since this was asked last: (uid, item)."""
        asides, self._asides = self._asides, []
        return asides

    def _comment(self, row: SendRow, key: Key, waiter: W, now: Moment) -> Shadowed | Delayed | None:
        is_staff = row.role.is_staff
        if is_staff:
            self._check_high()
        else:
            self.abuse.said(row.uid, row.text, row.since_s, now)
        verdict = self._judge.comment(row, now, self.held.check_room_for)
        if len(verdict.item) > self._limits.batch_bytes:
            raise Refusal(TOO_LARGE)
        if verdict.fate is not _SHOW:
            return self._keep_back(verdict, key, waiter, now)
        if is_staff:
            self._high(key, Made(verdict.item), waiter)
            return None
        waiters = [waiter]
        self._dedupe.begin(key, waiters)
        self._owed.add()
        if self._asks:
            self.asked.add(Question(row, verdict.item))
        else:
            waiting = self._waiting
            waiting.normal.append(Accepted(next(waiting.orders), key, verdict.item, waiters))
        return None

    def _keep_back(self, verdict: Verdict, key: Key, waiter: W, now: Moment) -> Shadowed | Delayed | None:
        if verdict.fate is _HOLD:
            self.held.hold(key, verdict.item, verdict.why, now.ms)
            self._dedupe.begin(key, [waiter])
            return None
        answer = self._shadow(verdict.item, key, now)
        self._dedupe.settle(key, answer, now.s)
        return answer

    def _shadow(self, item: bytes, key: Key, now: Moment) -> Shadowed | Delayed:
        """Where comments are delayed this one is, too: or its sender could tell."""
        waiting = self._waiting
        if not waiting.delays:
            self.aside(key[0], item)
            return Shadowed(now.ms)
        self._owed.add()
        return waiting.put_off(Accepted(next(waiting.orders), key, item, [], shadowed=True), now)

    def _check_high(self) -> None:
        if not self._waiting.takes_high:
            raise Refusal(RATE_LIMITED, "the room shows no more events at a time", retry_ms=_BUSY_MS)

    def _high(self, key: Key, made: Made, waiter: W) -> None:
        if len(made.item) > self._limits.batch_bytes:
            raise Refusal(TOO_LARGE)
        waiters = [waiter]
        self._dedupe.begin(key, waiters)
        self._owed.add()
        waiting = self._waiting
        accepted = Accepted(
            next(waiting.orders), key, made.item, waiters, change=made.change, act=made.act
        )  # fmt: skip
        waiting.high.append(accepted)

    def _follow(self, one: Question, advice: Advice, key: Key, now: Moment) -> Settled | Refused | None:
        """None when the answer comes later. Raises Refusal."""
        self._judge.check_open()
        self._judge.check_sanctions(one.row.uid, one.row.role, now)
        if one.withdrawn:
            return _SHED
        if advice.decision == "deny":
            raise Refusal(BLOCKED_WORDS, advice.reason or "this may not be said here")
        if advice.decision == "shadow":
            return self._shadow(one.item, key, now)
        if advice.decision == "hold":
            self.held.hold(key, one.item, advice.reason or "webhook", now.ms)
            self._owed.remove()
            return None
        item = self._judge.changed(one.item, advice.text) if advice.decision == "change" else one.item
        waiting, waiters = self._waiting, self._dedupe.waiters(key)
        waiting.normal.append(Accepted(next(waiting.orders), key, item, waiters))
        return None
