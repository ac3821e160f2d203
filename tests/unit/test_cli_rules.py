from __future__ import annotations

from typing import Any

import pytest

from danmaku.caller import Caller
from danmaku.data_folder import DataFolder
from tests.unit.test_cli_mod import folder, run

__all__ = ["folder"]

CHANGES = '{"policy.slow_s":{"was":0,"now":3},"policy.links":{"was":"hold","back_to":"show"}}'
ANSWER = {
    "room": "lobby",
    "settings": {"slow_s": 3},
    "in_force": {"slow_s": 3, "links": "hold", "emoji_only": False},
    "raid_until_ms": 0,
    "changed": True,
}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """What was asked of the service, which answers the same to all."""
    made: list[tuple[str, str, Any]] = []

    def call(_: Caller, method: str, path: str, body: Any = None, timeout_s: float = 0) -> Any:
        made.append((method, path, body))
        return ANSWER

    monkeypatch.setattr(Caller, "call", call)
    return made


def test_settings_are_shown_and_changed(folder: DataFolder, calls: list[tuple[str, str, Any]]) -> None:
    data = ("--data", str(folder.path), "--url", "http://127.0.0.1:1")
    shown = run("settings", "lobby", *data)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines() == [
        "slow_s = 3",
        'links = "hold"  (as for all rooms)',
        "emoji_only = false  (as for all rooms)",
    ]
    assert (
        run("settings", "lobby", "slow_s=10", "links=hold", "emoji_only=true", "unique_s=", *data).exit_code
        == 0
    )
    path = "/v1/admin/rooms/lobby/settings"
    changes = {"slow_s": 10, "links": "hold", "emoji_only": True, "unique_s": None}
    assert calls == [("GET", path, None), ("PATCH", path, changes)]


def test_settings_in_raid_mode_say_so(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Caller, "call", lambda *_: {**ANSWER, "raid_until_ms": 1_000})
    shown = run("settings", "lobby", "--data", str(folder.path), "--url", "http://127.0.0.1:1").stdout
    first, *rest = shown.splitlines()
    assert first.startswith("raid mode until ")
    assert rest == ["slow_s = 3", 'links = "hold"', "emoji_only = false"]


def test_raid_mode_begins_and_ends(folder: DataFolder, calls: list[tuple[str, str, Any]]) -> None:
    data = ("--data", str(folder.path), "--url", "http://127.0.0.1:1")
    assert "raid mode for 60 s" in run("raid", "lobby", "--seconds", "60", *data).stdout
    assert "not in raid mode" in run("raid", "lobby", "--off", *data).stdout
    path = "/v1/admin/rooms/lobby/raid"
    assert calls == [("POST", path, {"seconds": 60}), ("DELETE", path, None)]


def test_signs_are_shown_and_followed(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {"at": 1000, "kind": "same_text", "count": 10, "sample": "spam", "since": 900}
    answers: list[Any] = [[seen], [seen], [], [{**seen, "at": 2000}]]
    paths: list[str] = []

    def call(_: Caller, __: str, path: str, ___: Any = None, timeout_s: float = 0) -> Any:
        paths.append(path)
        if not answers:
            raise KeyboardInterrupt
        return {"room": "lobby", "signs": answers.pop(0)}

    monkeypatch.setattr(Caller, "call", call)
    monkeypatch.setattr("danmaku.cli_desk._RETRY_S", 0)
    data = ("--data", str(folder.path), "--url", "http://127.0.0.1:1")
    assert run("signs", "lobby", *data).stdout.split()[1:] == ["same_text", "10", "spam"]
    assert len(run("signs", "lobby", "--follow", *data).stdout.splitlines()) == 2
    base = "/v1/admin/rooms/lobby/signs?after="
    assert paths == [
        f"{base}{words}"
        for words in ("0", "0&wait_s=20", "1000&wait_s=20", "1000&wait_s=20", "2000&wait_s=20")
    ]


def test_that_there_is_none_is_said(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Caller, "call", lambda *_: {"room": "lobby", "signs": [], "held": [], "entries": []})
    data = ("--data", str(folder.path), "--url", "http://127.0.0.1:1")
    assert run("signs", "lobby", *data).stdout == "there are no signs of abuse in lobby\n"
    assert run("held", "lobby", *data).stdout == "nothing waits for a moderator in lobby\n"
    assert run("audit", "lobby", *data).stdout == "nothing was done yet in lobby\n"
    assert run("audit", "--everywhere", *data).stdout == "nothing was done yet for all rooms\n"
    assert run("held", "lobby", "--json", *data).stdout == '{"room":"lobby","held":[]}\n'


@pytest.mark.parametrize("word", ["slow_s", "=3"])
def test_a_setting_is_a_key_and_a_value(folder: DataFolder, word: str) -> None:
    result = run("settings", "lobby", word, "--data", str(folder.path))
    assert (result.exit_code, "write KEY=VALUE" in result.stderr) == (2, True)


@pytest.mark.parametrize("command", ["settings", "raid", "signs"])
def test_help_teaches_by_example(command: str) -> None:
    assert f"danmaku mod {command} lobby" in run(command, "--help").stdout


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (CHANGES, 'policy.slow_s: 0 → 3, policy.links: back to "show"'),
        (CHANGES[:-9], CHANGES[:-9]),
    ],
    ids=["whole", "cut"],
)
def test_what_an_adjustment_changed_is_told(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch, what: str, told: str
) -> None:
    entry = {"at": 0, "verb": "adjust", "uid": "", "what": what, "room": "", "seconds": None}
    entry |= {"by": "root", "role": "admin", "reason": "busy"}
    monkeypatch.setattr(Caller, "call", lambda *_: {"entries": [entry]})
    data = ("--data", str(folder.path), "--url", "http://127.0.0.1:1")
    assert f"  adjust  {told}  by root (admin)" in run("audit", "--everywhere", *data).stdout
