"""What users read of their conversations, bounded in bytes; and what they take back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from config.settings import Chat
from danmaku import conversation
from danmaku.chat import (
    Pulled,
    PulledConversation,
    PullRow,
    ReadRow,
    ReadUpTo,
    RecallRow,
    Said,
    Stored,
    Summary,
    Synced,
    SyncRow,
)
from danmaku.conversation import RECALL, Message, check_conv, gid_of
from danmaku.envelope import MAX_MESSAGE_BYTES
from danmaku.errors import NO_SUCH_MESSAGE, NOT_A_MEMBER, TOO_LARGE, UNAVAILABLE, Refusal
from danmaku.store.contacts import Contacts
from danmaku.store.conversations import Ask, Conversations, Outcome, Place, Pull, Recall, Run
from danmaku.telemetry import RoomsMetrics
from rooms.delivery import Deliveries
from rooms.membership import check_private, check_recall, check_speech, may_ask, member_of, other_party
from rooms.moment import Moment
from rooms.related import related
from rooms.together import together

MAX_PULL: Final = 100  # conversations at one time
MAX_MESSAGES: Final = 200  # of one conversation at one time
MAX_SYNC: Final = 500
_MAX_BYTES: Final = MAX_MESSAGE_BYTES - 32 * 1024  # the rest is for what stands around them
_AROUND: Final = 64  # bytes around a message in an answer, beside its conversation
_ATTEMPTS: Final = 5


class Reading:
    """All methods raise Refusal and StoreDown, and are safe to repeat."""

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

    async def pull(self, row: PullRow) -> Pulled:
        if len(row.convs) > MAX_PULL:
            raise Refusal(TOO_LARGE, f"at most {MAX_PULL} conversations at one time")
        pulls = [
            Pull(check_conv(conv), max(0, after), max(1, min(limit, MAX_MESSAGES)))
            for conv, after, limit in row.convs
        ]
        most = max(1, min(row.max_bytes, _MAX_BYTES))
        mine = [pull for pull in pulls if may_ask(pull.conv, row.uid)]
        with self._metrics.store_seconds.labels("chat_pull").time():
            runs = iter(await self._conversations.pull(row.uid, mine, most * 2))
        left = most
        results: list[PulledConversation] = []
        for pull in pulls:
            run = next(runs) if may_ask(pull.conv, row.uid) else None
            one = _pulled(pull, run, left, at_least=1 if left == most else 0)
            left -= sum(_bytes(pull.conv, message) for _, message in one.messages)
            results.append(one)
        self._metrics.chat_pulls.inc(len(pulls))
        self._metrics.chat_pulled_messages.inc(sum(len(one.messages) for one in results))
        return Pulled(results)

    async def sync(self, row: SyncRow) -> Synced:
        limit = max(1, min(row.limit, MAX_SYNC))
        with self._metrics.store_seconds.labels("chat_sync").time():
            convs = await self._contacts.conversations(row.uid, row.cursor, limit + 1)
            others = {conv: other_party(conv, row.uid) for conv in convs[:limit]}
            pairs = [(other, row.uid) for other in others.values() if other is not None]
            places, blocks = await together(
                self._conversations.places(row.uid, list(others)), self._contacts.blocks(pairs)
            )
        silent = {other for (other, _), blocked in zip(pairs, blocks, strict=True) if blocked}
        summaries: list[Summary] = []
        left = max(1, min(row.max_bytes, _MAX_BYTES))
        for summary in (_summary(place, tells=others[place.conv] not in silent) for place in places):
            if summary is None:
                continue
            left -= _size(summary)
            if left < 0 and summaries:
                return Synced(summaries, summaries[-1].conv)
            summaries.append(summary)
        return Synced(summaries, convs[limit - 1] if len(convs) > limit else None)

    async def read(self, row: ReadRow) -> ReadUpTo:
        """Whom he blocks is not told. That is asked first: a repeat of what is stored has nothing to tell."""
        other = await self._other_party(row.conv, row.uid)
        blocked = other is not None and (await self._contacts.blocks([(row.uid, other)]))[0]
        seq, is_further = await self._conversations.read(row.conv, row.uid, max(0, row.seq))
        if is_further and other is not None:
            self._deliveries.read_by(row.conv, row.uid, seq, only_himself=blocked)
        return ReadUpTo(row.conv, seq)

    async def typing(self, conv: str, uid: str) -> None:
        """For those only to whom he may say something."""
        other = other_party(check_conv(conv), uid)
        if other is None:
            (facts,) = await self._conversations.facts([Ask(conv, (uid,))])
            check_speech(facts, uid, None, self._clock().ms)
        else:
            pair = other, uid
            (blocked,) = await self._contacts.blocks([pair])
            sharing = await related(self._contacts, self._limits, [pair])
            check_private(self._limits, blocked=blocked, related=pair in sharing)
        self._deliveries.typing(conv, uid)

    async def recall(self, row: RecallRow) -> Said:
        for _ in range(_ATTEMPTS):
            uids = (row.uid,) if gid_of(check_conv(row.conv)) is not None else ()
            (facts,) = await self._conversations.facts([Ask(row.conv, uids, seq=max(0, row.seq))])
            now_ms = self._clock().ms
            check_recall(row.conv, facts, row.uid, self._limits.recall_s, now_ms)
            stored = conversation.stored(Message(row.uid, now_ms, RECALL, of=row.seq))
            mention = None if facts.message is None else conversation.read(facts.message).mention
            version = facts.version or None
            recall = Recall(row.conv, row.uid, now_ms, stored, row.seq, version, mention)
            with self._metrics.store_seconds.labels("chat_recall").time():
                done = await self._conversations.recall(recall)
            if done.outcome is Outcome.STALE:
                continue
            if done.outcome is Outcome.GONE:
                raise Refusal(NO_SUCH_MESSAGE)
            duplicate = done.outcome is Outcome.DUPLICATE
            if duplicate:
                self._deliveries.repeat(row.conv, done.seq)
            else:
                self._metrics.chat_messages.labels(RECALL).inc()
                self._deliveries.deliver(row.conv, done.seq, facts.version, stored)
            return Said(row.conv, done.seq, done.at, duplicate)
        raise Refusal(UNAVAILABLE, "the group changes all the time", retry_ms=1000)

    async def _other_party(self, conv: str, uid: str) -> str | None:
        """None in a group, of which he is a member."""
        other = other_party(check_conv(conv), uid)
        if other is None:
            (facts,) = await self._conversations.facts([Ask(conv, (uid,))])
            member_of(facts, uid)
        return other


def _bytes(conv: str, message: bytes) -> int:
    """As a frame, about."""
    return _AROUND + len(conv) + len(message)


def _within(conv: str, messages: list[Stored], left: int, at_least: int) -> list[Stored]:
    for index, (_, message) in enumerate(messages):
        left -= _bytes(conv, message)
        if left < 0 and index >= at_least:
            return messages[:index]
    return messages


def _pulled(pull: Pull, run: Run | None, left: int, at_least: int) -> PulledConversation:
    """As many as fit in `left` bytes, or `at_least`; refused without a run, or to who is no member."""
    if run is None or (gid_of(pull.conv) is not None and run.member is None):
        return PulledConversation(pull.conv, [], 0, more=False, refused=NOT_A_MEMBER.name)
    messages = _within(pull.conv, run.messages, left, at_least)
    end = messages[-1][0] if messages else run.begin
    return PulledConversation(
        pull.conv, messages, run.last_seq, more=end < run.last_seq, complete=run.begin <= pull.after
    )


def _summary(place: Place, *, tells: bool) -> Summary | None:
    """None where there is nothing to tell: it is empty, or he is not a member any more.

    tells: how far the other one has read is told.
    """
    if gid_of(place.conv) is None:
        name = role = None
    elif place.member is None:
        return None
    else:
        name, role = place.name, place.member.role
    if place.last_seq == 0:
        return None
    return Summary(
        place.conv,
        place.last_seq,
        place.read_seq,
        place.unread,
        place.last,
        name,
        role,
        place.version,
        place.mentions,
        place.other_read_seq if tells else 0,
    )


def _size(summary: Summary) -> int:
    """In an answer, about."""
    _, last = summary.last or (0, b"")
    return _AROUND * 3 + 2 * len(summary.conv) + 4 * len(summary.name or "") + len(last)
