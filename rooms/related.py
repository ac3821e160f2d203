"""Which users share a group, where private messages depend on it."""

from __future__ import annotations

from config.settings import Chat
from danmaku.store.contacts import Contacts
from rooms.together import together

Pair = tuple[str, str]


async def related(contacts: Contacts, limits: Chat, pairs: list[Pair]) -> set[Pair]:
    """Those of the pairs who do; none where it does not matter. Raises StoreDown."""
    if limits.private != "shared_group" or not pairs:
        return set()
    uids = sorted({uid for pair in pairs for uid in pair})
    groups = dict(zip(uids, await together(*map(contacts.groups, uids)), strict=True))
    return {(one, other) for one, other in pairs if not set(groups[one]).isdisjoint(groups[other])}
