from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from danmaku.caller import Caller
from danmaku.data_folder import DataFolder
from tests.unit.test_cli_mod import folder, run

__all__ = ["folder"]

FOUND = {"refuse": ["bad", "worse"], "hold": [], "shadow": [], "mask": ["坏"], "version": "v1"}
ROOM = "/v1/admin/rooms/lobby/words"
Calls = list[tuple[str, str, Any]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What was asked of the service."""
    made: Calls = []

    def call(_: Caller, method: str, path: str, body: Any = None, wait_s: float = 0) -> Any:
        made.append((method, path, body))
        if method == "GET":
            return FOUND
        return {"action": "mask", "entry": "坏", "text": "*"} if method == "POST" else {"version": "v2"}

    monkeypatch.setattr(Caller, "call", call)
    return made


def mod(folder: DataFolder, *words: str) -> str:
    done = run(*words, "--data", str(folder.path), "--url", "http://127.0.0.1:1")
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_list_is_shown_as_it_can_be_put(folder: DataFolder, calls: Calls, tmp_path: Path) -> None:
    shown = mod(folder, "words", "lobby")
    assert shown.splitlines() == ["mask 坏", "refuse bad", "refuse worse"]
    file = tmp_path / "words.txt"
    file.write_text(f"{shown}\n\nhold two words\n")
    assert "4 entries are in force in all rooms" in mod(folder, "words-put", str(file), "--everywhere")
    lists = {"mask": ["坏"], "shadow": [], "hold": ["two words"], "refuse": ["bad", "worse"]}
    assert calls == [("GET", ROOM, None), ("PUT", "/v1/admin/words", lists)]


def test_entries_are_added_and_removed_in_the_list_as_it_was(folder: DataFolder, calls: Calls) -> None:
    mod(folder, "words-add", "lobby", "bad", "new", "--action", "mask")
    assert calls[-1][2] == {**FOUND, "refuse": ["worse"], "mask": ["坏", "bad", "new"]}
    mod(folder, "words-remove", "lobby", "worse", "坏")
    assert calls[-1] == ("PUT", ROOM, {**FOUND, "refuse": ["bad"], "mask": []})
    mod(folder, "words-remove", "--everywhere", "worse")
    assert calls[-1] == ("PUT", "/v1/admin/words", {**FOUND, "refuse": ["bad"]})


def test_a_text_is_tried(folder: DataFolder, calls: Calls) -> None:
    assert mod(folder, "words-test", "lobby", "坏").splitlines() == ["mask: 坏", "*"]
    assert calls == [("POST", f"{ROOM}/test", {"text": "坏"})]


@pytest.mark.parametrize("line", ["bad", "block bad", "refuse "])
def test_what_is_no_list(folder: DataFolder, calls: Calls, tmp_path: Path, line: str) -> None:
    file = tmp_path / "words.txt"
    file.write_text(f"refuse good\n{line}\n")
    done = run("words-put", "lobby", str(file), "--data", str(folder.path), "--url", "http://127.0.0.1:1")
    assert (done.exit_code, calls) == (2, [])
    assert "line 2" in done.output
    done = run(
        "words-add",
        "lobby",
        "x",
        "--action",
        "block",
        "--data",
        str(folder.path),
        "--url",
        "http://127.0.0.1:1",
    )
    assert (done.exit_code, calls) == (2, [])


def test_a_file_that_is_no_text(folder: DataFolder, calls: Calls, tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_bytes(b"refuse \xff\xfe\n")
    done = run("words-put", "lobby", str(file), "--data", str(folder.path), "--url", "http://127.0.0.1:1")
    assert (done.exit_code, "words.txt" in done.output, calls) == (2, True, [])
