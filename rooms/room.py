"""One room at its owner: policy, then shed, then sequence, then batch. Pure.

The order of all that happens is decided here; what each step knows is its own: `accepting` what is said and
what comes of it, `waiting` what waits and who is shown, `offered` what is under way to the log, `board` what
is kept in view.

Why it is hard: an append whose outcome is unknown may have happened (rooms/offered.py). Whoever repeats a
comment meanwhile waits for the outcome of the first one.

A change of the room's state is what the room says of it, and its effect: the batch carries both into the
store. It is in force here once that batch is stored, and not before. The board changes with items of
anybody, so what becomes of it is only found out when they are numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from config import settings as config
from danmaku import wire
from danmaku.board import EMPTY, Board
from danmaku.errors import BAD_FRAME, Refusal
from danmaku.event_rows import PaidRow, VoteRow
from danmaku.held import Held
from danmaku.model import Act, Effect, Position, RoomInfo, RoomSettings
from danmaku.rows import Admitted, EventRow, JoinRow, LikeRow, Refused, SendRow, Shadowed, Shed, Shown
from rooms.abuse import Abuse
from rooms.accepted import Accepted
from rooms.accepting import Accepting
from rooms.advice import Advice
from rooms.asked import Asked, Question
from rooms.batch import Batch
from rooms.board import RoomBoard, recalling
from rooms.dedupe import Dedupe, Key, Settled
from rooms.events import Events, Made, PostedRow
from rooms.held import HeldQueue
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.offered import Offered
from rooms.owed import Owed, Space
from rooms.policy import Judge
from rooms.rules import Rules
from rooms.shed import Display
from rooms.telling import said_of, settings_changed
from rooms.voting import Voting
from rooms.waiting import Waiting

W = TypeVar("W")
MAX_LIKES: Final = 100
_SHED: Final = Shed()


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
        self.saved = saved
        self.pending_likes = 0
        self.sanctions = sanctions
        self.held = HeldQueue(lease, config.Review(), limits.repeat_memory_s) if held is None else held
        self._policy = policy
        rules = self._rules(info)
        self._judge = Judge(rules, policy, sanctions)
        self._judge.is_open = info.open
        self._display = Display(rules.display_per_s, policy.display_high_per_s)
        self._dedupe: Dedupe[W] = Dedupe(limits.repeat_memory_s, is_over)
        self._owed = Owed(self._dedupe, space)
        self._board = RoomBoard(board, events)
        self._waiting: Waiting[W] = Waiting(self._judge, self._display)
        self._offered: Offered[W] = Offered(lease, head, limits)
        self._accepting = Accepting(
            self._judge,
            self.held,
            self._board,
            self._dedupe,
            self._owed,
            self._waiting,
            limits,
            asks=asks,
        )

    @property
    def name(self) -> str:
        return self.info.room

    @property
    def head(self) -> Position:
        """Of the log, as far as it is known here."""
        return self._offered.head

    @property
    def board(self) -> Board:
        """What is kept in view, as the store has it."""
        return self._board.now

    @property
    def voting(self) -> Voting:
        return self._board.voting

    @property
    def abuse(self) -> Abuse:
        return self._accepting.abuse

    @property
    def asked(self) -> Asked:
        return self._accepting.asked

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
        return bool(self._waiting or self._offered or self.asked)

    @property
    def in_doubt(self) -> bool:
        """Whether the batch that was cut last may be in the log unbeknown to this owner."""
        return self._offered.in_doubt

    def remember(self, key: Key, answer: Shown, now: Moment) -> None:
        """A comment that an owner before showed: its repeat gets the same answer."""
        self._dedupe.settle(key, answer, now.s)

    def settled(self, key: Key) -> Settled | None:
        """What a comment was answered with for good, as long as that is remembered."""
        return self._dedupe.answer(key)

    def take(self, row: SendRow | PostedRow, waiter: W, now: Moment) -> Settled | None:
        """The answer; None when it follows from `cut` or `stored`, with `waiter`. Raises Refusal."""
        return self._accepting.take(row, waiter, now)

    def check_paid(self, row: EventRow | PaidRow, now: Moment) -> None:
        """Would it be taken? Raises Refusal."""
        self._judge.check_open()
        self._accepting.make(row, now)

    def advised(self, question: Question, advice: Advice, now: Moment) -> list[tuple[W, Settled | Refused]]:
        """What was asked about is known. Returns the answers it settles; what is held or shown follows."""
        return self._accepting.advised(question, advice, now)

    def asides(self) -> list[tuple[str, bytes]]:
        """What its sender is to be shown, and nobody else, since this was asked last: (uid, item)."""
        return self._accepting.asides()

    def held_stored(self, kept: Iterable[Held], gone: Iterable[str]) -> list[W]:
        """The store has carried out what `held.to_store` said. Returns those to be told that it is held."""
        return self._accepting.held_stored(kept, gone)

    def held_dropped(self) -> list[W]:
        """Nothing more of what is held is stored. Returns those who wait for that."""
        return self._accepting.held_dropped()

    def approve(self, one: Held, act: Act, waiter: W, now: Moment) -> bool:
        """Show what was held, in its place between comments; `stored` answers. It is never left out.

        One at a time, as `change`; always True. Raises Refusal (room_closed, conflict where its author may
        not speak now).
        """
        self._accepting.approve(one, act, waiter, now)
        return True

    def join(self, row: JoinRow, viewers: int, now: Moment) -> Admitted:
        """May this user come in? Raises Refusal; staff may, to open a closed room again."""
        self._judge.check_banned(row.uid, row.role, now)
        if not row.role.is_staff:
            self._judge.check_open()
            self.abuse.joined(now)
        number, view = self._board.view(self.info.title, now.ms)
        return Admitted(
            *self.head,
            viewers,
            self.likes,
            self.settings,
            number,
            b"" if number == row.board else view,
            self._board.counts(),
        )

    def takes_vote(self, row: VoteRow, now: Moment) -> bool:
        """False where the poll is over: an earlier vote stands, but none is taken. Raises Refusal."""
        self._judge.check_banned(row.uid, row.role, now)
        return self.voting.takes(self.board, row, now)

    def like(self, row: LikeRow, now: Moment) -> None:
        """Count likes. Raises Refusal."""
        self._judge.check_open()
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
        said = said_of(self.info, effect, self._rules(effect.info))
        for item, in_force in said:
            self._say(Made(wire.encode_item(item)), [waiter] if in_force is effect else [], in_force)
        return bool(said)

    def tell_rules(self, waiter: W) -> bool:
        """Say which rules are in force, as `change` would; not while a change is under way.

        False where nothing was ever said, or nothing will be any more.
        """
        told = self.saved and self.is_there
        if told:
            item = wire.encode_item(settings_changed(self._judge.rules))
            self._say(Made(item), [waiter], Effect("save", self.info))
        return told

    def close_poll(self, counts: tuple[int, ...], act: Act, waiter: W) -> bool:
        """Say what came of the open poll, as `change` would; False where none is open."""
        made = self._board.closing(counts, act)
        if made is not None:
            self._say(made, [waiter])
        return made is not None

    def recall(
        self, recall: wire.Recall, instead_of: tuple[Position, ...], acts: tuple[Act, ...], waiter: W
    ) -> bool:
        """Take back what was said, as `change` would; not while a change is under way. Always True."""
        accepted = self._say(recalling(recall), [waiter], Effect("save", self.info, acts))
        accepted.recall = recall, instead_of
        return True

    def bring_into_force(self, effect: Effect) -> None:
        """The store has it."""
        likes = self.info.likes
        if effect.verb == "delete":
            likes, self._board.now = 0, EMPTY
            self.held.clear()
        self.info = msgspec.structs.replace(effect.info, likes=likes)
        self._judge.is_open = self.info.open
        self.reconsider()

    def reconsider(self) -> bool:
        """Go by the settings that hold now, its own, those for all rooms and the service's; whether the rules
        are others."""
        rules = self._rules(self.info)
        self._judge.keep_pace(self._policy)
        self._display.change(rules.display_per_s, self._policy.display_high_per_s)
        if rules == self._judge.rules:
            return False
        self._judge.change(rules)
        return True

    def hurry(self) -> None:
        """Show what is delayed with the next cut: there is no time left to wait."""
        self._waiting.hurry()

    def withdraw(self, uid: str | None, now: Moment) -> list[tuple[W, Settled]]:
        """Show nothing of this user, None: of all, that is delayed, or would be, or is asked about.

        Returns the answers it settles.
        """
        self.asked.withdraw(uid)
        withdrawn = self._waiting.withdraw(uid)
        return [answer for accepted in withdrawn for answer in self._owed.settle(accepted, _SHED, now)]

    def cut(self, now: Moment) -> Cut[W]:
        """What to append now: after an unknown outcome the same batch again, None while one is under way."""
        offered = self._offered
        if offered.in_flight:
            return Cut(None, [])
        answers: list[tuple[W, Settled]] = []
        if offered.wants_more:
            choice = self._waiting.choose(now)
            offered.add(choice.now)
            for accepted, delayed in choice.later:
                answers += self._owed.tell(accepted, delayed, now)
            for accepted in choice.never:
                answers += self._owed.settle(accepted, _SHED, now)
            for accepted in choice.aside:
                self._accepting.aside(accepted.uid, accepted.item)
                answers += self._owed.settle(accepted, Shadowed(now.ms), now)
        return Cut(offered.cut(self.info, self.board, now.ms, saved=self.saved), answers)

    def unknown(self) -> None:
        """It is not known whether the batch was stored: the next cut offers it again."""
        self._offered.unknown()

    def refused(self) -> None:
        """This time the batch was not stored: the next cut offers it again."""
        self._offered.refused()

    def stored(self, now: Moment) -> list[tuple[W, Settled]]:
        """The batch of the last cut is in the log. Returns the answers it settles."""
        stored = self._offered.stored()
        if stored is None:
            return []
        (epoch, seq), at = stored.batch.first, stored.batch.at
        answers: list[tuple[W, Settled]] = []
        for index, accepted in enumerate(stored.items):
            if accepted.effect is not None:
                self.bring_into_force(accepted.effect)
            if accepted.decided is not None:
                self.held.decided(accepted.decided.held)
            answers += self._owed.settle(accepted, Shown(epoch, seq + index, at), now)
        self._board.stored(stored.batch.board, stored.batch.pairs)
        return answers

    def abandon(self) -> None:
        """Throw away what waits, unanswered; nothing may be asked of the room after that."""
        self._owed.clear()

    def _rules(self, info: RoomInfo) -> Rules:
        return Rules.of_room(info, self.sanctions.everywhere.settings, self._policy)

    def _say(self, made: Made, waiters: list[W], effect: Effect | None = None) -> Accepted[W]:
        """The room says it by itself, as one of its own."""
        waiting = self._waiting
        said = Accepted(next(waiting.orders), None, made.item, waiters, effect, made.change, act=made.act)
        waiting.own.append(said)
        return said
