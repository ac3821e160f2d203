from __future__ import annotations

import pytest

from danmaku import errors
from danmaku.errors import MUTED, REFUSALS, Close, Kind, Refusal, may_reconnect

PROMISED = {
    "bad_frame",
    "bad_id",
    "unauthorized",
    "forbidden",
    "room_not_found",
    "room_closed",
    "not_joined",
    "muted",
    "banned",
    "slow_mode",
    "rate_limited",
    "too_long",
    "empty",
    "blocked_words",
    "duplicate_text",
    "held_for_review",
    "members_only",
    "not_a_member",
    "no_such_conversation",
    "no_such_message",
    "too_late_to_recall",
    "conflict",
    "too_large",
    "unavailable",
    "timeout",
    "internal",
}


def test_every_promised_refusal_is_in_the_table() -> None:
    assert set(REFUSALS) >= PROMISED


def test_the_table_holds_every_refusal_under_its_own_name() -> None:
    kinds = [value for value in vars(errors).values() if isinstance(value, Kind)]
    assert len(kinds) == len(REFUSALS)
    assert all(REFUSALS[kind.name] is kind for kind in kinds)


def test_numbers_are_unique() -> None:
    codes = [kind.code for kind in REFUSALS.values()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", REFUSALS.values(), ids=list(REFUSALS))
def test_numbers_begin_with_the_status_and_names_match_their_constant(kind: Kind) -> None:
    assert kind.code // 10 == kind.status
    assert getattr(errors, kind.name.upper()) is kind
    assert kind.text


def test_a_refusal_says_the_text_of_the_table_or_its_own() -> None:
    plain, own = Refusal(MUTED), Refusal(MUTED, "muted until noon", retry_ms=5)
    assert (plain.code, plain.name, plain.message, plain.retry_ms) == (4031, "muted", "you are muted", None)
    assert (own.message, own.retry_ms, str(own)) == ("muted until noon", 5, "muted: muted until noon")


def test_close_codes_lie_in_the_bands_clients_know() -> None:
    assert {close.value for close in Close} == {4000, 4101, 4102, 4103, 4104, 4105, 4401, 4403, 4409, 4413}
    come_back = {close for close in Close if may_reconnect(close)}
    assert come_back == {close for close in Close if close < 4400}


@pytest.mark.parametrize(
    ("code", "may"), [(1000, True), (1006, True), (4399, True), (4400, False), (4499, False), (4500, True)]
)
def test_only_one_band_forbids_to_come_back(code: int, may: bool) -> None:
    assert may_reconnect(code) is may
