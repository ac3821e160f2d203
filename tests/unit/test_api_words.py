from __future__ import annotations

from typing import Any

import pytest

from danmaku.errors import CONFLICT, Refusal
from danmaku.model import Role
from danmaku.rows import Done
from danmaku.wordlist import (
    NOTHING,
    Found,
    GetWordsRow,
    PutWordsRow,
    RoomWords,
    TryWordsRow,
    Word,
    WordsTried,
    pack,
    unpack,
    version_of,
)
from tests.unit.api_service import Service

ALL = "/v1/admin/words"
ROOM = "/v1/admin/rooms/r/words"
LISTED = [Word("坏", "mask"), Word("bad", "refuse")]


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def mod(service: Service) -> str:
    return service.token("mod", r=Role.MODERATOR)


@pytest.fixture
def root(service: Service) -> str:
    return service.token("root", Role.ADMIN)


async def test_a_rooms_list_is_replaced_and_read(service: Service, mod: str) -> None:
    service.rooms.answers[PutWordsRow] = Done()
    answer = await service.call("PUT", ROOM, {"refuse": ["bad"], "mask": ["坏"], "version": "v1"}, mod)
    packed = pack(LISTED)
    assert (answer.status, answer.json) == (200, {"version": version_of(packed)})
    row = service.rooms.rows[-1]
    assert row == PutWordsRow("r", "mod", Role.MODERATOR, packed, "v1")
    service.rooms.answers[GetWordsRow] = RoomWords(packed)
    answer = await service.call("GET", ROOM, token=mod)
    expected = {"refuse": ["bad"], "hold": [], "shadow": [], "mask": ["坏"], "version": version_of(packed)}
    assert answer.json == expected


async def test_of_an_entry_that_stands_twice_the_strictest_action_counts(service: Service, mod: str) -> None:
    service.rooms.answers[PutWordsRow] = Done()
    await service.call("PUT", ROOM, {"refuse": ["bad"], "mask": ["bad"], "hold": ["bad"]}, mod)
    row = service.rooms.rows[-1]
    assert isinstance(row, PutWordsRow)
    assert unpack(row.words) == [Word("bad", "refuse")]


async def test_a_text_is_tried(service: Service, mod: str) -> None:
    service.rooms.answers[TryWordsRow] = WordsTried(Found("mask", "bad", "*** text"))
    answer = await service.call("POST", f"{ROOM}/test", {"text": "bad text"}, mod)
    assert answer.json == {"action": "mask", "entry": "bad", "text": "*** text"}
    assert service.rooms.rows[-1] == TryWordsRow("r", "mod", Role.MODERATOR, "bad text")


async def test_the_list_for_all_rooms_is_replaced_and_read(service: Service, root: str) -> None:
    nothing = {"refuse": [], "hold": [], "shadow": [], "mask": [], "version": ""}
    assert (await service.call("GET", ALL, token=root)).json == nothing
    many = [f"word{n} is long enough to make a large body" for n in range(20_000)]
    answer = await service.call("PUT", ALL, {"hold": many}, root)
    assert (answer.status, answer.json) == (200, {"version": "v1"})
    answer = await service.call("GET", ALL, token=root)
    assert answer.json == {**nothing, "hold": many, "version": "v1"}
    answer = await service.call("PUT", ALL, {"version": "v0"}, root)
    assert answer.refusal == (409, "conflict")
    assert (await service.call("PUT", ALL, {"version": "v1"}, root)).status == 200
    assert service.rooms.list_of_words == ("v2", NOTHING)


def test_only_an_admin_may_bring_a_large_body_and_only_here(service: Service, mod: str, root: str) -> None:
    usual = service.body_bytes("POST", "/v1/tokens", f"Bearer {root}")
    assert service.body_bytes("PUT", ALL, f"Bearer {root}") > 10 * usual
    for token in (None, f"Bearer {mod}", "Bearer x", "Basic x"):
        assert service.body_bytes("PUT", ALL, token) == usual
    for method, path in (("PUT", ROOM), ("GET", ALL)):
        assert service.body_bytes(method, path, f"Bearer {root}") == usual


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (None, 200, ""),
        ([], 400, "bad_frame"),
        ({"refuse": "bad"}, 400, "bad_frame"),
        ({"refuse": [3]}, 400, "bad_frame"),
        ({"block": ["bad"]}, 400, "bad_frame"),
        ({"refuse": [""]}, 400, "bad_frame"),
        ({"refuse": ["x" * 65]}, 400, "bad_frame"),
        ({"refuse": [f"x{n}" for n in range(50_000)], "hold": ["y"]}, 413, "too_large"),
        (b'{"refuse": ["' + b"x" * 5_000_000 + b'"]}', 413, "too_large"),
    ],
)
async def test_what_is_a_list(service: Service, root: str, body: Any, status: int, error: str) -> None:
    answer = await service.call("PUT", ALL, body, root)
    assert answer.status == status
    if error:
        assert answer.refusal == (status, error)


async def test_a_room_has_fewer_words(service: Service, mod: str) -> None:
    answer = await service.call("PUT", ROOM, {"refuse": [f"x{n}" for n in range(1001)]}, mod)
    assert answer.refusal == (413, "too_large")
    answer = await service.call("PUT", ROOM, b" " * 300_000, mod)
    assert answer.refusal == (413, "too_large")


async def test_what_the_owner_refuses_and_what_makes_no_sense(service: Service, mod: str) -> None:
    service.rooms.answers[PutWordsRow] = Refusal(CONFLICT)
    assert (await service.call("PUT", ROOM, {}, mod)).refusal == (409, "conflict")
    for row, method, path, body in (
        (GetWordsRow, "GET", ROOM, None),
        (TryWordsRow, "POST", f"{ROOM}/test", {"text": ""}),
    ):
        service.rooms.answers[row] = Done()
        assert (await service.call(method, path, body, mod)).refusal == (500, "internal")
