from __future__ import annotations

import pytest

from danmaku.errors import INTERNAL, MUTED, REFUSALS, Refusal
from danmaku.rows import Refused


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_crosses_the_bus(name: str) -> None:
    sent = Refusal(REFUSALS[name], "because", retry_ms=7)
    came = Refused.of(sent).refusal()
    assert (came.kind, came.message, came.retry_ms) == (sent.kind, "because", 7)


def test_the_text_of_the_table_does_not_travel() -> None:
    assert Refused.of(Refusal(MUTED)) == Refused("muted")
    assert Refused("muted").refusal().message == MUTED.text


def test_a_refusal_of_a_later_version_is_internal() -> None:
    assert Refused("too_strange", "no").refusal().kind is INTERNAL
