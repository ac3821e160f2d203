from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku import change
from danmaku.change import Change, Configured, Imposed, Lifted, Revoked
from danmaku.model import RoomSettings, Sanction

CHANGES: list[Change] = [
    Revoked("ann", 1_700_000_000_000),
    Imposed("ann", "ban", "root", 5, None, "spam 广告"),
    Imposed("ann", "mute", "root", 5, 9),
    Lifted("ann", "mute"),
    Configured(RoomSettings(slow_s=5, staff_only=False), "root"),
    Configured(RoomSettings(), "root"),
]


@pytest.mark.parametrize("one", CHANGES)
def test_changes_come_back_as_they_were(one: Change) -> None:
    assert change.decode(change.encode(one)) == one


@pytest.mark.parametrize("one", CHANGES)
def test_a_later_version_may_say_more_of_them(one: Change) -> None:
    words = msgspec.msgpack.decode(change.encode(one))
    assert change.decode(msgspec.msgpack.encode([*words, "more"])) == one


@pytest.mark.parametrize(
    "entry", [b"", b"\xc1", change.encode(["words", "r", 3]), change.encode(["lifted", 1])]
)
def test_what_this_version_does_not_know_is_none(entry: bytes) -> None:
    assert change.decode(entry) is None


@given(st.binary(max_size=60))
def test_nothing_else_is_raised(entry: bytes) -> None:
    change.decode(entry)


def test_a_sanction_and_its_change_say_the_same() -> None:
    sanction = Sanction("ban", "ann", "root", 5, 9, "spam")
    assert Imposed.of(sanction) == Imposed("ann", "ban", "root", 5, 9, "spam")
    assert Imposed.of(sanction).sanction == sanction


@pytest.mark.parametrize("one", CHANGES)
def test_nobody_nests_their_way_in(one: Change) -> None:
    good = change.encode(one)
    assert change.decode(bytes([good[0] + 1]) + good[1:] + b"\x91" * 5000 + b"\x90") is None
