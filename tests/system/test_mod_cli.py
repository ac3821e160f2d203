"""`danmaku mod` as moderators and scripts use it, on a real service."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from danmaku.cli import app
from tests.system.deployment import Deployment, deployed, following


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("mod"), "--workers", "1") as deployment:
        yield deployment


def run(service: Deployment, *words: str) -> Result:
    return invoke(service, "mod", *words)


def invoke(service: Deployment, *words: str) -> Result:
    """In this process: to start one takes longer than what it does."""
    clean: dict[str, str | None] = {name: None for name in os.environ if name.startswith("DANMAKU_")}
    environ = {**clean, "NO_COLOR": "1", "COLUMNS": "200", "DANMAKU_DATA": str(service.data.path)}
    return CliRunner().invoke(app, words, env=environ)


def mod(service: Deployment, *words: str) -> str:
    """What a command prints."""
    ended = run(service, *words)
    assert ended.exit_code == 0, ended.stderr
    return ended.stdout


def shown(service: Deployment, *words: str) -> Any:
    return json.loads(mod(service, *words, "--json"))


def say(service: Deployment, uid: str, text: str) -> None:
    body = {"kind": "comment", "text": text, "cid": token_hex(4)}
    service.caller(service.token(uid)).post("/v1/rooms/lobby/messages", body)


def test_a_moderator_at_work(service: Deployment) -> None:
    say(service, "bob", "hello")
    root = ("--as", "root")
    assert mod(service, "mute", "lobby", "bob", "--seconds", "600", "--reason", "spam", *root) == (
        "bob is muted in lobby for 600 s\n"
    )
    assert mod(service, "ban", "lobby", "eve", *root) == "eve is banned in lobby until it is lifted\n"
    assert mod(service, "ban", "--everywhere", "eve") == "eve is banned in all rooms until it is lifted\n"
    assert mod(service, "kick", "lobby", "bob", *root) == "bob is not in lobby any more\n"
    assert mod(service, "appoint", "lobby", "mod", *root) == "mod is a moderator of lobby\n"
    token = ("--token", service.token("mod"))
    listed = shown(service, "sanctions", "lobby", *token)["sanctions"]
    assert [(one["uid"], one["kind"], one["by"]) for one in listed] == [
        ("bob", "mute", "root"), ("eve", "ban", "root"),
    ]  # fmt: skip
    assert "eve  banned until it is lifted, by admin" in mod(service, "sanctions", "--everywhere")
    card = mod(service, "user", "lobby", "bob", *token).splitlines()
    assert card[0] == "bob in lobby: not appointed; 2 entries in the audit record"
    assert card[1].startswith("  here: bob  muted until ")
    assert card[2].endswith("  bob: hello")
    assert mod(service, "unmute", "lobby", "bob", *token) == "bob is not muted in lobby any more\n"
    assert mod(service, "unmute", "lobby", "bob", *token) == "bob was not muted in lobby\n"
    assert mod(service, "moderators", "lobby", *root).startswith("mod  since ")
    assert mod(service, "dismiss", "lobby", "mod", *root) == "mod is not an appointed moderator of lobby\n"
    refused = run(service, "audit", "lobby", *token)
    assert (refused.exit_code, refused.stderr) == (
        1,
        "error: forbidden: this needs a moderator of the room\n",
    )
    entries = shown(service, "audit", "lobby", *root)["entries"]
    assert [(one["verb"], one["uid"], one["by"], one["role"]) for one in entries] == [
        ("mute", "bob", "root", "admin"),
        ("ban", "eve", "root", "admin"),
        ("kick", "bob", "root", "admin"),
        ("appoint", "mod", "root", "admin"),
        ("unmute", "bob", "mod", "moderator"),
        ("dismiss", "mod", "root", "admin"),
    ]
    assert "mute  bob  in lobby  for 600 s  by root (admin): spam" in mod(service, "audit", "lobby", *root)
    [everywhere] = shown(service, "audit", "--everywhere")["entries"]
    assert (everywhere["verb"], everywhere["uid"], everywhere["room"]) == ("ban", "eve", "")


def test_a_room_from_its_opening_to_its_end(service: Deployment) -> None:
    def told(*words: str) -> str:
        ended = invoke(service, *words)
        assert ended.exit_code == 0, ended.stderr
        return ended.stdout

    assert told("room", "open", "show", "--title", "Friday") == "show – Friday: open, 0 viewers, 0 likes\n"
    assert told("announce", "show", "hear, hear", "--pin", "60").startswith("shown at ")
    sold = ("--from", "bob", "--amount", "5000", "--currency", "CNY")
    assert told("gift", "show", "rocket", *sold, "--ask") == "it would be taken\n"
    for words in (("gift", "show", "rocket"), ("pay", "show", "well played")):
        assert told(*words, *sold).startswith("shown at ")
    assert "nothing is pinned" in told("unpin", "show")
    poll = told("poll", "open", "show", "Next song?", "Hello", "Goodbye").strip()
    assert told("poll", "show", "show", poll).splitlines()[0] == "Next song?"
    assert told("poll", "show", "show") == told("poll", "show", "show", poll)
    closed = told("poll", "close", "show").splitlines()
    assert closed == ["Next song?  (closed)", "        0 votes  Hello", "        0 votes  Goodbye"]
    assert "closed" in told("room", "close", "show")
    assert "room_closed" in invoke(service, "post", "show", "too late").stderr
    assert told("room", "close", "show", "--for-good") == "show is closed for good\n"
    verbs = [one["verb"] for one in shown(service, "audit", "show")["entries"]]
    assert verbs == ["put", "pin", "unpin", "poll", "close_poll", "put", "close"]


def test_what_is_done_is_followed(service: Deployment) -> None:
    command = "mod", "audit", "followed", "--follow", "--json"
    with following(*command, DANMAKU_DATA=str(service.data.path)) as told:
        service.caller(service.token("root", "admin")).call("PUT", "/v1/rooms/followed", {})
        assert told()["verb"] == "put"
        mod(service, "ban", "followed", "bob")
        assert told()["verb"] == "ban"
