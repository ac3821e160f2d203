from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.command_line import Desk

FOUND = {"refuse": ["bad", "worse"], "hold": [], "shadow": [], "mask": ["坏"], "version": "v1"}
ROOM = "/v1/admin/rooms/lobby/words"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    answers = {"GET": FOUND, "POST": {"action": "mask", "entry": "坏", "text": "*"}, "PUT": {"version": "v2"}}
    desk.answer = lambda method, *_: answers[method]
    return desk


def test_a_list_is_shown_as_it_can_be_put(desk: Desk, tmp_path: Path) -> None:
    shown = desk.told("mod", "words", "lobby")
    assert shown.splitlines() == ["mask 坏", "refuse bad", "refuse worse"]
    file = tmp_path / "words.txt"
    file.write_text(f"{shown}\n\nhold two words\n")
    assert "4 entries are in force in all rooms" in desk.told("mod", "words-put", str(file), "--everywhere")
    lists = {"mask": ["坏"], "shadow": [], "hold": ["two words"], "refuse": ["bad", "worse"]}
    assert desk.asked == [("GET", ROOM, None), ("PUT", "/v1/admin/words", lists)]


def test_a_list_without_words_is_told_of_beside_it(desk: Desk) -> None:
    desk.answer = lambda *_: {**FOUND, "refuse": [], "mask": []}
    done = desk.run("mod", "words", "--everywhere")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "no word is listed in all rooms\n")
    assert desk.run("mod", "words", "lobby", "--json").stderr == ""


def test_entries_are_added_and_removed_in_the_list_as_it_was(desk: Desk) -> None:
    desk.told("mod", "words-add", "lobby", "bad", "new", "--action", "mask")
    assert desk.asked[-1][2] == {**FOUND, "refuse": ["worse"], "mask": ["坏", "bad", "new"]}
    desk.told("mod", "words-remove", "lobby", "worse", "坏")
    assert desk.asked[-1] == ("PUT", ROOM, {**FOUND, "refuse": ["bad"], "mask": []})
    desk.told("mod", "words-remove", "--everywhere", "worse")
    assert desk.asked[-1] == ("PUT", "/v1/admin/words", {**FOUND, "refuse": ["bad"]})


def test_a_text_is_tried(desk: Desk) -> None:
    assert desk.told("mod", "words-test", "lobby", "坏").splitlines() == ["mask: 坏", "*"]
    assert desk.asked == [("POST", f"{ROOM}/test", {"text": "坏"})]


@pytest.mark.parametrize("line", ["bad", "block bad", "refuse "])
def test_what_is_no_list(desk: Desk, tmp_path: Path, line: str) -> None:
    file = tmp_path / "words.txt"
    file.write_text(f"refuse good\n{line}\n")
    done = desk.run("mod", "words-put", "lobby", str(file))
    assert (done.exit_code, desk.asked) == (2, [])
    assert "line 2" in done.output
    done = desk.run("mod", "words-add", "lobby", "x", "--action", "block")
    assert (done.exit_code, desk.asked) == (2, [])


def test_a_file_that_is_no_text(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_bytes(b"refuse \xff\xfe\n")
    done = desk.run("mod", "words-put", "lobby", str(file))
    assert (done.exit_code, "words.txt" in done.output, desk.asked) == (2, True, [])
