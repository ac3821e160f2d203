from __future__ import annotations

from pathlib import Path

import pytest

from danmaku.data_folder import DataFolder
from danmaku.ports import free_port
from tests.unit.command_line import run

ABOUT_USERS = ["mute", "unmute", "ban", "unban", "kick", "user", "appoint", "dismiss"]
COMMANDS = [*ABOUT_USERS, "sanctions", "audit", "moderators"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_by_example(command: str) -> None:
    assert command in run("mod", "--help").stdout
    result = run("mod", command, "--help")
    assert result.exit_code == 0
    words = "--everywhere bob" if command == "ban" else "lobby bob" if command in ABOUT_USERS else "lobby"
    assert f"danmaku mod {command} {words}" in result.stdout
    assert all(option in result.stdout for option in ("--url", "--token", "--json", "--as"))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("mute", "r", "b b"), 1, "bad_id: UID must match"),
        (("unban", "r", "b b"), 1, "bad_id: UID must match"),
        (("mute", "r r", "bob"), 1, "bad_id: ROOM must match"),
        (("ban", "bob", "--as", "a b"), 1, "bad_id: --as must match"),
        (("ban", "r", "bob", "--everywhere"), 2, "give a ROOM or --everywhere, not both"),
        *(
            ((*words,), 2, "ROOM, or --everywhere for all rooms")
            for words in (("ban", "bob"), ("unmute", "bob"), ("sanctions",), ("audit",), ("words",))
        ),
        (("mute", "r", "bob", "eve"), 2, "write ROOM UID, or --everywhere UID"),
        (("words-add", "r"), 2, "write ROOM ENTRY..., or --everywhere ENTRY..."),
        (("mute", "r", "bob", "--seconds", "0"), 2, "--seconds"),
        (("kick", "r"), 2, "Missing argument 'UID'"),
        (("audit", "r", "--limit", "201"), 2, "--limit"),
        (("user", "r", "b b"), 1, "bad_id: UID must match"),
        (("sanctions", "r", "--everywhere"), 2, "give a ROOM or --everywhere, not both"),
    ],
)
def test_what_cannot_be_meant_is_told(
    folder: DataFolder, words: tuple[str, ...], code: int, said: str
) -> None:
    result = run("mod", *words, "--data", str(folder.path), "--url", "http://127.0.0.1:1")
    assert (result.exit_code, said in result.stderr) == (code, True), result.output


def test_a_service_that_is_not_there_is_told(folder: DataFolder) -> None:
    url = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    result = run("mod", "mute", "r", "bob", "--data", str(folder.path), "--url", url)
    assert (result.exit_code, "cannot reach" in result.stderr) == (1, True)


def test_without_a_secret_nobody_can_be_named(tmp_path: Path) -> None:
    result = run("mod", "mute", "r", "bob", "--data", str(tmp_path))
    assert (result.exit_code, "there is no secret" in result.stderr) == (1, True)
    assert "or give a token" in result.stderr
