"""The votes of a room's poll as a hash."""

from __future__ import annotations

from typing import Any, Final

from danmaku.store.errors import StoreDown
from danmaku.store.polls import Ballot, Counted
from danmaku.store.valkey.keys import Keys, held_by
from danmaku.store.valkey.link import Call, Link, Word

_KEEP_MS: Final = 30 * 24 * 3600 * 1000  # after the last vote, which is far longer than a poll that ends


class ValkeyPolls:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def cast(
        self, process: str, ballots: list[Ballot], voters: int
    ) -> list[Counted | Exception | None]:
        replies = await self._link.many([self._cast(process, one, voters) for one in ballots], safe=True)
        return [_counted(reply) for reply in replies]

    async def voted(self, room: str, poll: str, uid: str) -> int | None:
        kept, option = await self._link.one("HMGET", self._keys.votes(room), "#poll", uid)
        return int(option) if option is not None and kept == poll.encode() else None

    def _cast(self, process: str, ballot: Ballot, voters: int) -> Call:
        words: list[Word] = []
        for uid, option, late in ballot.votes:
            words += (uid, option, int(late))
        return self._link.script(
            "vote",
            [self._keys.lease_of(ballot.room), self._keys.votes(ballot.room)],
            held_by(process, ballot.lease),
            ballot.poll,
            ballot.options,
            voters,
            _KEEP_MS,
            *words,
        )


def _counted(reply: Any) -> Counted | Exception | None:
    if reply is None or isinstance(reply, StoreDown):
        return reply
    standing, counts = reply
    return Counted(tuple(None if option < 0 else option for option in standing), tuple(counts))
