from __future__ import annotations

import pytest

from tests.unit.command_line import Desk


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.answer = lambda *_: {"changed": True}
    return desk


def test_what_was_said_is_taken_back(desk: Desk) -> None:
    stays = "; what somebody of a higher role than yours said stays"
    for words, told in [
        (("delete", "lobby", "7-41"), "7-41 was taken back in lobby\n"),
        (("delete", "lobby", "7-42", "--reason", "an ad"), "7-42 was taken back in lobby\n"),
        (
            ("clear", "lobby", "bob", "--reason", "spam"),
            f"all that bob said was taken back in lobby{stays}\n",
        ),
        (("clear", "lobby"), f"all that anybody said was taken back in lobby{stays}\n"),
    ]:
        result = desk.run("mod", *words)
        assert (result.exit_code, result.stdout) == (0, told), result.output
    path = "/v1/admin/rooms/lobby"
    assert desk.asked == [
        ("DELETE", f"{path}/messages/7-41", None),
        ("DELETE", f"{path}/messages/7-42?reason=an+ad", None),
        ("POST", f"{path}/clear", {"uid": "bob", "reason": "spam"}),
        ("POST", f"{path}/clear", {}),
    ]


def test_what_cannot_be_meant_is_told(desk: Desk) -> None:
    for words in (("delete", "lobby", "7 41"), ("delete", "a room", "7-41"), ("clear", "lobby", "b b")):
        result = desk.run("mod", *words)
        assert (result.exit_code, "bad_id" in result.stderr) == (1, True), result.output
    assert desk.asked == []
