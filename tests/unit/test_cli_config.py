from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from config.live import LIVE
from danmaku.cli import app
from tests.unit.command_line import Desk, run

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
    ("GET", f"{PATH}/history?limit=1"): {"versions": [SECOND]},
    ("POST", f"{PATH}/rollback"): THIRD,
}


@pytest.fixture
def desk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk.answer = lambda method, path, _: ANSWERS[method, path]
    monkeypatch.setenv("TZ", "UTC")
    return desk


def lines(desk: Desk, *words: str) -> list[str]:
    return desk.told("config", *words).splitlines()


def bodies(desk: Desk) -> list[Any]:
    """Of what was asked for beside what there is."""
    return [body for method, _, body in desk.asked if method != "GET"]


def test_settings_are_listed_with_where_they_come_from(desk: Desk) -> None:
    version, *rest = lines(desk, "list")
    assert version.startswith("version 3  as version 1  2027-01-15 ")
    assert version.endswith("  by root: busy")
    assert rest == [
        "edge.heartbeat_s = 25.0  # default; the edge that was asked passes over what is adjusted: " + WHY,
        'log.level = "info"  # default',
        'policy.links = "hold"  # file',
        "policy.slow_s = 3  # adjusted",
    ]
    assert lines(desk, "list", "--changed")[1:] == [rest[0], *rest[2:]]
    assert lines(desk, "list", "policy.")[1:] == rest[2:]
    assert lines(desk, "list", "log", "edge.heart", "--changed")[1:] == rest[:1]
    assert set(desk.asked) == {("GET", PATH, None)}


@pytest.mark.parametrize(
    ("beginning", "says"),
    [
        ("polic.", "there is no such key as polic.; did you mean policy?"),
        ("auth", "nothing that begins with auth changes while the service runs; `danmaku config` shows it"),
        ("edge.port", "edge.port does not change while the service runs; `danmaku config` shows it"),
    ],
)
def test_where_nothing_begins_so_that_is_said(desk: Desk, beginning: str, says: str) -> None:
    result = desk.run("config", "list", "policy", beginning)
    assert result.exit_code == 1
    assert says in result.stderr


def test_values_are_printed_alone(desk: Desk) -> None:
    assert lines(desk, "get", "policy.slow_s", "policy.links") == ["3", "hold"]
    assert lines(desk, "get", "log.level", "--json") == [
        '{"log.level":{"value":"info","origin":"default","allowed":"one of debug, info"}}'
    ]


def test_what_is_passed_over_is_said_beside_the_value(desk: Desk) -> None:
    result = desk.run("config", "get", "edge.heartbeat_s", "policy.slow_s")
    assert (result.exit_code, result.stdout.splitlines()) == (0, ["25.0", "3"])
    assert result.stderr == f"the edge that was asked passes over what is adjusted: {WHY}\n"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("policy.slow", "there is no such key as policy.slow; did you mean policy.slow_s?"),
        ("policy", "give a whole key; `danmaku config list policy` lists those of policy"),
        ("edge.port", "edge.port does not change while the service runs"),
    ],
)
def test_what_is_not_there(desk: Desk, key: str, says: str) -> None:
    result = desk.run("config", "get", key)
    assert result.exit_code == 1  # as where the service refuses to set it
    assert says in result.stderr


def test_values_are_set(desk: Desk) -> None:
    told = lines(desk, "set", "policy.slow_s", "3", "policy.links", "hold", "--reason", "busy")
    assert told[:-1] == ["policy.slow_s = 3", "policy.links is as the files say"]
    assert told[-1].startswith("version 3 ")
    lines(desk, "set", "policy.review", "true", "--expected", "2")
    lines(desk, "set", "events.paid_pins", "*:500:60, CNY:1000:120")
    lines(desk, "set", "events.paid_pins", '["*:500:60"]')
    lines(desk, "set", "policy.slow_s", "-5", "tracing.ratio", "-.5", "--reason", "-1")
    assert bodies(desk) == [
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
        (["rollback", "-1"], "-1: write one VERSION, a number from 0 up, as `history` tells it"),
        (["rollback", "last"], "last: write one VERSION"),
        (["rollback", "9" * 5000], "no version has more than 16 digits"),
        (["rollback", "6", "7"], "6 7: write one VERSION"),
        (["rollback", "6", "--resaon", "x"], "there is no option --resaon"),
        (["rollback", "--resaon"], "there is no option --resaon"),
    ],
)
def test_what_cannot_be_asked(desk: Desk, words: list[str], says: str) -> None:
    result = desk.run("config", *words)
    assert result.exit_code == 2
    assert says in result.stderr
    assert bodies(desk) == []


def test_values_are_unset_and_rolled_back(desk: Desk) -> None:
    assert lines(desk, "unset", "policy.links", "--reason", "over")[0] == "policy.links is as the files say"
    told = lines(desk, "rollback", "3", "--expected", "9")
    assert told[0] == "policy.slow_s = 3"
    assert told[1].startswith("version 3  as version 1  2027")
    assert bodies(desk) == [{"unset": ["policy.links"], "reason": "over"}, {"version": 3, "expected": 9}]


def test_what_was_not_set_is_told_of(desk: Desk) -> None:
    told = lines(desk, "unset", "policy.links", "log.level")
    assert told[:2] == ["policy.links is as the files say", "log.level was not set: it is as the files say"]
    assert told[2].startswith("version 3 ")


def test_where_nothing_is_changed_that_is_told(desk: Desk) -> None:
    newest: dict[tuple[str, str], Any] = {("GET", f"{PATH}/history?limit=1"): {"versions": [THIRD]}}
    desk.answer = lambda method, path, _: {**ANSWERS, **newest}[method, path]
    for words in (["unset", "log.level"], ["set", "policy.slow_s", "3"], ["rollback", "1"]):
        _, said, version = lines(desk, *words)
        assert said == "nothing was changed; in force is"
        assert version.startswith("version 3 ")


def test_before_anything_was_changed(desk: Desk) -> None:
    nothing = {**FIRST, "version": 0, "values": {}}
    desk.answer = lambda method, _, __: nothing if method == "PATCH" else {"versions": []}
    assert lines(desk, "unset", "log.level") == [
        "log.level was not set: it is as the files say",
        "nothing was changed; in force is",
        "version 0: nothing was ever changed while the service runs",
    ]


def test_history_tells_what_was_changed(desk: Desk) -> None:
    told = [line if line[0] == " " else line.split("  ")[0] for line in lines(desk, "history")]
    assert told == [
        "version 1",
        "    policy.slow_s = 5",
        "version 2",
        '    policy.links = "hold"',
        "version 3",
        '    policy.links unset, was "hold"',
        "    policy.slow_s = 3, was 5",
    ]
    page = lines(desk, "history", "--limit", "2")
    assert page[1].startswith("version 3")  # what version 2 changed is not known


def test_options_stand_behind_the_command(desk: Desk) -> None:
    for words in (["--json"], ["--data", "x"], ["--url", "x"], ["--token", "x"]):
        result = desk.run("config", *words, "list")
        assert result.exit_code == 2
        assert "behind" in result.stderr
    assert desk.asked == []
    alone = run("config", "--data", "x")
    assert alone.exit_code == 2
    assert "`danmaku config list --data …`" in alone.stderr
    assert run("config", environ={"DANMAKU_DATA": "x", "DANMAKU_URL": "x"}).exit_code == 0
    assert desk.run("config", "list", environ={"DANMAKU_CONFIG": "/dev/null"}).exit_code == 0


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
        ("list poli", ["policy", *sorted(key for key in LIVE if key.startswith("policy."))]),
    ],
)
def test_a_shell_completes_keys_and_choices(words: str, found: list[str]) -> None:
    line = f"danmaku config {words}"
    environ = {"_DANMAKU_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    told = CliRunner().invoke(app, [], env=environ, prog_name="danmaku")
    assert sorted(told.stdout.split()) == found
