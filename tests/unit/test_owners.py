from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from danmaku.envelope import Owners
from danmaku.subjects import PARTITIONS, partition_of
from edge.owners import OwnerMap

ROOM = "lobby"
PARTITION = partition_of(ROOM)


def test_an_owner_is_known_once_it_told() -> None:
    owners = OwnerMap()
    assert owners.owner(ROOM) is None
    assert not owners.complete
    assert owners.hear(Owners("a", {PARTITION: 5}))
    assert not owners.hear(Owners("a", {PARTITION: 5}))
    assert owners.owner(ROOM) == "a"
    assert owners.processes == {"a"}
    assert owners.hear(Owners("a", dict.fromkeys(range(PARTITIONS), 6)))
    assert owners.complete


def test_the_higher_epoch_wins_whoever_speaks_last() -> None:
    owners = OwnerMap()
    owners.hear(Owners("b", {PARTITION: 7}))
    assert not owners.hear(Owners("a", {PARTITION: 5}))
    assert owners.owner(ROOM) == "b"
    assert owners.hear(Owners("c", {PARTITION: 8}))
    assert owners.owner(ROOM) == "c"


def test_what_a_process_no_longer_tells_it_no_longer_owns() -> None:
    owners = OwnerMap()
    owners.hear(Owners("a", {PARTITION: 5}))
    assert owners.hear(Owners("a", {}))
    assert owners.owner(ROOM) is None
    owners.hear(Owners("a", {PARTITION: 6}))
    assert owners.hear(Owners("a", {PARTITION: 6}, leaving=True))
    assert owners.owner(ROOM) is None


def test_doubt_and_loss_last_until_it_is_told_again() -> None:
    owners = OwnerMap()
    owners.hear(Owners("a", {PARTITION: 5}))
    owners.doubt(ROOM, "b")
    assert owners.owner(ROOM) == "a"
    owners.doubt(ROOM, "a")
    assert owners.owner(ROOM) is None
    owners.hear(Owners("a", {PARTITION: 5}))
    owners.lose("b")
    assert owners.owner(ROOM) == "a"
    owners.lose("a")
    assert owners.owner(ROOM) is None
    assert owners.hear(Owners("a", {PARTITION: 5}))


def test_a_partition_that_does_not_exist_is_ignored() -> None:
    owners = OwnerMap()
    assert not owners.hear(Owners("a", {PARTITIONS: 1, -1: 1}))


@given(st.permutations(range(1, 9)))
def test_any_order_of_messages_leads_to_the_highest_epoch(epochs: list[int]) -> None:
    owners = OwnerMap()
    for epoch in epochs:
        owners.hear(Owners(f"p{epoch}", {PARTITION: epoch}))
    assert owners.owner(ROOM) == "p8"
