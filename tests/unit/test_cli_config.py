from __future__ import annotations

import os
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from danmaku.caller import Caller
from danmaku.cli import app
from danmaku.data_folder import DataFolder
from tests.unit.test_cli_mod import folder

__all__ = ["folder"]

PATH = "/v1/admin/config"
THIRD: dict[str, Any] = {
    "version": 3,
    "at": 1_800_000_000_000,
    "by": "root",
    "reason": "busy",
    "of": 1,
    "values": {"policy.slow_s": 3},
}
SECOND = {
    **THIRD,
    "version": 2,
    "reason": "",
    "of": None,
    "values": {"policy.slow_s": 5, "policy.links": "hold"},
}
FIRST = {**SECOND, "version": 1, "by": "eve", "values": {"policy.slow_s": 5}}
WHY = "edge.heartbeat_s = 40.0: must be below edge.idle_s (30)"
SETTINGS: dict[str, dict[str, Any]] = {
    "edge.heartbeat_s": {"value": 25.0, "origin": "default", "allowed": "a number", "passed_over": WHY},
    "log.level": {"value": "info", "origin": "default", "allowed": "one of debug, info"},
    "policy.links": {"value": "hold", "origin": "file", "allowed": "one of show, hold, refuse"},
    "policy.slow_s": {"value": 3, "origin": "adjusted", "allowed": "a whole number"},
}
ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", PATH): {"newest": THIRD, "settings": SETTINGS},
    ("PATCH", PATH): THIRD,
    ("GET", f"{PATH}/history?limit=20"): {"versions": [THIRD, SECOND, FIRST]},
    ("GET", f"{PATH}/history?limit=2"): {"versions": [THIRD, SECOND]},
    ("POST", f"{PATH}/rollback"): THIRD,
}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The bodies of what was asked of the service."""
    made: list[Any] = []

    def call(_: Caller, method: str, path: str, body: Any = None, timeout_s: float = 0) -> Any:
        made.append(body)
        return ANSWERS[method, path]

    monkeypatch.setattr(Caller, "call", call)
    monkeypatch.setenv("TZ", "UTC")
    return made


def run(folder: DataFolder, *words: str, environ: dict[str, str] | None = None) -> Result:
    clean: dict[str, str | None] = {name: None for name in os.environ if name.startswith("DANMAKU_")}
    there = ["--data", str(folder.path), "--url", "http://127.0.0.1:1"]
    return CliRunner().invoke(
        app, ["config", *words, *there], env={**clean, "NO_COLOR": "1", "COLUMNS": "200", **(environ or {})}
    )


def lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_settings_are_listed_with_where_they_come_from(folder: DataFolder, calls: list[Any]) -> None:
    version, *rest = lines(run(folder, "list"))
    assert version.startswith("version 3  as version 1  2027-01-15 ")
    assert version.endswith("  by root: busy")
    assert rest == [
        "edge.heartbeat_s = 25.0  # default; the edge that was asked passes over what is adjusted: " + WHY,
        'log.level = "info"  # default',
        'policy.links = "hold"  # file',
        "policy.slow_s = 3  # adjusted",
    ]
    assert lines(run(folder, "list", "--changed"))[1:] == [rest[0], *rest[2:]]
    assert calls == [None, None]


def test_values_are_printed_alone(folder: DataFolder, calls: list[Any]) -> None:
    assert lines(run(folder, "get", "policy.slow_s", "policy.links")) == ["3", "hold"]
    assert lines(run(folder, "get", "log.level", "--json")) == [
        '{"log.level":{"value":"info","origin":"default","allowed":"one of debug, info"}}'
    ]


def test_what_is_passed_over_is_said_beside_the_value(folder: DataFolder, calls: list[Any]) -> None:
    result = run(folder, "get", "edge.heartbeat_s", "policy.slow_s")
    assert lines(result) == ["25.0", "3"]
    assert result.stderr == f"the edge that was asked passes over what is adjusted: {WHY}\n"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("policy.slow", "there is no such key as policy.slow; did you mean policy.slow_s?"),
        ("edge.port", "edge.port does not change while the service runs"),
    ],
)
def test_what_is_not_there(folder: DataFolder, calls: list[Any], key: str, says: str) -> None:
    result = run(folder, "get", key)
    assert result.exit_code == 1  # as where the service refuses to set it
    assert says in result.stderr


def test_values_are_set(folder: DataFolder, calls: list[Any]) -> None:
    told = lines(run(folder, "set", "policy.slow_s", "3", "policy.links", "hold", "--reason", "busy"))
    assert told[:-1] == ["policy.slow_s = 3", "policy.links is as the files say"]
    assert told[-1].startswith("version 3 ")
    lines(run(folder, "set", "policy.review", "true", "--expected", "2"))
    lines(run(folder, "set", "events.paid_pins", "*:500:60, CNY:1000:120"))
    lines(run(folder, "set", "events.paid_pins", '["*:500:60"]'))
    lines(run(folder, "set", "policy.slow_s", "-5", "tracing.ratio", "-.5", "--reason", "-1"))
    assert calls == [
        {"values": {"policy.slow_s": 3, "policy.links": "hold"}, "reason": "busy"},
        {"values": {"policy.review": True}, "expected": 2},
        {"values": {"events.paid_pins": ["*:500:60", "CNY:1000:120"]}},
        {"values": {"events.paid_pins": ["*:500:60"]}},
        {"values": {"policy.slow_s": -5, "tracing.ratio": "-.5"}, "reason": "-1"},
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["set", "policy.slow_s"], "policy.slow_s has no value"),
        (["set", "policy.slow_s", "3", "policy.slow_s", "4"], "policy.slow_s stands there twice"),
        (["set", "policy.slow_s", "3", "--resaon", "busy"], "there is no option --resaon"),
        (["set", "-x", "policy.slow_s", "3"], "there is no option -x"),
        (["set"], "Missing argument"),
        (["unset"], "Missing argument"),
        (["rollback", "-1"], "-1"),
    ],
)
def test_what_cannot_be_asked(folder: DataFolder, calls: list[Any], words: list[str], says: str) -> None:
    result = run(folder, *words)
    assert result.exit_code == 2
    assert says in result.stderr
    assert calls == []


def test_values_are_unset_and_rolled_back(folder: DataFolder, calls: list[Any]) -> None:
    assert (
        lines(run(folder, "unset", "policy.links", "--reason", "over"))[0]
        == "policy.links is as the files say"
    )
    told = lines(run(folder, "rollback", "3", "--expected", "9"))
    assert told[0] == "policy.slow_s = 3"
    assert told[1].startswith("version 3  as version 1  2027")
    assert calls == [{"unset": ["policy.links"], "reason": "over"}, {"version": 3, "expected": 9}]


def test_history_tells_what_was_changed(folder: DataFolder, calls: list[Any]) -> None:
    told = [line if line[0] == " " else line.split("  ")[0] for line in lines(run(folder, "history"))]
    assert told == [
        "version 1",
        "    policy.slow_s = 5",
        "version 2",
        '    policy.links = "hold"',
        "version 3",
        '    policy.links unset, was "hold"',
        "    policy.slow_s = 3, was 5",
    ]
    page = lines(run(folder, "history", "--limit", "2"))
    assert page[1].startswith("version 3")  # what version 2 changed is not known


def test_options_stand_behind_the_command(folder: DataFolder, calls: list[Any]) -> None:
    for words in (["--json"], ["--data", "x"], ["--url", "x"], ["--token", "x"]):
        result = run(folder, *words, "list")
        assert result.exit_code == 2
        assert "behind" in result.stderr
    assert calls == []
    alone = CliRunner().invoke(app, ["config", "--data", "x"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert alone.exit_code == 2
    assert "`danmaku config list --data …`" in alone.stderr
    assert CliRunner().invoke(app, ["config"], env={"DANMAKU_DATA": "x", "DANMAKU_URL": "x"}).exit_code == 0
    assert run(folder, "list", environ={"DANMAKU_CONFIG": "/dev/null"}).exit_code == 0


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("get policy.slow", ["policy.slow_s"]),
        ("set policy.slow", ["policy.slow_s"]),
        ("set policy.links ", ["hold", "refuse", "show"]),
        ("set policy.links hold policy.slow", ["policy.slow_s"]),
        ("set no.such ", []),
        ("set policy.review t", ["true"]),
        ("unset edge.po", []),
    ],
)
def test_a_shell_completes_keys_and_choices(words: str, found: list[str]) -> None:
    line = f"danmaku config {words}"
    environ = {"_DANMAKU_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    told = CliRunner().invoke(app, [], env=environ, prog_name="danmaku")
    assert sorted(told.stdout.split()) == found
