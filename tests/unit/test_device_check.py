"""What the fault tests hold against conversations is found: lost, doubled, out of order, seen differently."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import cast

import pytest

from tests.system.devices import Device, Seen, check

CONV = "p:ann:bob"
STORED = [
    Seen(1, "message", "ann", "a-0"),
    Seen(2, "message", "bob", "b-0"),
    Seen(3, "message", "ann", "a-1"),
]
MEMBERS = {CONV: {"ann", "bob"}}


@dataclass
class Wrote:
    """What a device wrote down."""

    uid: str
    acked: dict[str, tuple[str, int]]
    seen: defaultdict[str, list[Seen]] = field(default_factory=lambda: defaultdict(list, {CONV: [*STORED]}))


def devices() -> tuple[Wrote, Wrote]:
    return Wrote("ann", {"a-0": (CONV, 1), "a-1": (CONV, 3)}), Wrote("bob", {"b-0": (CONV, 2)})


def judge(*wrote: Wrote, stored: list[Seen] = STORED) -> dict[str, int]:
    return dict(check([cast("Device", one) for one in wrote], {CONV: stored}, MEMBERS))


def test_a_good_conversation_is_counted() -> None:
    assert judge(*devices()) == {"stored": 3, "acknowledged": 3, "seen": 6}


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        (STORED[:2], "3 was acknowledged, and is lost"),
        ([STORED[0], STORED[2]], "p:ann:bob"),  # a gap
        ([*STORED, Seen(4, "message", "ann", "a-1")], "something is there twice"),
        ([STORED[1]._replace(seq=1), STORED[0]._replace(seq=2), STORED[2]], "is not what was told"),
    ],
)
def test_a_broken_conversation_is_found(stored: list[Seen], says: str) -> None:
    ann, bob = devices()
    with pytest.raises(AssertionError, match=says):
        judge(ann, bob, stored=stored)


@pytest.mark.parametrize(
    "seen",
    [STORED[:2], STORED[1:], [*STORED, STORED[2]], [STORED[0], STORED[2], STORED[1]], []],
    ids=["lost the last", "lost the first", "twice", "out of order", "nothing"],
)
def test_who_saw_something_else_is_found(seen: list[Seen]) -> None:
    ann, bob = devices()
    bob.seen[CONV] = seen
    with pytest.raises(AssertionError, match="bob"):
        judge(ann, bob)


def test_who_was_not_kept_in_his_order_is_found() -> None:
    ann, bob = devices()
    ann.acked = {"a-1": (CONV, 3), "a-0": (CONV, 1)}  # he said a-1 first
    with pytest.raises(AssertionError, match="spoke in another order"):
        judge(ann, bob)
