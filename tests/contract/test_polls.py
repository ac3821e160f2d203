"""Votes: each user's first one counts, once."""

from __future__ import annotations

from danmaku.store import Store
from danmaku.store.polls import Ballot, Cast, Counted
from danmaku.subjects import partition_of
from tests.contract.stores import ROOM, take

MANY = 1000


async def cast(
    store: Store, lease: int, *votes: Cast, poll: str = "p1", voters: int = MANY, process: str = "one"
) -> Counted | None:
    (outcome,) = await store.polls.cast(process, [Ballot(ROOM, lease, poll, 3, votes)], voters)
    assert not isinstance(outcome, Exception)
    return outcome


async def test_votes_are_counted(store: Store) -> None:
    lease = await take(store)
    assert await cast(store, lease) == ((), (0, 0, 0))
    assert await cast(store, lease, Cast("ann", 1), Cast("bob", 1), Cast("cat", 2)) == ((1, 1, 2), (0, 2, 1))
    assert await cast(store, lease) == ((), (0, 2, 1))


async def test_a_vote_that_is_cast_again_counts_once(store: Store) -> None:
    lease = await take(store)
    for _ in range(2):  # as after an unknown outcome
        assert await cast(store, lease, Cast("ann", 1), Cast("ann", 1)) == ((1, 1), (0, 1, 0))


async def test_the_first_vote_stands(store: Store) -> None:
    lease = await take(store)
    assert await cast(store, lease, Cast("ann", 1), Cast("ann", 2)) == ((1, 1), (0, 1, 0))
    assert await cast(store, lease, Cast("ann", 0)) == ((1,), (0, 1, 0))


async def test_a_late_vote_is_only_looked_up(store: Store) -> None:
    lease = await take(store)
    await cast(store, lease, Cast("ann", 1))
    late = await cast(store, lease, Cast("ann", 1, True), Cast("bob", 0, True))
    assert late == ((1, None), (0, 1, 0))
    assert await cast(store, lease, Cast("ann", 2, True), poll="p0") == ((None,), (0, 0, 0))
    assert await cast(store, lease) == ((), (0, 1, 0))


async def test_what_a_user_voted_in_that_poll_is_read(store: Store) -> None:
    lease = await take(store)
    assert await store.polls.voted(ROOM, "p1", "ann") is None
    await cast(store, lease, Cast("ann", 0))
    assert await store.polls.voted(ROOM, "p1", "ann") == 0
    assert await store.polls.voted(ROOM, "p1", "bob") is None
    assert await store.polls.voted(ROOM, "p0", "ann") is None
    assert await store.polls.voted("stage", "p1", "ann") is None
    await cast(store, lease, Cast("bob", 2), poll="p2")
    assert await store.polls.voted(ROOM, "p1", "ann") is None
    assert await store.polls.voted(ROOM, "p2", "bob") == 2


async def test_another_poll_begins_with_its_first_vote(store: Store) -> None:
    lease = await take(store)
    await cast(store, lease, Cast("ann", 1))
    assert await cast(store, lease, poll="p2") == ((), (0, 0, 0))
    assert await cast(store, lease) == ((), (0, 1, 0))
    assert await cast(store, lease, Cast("ann", 2), poll="p2") == ((2,), (0, 0, 1))
    assert await cast(store, lease, Cast("ann", 1, True)) == ((None,), (0, 0, 0))


async def test_voters_are_bounded(store: Store) -> None:
    lease = await take(store)
    votes = (Cast("ann", 0), Cast("bob", 0), Cast("cat", 0), Cast("bob", 0))
    assert await cast(store, lease, *votes, voters=2) == ((0, 0, None, 0), (2, 0, 0))
    assert await cast(store, lease, Cast("dan", 1), voters=2) == ((None,), (2, 0, 0))


async def test_who_lost_the_lease_counts_nothing(store: Store) -> None:
    lease = await take(store)
    await cast(store, lease, Cast("ann", 1))
    for process, epoch in (("one", lease - 1), ("two", lease)):
        assert await cast(store, epoch, Cast("bob", 1), process=process) is None
    assert await cast(store, lease) == ((), (0, 1, 0))


async def test_many_rooms_in_one_write(store: Store) -> None:
    assert partition_of("stage") != partition_of(ROOM)
    lease = await take(store)
    ballots = [Ballot(ROOM, lease, "p1", 2, (Cast("ann", 1),)), Ballot("stage", lease, "p1", 2)]
    assert await store.polls.cast("one", ballots, MANY) == [((1,), (0, 1)), None]
