"""Changes of groups: decided on what is known, carried out if that still holds, told to the members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from config.settings import Chat
from danmaku import conversation
from danmaku.chat import ChangeGroupRow, Group, GroupRow, Members, MembersRow
from danmaku.conversation import MEMBER, Message
from danmaku.errors import BLOCKED, CONFLICT, NO_SUCH_CONVERSATION, NOT_A_MEMBER, UNAVAILABLE, Refusal
from danmaku.store.contacts import Contacts
from danmaku.store.conversations import Ask, Change, Conversations, Outcome
from danmaku.telemetry import RoomsMetrics
from rooms.delivery import Deliveries
from rooms.membership import Decision, concerned, decide
from rooms.moment import Moment

_ATTEMPTS: Final = 10  # of a change to a group that others change at the same time


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
        for _ in range(_ATTEMPTS):
            ask = Ask(conv, concerned(row.uid, row.change), size=True, outcasts=True)
            (facts,) = await self._conversations.facts([ask])
            decision = decide(row.uid, row.change, facts, self._limits, self._clock().ms)
            if decision is None or await self._carry_out(conv, row.uid, facts.version, decision):
                return await self._group(row.gid)
        raise Refusal(UNAVAILABLE, "the group changes all the time", retry_ms=1000)

    async def read(self, row: GroupRow) -> Group:
        group = await self._group(row.gid)
        if all(member.uid != row.uid for member in group.members):
            raise Refusal(NOT_A_MEMBER)
        return group

    async def members(self, row: MembersRow) -> Members:
        facts, members = await self._conversations.members(conversation.group(row.gid))
        return Members(row.gid, facts.version, [(member.uid, member.since) for member in members])

    async def _carry_out(self, conv: str, uid: str, version: int, decision: Decision) -> bool:
        """False where the group was changed meanwhile."""
        effect, at = decision.effect, self._clock().ms
        come = [member.uid for member in effect.put if member.since == 0]
        await self._check_blocks(uid, come)
        await self._check_counts(come)
        await self._contacts.add([(one, conv) for one in come])
        stored = conversation.stored(Message(uid, at, MEMBER, change=decision.change))
        with self._metrics.store_seconds.labels("chat_change").time():
            done = await self._conversations.change(Change(conv, uid, at, stored, version, effect))
        if done.outcome is not Outcome.OK:
            return False
        self._metrics.chat_messages.labels(MEMBER).inc()
        self._deliveries.deliver(conv, done.seq, version + 1, stored, (*come, *effect.drop))
        await self._forget(conv, effect.drop)
        return True

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

    async def _group(self, gid: str) -> Group:
        facts, members = await self._conversations.members(conversation.group(gid))
        if facts.version == 0:
            raise Refusal(NO_SUCH_CONVERSATION)
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
