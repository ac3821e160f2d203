"""Messages on their way into conversations: all that wait go in one round.

A round takes two round trips to the store, whatever it carries: what decides, and the append, which is the
acknowledgement. One sender's messages come one after another, each when the one before is answered, so rounds
need not wait for each other. But what is said in one conversation is in one round at a time: or a later round
might be over, and be told, before an earlier one.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog

from config.settings import Chat
from danmaku import conversation
from danmaku.chat import Refused, Said, SendRow
from danmaku.conversation import MESSAGE, Mention, Message, parties
from danmaku.errors import CONFLICT, RATE_LIMITED, TIMEOUT, UNAVAILABLE, Refusal
from danmaku.model import check_id
from danmaku.store.contacts import Contacts
from danmaku.store.conversations import Append, Appended, Ask, Conversations, Outcome
from danmaku.store.errors import StoreDown
from danmaku.telemetry import RoomsMetrics
from rooms.apart import each
from rooms.delivery import Deliveries
from rooms.membership import check_mention, check_private, check_speech, mentioned, other_party
from rooms.moment import Moment
from rooms.related import related
from rooms.tasks import Tasks
from rooms.together import together
from rooms.tracing import RoomTraces

_AT_ONCE: Final = 256  # messages of one round
_ROUNDS: Final = 4  # under way
_WAITING: Final = 10_000
_ATTEMPTS: Final = 5  # of a message to a group that changes meanwhile
_NONE: Final = (
    -1
)  # no group is ever of this version: what is known of the cid is answered, or nothing is written

_UNAVAILABLE: Final = Refused.of(Refusal(UNAVAILABLE, retry_ms=1000))
_TIMEOUT: Final = Refused.of(Refusal(TIMEOUT))
_LATE: Final = Refused.of(Refusal(CONFLICT, "a later message of this connection was taken already"))

_log: Any = structlog.get_logger("rooms.chat")


@dataclass(slots=True, eq=False)
class Wish:
    """A message to be said until `deadline_s`, or not at all."""

    row: SendRow
    deadline_s: float
    answer: asyncio.Future[Said | Refused]
    other: str | None  # of a private conversation
    version: int | None = None  # of the group that it was decided for
    indexed: bool = False
    attempts: int = 0
    mentioned: Mention | None = None  # those whose mentions are counted

    def settle(self, answer: Said | Refused) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


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
        traces: RoomTraces | None = None,
    ) -> None:
        self._traces = traces
        self._conversations = conversations
        self._contacts = contacts
        self._deliveries = deliveries
        self._limits = limits
        self._metrics = metrics
        self._clock = clock
        self._waiting: deque[Wish] = deque()
        self._under_way: dict[str, list[Wish]] = {}  # conversations in a round, and what waits for its end
        self._held = 0  # of those
        self._wake = asyncio.Event()
        self._tasks = Tasks(_ROUNDS, self._wake.set)

    def say(self, row: SendRow, deadline_s: float) -> asyncio.Future[Said | Refused]:
        """The answer, which never raises. Raises Refusal.

        Cancelled, or not there by the deadline, it is unknown whether the message was said.
        """
        other = other_party(conversation.check_conv(row.conv), row.uid)
        check_id(row.cid, "cid")
        check_mention(row.mention)
        if len(self._waiting) + self._held >= _WAITING:
            raise Refusal(RATE_LIMITED, "more is being said than can be stored", retry_ms=1000)
        answer: asyncio.Future[Said | Refused] = asyncio.get_running_loop().create_future()
        self._waiting.append(Wish(row, deadline_s, answer, other))
        self._wake.set()
        return answer

    async def run(self) -> None:
        """Start rounds until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while not self._tasks.full and (wishes := self._next()):
                self._tasks.start(self._round(wishes))

    async def close(self) -> None:
        await self._tasks.close()

    def _next(self) -> list[Wish]:
        """For one round; nothing of conversations that are in another one."""
        wishes: list[Wish] = []
        mine: set[str] = set()
        while self._waiting and len(wishes) < _AT_ONCE:
            wish = self._waiting.popleft()
            conv = wish.row.conv
            if conv in self._under_way and conv not in mine:
                self._under_way[conv].append(wish)
                self._held += 1
            else:
                self._under_way.setdefault(conv, [])
                mine.add(conv)
                wishes.append(wish)
        return wishes

    def _release(self, wishes: list[Wish], again: list[Wish]) -> None:
        """The round of `wishes` is over: what is to be decided again comes first, then what waited for it."""
        held = [one for conv in {wish.row.conv for wish in wishes} for one in self._under_way.pop(conv)]
        self._held -= len(held)
        self._waiting.extendleft(reversed(again + held))

    async def _round(self, wishes: list[Wish]) -> None:
        again: list[Wish] = []
        try:
            decided = await each(self._decide, wishes)
            again = await self._append([one for one in decided if isinstance(one, Wish)])
        except StoreDown as error:
            _log.warning("messages cannot be stored", messages=len(wishes), error=str(error))
        finally:
            self._release(wishes, again)
            for wish in wishes:
                if not wish.answer.done() and wish not in again:
                    wish.settle(_UNAVAILABLE)

    async def _decide(self, wishes: list[Wish]) -> list[Wish | None]:
        """Those that may be said; None in place of the others, which are answered."""
        private = [(wish.other, wish.row.uid) for wish in wishes if wish.other is not None]
        asks = [Ask(wish.row.conv, _uids(wish.row)) for wish in wishes if wish.other is None]
        with self._metrics.store_seconds.labels("chat_facts").time():
            blocked, facts, sharing = await together(
                self._contacts.blocks(private),
                self._conversations.facts(asks),
                related(self._contacts, self._limits, private),
            )
        blocks, groups, now_ms = iter(blocked), iter(facts), self._clock().ms
        allowed: list[Wish] = []
        refused: list[tuple[Wish, Refusal]] = []
        for wish in wishes:
            row = wish.row
            try:
                if wish.other is None:
                    group = next(groups)
                    wish.version = group.version
                    check_speech(group, row.uid, row.mention, now_ms)
                    wish.mentioned = mentioned(row.mention, group.members)
                else:
                    wish.version = None
                    wish.mentioned = mentioned(row.mention, (wish.other,))
                    is_related = (wish.other, row.uid) in sharing
                    check_private(self._limits, blocked=next(blocks), related=is_related)
            except Refusal as refusal:
                refused.append((wish, refusal))
            else:
                allowed.append(wish)
        allowed += await self._said_before(refused)
        kept = {*allowed}
        return [wish if wish in kept else None for wish in wishes]

    async def _said_before(self, refused: list[tuple[Wish, Refusal]]) -> list[Wish]:
        """What was said already is answered as it was, whatever holds now: the store knows it by its cid.

        But it is not told again, or who may not speak could have it told without end.
        """
        if not refused:
            return []
        asks = [Ask(wish.row.conv, cid=(wish.row.uid, wish.row.cid)) for wish, _ in refused]
        facts = await self._conversations.facts(asks)
        known: list[Wish] = []
        for (wish, refusal), one in zip(refused, facts, strict=True):
            if one.known is None:
                wish.settle(Refused.of(refusal))
            else:
                wish.version = _NONE
                known.append(wish)
        return known

    async def _append(self, wishes: list[Wish]) -> list[Wish]:
        """Returns those that have to be decided about once more."""
        now = self._clock()
        in_time = [wish for wish in wishes if self._is_in_time(wish, now.s)]
        appends = [_append(wish, now.ms) for wish in in_time]
        begin_ns = self._traces.now() if self._traces else 0
        with self._metrics.store_seconds.labels("chat_append").time():
            outcomes = await self._conversations.append(appends)
        again: list[Wish] = []
        for wish, append, outcome in zip(in_time, appends, outcomes, strict=True):
            if isinstance(outcome, Exception):
                _log.warning("a message may not be stored", conv=append.conv, error=str(outcome))
            elif outcome.outcome in (Outcome.STALE, Outcome.NEW):
                wish.indexed = outcome.outcome is Outcome.NEW
                wish.attempts += 1
                if wish.attempts < _ATTEMPTS:
                    again.append(wish)
            else:
                self._answer(wish, append, outcome, begin_ns)
        self._count(outcomes)
        missing = await self._index(sorted({wish.row.conv for wish in again if wish.indexed}))
        return [wish for wish in again if wish.row.conv not in missing]

    async def _index(self, convs: list[str]) -> set[str]:
        """Before anything is said in a private conversation, it is among those of its two users.

        Those of which that is not known.
        """
        if not convs:
            return set()
        with self._metrics.store_seconds.labels("chat_index").time():
            outcomes = await each(self._add, convs)
        pairs = zip(convs, outcomes, strict=True)
        return {conv for conv, outcome in pairs if isinstance(outcome, StoreDown)}

    async def _add(self, convs: list[str]) -> list[str]:
        await self._contacts.add([(uid, conv) for conv in convs for uid in parties(conv) or ()])
        return convs

    def _answer(self, wish: Wish, append: Append, outcome: Appended, begin_ns: int) -> None:
        if outcome.outcome is Outcome.LATE:
            wish.settle(_LATE)
            return
        duplicate = outcome.outcome is Outcome.DUPLICATE
        wish.settle(Said(append.conv, outcome.seq, outcome.at, duplicate))
        if duplicate and append.version != _NONE:
            self._deliveries.repeat(append.conv, outcome.seq)
        elif not duplicate:
            followed = None
            if self._traces:
                followed = self._traces.stored(append.conv, [(wish.row.uid, wish.row.cid, 0)], begin_ns)
            version = append.version or 0
            self._deliveries.deliver(append.conv, outcome.seq, version, append.message, followed=followed)

    def _count(self, outcomes: list[Appended | Exception]) -> None:
        counts = Counter(one.outcome.value for one in outcomes if isinstance(one, Appended))
        for outcome, count in counts.items():
            self._metrics.chat_messages.labels(outcome).inc(count)

    def _is_in_time(self, wish: Wish, now_s: float) -> bool:
        """A request that woke up late is not carried out: whoever asked has given up, or asked again."""
        if now_s >= wish.deadline_s:
            wish.settle(_TIMEOUT)
        return not wish.answer.done()


def _append(wish: Wish, now_ms: int) -> Append:
    row = wish.row
    message = Message(row.uid, now_ms, MESSAGE, row.cid, msgspec.Raw(row.body), row.mention)
    stored = conversation.stored(message)
    return Append(
        row.conv,
        row.uid,
        now_ms,
        stored,
        row.cid,
        row.session,
        row.n,
        wish.version,
        wish.indexed,
        wish.mentioned,
    )


def _uids(row: SendRow) -> tuple[str, ...]:
    """Who must be a member, and who is mentioned if he is one."""
    mention = row.mention
    return row.uid, *(() if mention is None or mention == "all" else dict.fromkeys(mention))
