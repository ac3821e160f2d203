"""A user's devices: where they are connected, the end of that, and who may know whether there are any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from danmaku import envelope
from danmaku.chat import Done, EndSessionRow, LeftRow, Presence, PresenceRow, Sessions, SessionsRow
from danmaku.conversation import private
from danmaku.envelope import Replaced
from danmaku.errors import FORBIDDEN, NO_SUCH_DEVICE, Refusal
from danmaku.store import sessions
from danmaku.store.contacts import Contacts
from danmaku.store.conversations import Ask, Conversations
from danmaku.store.sessions import Device
from danmaku.subjects import Subjects
from rooms.living import LivingEdges
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.together import together
from rooms.tokens import SESSION_MS

_REMEMBERED_MS: Final = 366 * 24 * 3600 * 1000  # the longest life a token can have
_REMEMBERED: Final = 256  # devices of one user that were ended


class Devices:
    """All methods raise StoreDown, and are safe to repeat."""

    def __init__(
        self,
        store: sessions.Sessions,
        conversations: Conversations,
        contacts: Contacts,
        outbox: Outbox,
        subjects: Subjects,
        living: LivingEdges,
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._contacts = contacts
        self._outbox = outbox
        self._subjects = subjects
        self._living = living
        self._clock = clock

    async def read(self, row: SessionsRow) -> Sessions:
        return Sessions([(one.device, one.edge, one.seen_ms) for one in await self._of(row.uid)])

    async def end(self, row: EndSessionRow) -> Done:
        """Raises Refusal where the device is not known."""
        now_ms = self._clock().ms
        n = await self._store.end(row.uid, row.device, now_ms, SESSION_MS, _REMEMBERED_MS, _REMEMBERED)
        if n is None:
            raise Refusal(NO_SUCH_DEVICE)
        # a hint: should it get lost, the edge finds out when it says the connection's hello again
        ended = Replaced(row.uid, row.device, n + 1, why="ended")
        self._outbox.post(self._subjects.replaced, envelope.encode(ended))
        return Done()

    async def left(self, row: LeftRow) -> Done:
        await self._store.leave([(row.uid, row.device, row.session)], self._clock().ms, SESSION_MS)
        return Done()

    async def presence(self, row: PresenceRow) -> Presence:
        """Raises Refusal where they share no conversation, or he blocks who asks: both look alike."""
        if not await self._may_know(row.uid, row.other):
            raise Refusal(FORBIDDEN, "only who shares a conversation with a user may know that")
        found = await self._of(row.other)
        return Presence(any(one.edge for one in found), max((one.seen_ms for one in found), default=None))

    async def _of(self, uid: str) -> list[Device]:
        """Where an edge has died its devices are nowhere, although it could not say so."""
        now = self._clock()
        found = await self._store.devices(uid, now.ms, SESSION_MS)
        return [replace(one, edge="") if self._living.is_gone(one.edge, now.s) else one for one in found]

    async def _may_know(self, uid: str, other: str) -> bool:
        conv = private(uid, other)
        (blocked,), (facts,) = await together(
            self._contacts.blocks([(other, uid)]), self._conversations.facts([Ask(conv)])
        )
        if blocked or facts.last_seq > 0:
            return not blocked
        mine, his = await together(self._contacts.groups(uid), self._contacts.groups(other))
        return not set(mine).isdisjoint(his)
