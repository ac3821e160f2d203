from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import Result

from config.keys import KEYS
from config.settings import Settings
from danmaku.auth import from_settings
from danmaku.cli import app
from danmaku.cli_output import show, table
from danmaku.data_folder import DataFolder
from danmaku.model import Identity, Role
from danmaku.ports import free_port
from loadtest.cli import app as load_tool
from tests.unit.command_line import run


def _one_line(result: Result, code: int) -> str:
    """The one line that says what is wrong."""
    assert result.exit_code == code, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def _holder(token: str, folder: DataFolder, now_s: float) -> Identity:
    return from_settings(folder.with_secret(Settings()).auth).verify(token, now_s)


def _issued(folder: DataFolder, *words: str) -> Identity:
    result = run("token", "--data", str(folder.path), *words)
    assert result.exit_code == 0, result.output
    (token,) = result.stdout.splitlines()
    claims = _holder(token, folder, _issued_at(token))
    return msgspec.structs.replace(claims, issued_ms=0)


def _issued_at(token: str) -> float:
    import base64

    body = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return float(claims["iat"])


def test_the_version_is_told() -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("danmaku 0.")


@pytest.mark.parametrize(
    "command",
    ["up", "token", "post", "announce", "unpin", "gift", "pay", "watch", "rooms", "config", "doctor", "plan"],
)
def test_help_teaches_by_example(command: str) -> None:
    assert command in run("--help").stdout
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"danmaku {command}" in result.stdout


def test_help_names_each_role() -> None:
    said = run("token", "--help").stdout
    assert all(role.label in said for role in Role)


def test_the_doctor_does_not_listen() -> None:
    assert " listen" not in run("doctor", "--help").stdout


def test_a_token_is_all_that_is_printed(folder: DataFolder) -> None:
    assert _issued(folder, "--uid", "ann", "--name", "Ann", "--role", "streamer") == Identity(
        "ann", "Ann", Role.STREAMER
    )
    assert _issued(folder, "--uid", "bob").role is Role.VIEWER


def test_a_role_can_be_for_some_rooms_only(folder: DataFolder) -> None:
    words = ["--uid", "ann", "--role", "streamer", "--room", "lobby", "--room", "side:moderator"]
    identity = _issued(folder, *words)
    assert identity.role is Role.VIEWER
    assert identity.role_in("lobby") is Role.STREAMER
    assert identity.role_in("side") is Role.MODERATOR
    assert identity.role_in("elsewhere") is Role.VIEWER


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--uid", "ann", "--role", "king"], "role must be one of"),
        (["--uid", "ann", "--room", "lobby:king"], "role must be one of"),
        (["--uid", "ann", "--role", "admin", "--room", "lobby"], "an admin is one everywhere"),
        (["--uid", "ann", "--ttl", "0"], "--ttl"),
        ([], "Missing option"),
    ],
)
def test_a_token_that_cannot_be(folder: DataFolder, words: list[str], says: str) -> None:
    result = run("token", "--data", str(folder.path), *words)
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_uid_that_is_none(folder: DataFolder) -> None:
    result = run("token", "--data", str(folder.path), "--uid", "a b")
    assert "bad_id: --uid must match" in _one_line(result, 1)


def test_a_link_signs_in_by_its_fragment(folder: DataFolder) -> None:
    words = ["token", "--data", str(folder.path), "--uid", "ann", "--url"]
    with folder.serving("http://127.0.0.1:9000"):
        link = run(*words, "console?room=lobby").stdout.strip()
    page, _, fragment = link.partition("#")
    assert page == "http://127.0.0.1:9000/console?room=lobby"
    token = fragment.removeprefix("token=")
    assert _holder(token, folder, _issued_at(token)).uid == "ann"

    link = run(*words, "https://live.example/console", "--refresh").stdout.strip()
    page, _, fragment = link.partition("#")
    assert page == "https://live.example/console"
    token, _, refresh = fragment.removeprefix("token=").partition("&refresh=")
    authority = from_settings(folder.with_secret(Settings()).auth)
    assert authority.read_refresh(refresh, _issued_at(token)).identity.uid == "ann"


def test_a_link_does_not_end_at_a_blank(folder: DataFolder) -> None:
    with folder.serving("http://127.0.0.1:9000"):
        result = run("token", "--data", str(folder.path), "--uid", "ann", "--url", "console?room=my room")
    assert result.stdout.startswith("http://127.0.0.1:9000/console?room=my%20room#token=")


@pytest.mark.parametrize("page", ["console#there", "javascript:alert(1)"])
def test_a_link_leads_to_a_page(folder: DataFolder, page: str) -> None:
    with folder.serving("http://127.0.0.1:9000"):
        result = run("token", "--data", str(folder.path), "--uid", "ann", "--url", page)
    assert result.exit_code == 2
    assert "is not the address of a page" in result.stderr


@pytest.mark.parametrize(
    ("page", "is_one"),
    [
        ("nopage", False),
        ("/nopage?room=lobby", False),
        ("consol?room=lobby", False),
        ("", True),
        ("/?room=lobby", True),
        ("./console", True),
        ("../console/?room=lobby", True),
        ("/console/", True),
        ("viewer/index.html/", False),
        ("%63onsole", False),
        ("//live.example/foo", True),
        ("//127.0.0.1:9000/foo", False),
        ("studio?room=lobby", True),
        ("viewer/index.html", True),
        ("viewer.html", False),
        ("lost/index.html", False),
        ("https://live.example/ours/where-they-moderate", True),
    ],
)
def test_who_links_to_no_page_is_warned(folder: DataFolder, page: str, is_one: bool) -> None:
    with folder.serving("http://127.0.0.1:9000"):
        result = run("token", "--data", str(folder.path), "--uid", "ann", "--url", page)
    assert (result.exit_code, "#token=" in result.stdout) == (0, True)
    assert bool(result.stderr) is not is_one
    assert is_one or "its pages are /, chat, console, docs, overlay, studio" in result.stderr


@pytest.mark.parametrize(("page", "is_one"), [("console", True), ("nopage", False), ("/ours", True)])
@pytest.mark.parametrize("url", ["https://live.example/danmaku/", "HTTPS://Live.example/danmaku"])
def test_pages_of_a_service_below_a_path(folder: DataFolder, page: str, is_one: bool, url: str) -> None:
    words = ["token", "--data", str(folder.path), "--uid", "ann", "--url", page]
    result = run(*words, environ={"DANMAKU_URL": url})
    assert bool(result.stderr) is not is_one


def test_a_link_is_to_the_service_that_a_shell_names(folder: DataFolder) -> None:
    words = ["token", "--data", str(folder.path), "--uid", "ann", "--url", "console"]
    link = run(*words, environ={"DANMAKU_URL": "https://live.example"}).stdout
    assert link.startswith("https://live.example/console#token=")
    assert "no service runs on" in _one_line(run(*words), 1)


def test_whoever_pipes_a_table_gets_ids_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    listed, ids = table("conversation", "with"), ("p:" + "a" * 64 + ":" + "b" * 64, "b" * 64)
    listed.add_row(*ids)
    show(listed)
    assert capsys.readouterr().out.splitlines()[-1].split() == [*ids]


def test_without_a_secret_there_is_no_token(tmp_path: Path) -> None:
    line = _one_line(run("token", "--uid", "ann", "--data", str(tmp_path / "none")), 1)
    assert f"there is no secret in {tmp_path / 'none'}" in line
    assert "give a token" not in line  # which this one makes


def test_config_prints_what_is_in_force(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[auth]\nsecret = 'hunter2'\n")
    environ = {"DANMAKU_EDGE_PORT": "9000"}
    text = run("config", "--config", str(file), environ=environ).stdout
    assert "hunter2" not in text
    assert "port = 9000  # DANMAKU_EDGE_PORT" in text
    assert tomllib.loads(text)["edge"]["port"] == 9000
    shown = json.loads(run("config", "--json", "--config", str(file), environ=environ).stdout)
    assert shown["settings"]["edge"]["port"] == 9000
    assert shown["settings"]["auth"]["secret"] == "********"
    assert shown["origins"]["auth.secret"] == str(file)
    assert set(shown["origins"]) == set(KEYS)


@pytest.mark.parametrize("command", [["config"], ["rooms"], ["up"], ["post", "lobby", "x"]])
def test_bad_settings_are_one_line(command: list[str]) -> None:
    line = _one_line(run(*command, environ={"DANMAKU_EDGE_PORT": "x"}), 2)
    assert line == "error: DANMAKU_EDGE_PORT: edge.port = 'x': must be a whole number from 0 to 65535"


def test_a_service_that_nobody_reaches_is_told(folder: DataFolder) -> None:
    url = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    for words in (["rooms"], ["post", "lobby", "hi"]):
        line = _one_line(run(*words, "--url", url, "--data", str(folder.path)), 1)
        assert f"cannot reach {url}" in line
    line = _one_line(run("watch", "lobby", "--url", url), 1)
    assert line.startswith("error: unavailable: ")


@pytest.mark.parametrize("color", ["red", "1000000", "-1", ""])
def test_a_color_that_is_none(folder: DataFolder, color: str) -> None:
    result = run("post", "lobby", "hi", f"--color={color}", "--data", str(folder.path))
    assert result.exit_code == 2
    assert "like ff8800" in result.stderr


def test_a_room_that_is_none(folder: DataFolder) -> None:
    for command in (["watch", "a b"], ["post", "a b", "hi"]):
        assert "bad_id: the room must match" in _one_line(run(*command, "--data", str(folder.path)), 1)


def test_the_running_service_of_a_folder_is_found(folder: DataFolder) -> None:
    port = free_port("127.0.0.1")
    with folder.serving(f"http://127.0.0.1:{port}"):
        assert f":{port}" in _one_line(run("rooms", "--data", str(folder.path)), 1)


def test_a_folder_on_which_none_runs_is_told_of(folder: DataFolder, tmp_path: Path) -> None:
    for words in (
        ["rooms"],
        ["status"],
        ["post", "lobby", "hi"],
        ["mod", "held", "lobby"],
        ["config", "list"],
    ):
        line = _one_line(run(*words, "--data", str(folder.path)), 1)
        assert f"no service runs on the data folder {folder.path}: start it with `danmaku up --data" in line
    assert "no service runs on" in _one_line(run("rooms", "--data", str(tmp_path / "none")), 1)


def test_where_settings_say_where_it_is_they_lead(folder: DataFolder) -> None:
    port = str(free_port("127.0.0.1"))
    said = run("rooms", "--data", str(folder.path), environ={"DANMAKU_EDGE_PORT": port})
    assert f":{port}: Connection refused" in _one_line(said, 1)


@pytest.mark.parametrize("words", [["rooms"], ["token", "--uid", "ann"], ["status"]])
def test_a_folder_of_somebody_else_is_told_of(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    def closed(what: Callable[..., Any]) -> Callable[..., Any]:
        def called(path: Path, *words: Any, **named: Any) -> Any:
            if path.is_relative_to(folder.path):
                raise PermissionError(13, "Permission denied")
            return what(path, *words, **named)

        return called

    monkeypatch.setattr(Path, "stat", closed(Path.stat))
    monkeypatch.setattr(Path, "open", closed(Path.open))
    line = _one_line(run(*words, "--data", str(folder.path)), 1)
    assert f"cannot look into the data folder {folder.path}: it belongs to somebody else" in line


def test_the_load_tool_is_a_command() -> None:
    result = run("load", "--help")
    assert result.exit_code == 0
    assert "Usage: danmaku load" in result.output
    assert "fanout" in result.output
    assert run("load", "fanout", "--viewers", "none").exit_code == 2


def test_without_the_load_tool_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "loadtest.cli", None)
    assert "the load tool is not part of this installation" in _one_line(run("load", "fanout"), 2)


def test_a_plan_is_a_table_or_json() -> None:
    words = "plan", "--viewers", "100000", "--rooms", "10", "--rate", "10"
    result = run(*words)
    assert result.exit_code == 0
    assert "edge workers" in result.stdout
    told = json.loads(run(*words, "--json").stdout)
    assert told["edge_workers"] > 0
    assert told["demand"]["viewers"] == 100_000
    slower = json.loads(run(*words, "--json", "--floor-us", "50").stdout)
    assert slower["edge_workers"] > told["edge_workers"]
    assert run("plan", "--viewers", "0", "--rooms", "1", "--rate", "1").exit_code == 2


@pytest.mark.parametrize("option", ["--viewers", "--rate", "--joins"])
def test_there_is_no_plan_for_what_nothing_can_hold(option: str) -> None:
    words = "plan", "--viewers", "9", "--rooms", "1", "--rate", "1"
    assert "no plan is made for numbers that large" in run(*words, option, "9" * 400).stderr


def test_a_plan_says_where_one_room_is_too_much_for_its_owner() -> None:
    words = "plan", "--viewers", "1000", "--rooms", "1", "--rate"
    busy = run(*words, "80000")
    assert busy.exit_code == 0
    assert busy.stderr.startswith("warning: the busiest room alone takes ")
    assert json.loads(run(*words, "80000", "--json").stdout)["busiest_room_cores"] > 0.6
    assert run(*words, "1000").stderr == ""
    assert run(*words, "200000").exit_code == 2


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (("token", "--help"), set()),
        (("mod", "mute", "--help"), set()),
        (("chat", "--help"), {"danmaku.client"}),
    ],
)
def test_a_command_imports_what_it_needs_only(words: tuple[str, ...], needed: set[str]) -> None:
    heavy = ("nats", "redis", "structlog", "loadtest", "danmaku.client", "danmaku.doctor", "danmaku.up")
    asked = (
        "import sys\n"
        "from danmaku.cli import app\n"
        f"app({list(words)!r}, standalone_mode=False)\n"
        f"print(*sorted(sys.modules.keys() & {set(heavy)!r}), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert set(ended.stderr.split()) == needed


@pytest.mark.parametrize(
    ("group", "command"), [("chat", "send"), ("mod", "mute"), ("poll", "open"), ("room", "close")]
)
def test_groups_are_listed_and_suggested(group: str, command: str) -> None:
    listed = run("--help").stdout
    assert group in listed
    assert f" {group} {command} [OPTIONS]" in run(group, command, "--help").stdout
    assert f"Did you mean '{group}'" in run(f"{group}x").stderr


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("mod mute", "[ROOM] UID"),
        ("mod words", "[ROOM]"),
        ("config set", "KEY VALUE..."),
        ("config list", "[BEGINNING]..."),
        ("poll open", "ROOM QUESTION OPTION..."),
        ("poll show", "ROOM [POLL]"),
        ("chat follow", "[TARGET]"),
    ],
)
def test_a_usage_shows_words_as_they_are_written(command: str, usage: str) -> None:
    told = run(*command.split(), "--help").stdout
    assert f" {command} [OPTIONS] {usage} \n" in re.sub(" +", " ", told)


def all_commands(tool: typer.Typer, name: str = "") -> Iterator[tuple[str, Any]]:
    """Of a tool, groups included, each with what it is called."""
    waiting: list[tuple[str, Any]] = [(name, get_command(tool))]
    while waiting:
        name, one = waiting.pop()
        yield name, one
        below: list[str] = one.list_commands(None) if isinstance(one, TyperGroup) else []  # type: ignore[arg-type]  # needs none
        waiting += [(f"{name} {word}".strip(), one.get_command(None, word)) for word in below]


def options() -> Iterator[tuple[str, Any]]:
    """Of each command, with what it is called."""
    for name, one in all_commands(app):
        yield from ((name, option) for option in one.params if option.param_type_name == "option")


def test_no_help_shows_how_a_parameter_is_held() -> None:
    named = [*all_commands(app), *all_commands(load_tool, "load")]
    assert {"config rollback", "mod mute", "load peer"} <= {name for name, _ in named}
    for name, one in named:
        with one.make_context(name, [], resilient_parsing=True) as context:
            kinds = [str(parameter.display_type_rich(context)) for parameter in one.params]
        assert not any(re.search(r"list\[|tuple\[|Union|None|typing", kind) for kind in kinds), (name, kinds)
        assert all(part.metavar for part in one.params if part.param_type_name == "argument"), name
    assert "list" not in run("config", "rollback", "--help").stdout


@pytest.mark.parametrize(
    "name", ["--url", "--uid", "--as", "--token", "--data", "--config", "--json", "--follow", "-f", "--cid"]
)
def test_options_of_one_name_are_alike(name: str) -> None:
    """But in `token`, which is about somebody else."""
    found = [
        option.help
        for command, option in options()
        if name in option.opts and command != "token" and not option.hidden
    ]
    assert len(found) > 1
    assert len(set(found)) == 1


def test_a_number_that_no_message_has(folder: DataFolder) -> None:
    result = run("chat", "history", "bob", "--after", "9" * 20, "--uid", "ann", "--data", str(folder.path))
    assert result.exit_code == 2
    assert "Invalid value for '--after'" in result.stderr
