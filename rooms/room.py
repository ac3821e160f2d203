"""One room at its owner: policy, then shed, then sequence, then batch. Pure.

Why it is hard: an append whose outcome is unknown may have happened. So there is one append at a time,
and until it is known to be stored the very same batch is offered again; only then is anything else
numbered. Whoever repeats a comment meanwhile waits for the outcome of the first one.

What was accepted waits in this order: normal comments until the next cut, which shows them or leaves
them out, and in a room with a delay for so long again; events and comments of staff until their budget
has room; what the room itself says (opened, closed, settings) not at all. What is chosen for one batch
stands in it in order of arrival.

A change of the room's state is what the room says of it, and its effect: the batch carries both into the
store. It is in force here once that batch is stored, and not before. The board changes with items of
anybody, so what becomes of it is only found out when they are numbered.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from config import settings as config
from danmaku import wire
from danmaku.board import EMPTY, Board, Change
from danmaku.errors import (
    BAD_FRAME,
    BLOCKED_WORDS,
    CONFLICT,
    FORBIDDEN,
    HELD_FOR_REVIEW,
    RATE_LIMITED,
    ROOM_CLOSED,
    TOO_LARGE,
    UNAVAILABLE,
    Refusal,
)
from danmaku.event_rows import PaidRow, PollRow, VoteRow
from danmaku.held import Held
from danmaku.model import Act, Effect, Position, Role, RoomInfo, RoomSettings
from danmaku.recalls import Recalled, Redaction
from danmaku.rows import Admitted, Delayed, JoinRow, LikeRow, Refused, SendRow, Shadowed, Shed, Shown
from danmaku.store.recalls import Recalling
from rooms import batch
from rooms.abuse import Abuse
from rooms.advice import Advice
from rooms.asked import Asked, Question
from rooms.batch import Batch
from rooms.dedupe import Dedupe, Key, Settled
from rooms.delay import Delay
from rooms.events import Events, Made, PostedRow
from rooms.held import HeldQueue, decision
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.policy import Judge
from rooms.rules import Rules
from rooms.shed import Display
from rooms.verdict import Fate, Verdict
from rooms.view import View
from rooms.voting import Voting

W = TypeVar("W")
_Recall = tuple[wire.Recall, tuple[Position, ...]]
MAX_LIKES: Final = 100
_BUSY_MS: Final = 1000
_SHED: Final = Shed()


class Space:
    """How many comments may wait in a process, over all its rooms."""

    __slots__ = ("left", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self.left = most


class Decided(NamedTuple):
    """held: what is kept of it. act: that of the moderator."""

    held: Held
    act: Act


class _Accepted(Generic[W]):
    """An item that is to be shown. `order`: of arrival. `key`: None for what the room itself says, which
    has an `effect`. `change`: of the board. `decided`: where it was held, what became of that. `recall`: what
    it takes back, and instead of which others that is kept. `shadowed`: its sender alone is shown it."""

    __slots__ = (
        "change",
        "decided",
        "effect",
        "item",
        "key",
        "order",
        "recall",
        "shadowed",
        "uid",
        "waiters",
    )

    def __init__(
        self,
        order: int,
        key: Key | None,
        item: bytes,
        waiters: list[W],
        effect: Effect | None = None,
        change: Change | None = None,
        decided: Decided | None = None,
    ) -> None:
        self.order = order
        self.key = key
        self.uid = key[0] if key else ""
        self.item = item
        self.waiters = waiters
        self.effect = effect
        self.change = change
        self.decided = decided
        self.recall: _Recall | None = None
        self.shadowed = False


class Cut(NamedTuple, Generic[W]):
    """batch: to be appended now, if any. answers: for those whose comments are left out."""

    batch: Batch | None
    answers: list[tuple[W, Settled]]


class Room(Generic[W]):
    """A room under one lease. `W` is whatever the caller wants answers for; it is handed back with them.

    is_over: whether somebody who waits needs no answer any more.
    head: the log's head when the room was loaded. Raises ValueError when it is of a later lease.
    saved: whether the store has the room; where it has not, the first batch creates it.
    held: what waits for a moderator. asks: whether somebody has to be asked about comments.
    """

    def __init__(
        self,
        info: RoomInfo,
        lease: int,
        head: Position,
        sanctions: Sanctions,
        space: Space,
        limits: config.Rooms,
        policy: config.Policy,
        is_over: Callable[[W], bool],
        *,
        saved: bool = True,
        board: Board = EMPTY,
        events: Events = Events(config.Events()),  # noqa: B008  it never changes
        held: HeldQueue | None = None,
        asks: bool = False,
    ) -> None:
        if head.epoch > lease:
            raise ValueError("the log was continued under a later lease")
        self.info = info
        self.lease = lease
        self.head = head
        self.saved = saved
        self.board = board
        self.voting = Voting(guests=events.guests_may_vote)
        self._events = events
        self._view = View()
        self._opening: Key | None = None  # of a poll that waits to be shown
        self.pending_likes = 0
        self.sanctions = sanctions
        self.held = HeldQueue(lease, config.Review(), limits.repeat_memory_s) if held is None else held
        self._space = space
        self._limits = limits
        self._policy = policy
        rules = self._rules(info)
        self._judge = Judge(rules, policy, sanctions)
        self.abuse = Abuse()
        self._display = Display(rules.display_per_s, policy.display_high_per_s)
        self._dedupe: Dedupe[W] = Dedupe(limits.repeat_memory_s, is_over)
        self._orders = count()
        self._owed = 0
        self._normal: list[_Accepted[W]] = []
        self._high: deque[_Accepted[W]] = deque()
        self._own: list[_Accepted[W]] = []
        self._chosen: deque[_Accepted[W]] = deque()
        self.asked = Asked()
        self._asks = asks
        self._asides: list[tuple[str, bytes]] = []
        self._delay: Delay[_Accepted[W]] = Delay()
        self._hurries = False
        self._offered: Batch | None = None
        self._offered_items: list[_Accepted[W]] = []
        self._in_flight = False
        self._uncertain = False

    @property
    def name(self) -> str:
        return self.info.room

    @property
    def likes(self) -> int:
        """The running total, with what is not stored yet."""
        return self.info.likes + self.pending_likes

    @property
    def settings(self) -> RoomSettings:
        """Those in force: every key."""
        return self._judge.settings

    @property
    def is_there(self) -> bool:
        """False once it is closed for good."""
        return self.info.created_ms > 0

    @property
    def is_busy(self) -> bool:
        """Whether something waits for a cut, or for the outcome of an append."""
        waits = self._normal or self._high or self._own or self._chosen or self._offered
        return bool(waits or self._delay or self.asked)

    @property
    def in_doubt(self) -> bool:
        """Whether the batch that was cut last may be in the log unbeknown to this owner."""
        return self._in_flight or self._uncertain

    def remember(self, key: Key, answer: Shown, now: Moment) -> None:
        """A comment that an owner before showed: its repeat gets the same answer."""
        self._dedupe.settle(key, answer, now.s)

    def take(self, row: SendRow | PostedRow, waiter: W, now: Moment) -> Settled | None:
        """The answer; None when it follows from `cut` or `stored`, with `waiter`. Raises Refusal."""
        key = row.uid, row.cid
        settled = self._dedupe.answer(key)
        if settled is not None:
            return settled
        if not self._dedupe.wait(key, waiter):
            return self._accept(row, key, waiter, now)
        return None

    def held_stored(self, kept: Iterable[Held], gone: Iterable[str]) -> list[W]:
        """The store has carried out what `held.to_store` said. Returns those to be told that it is held."""
        kept = list(kept)
        self.held.stored(kept, gone)
        return [waiter for one in kept for waiter in self._dedupe.release((one.uid, one.cid))]

    def settled(self, key: Key) -> Settled | None:
        """What a comment was answered with for good, as long as that is remembered."""
        return self._dedupe.answer(key)

    def approve(self, one: Held, act: Act, waiter: W, now: Moment) -> bool:
        """Show what was held, in its place between comments; `stored` answers. It is never left out.

        One at a time, as `change`; always True. Raises Refusal (room_closed, conflict where its author may
        not speak now).
        """
        self._check_open()
        try:
            self._judge.check_sanctions(one.uid, Role.VIEWER, now)
        except Refusal as refusal:
            raise Refusal(CONFLICT, "its author is muted or banned now; it may be denied") from refusal
        self._space.left -= 1
        self._owed += 1
        decided = Decided(decision(one, act), act)
        key = one.uid, one.cid
        self._own.append(_Accepted(next(self._orders), key, one.item, [waiter], decided=decided))
        return True

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
                self._space.left += 1
                self._owed -= 1
                answers += [(waiter, answer) for waiter in self._dedupe.release(key)]
                if not isinstance(answer, Refused):
                    self._dedupe.settle(key, answer, now.s)
        return answers

    def _follow(self, one: Question, advice: Advice, key: Key, now: Moment) -> Settled | Refused | None:
        """None when the answer comes later. Raises Refusal."""
        self._check_open()
        self._judge.check_sanctions(one.row.uid, one.row.role, now)
        if one.withdrawn:
            return _SHED
        if advice.decision == "deny":
            raise Refusal(BLOCKED_WORDS, advice.reason or "this may not be said here")
        if advice.decision == "shadow":
            return self._shadow(one.item, key, now)
        if advice.decision == "hold":
            self.held.hold(key, one.item, advice.reason or "webhook", now.ms)
            self._space.left += 1
            self._owed -= 1
            return None
        item = self._judge.changed(one.item, advice.text) if advice.decision == "change" else one.item
        waiters = self._dedupe.waiters(key)
        self._normal.append(_Accepted(next(self._orders), key, item, waiters))
        return None

    def asides(self) -> list[tuple[str, bytes]]:
        """What its sender is to be shown, and nobody else, since this was asked last: (uid, item)."""
        asides, self._asides = self._asides, []
        return asides

    def join(self, row: JoinRow, viewers: int, now: Moment) -> Admitted:
        """May this user come in? Raises Refusal; staff may, to open a closed room again."""
        self._judge.check_banned(row.uid, row.role, now)
        if not row.role.is_staff:
            self._check_open()
            self.abuse.joined(now)
        number, view = self._view.of(self.board, now.ms)
        return Admitted(
            *self.head,
            viewers,
            self.likes,
            self.settings,
            number,
            b"" if number == row.board else view,
            list(self.voting.counts(self.board)) or None,
        )

    def check_paid(self, row: PaidRow, now: Moment) -> None:
        """Would it be taken? Raises Refusal."""
        self._check_open()
        self._posted(row, now)

    def takes_vote(self, row: VoteRow, now: Moment) -> bool:
        """False where the poll is over: an earlier vote stands, but none is taken. Raises Refusal."""
        self._judge.check_banned(row.uid, row.role, now)
        return self.voting.takes(self.board, row, now)

    def close_poll(self, counts: tuple[int, ...], waiter: W) -> bool:
        """Say what came of the open poll, as `change` would; False where none is open."""
        poll = self.board.poll
        if poll is not None:
            item = wire.encode_item(wire.PollClosed(poll.id, list(counts)))
            change = partial(_closed, counts)
            self._own.append(_Accepted(next(self._orders), None, item, [waiter], change=change))
        return poll is not None

    def like(self, row: LikeRow, now: Moment) -> None:
        """Count likes. Raises Refusal."""
        self._check_open()
        self._judge.check_banned(row.uid, row.role, now)
        if not 1 <= row.n <= MAX_LIKES:
            raise Refusal(BAD_FRAME, f"n must be from 1 to {MAX_LIKES}")
        self.pending_likes += row.n

    def likes_stored(self, added: int, total: int) -> None:
        """`added` of the pending likes are in the stored `total` now."""
        self.pending_likes -= added
        self.info = msgspec.structs.replace(self.info, likes=total)

    def change(self, effect: Effect, waiter: W) -> bool:
        """Say what changes, in its place between comments; `stored` brings it into force and answers.

        False where viewers are to be told nothing: the caller saves it, and then brings it into force.
        One at a time: the next follows when this one is in force.
        """
        before, after = self.info, effect.info
        said: list[wire.Item] = []
        if (after.settings, after.raid_until_ms) != (before.settings, before.raid_until_ms):
            said.append(_settings_changed(self._rules(after)))
        if after.open != before.open:
            said.append(wire.Opened() if after.open else wire.Closed())
        if len(said) == 2:  # a batch may end between them: each of them alone must be true
            basis = before if effect.verb == "delete" else after
            settled = {"settings": after.settings, "raid_until_ms": after.raid_until_ms}
            halfway = msgspec.structs.replace(basis, **settled, open=before.open)
            self._say(said[0], Effect("save", halfway), [])
        if said:
            self._say(said[-1], effect, [waiter])
        return bool(said)

    def bring_into_force(self, effect: Effect) -> None:
        """The store has it."""
        before, after = self.info, effect.info
        likes = before.likes
        if effect.verb == "delete":
            likes, self.board = 0, EMPTY
            self.held.clear()
        self.info = msgspec.structs.replace(after, likes=likes)
        self.reconsider()

    def reconsider(self) -> bool:
        """Go by the settings that hold now, its own and those for all rooms; whether the rules are others."""
        rules = self._rules(self.info)
        if rules == self._judge.rules:
            return False
        self._judge.change(rules)
        self._display.change(rules.display_per_s)
        return True

    def tell_rules(self, waiter: W) -> bool:
        """Say which rules are in force, as `change` would; not while a change is under way.

        False where nothing was ever said, or nothing will be any more.
        """
        told = self.saved and self.is_there
        if told:
            self._say(_settings_changed(self._judge.rules), Effect("save", self.info), [waiter])
        return told

    def hurry(self) -> None:
        """Show what is delayed with the next cut: there is no time left to wait."""
        self._hurries = True

    def withdraw(self, uid: str | None, now: Moment) -> list[tuple[W, Settled]]:
        """Show nothing of this user, None: of all, that is delayed, or would be, or is asked about.

        Returns the answers it settles.
        """
        self.asked.withdraw(uid)
        withdrawn: list[_Accepted[W]] = []
        if self._judge.rules.delay_s or self._delay:
            waiting, self._normal = self._normal, []
            for accepted in waiting:
                (withdrawn if uid in (None, accepted.uid) else self._normal).append(accepted)
        withdrawn += self._delay.remove(lambda accepted: uid in (None, accepted.uid))
        return [answer for accepted in withdrawn for answer in self._settle(accepted, _SHED, now)]

    def recall(
        self, recall: wire.Recall, instead_of: tuple[Position, ...], acts: tuple[Act, ...], waiter: W
    ) -> bool:
        """Take back what was said, as `change` would; not while a change is under way. Always True."""
        item, effect = wire.encode_item(recall), Effect("save", self.info, acts)
        accepted = _Accepted(next(self._orders), None, item, [waiter], effect, partial(_recalled, recall))
        accepted.recall = recall, instead_of
        self._own.append(accepted)
        return True

    def cut(self, now: Moment) -> Cut[W]:
        """What to append now: after an unknown outcome the same batch again, None while one is under way."""
        if self._in_flight:
            return Cut(None, [])
        left_out: list[tuple[W, Settled]] = []
        if self._offered is None:
            left_out = self._choose(now)
            if self._chosen:
                self._offer(now)
        self._in_flight = self._offered is not None
        return Cut(self._offered, left_out)

    def unknown(self) -> None:
        """It is not known whether the batch was stored: the next cut offers it again."""
        self._uncertain = self._in_flight or self._uncertain
        self._in_flight = False

    def refused(self) -> None:
        """This time the batch was not stored: the next cut offers it again."""
        self._in_flight = False

    def stored(self, now: Moment) -> list[tuple[W, Settled]]:
        """The batch of the last cut is in the log. Returns the answers it settles."""
        stored = self._offered
        if stored is None:
            return []
        epoch, seq = stored.first
        answers: list[tuple[W, Settled]] = []
        for index, accepted in enumerate(self._offered_items):
            if accepted.effect is not None:
                self.bring_into_force(accepted.effect)
            if accepted.decided is not None:
                self.held.decided(accepted.decided.held)
            answers += self._settle(accepted, Shown(epoch, seq + index, stored.at), now)
        self.head = stored.last
        if stored.board is not None:
            self.board = stored.board
        self._offered = None
        self._offered_items = []
        self._in_flight = self._uncertain = False
        return answers

    def abandon(self) -> None:
        """Throw away what waits, unanswered; nothing may be asked of the room after that."""
        self._space.left += self._owed
        self._owed = 0

    def _rules(self, info: RoomInfo) -> Rules:
        return Rules.of_room(info, self.sanctions.everywhere.settings, self._policy)

    def _check_open(self) -> None:
        if not self.info.open:
            raise Refusal(ROOM_CLOSED)

    def _accept(self, row: SendRow | PostedRow, key: Key, waiter: W, now: Moment) -> Settled | None:
        self._check_open()
        if self.held.knows(key):
            raise Refusal(HELD_FOR_REVIEW)
        if self._space.left <= 0:
            raise Refusal(UNAVAILABLE, "too many comments wait to be shown", retry_ms=_BUSY_MS)
        is_high = not isinstance(row, SendRow) or row.role.is_staff
        if is_high and not self._display.may_queue_high(len(self._high)):
            raise Refusal(RATE_LIMITED, "the room shows no more events at a time", retry_ms=_BUSY_MS)
        change: Change | None = None
        if isinstance(row, SendRow):
            if not is_high:
                self.abuse.said(row.uid, row.text, row.since_s, now)
            verdict = self._judge.comment(row, now)
        else:
            item, change = self._posted(row, now)
            verdict = Verdict(item)
        if len(verdict.item) > self._limits.batch_bytes:
            raise Refusal(TOO_LARGE)
        if verdict.fate is Fate.HOLD:
            self.held.hold(key, verdict.item, verdict.why, now.ms)
            self._dedupe.begin(key, [waiter])
            return None
        if verdict.fate is Fate.SHADOW:
            shadowed = self._shadow(verdict.item, key, now)
            self._dedupe.settle(key, shadowed, now.s)
            return shadowed
        waiters = [waiter]
        self._dedupe.begin(key, waiters)
        self._space.left -= 1
        self._owed += 1
        if self._asks and isinstance(row, SendRow) and not is_high:
            self.asked.add(Question(row, verdict.item))
            return None
        if isinstance(row, PollRow):
            self._opening = key
        accepted = _Accepted(next(self._orders), key, verdict.item, waiters, change=change)
        (self._high if is_high else self._normal).append(accepted)
        return None

    def _shadow(self, item: bytes, key: Key, now: Moment) -> Shadowed | Delayed:
        """Where comments are delayed this one is, too: or its sender could tell."""
        if not (self._judge.rules.delay_s or self._delay):
            self._asides.append((key[0], item))
            return Shadowed(now.ms)
        accepted = _Accepted[W](next(self._orders), key, item, [])
        accepted.shadowed = True
        self._space.left -= 1
        self._owed += 1
        return Delayed(self._wait(accepted, now))

    def _wait(self, accepted: _Accepted[W], now: Moment) -> int:
        """Delay it; for how long, in ms."""
        return math.ceil(self._delay.put(accepted, self._judge.rules.delay_s, now.s) * 1000)

    def _posted(self, row: PostedRow, now: Moment) -> Made:
        if not row.role.is_staff:
            raise Refusal(FORBIDDEN)
        self._judge.check_sanctions(row.uid, row.role, now)
        if isinstance(row, PaidRow):
            self._judge.check_sanctions(row.payer, Role.VIEWER, now)
        if isinstance(row, PollRow) and self._opening is not None:
            raise Refusal(CONFLICT, "another poll is open")
        return self._events.make(row, self.board, now)

    def _say(self, item: wire.Item, effect: Effect, waiters: list[W]) -> None:
        self._own.append(_Accepted(next(self._orders), None, wire.encode_item(item), waiters, effect))

    def _choose(self, now: Moment) -> list[tuple[W, Settled]]:
        """Move what is to be shown to `_chosen`; the answers for what is left out."""
        chosen, self._own = self._own, []
        for _ in range(self._display.spend_high(len(self._high), now.s)):
            chosen.append(self._high.popleft())
        normal, self._normal = self._normal, []
        kept = self._display.choose([accepted.uid for accepted in normal], now.s)
        wanted = [normal[index] for index in kept]
        answers: list[tuple[W, Settled]] = []
        if self._judge.rules.delay_s or self._delay:
            wanted, answers = self._put_off(wanted, now)
        chosen += wanted
        chosen.sort(key=_order)
        self._chosen += chosen
        if len(kept) < len(normal):
            shown = set(kept)
            for index, accepted in enumerate(normal):
                if index not in shown:
                    answers += self._settle(accepted, _SHED, now)
        return answers

    def _put_off(
        self, wanted: list[_Accepted[W]], now: Moment
    ) -> tuple[list[_Accepted[W]], list[tuple[W, Settled]]]:
        """What is due now instead of `wanted`, and the answers for those who wait from now on."""
        if self._hurries:
            return [*self._due(math.inf, now), *wanted], []
        answers: list[tuple[W, Settled]] = []
        for accepted in wanted:
            answers += self._tell(accepted, Delayed(self._wait(accepted, now)), now)
        return self._due(now.s, now), answers

    def _due(self, until_s: float, now: Moment) -> list[_Accepted[W]]:
        """What is due until then and may still be said to all."""
        due = []
        for accepted in self._delay.due(until_s):
            if not self._may_still(accepted.uid, now):
                self._settle(accepted, _SHED, now)
            elif accepted.shadowed:
                self._asides.append((accepted.uid, accepted.item))
                self._settle(accepted, Shadowed(now.ms), now)
            else:
                due.append(accepted)
        return due

    def _may_still(self, uid: str, now: Moment) -> bool:
        try:
            self._check_open()
            self._judge.check_sanctions(uid, Role.VIEWER, now)
        except Refusal:
            return False
        return True

    def _offer(self, now: Moment) -> None:
        limits = self._limits
        sizes = (len(accepted.item) for accepted in self._chosen)
        fitting = batch.fitting(sizes, limits.batch_items, limits.batch_bytes)
        self._offered_items = [self._chosen.popleft() for _ in range(fitting)]
        offered = batch.number(
            self.name,
            self.head,
            self.lease,
            now.ms,
            [accepted.item for accepted in self._offered_items],
            [accepted.key for accepted in self._offered_items],
            self._effect(),
            self._acts(),
            self._board_after(now.ms),
            next((one.decided.held for one in self._offered_items if one.decided), None),
        )
        self._offered = replace(offered, recalling=self._recalling(offered.first))

    def _effect(self) -> Effect | None:
        """What becomes of the state with what is offered: the last item that has an effect tells."""
        effects = [accepted.effect for accepted in self._offered_items if accepted.effect is not None]
        if effects:
            return effects[-1]
        return None if self.saved else Effect("create", self.info)

    def _acts(self) -> tuple[Act, ...]:
        """Of moderation, which are written down with what is offered."""
        acts: list[Act] = []
        for accepted in self._offered_items:
            if accepted.effect is not None:
                acts += accepted.effect.acts
            if accepted.decided is not None:
                acts.append(accepted.decided.act)
        return tuple(acts)

    def _board_after(self, at: int) -> Board | None:
        """What is kept in view from what is offered on; None where that does not change."""
        board, first = self.board, batch.after(self.head, self.lease)
        for index, accepted in enumerate(self._offered_items):
            if accepted.effect is not None and accepted.effect.verb == "delete":
                board = EMPTY
            elif accepted.change is not None:
                board = accepted.change(board, Position(first.epoch, first.seq + index), at)
        return None if board is self.board else board

    def _recalling(self, first: Position) -> Recalling | None:
        """The recall in what is offered: one at most, since changes follow each other."""
        for index, accepted in enumerate(self._offered_items):
            if accepted.recall is not None:
                recall, instead_of = accepted.recall
                return Recalling(Recalled(Position(first.epoch, first.seq + index), recall), instead_of)
        return None

    def _settle(self, accepted: _Accepted[W], answer: Settled, now: Moment) -> list[tuple[W, Settled]]:
        """Answer it for good: it waits for nothing any more."""
        if accepted.key is not None:
            if accepted.key == self._opening:
                self._opening = None
            self._space.left += 1
            self._owed -= 1
        return self._tell(accepted, answer, now)

    def _tell(self, accepted: _Accepted[W], answer: Settled, now: Moment) -> list[tuple[W, Settled]]:
        if accepted.key is not None:
            self._dedupe.settle(accepted.key, answer, now.s)
        waiters, accepted.waiters = accepted.waiters, []
        return [(waiter, answer) for waiter in waiters]


def _settings_changed(rules: Rules) -> wire.SettingsChanged:
    return wire.SettingsChanged(wire.MSGPACK.value(rules.as_settings()))


def _closed(counts: tuple[int, ...], board: Board, _position: Position, _at: int) -> Board:
    return board.closed(counts)


def _recalled(recall: wire.Recall, board: Board, position: Position, _at: int) -> Board:
    redaction = Redaction([Recalled(position, recall)])
    return board.without(lambda pin: redaction.takes(pin.position, pin.item))


def _order(accepted: _Accepted[W]) -> int:
    return accepted.order
