"""Changes of groups: decided on what is known, carried out if that still holds, told to the members.

Whoever does not know what became of a change asks again under the same cid. What was made is answered so,
whatever holds by now, and told again while that may still be what was lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from config.settings import Chat
from danmaku import conversation
from danmaku.chat import ChangeGroupRow, Group, GroupRow, Members, MembersRow
from danmaku.conversation import MEMBER, Message
from danmaku.errors import BLOCKED, CONFLICT, NO_SUCH_CONVERSATION, NOT_A_MEMBER, UNAVAILABLE, Refusal
from danmaku.model import check_id
from danmaku.store.contacts import Contacts
from danmaku.store.conversations import Appended, Ask, Change, Conversations, Effect, Outcome
from danmaku.telemetry import RoomsMetrics
from rooms.delivery import Deliveries
from rooms.membership import Decision, concerned, decide, moved
from rooms.moment import Moment

_ATTEMPTS: Final = 10  # of a change to a group that others change at the same time
_TOLD_AGAIN_MS: Final = 60_000  # so nobody can have it told for ever; who misses it hears of it by a head
_NONE: Final = -1  # no group is ever of this version: what was made is answered, or nothing is done


class Groups:
    """All methods raise Refusal and StoreDown. Cancelled, it is unknown whether the change was made."""

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

    async def change(self, row: ChangeGroupRow) -> Group:
        conv = conversation.group(row.gid)
        known_as = (row.uid, check_id(row.cid, "cid")) if row.cid else None
        for _ in range(_ATTEMPTS):
            ask = Ask(conv, concerned(row.uid, row.change), size=True, outcasts=True, change=known_as)
            (facts,) = await self._conversations.facts([ask])
            if facts.made is not None:
                done = await self._conversations.change(_repeat(conv, row))
            else:
                decision = decide(row.uid, row.change, facts, self._limits, self._clock().ms)
                if decision is None:
                    return await self._group(row.gid, row.uid)
                done = await self._carry_out(conv, row, facts.version, decision)
            if done.outcome is Outcome.DUPLICATE:
                await self._tell_again(conv, done)
            if done.outcome in (Outcome.OK, Outcome.DUPLICATE):
                return await self._group(row.gid, row.uid)
        raise Refusal(UNAVAILABLE, "the group changes all the time", retry_ms=1000)

    async def read(self, row: GroupRow) -> Group:
        group = await self._group(row.gid, row.uid)
        if not group.members:
            raise Refusal(NOT_A_MEMBER)
        return group

    async def members(self, row: MembersRow) -> Members:
        facts, members = await self._conversations.members(conversation.group(row.gid))
        return Members(row.gid, facts.version, [(member.uid, member.since) for member in members])

    async def _carry_out(self, conv: str, row: ChangeGroupRow, version: int, decision: Decision) -> Appended:
        """Stale where the group was changed meanwhile."""
        uid, effect, at = row.uid, decision.effect, self._clock().ms
        come = [member.uid for member in effect.put if member.since == 0]
        await self._check_blocks(uid, come)
        await self._check_counts(come)
        await self._contacts.add([(one, conv) for one in come])
        stored = conversation.stored(Message(uid, at, MEMBER, change=decision.change))
        with self._metrics.store_seconds.labels("chat_change").time():
            done = await self._conversations.change(Change(conv, uid, at, stored, version, effect, row.cid))
        if done.outcome is not Outcome.OK:
            return done
        self._metrics.chat_messages.labels(MEMBER).inc()
        self._deliveries.deliver(conv, done.seq, version + 1, stored, (*come, *effect.drop))
        await self._forget(conv, effect.drop)
        return done

    async def _tell_again(self, conv: str, done: Appended) -> None:
        """What follows a change: whoever made it may have died before he came to it."""
        (facts,) = await self._conversations.facts([Ask(conv, seq=done.seq)])
        if facts.message is None:  # it is no longer kept
            return
        come, gone = moved(conversation.read(facts.message))
        if self._clock().ms < done.at + _TOLD_AGAIN_MS:
            self._deliveries.deliver(conv, done.seq, facts.version, facts.message, come + gone)
        await self._forget(conv, gone)

    async def _forget(self, conv: str, gone: tuple[str, ...]) -> None:
        """Who was invited again meanwhile had his entry before he was a member, and it is not to be lost."""
        if not gone:
            return
        await self._contacts.remove([(one, conv) for one in gone])
        (facts,) = await self._conversations.facts([Ask(conv, gone)])
        await self._contacts.add([(one, conv) for one in facts.members])

    async def _check_blocks(self, uid: str, come: list[str]) -> None:
        """Nobody is put into a group by whom he blocks."""
        others = [one for one in come if one != uid]
        blocks = await self._contacts.blocks([(one, uid) for one in others])
        for one, is_blocked in zip(others, blocks, strict=True):
            if is_blocked:
                raise Refusal(BLOCKED, f"{one} blocks you")

    async def _check_counts(self, uids: list[str]) -> None:
        """So that what an edge is told of a user's groups has a bound."""
        most = self._limits.groups_per_user
        for uid, count in zip(uids, await self._contacts.count_groups(uids), strict=True):
            if count >= most:
                raise Refusal(CONFLICT, f"{uid} is in {most} groups already")

    async def _group(self, gid: str, uid: str) -> Group:
        """As it is now, without its members for who is none of them."""
        facts, members = await self._conversations.members(conversation.group(gid))
        if facts.version == 0:
            raise Refusal(NO_SUCH_CONVERSATION)
        if all(member.uid != uid for member in members):
            members = []
        return Group(
            gid,
            facts.name,
            facts.version,
            facts.last_seq,
            facts.created_ms,
            facts.muted,
            facts.dissolved,
            members,
        )


def _repeat(conv: str, row: ChangeGroupRow) -> Change:
    """A write like the first one, which changes nothing."""
    return Change(conv, row.uid, 0, b"", _NONE, Effect(), row.cid)
