"""The garbage collector of servers."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import msgspec
import pytest

from danmaku import garbage, rows, wire_frames, wire_items


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class _Cycle:
    def __init__(self) -> None:
        self.itself = self


def test_what_was_made_before_is_not_looked_at_again_and_cycles_made_later_are_found() -> None:
    garbage.settle()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == garbage.THRESHOLDS
    found = weakref.ref(_Cycle())
    kept = [[] for _ in range(garbage.THRESHOLDS[0] + 1)]  # type: ignore[var-annotated]  # anything that is tracked
    assert kept
    assert found() is None


def test_a_cycle_that_was_garbage_already_is_freed_first() -> None:
    gone = weakref.ref(_Cycle())
    garbage.settle()
    assert gone() is None


def test_what_comes_with_every_comment_is_nothing_to_the_collector() -> None:
    made = [
        kind
        for module in (rows, wire_frames, wire_items)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == module.__name__
    ]
    assert {"SendRow", "Shown", "Send", "Ok", "Comment"} <= {kind.__name__ for kind in made}
    assert [kind.__name__ for kind in made if kind.__struct_config__.gc] == []
