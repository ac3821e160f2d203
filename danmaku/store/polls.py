"""The votes of a room's poll: each user's first one counts, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Cast(NamedTuple):
    """One vote. late: the poll is over, only an earlier vote is looked up."""

    uid: str
    option: int
    late: bool = False


@dataclass(frozen=True, slots=True)
class Ballot:
    """Votes in one poll of a room, in their order, and how many options it has."""

    room: str
    lease: int
    poll: str
    options: int
    votes: tuple[Cast, ...] = ()


class Counted(NamedTuple):
    """standing: for each vote the option for which that user's vote counts, None where none does, because it
    came late or the poll has all the voters it may have. counts: for each option, all in all."""

    standing: tuple[int | None, ...]
    counts: tuple[int, ...]


class Polls(Protocol):
    """A room keeps the votes of one poll: with the first vote in another one they are forgotten."""

    async def cast(
        self, process: str, ballots: list[Ballot], voters: int
    ) -> list[Counted | Exception | None]:
        """One pipelined write for all of them; None where the lease was lost: nothing was written.

        `voters`: so many may vote in one poll. The same vote may be cast again. Raises StoreDown when the
        outcome is unknown; in the answer it stands where that one alone is.
        """

    async def voted(self, room: str, poll: str, uid: str) -> int | None:
        """The option for which this user's vote in that poll counts, if any does. Raises StoreDown."""
