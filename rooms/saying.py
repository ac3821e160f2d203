"""Messages on their way into conversations: all that wait go in one round.

A round costs three round trips at most, whatever it carries: what is known, the index of new conversations,
and the append, which is the acknowledgement. One sender's messages come one after another, each when the
one before is answered, so rounds need not wait for each other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog

from config.settings import Chat
from danmaku import conversation
from danmaku.chat import Refused, Said, SendRow
from danmaku.conversation import MESSAGE, Message, parties
from danmaku.errors import CONFLICT, RATE_LIMITED, TIMEOUT, UNAVAILABLE, Refusal
from danmaku.model import check_id
from danmaku.store.contacts import Contacts
from danmaku.store.conversations import Append, Appended, Ask, Conversations, Facts, Outcome
from danmaku.store.errors import StoreDown
from danmaku.telemetry import RoomsMetrics
from rooms.delivery import Deliveries
from rooms.membership import check_mention, check_private, check_speech, other_party
from rooms.moment import Moment
from rooms.tasks import Tasks

_AT_ONCE: Final = 256  # messages of one round
_ROUNDS: Final = 4  # under way
_WAITING: Final = 10_000
_ATTEMPTS: Final = 5  # of a message to a group that changes meanwhile

_UNAVAILABLE: Final = Refused.of(Refusal(UNAVAILABLE, retry_ms=1000))
_TIMEOUT: Final = Refused.of(Refusal(TIMEOUT))
_LATE: Final = Refused.of(Refusal(CONFLICT, "a later message of this connection was taken already"))

_log: Any = structlog.get_logger("rooms.chat")


@dataclass(slots=True, eq=False)
class _Wish:
    """A message to be said until `deadline_s`, or not at all."""

    row: SendRow
    deadline_s: float
    answer: asyncio.Future[Said | Refused]
    other: str | None  # of a private conversation
    attempts: int = 0

    def settle(self, answer: Said | Refused) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


@dataclass(slots=True)
class _Known:
    """What decides about a message."""

    facts: Facts
    blocked: bool
    related: bool


class Saying:
    """Appends messages; `run` must be running."""

    def __init__(
        self,
        conversations: Conversations,
        contacts: Contacts,
        deliveries: Deliveries,
        limits: Chat,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
    ) -> None:
        self._conversations = conversations
        self._contacts = contacts
        self._deliveries = deliveries
        self._limits = limits
        self._metrics = metrics
        self._clock = clock
        self._waiting: deque[_Wish] = deque()
        self._wake = asyncio.Event()
        self._tasks = Tasks(_ROUNDS)

    async def say(self, row: SendRow, deadline_s: float) -> Said | Refused:
        """Raises Refusal. Cancelled, it is unknown whether the message was said."""
        other = other_party(conversation.check_conv(row.conv), row.uid)
        check_id(row.cid, "cid")
        check_mention(row.mention)
        if len(self._waiting) >= _WAITING:
            raise Refusal(RATE_LIMITED, "more is being said than can be stored", retry_ms=1000)
        answer: asyncio.Future[Said | Refused] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Wish(row, deadline_s, answer, other))
        self._wake.set()
        return await answer

    async def run(self) -> None:
        """Start rounds until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting and not self._tasks.full:
                count = min(_AT_ONCE, len(self._waiting))
                self._tasks.start(self._round([self._waiting.popleft() for _ in range(count)]))

    async def close(self) -> None:
        await self._tasks.close()

    async def _round(self, wishes: list[_Wish]) -> None:
        again: list[_Wish] = []
        try:
            again = await self._say(wishes)
        except StoreDown as error:
            _log.warning("messages cannot be stored", messages=len(wishes), error=str(error))
        finally:
            self._waiting.extendleft(reversed(again))
            for wish in wishes:
                if wish not in again:
                    wish.settle(_UNAVAILABLE)  # where there is no answer yet
            self._wake.set()

    async def _say(self, wishes: list[_Wish]) -> list[_Wish]:
        """Returns those that have to be decided about once more."""
        with self._metrics.store_seconds.labels("chat_facts").time():
            known = await self._known(wishes)
        decided: list[tuple[_Wish, Append]] = []
        new: set[str] = set()
        for wish, one in zip(wishes, known, strict=True):
            try:
                decided.append((wish, self._decide(wish, one)))
            except Refusal as refusal:
                wish.settle(Refused.of(refusal))
            else:
                if wish.other is not None and one.facts.last_seq == 0:
                    new.add(wish.row.conv)
        if new:
            await self._add_to_indices(new)
        return await self._append([pair for pair in decided if self._is_in_time(pair[0])])

    async def _append(self, decided: list[tuple[_Wish, Append]]) -> list[_Wish]:
        with self._metrics.store_seconds.labels("chat_append").time():
            outcomes = await self._conversations.append([append for _, append in decided])
        again: list[_Wish] = []
        for (wish, append), outcome in zip(decided, outcomes, strict=True):
            if isinstance(outcome, Exception):
                _log.warning("a message may not be stored", conv=append.conv, error=str(outcome))
                continue
            self._metrics.chat_messages.labels(outcome.outcome.value).inc()
            wish.attempts += 1
            if outcome.outcome is Outcome.STALE and wish.attempts < _ATTEMPTS:
                again.append(wish)
            elif outcome.outcome is Outcome.LATE:
                wish.settle(_LATE)
            elif outcome.outcome is not Outcome.STALE:
                self._said(wish, append, outcome)
        return again

    def _said(self, wish: _Wish, append: Append, outcome: Appended) -> None:
        duplicate = outcome.outcome is Outcome.DUPLICATE
        wish.settle(Said(append.conv, outcome.seq, outcome.at, duplicate))
        if duplicate:
            self._deliveries.repeat(append.conv, outcome.seq)
        else:
            self._deliveries.deliver(append.conv, outcome.seq, append.version or 0, append.message)

    def _is_in_time(self, wish: _Wish) -> bool:
        """A request that woke up late is not carried out: whoever asked has given up, or asked again."""
        if self._clock().s >= wish.deadline_s:
            wish.settle(_TIMEOUT)
        return not wish.answer.done()

    async def _known(self, wishes: list[_Wish]) -> list[_Known]:
        asks = []
        for wish in wishes:
            row = wish.row
            asks.append(Ask(row.conv, (row.uid,) if wish.other is None else (), (row.uid, row.cid)))
        pairs = [(wish.other, wish.row.uid) for wish in wishes if wish.other is not None]
        facts, blocks, related = await asyncio.gather(
            self._conversations.facts(asks), self._contacts.blocks(pairs), self._related(pairs)
        )
        blocked = dict(zip(pairs, blocks, strict=True))
        return [
            _Known(one, blocked.get(pair, False), pair in related)
            for one, wish in zip(facts, wishes, strict=True)
            for pair in [(wish.other or "", wish.row.uid)]
        ]

    async def _related(self, pairs: list[tuple[str, str]]) -> set[tuple[str, str]]:
        """Who share a group, if that matters."""
        if self._limits.private != "shared_group" or not pairs:
            return set()
        uids = sorted({uid for pair in pairs for uid in pair})
        groups = dict(zip(uids, await asyncio.gather(*map(self._contacts.groups, uids)), strict=True))
        return {(one, other) for one, other in pairs if not set(groups[one]).isdisjoint(groups[other])}

    def _decide(self, wish: _Wish, known: _Known) -> Append:
        """What was said already is answered as it was, whatever holds now. Raises Refusal."""
        row, now_ms, version = wish.row, self._clock().ms, None
        if known.facts.known is None:
            if wish.other is None:
                check_speech(known.facts, row.uid, row.mention, now_ms)
                version = known.facts.version
            else:
                check_private(self._limits, blocked=known.blocked, related=known.related)
        message = Message(row.uid, now_ms, MESSAGE, row.cid, msgspec.Raw(row.body), row.mention)
        stored = conversation.stored(message)
        return Append(row.conv, row.uid, now_ms, stored, row.cid, row.session, row.n, version)

    async def _add_to_indices(self, convs: set[str]) -> None:
        """Before anything is said in a private conversation, it is among those of its two users."""
        with self._metrics.store_seconds.labels("chat_index").time():
            await self._contacts.add([(uid, conv) for conv in sorted(convs) for uid in parties(conv) or ()])
