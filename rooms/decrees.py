"""What admins decide for all rooms: revocations, mutes, bans, settings.

Stored, and noted in the changes log; only then answered. All of it may be done twice, so who is not told
what came of it asks again. Then a hint makes everybody look into the log at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from danmaku.change import Configured, Imposed, Lifted, Revoked
from danmaku.errors import BAD_FRAME, CONFLICT, FORBIDDEN, Refusal
from danmaku.model import Role, SanctionKind, check_id
from danmaku.moderation_rows import ConfigureRow, SanctionEverywhereRow
from danmaku.rows import RevokeRow
from danmaku.store.audit import EVERYWHERE, Audit
from danmaku.store.changes import MOST_SANCTIONS, Changes
from danmaku.store.tokens import Tokens
from danmaku.subjects import Subjects
from rooms.acts import MAX_REASON, act_of
from rooms.measures import MAX_SECONDS
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.rules import check_settings

_REMEMBERED_MS: Final = 366 * 24 * 3600 * 1000  # the longest life a token can have
_VERBS: Final[dict[str, SanctionKind]] = {"mute": "mute", "unmute": "mute", "ban": "ban", "unban": "ban"}


class Decrees:
    def __init__(
        self,
        tokens: Tokens,
        changes: Changes,
        audit: Audit,
        outbox: Outbox,
        subjects: Subjects,
        clock: Callable[[], Moment],
    ) -> None:
        self._tokens = tokens
        self._changes = changes
        self._audit = audit
        self._outbox = outbox
        self._subjects = subjects
        self._clock = clock

    async def revoke(self, row: RevokeRow) -> None:
        """What the user holds now is void. Raises StoreDown."""
        now_ms = self._clock().ms
        # In this order: whoever reads of it in the log finds it true.
        await self._tokens.revoke(row.uid, now_ms, _REMEMBERED_MS)
        await self._changes.append(Revoked(row.uid, now_ms), [act_of(row, now_ms)])
        self._hint()

    async def sanction(self, row: SanctionEverywhereRow) -> bool:
        """Impose or lift it; False where there is nothing to lift. Raises Refusal, StoreDown."""
        _check(row)
        kind = _VERBS[row.verb]
        if row.verb == kind:
            await self._impose(kind, row)
        else:
            act = act_of(row, self._clock().ms)
            lifted = await self._changes.lift(Lifted(row.uid, kind), act.at_ms, [act])
            if not (lifted or await self._audit.knows(EVERYWHERE, act.id)):  # lifted by this very act before
                return False
        self._hint()
        return True

    async def configure(self, row: ConfigureRow) -> None:
        """What rooms go by that have no setting of their own. Raises Refusal, StoreDown."""
        if row.role < Role.ADMIN:
            raise Refusal(FORBIDDEN)
        check_settings(row.settings)
        act = act_of(row, self._clock().ms)
        await self._changes.configure(Configured(row.settings, row.by), [act])
        self._hint()

    async def _impose(self, kind: SanctionKind, row: SanctionEverywhereRow) -> None:
        now_ms = self._clock().ms
        until_ms = now_ms + row.seconds * 1000 if row.seconds else None
        imposed = Imposed(row.uid, kind, row.by, now_ms, until_ms, (row.reason or "")[:MAX_REASON])
        acts = [act_of(row, now_ms)]
        if await self._changes.impose(imposed, acts):
            return
        await self._changes.in_force(now_ms)  # makes room: what has run out is removed
        if not await self._changes.impose(imposed, acts):
            detail = f"at most {MOST_SANCTIONS} mutes and bans are kept for all rooms; lift some first"
            raise Refusal(CONFLICT, detail)

    def _hint(self) -> None:
        self._outbox.post(self._subjects.changed, b"")


def _check(row: SanctionEverywhereRow) -> None:
    check_id(row.uid, "uid")
    if row.role < Role.ADMIN:
        raise Refusal(FORBIDDEN)
    if row.verb not in _VERBS:
        raise Refusal(BAD_FRAME, f"verb must be one of {', '.join(_VERBS)}")
    if row.seconds is not None and not 1 <= row.seconds <= MAX_SECONDS:
        raise Refusal(BAD_FRAME, f"seconds must be from 1 to {MAX_SECONDS}")
