from __future__ import annotations

import json
from typing import Any

import pytest

from danmaku.caller import Caller, CallFailed
from danmaku.data_folder import DataFolder
from tests.unit.test_cli_mod import folder, run

__all__ = ["folder"]

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
def pages(monkeypatch: pytest.MonkeyPatch) -> list[list[dict[str, Any]]]:
    """What the service answers to `held`, one after the other; then it is interrupted."""
    return []


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, pages: list[list[dict[str, Any]]]) -> list[tuple[str, str, Any]]:
    made: list[tuple[str, str, Any]] = []

    def call(_: Caller, method: str, path: str, body: Any = None, timeout_s: float = 0) -> Any:
        made.append((method, path, body))
        if method == "POST":
            return {"room": "lobby", "id": "7-1", "decision": body["decision"]}
        if not pages:
            raise KeyboardInterrupt
        return {"room": "lobby", "held": pages.pop(0)}

    monkeypatch.setattr(Caller, "call", call)
    return made


def test_what_waits_is_shown_page_by_page(
    folder: DataFolder, calls: list[tuple[str, str, Any]], pages: list[list[dict[str, Any]]]
) -> None:
    data = ("--data", str(folder.path), "--url", "http://127.0.0.1:1")
    pages += [[one(number) for number in range(1, 101)], [one(101)]]
    shown = run("held", "lobby", *data)
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert (len(lines), "\x1b" in shown.stdout) == (101, False)
    assert lines[0].startswith("7-1  bob  (link)  see ")
    assert [path for _, path, _ in calls] == [f"{PATH}?limit=100", f"{PATH}?limit=100&after=7-100"]


def test_for_programs_it_is_one_list(
    folder: DataFolder, calls: list[tuple[str, str, Any]], pages: list[list[dict[str, Any]]]
) -> None:
    pages += [[one(number) for number in range(1, 101)], []]
    shown = run("held", "lobby", "--json", "--data", str(folder.path), "--url", "http://127.0.0.1:1")
    assert len(json.loads(shown.stdout)["held"]) == 100


@pytest.mark.parametrize(("command", "key"), [("held", "held"), ("signs", "signs")])
def test_who_follows_waits_for_a_service_that_is_away(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch, command: str, key: str
) -> None:
    ends = iter([CallFailed("cannot reach it"), CallFailed("busy", 503), {key: []}])

    def call(*_: Any) -> Any:
        end = next(ends, KeyboardInterrupt())
        if isinstance(end, BaseException):
            raise end
        return end

    monkeypatch.setattr(Caller, "call", call)
    monkeypatch.setattr("danmaku.cli_desk._RETRY_S", 0)
    data = ("--data", str(folder.path), "--url", "http://127.0.0.1:1")
    done = run(command, "lobby", "--follow", *data)
    assert (done.exit_code, done.stderr) == (0, "cannot reach it; going on when it is back\n")
    ends = iter([CallFailed("forbidden", 403)])
    assert run(command, "lobby", "--follow", *data).exit_code == 1


def test_it_can_be_followed(
    folder: DataFolder,
    calls: list[tuple[str, str, Any]],
    pages: list[list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = ("--data", str(folder.path), "--url", "http://127.0.0.1:1")
    pages += [[], [one(3)], []]
    waited: list[float] = []
    monkeypatch.setattr("danmaku.cli_desk.time.sleep", waited.append)
    shown = run("held", "lobby", "--follow", *data)
    assert shown.exit_code == 0, shown.output
    assert len(shown.stdout.splitlines()) == 1
    assert calls[-1][1] == f"{PATH}?limit=100&after=7-3&wait_s=20"
    assert [seconds > 0 for seconds in waited] == [True, True]  # it was let wait for neither


def test_one_is_approved_or_denied(folder: DataFolder, calls: list[tuple[str, str, Any]]) -> None:
    data = ("--data", str(folder.path), "--url", "http://127.0.0.1:1")
    assert run("approve", "lobby", "7-1", *data).stdout == "7-1 is shown in lobby\n"
    assert run("deny", "lobby", "7-1", "--reason", "no", *data).stdout == "7-1 is not shown in lobby\n"
    assert calls == [
        ("POST", f"{PATH}/7-1", {"decision": "approve"}),
        ("POST", f"{PATH}/7-1", {"decision": "deny", "reason": "no"}),
    ]
    assert "bad_id: ID must match" in run("deny", "lobby", "7 1", *data).stderr
