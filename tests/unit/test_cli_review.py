from __future__ import annotations

import json
from typing import Any

import pytest

from danmaku.caller import CallFailed
from tests.unit.command_line import Desk

PATH = "/v1/admin/rooms/lobby/held"


def one(number: int) -> dict[str, Any]:
    text = "see \x1b[2Jhttp://x"
    return {
        "id": f"7-{number}",
        "uid": "bob",
        "name": "Bob",
        "text": text,
        "cid": "c",
        "why": "link",
        "at": 5,
    }


@pytest.fixture
def pages() -> list[list[dict[str, Any]]]:
    """What the service answers to `held`, one after the other; then it is interrupted."""
    return []


@pytest.fixture
def desk(desk: Desk, pages: list[list[dict[str, Any]]]) -> Desk:
    def answer(method: str, _: str, body: Any) -> Any:
        if method == "POST":
            return {"room": "lobby", "id": "7-1", "decision": body["decision"]}
        if not pages:
            raise KeyboardInterrupt
        return {"room": "lobby", "held": pages.pop(0)}

    desk.answer = answer
    return desk


def test_what_waits_is_shown_page_by_page(desk: Desk, pages: list[list[dict[str, Any]]]) -> None:
    pages += [[one(number) for number in range(1, 101)], [one(101)]]
    shown = desk.run("mod", "held", "lobby")
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert (len(lines), "\x1b" in shown.stdout) == (101, False)
    assert lines[0].startswith("7-1  bob  (link)  see ")
    assert [path for _, path, _ in desk.asked] == [f"{PATH}?limit=100", f"{PATH}?limit=100&after=7-100"]


def test_for_programs_it_is_one_list(desk: Desk, pages: list[list[dict[str, Any]]]) -> None:
    pages += [[one(number) for number in range(1, 101)], []]
    shown = desk.run("mod", "held", "lobby", "--json")
    assert len(json.loads(shown.stdout)["held"]) == 100


@pytest.mark.parametrize(("command", "key"), [("held", "held"), ("signs", "signs")])
def test_who_follows_waits_for_a_service_that_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, command: str, key: str
) -> None:
    ends = iter([CallFailed("cannot reach it"), CallFailed("busy", 503), {key: []}])

    def answer(*_: Any) -> Any:
        end = next(ends, KeyboardInterrupt())
        if isinstance(end, BaseException):
            raise end
        return end

    desk.answer = answer
    monkeypatch.setattr("danmaku.cli_desk._RETRY_S", 0)
    done = desk.run("mod", command, "lobby", "--follow")
    assert (done.exit_code, done.stderr) == (0, "cannot reach it; going on when it is back\n")
    ends = iter([CallFailed("forbidden", 403)])
    assert desk.run("mod", command, "lobby", "--follow").exit_code == 1


def test_it_can_be_followed(
    desk: Desk,
    pages: list[list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages += [[], [one(3)], []]
    waited: list[float] = []
    monkeypatch.setattr("danmaku.cli_desk.time.sleep", waited.append)
    shown = desk.run("mod", "held", "lobby", "--follow")
    assert shown.exit_code == 0, shown.output
    assert len(shown.stdout.splitlines()) == 1
    assert desk.asked[-1][1] == f"{PATH}?limit=100&after=7-3&wait_s=20"
    assert [seconds > 0 for seconds in waited] == [True, True]  # it was let wait for neither


def test_one_is_approved_or_denied(desk: Desk) -> None:
    assert desk.run("mod", "approve", "lobby", "7-1").stdout == "7-1 is shown in lobby\n"
    assert desk.run("mod", "deny", "lobby", "7-1", "--reason", "no").stdout == "7-1 is not shown in lobby\n"
    assert desk.asked == [
        ("POST", f"{PATH}/7-1", {"decision": "approve"}),
        ("POST", f"{PATH}/7-1", {"decision": "deny", "reason": "no"}),
    ]
    assert "bad_id: ID must match" in desk.run("mod", "deny", "lobby", "7 1").stderr
