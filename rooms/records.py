"""What moderators read, as a member of a queue group. Whether they may is for others to ask before."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Final

from danmaku import envelope, records
from danmaku.envelope import MAX_MESSAGE_BYTES
from danmaku.model import Act, Sanction, check_id
from danmaku.records import Acts, ActsRequest, Card, CardRequest, Sanctioned, SanctionedRequest
from danmaku.store import Store
from danmaku.store.audit import Recorded
from danmaku.telemetry import RoomsMetrics
from rooms.answering import Answering, Asked
from rooms.everywhere import Everywhere
from rooms.following import Following
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.together import together

_AT_ONCE: Final = 64
_MAX_BYTES: Final = MAX_MESSAGE_BYTES - 16 * 1024
_AROUND: Final = 64  # bytes of an entry besides its act


class Records:
    """Answers with an empty reply where it cannot, so that nobody waits for their time-out."""

    def __init__(
        self,
        store: Store,
        following: Following,
        everywhere: Everywhere,
        outbox: Outbox,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._following = following
        self._everywhere = everywhere
        self._metrics = metrics
        self._clock = clock
        self.answering: Final = Answering("records", _AT_ONCE, outbox)
        self._asked = Asked(_request, self._answer)

    def receive(self, payload: bytes, reply: str) -> None:
        self.answering.begin(self._asked, payload, reply)

    async def _answer(self, request: records.Request) -> bytes:
        with self._metrics.store_seconds.labels("records").time():
            return envelope.encode(await self._find(request))

    async def _find(self, request: records.Request) -> records.Reply:
        match request:
            case ActsRequest():
                return await self._acts(request)
            case SanctionedRequest():
                kept = await self._store.moderation.load(request.room, self._clock().ms)
                return page(kept, request.after, max(1, min(request.users, records.MAX_USERS)))
            case CardRequest():
                return await self._card(request)

    async def _acts(self, request: ActsRequest) -> Acts:
        entries, audit = max(1, min(request.entries, records.MAX_ENTRIES)), self._store.audit
        if request.after is not None:
            return Acts(fitting(await audit.after(request.room, request.after, entries)))
        found = await audit.before(request.room, request.before, entries)
        return Acts(fitting(found[::-1])[::-1])

    async def _card(self, request: CardRequest) -> Card:
        room, uid, now_ms = request.room, request.uid, self._clock().ms
        await self._following.catch_up()
        sanctions, moderators, acts = await together(
            self._store.moderation.load(room, now_ms),
            self._store.moderators.load(room),
            self._store.audit.about(room, uid),
        )
        here = [one for one in sanctions if one.uid == uid]
        appointed = next((one for one in moderators if one.uid == uid), None)
        return Card(appointed, here, self._everywhere.of(uid, now_ms), acts)


def _request(payload: bytes) -> records.Request:
    """Raises ValueError and Refusal."""
    request: records.Request = records.decode_request(payload)
    if request.room:
        check_id(request.room, "room")
    return request


def fitting(found: list[Recorded]) -> list[tuple[str, Act]]:
    """As many of the first as a message carries."""
    sizes = accumulate(len(envelope.encode(one.act)) + _AROUND for one in found)
    return [(one.place, one.act) for one, size in zip(found, sizes, strict=True) if size <= _MAX_BYTES]


def page(kept: list[Sanction], after: str, users: int) -> Sanctioned:
    """The sanctions of so many users with a uid above `after`, by uid."""
    uids = sorted({one.uid for one in kept if one.uid > after})
    shown = uids[:users]
    there = set(shown)
    found = sorted((one for one in kept if one.uid in there), key=lambda one: (one.uid, one.kind))
    return Sanctioned(found, shown[-1] if len(uids) > users else None)
