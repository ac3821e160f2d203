"""The votes of polls in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from danmaku.store.polls import Ballot, Counted
from danmaku.subjects import partition_of


@dataclass(slots=True)
class _Kept:
    poll: str
    votes: dict[str, int] = field(default_factory=dict)


class MemoryPolls:
    """`holds` tells whether (process, lease, partition) is held right now."""

    def __init__(self, holds: Callable[[str, int, int], bool]) -> None:
        self._holds = holds
        self._kept: dict[str, _Kept] = {}

    async def cast(
        self, process: str, ballots: list[Ballot], voters: int
    ) -> list[Counted | Exception | None]:
        return [self._cast(process, ballot, voters) for ballot in ballots]

    async def voted(self, room: str, poll: str, uid: str) -> int | None:
        kept = self._kept.get(room)
        return kept.votes.get(uid) if kept is not None and kept.poll == poll else None

    def _cast(self, process: str, ballot: Ballot, voters: int) -> Counted | None:
        if not self._holds(process, ballot.lease, partition_of(ballot.room)):
            return None
        kept = self._kept.get(ballot.room)
        if kept is None or kept.poll != ballot.poll:
            kept = _Kept(ballot.poll)
        for uid, option, late in ballot.votes:
            if not late and uid not in kept.votes and len(kept.votes) < voters:
                self._kept[ballot.room] = kept
                kept.votes[uid] = option
        votes = list(kept.votes.values())
        standing = tuple(kept.votes.get(vote.uid) for vote in ballot.votes)
        return Counted(standing, tuple(votes.count(option) for option in range(ballot.options)))
