from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku.client.places import Places

A, B, C = "ws://a/v1/ws", "ws://b/v1/ws", "ws://c/v1/ws"
SAFE, OTHER = "wss://a/v1/ws", "wss://b/v1/ws"


def test_there_must_be_an_address() -> None:
    with pytest.raises(ValueError, match="needs the address"):
        Places([])


def test_one_place_is_tried_again_and_again() -> None:
    places = Places([A])
    assert [places.move() for _ in range(3)] == [A, A, A]
    assert (len(places), places.current) == (1, A)


def test_several_are_tried_in_turn() -> None:
    places = Places([A, B, A, C])
    assert len(places) == 3
    assert [places.move() for _ in range(6)] == [A, B, C, A, B, C]


def test_who_is_asked_is_elsewhere_first() -> None:
    places = Places([A, B, C])
    assert places.to_ask(2) == [A, B]
    places.move()
    assert places.to_ask(5) == [B, C, A]


def test_what_the_service_says_comes_first_and_what_was_given_stays() -> None:
    places = Places([A])
    places.told([B, C])
    assert [places.move() for _ in range(4)] == [B, C, A, B]
    places.told([B])
    assert places.move() == A, "not where it just was"
    places.told([])
    assert [places.move(), len(places)] == [A, 1]


def test_what_was_given_with_tls_is_left_for_no_place_without() -> None:
    places = Places([SAFE])
    places.told([B, OTHER, "http://a"])
    assert [places.move(), places.move(), len(places)] == [OTHER, SAFE, 2]
    places = Places([A])
    places.told([OTHER, "file:///etc/passwd"])
    assert [places.move(), len(places)] == [OTHER, 2]


def test_a_service_of_very_many_is_bounded() -> None:
    places = Places([A])
    places.told(f"ws://{number}/v1/ws" for number in range(1000))
    assert len(places) == 65


@given(
    st.lists(st.sampled_from([A, B, C]), min_size=1),
    st.lists(st.lists(st.sampled_from([A, B, C])), max_size=20),
)
def test_nobody_stays_where_it_failed_while_there_is_another(first: list[str], told: list[list[str]]) -> None:
    places = Places(first)
    before = places.move()
    assert before == first[0]
    for urls in told:
        places.told(urls)
        now = places.move()
        assert now in {*first, *urls}
        assert now != before or len({*first, *urls}) == 1
        before = now
