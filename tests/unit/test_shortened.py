from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.shortened import fitted

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), texts)
values = st.one_of(scalars, st.lists(texts, max_size=10), st.dictionaries(texts, scalars, max_size=3))
changes = st.dictionaries(
    st.integers(0, 30).map(lambda number: f"policy.k{number}"),
    st.fixed_dictionaries({"now": values, "was": values}),
    max_size=20,
)


@pytest.mark.parametrize(
    ("change", "most", "told"),
    [
        ({"a": {"now": 3, "was": 1}}, 27, '{"a":{"now":3,"was":1}}'),
        ({"a": {"now": "x" * 50, "was": 1}}, 50, '{"a":{"now":"' + "x" * 25 + '…","was":1}}'),
        ({"a": {"now": '"' * 50, "was": 1}}, 50, '{"a":{"now":"' + '\\"' * 12 + '…","was":1}}'),
        ({"a": {"now": ["one", "two", "x" * 50], "was": []}}, 60, '{"a":{"now":["one","two","…"],"was":[]}}'),
        ({"a": {"now": ["x" * 90], "was": ()}}, 60, '{"a":{"now":["…"],"was":[]}}'),
        ({"a": {"now": {"b": "x" * 50}}}, 40, '{"a":{"now":"{\\"b\\":\\"xxxxxxxxxxxxxx…"}}'),
        ({key: {"now": 3} for key in "abcdef"}, 40, '{"a":{"now":3},"b":{"now":3},"…":4}'),
        ({"a": {"now": 3}}, 8, '{"…":1}'),
    ],
    ids=["short", "words", "escaped", "list", "one", "other", "many", "none"],
)
def test_what_is_too_long_is_shortened(change: dict[str, dict[str, object]], most: int, told: str) -> None:
    assert fitted(change, most) == told


def test_only_what_is_long_is_shortened() -> None:
    found = msgspec.json.decode(fitted({"a": {"now": "x" * 500, "was": "y" * 90}, "b": {"now": "z"}}, 300))
    assert (found["a"]["was"], found["b"]["now"]) == ("y" * 90, "z")


@given(changes, st.integers(20, 400))
def test_it_can_always_be_read(change: dict[str, dict[str, object]], most: int) -> None:
    told = fitted(change, most)
    assert len(told) <= most
    found = msgspec.json.decode(told)
    left_out = found.pop("…", 0)
    assert list(found) == list(change)[: len(change) - left_out]
    whole = msgspec.json.encode(change).decode()
    assert (told == whole) == (len(whole) <= most)
    for key, one in found.items():
        assert list(one) == list(change[key])
