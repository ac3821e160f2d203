"""`danmaku mod` as moderators and scripts use it, on a real service."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from danmaku.cli import app
from tests.system.deployment import Deployment, deployed, environment


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("mod"), "--workers", "1") as deployment:
        yield deployment


def run(service: Deployment, *words: str) -> Result:
    """In this process: to start one takes longer than what it does."""
    clean: dict[str, str | None] = {name: None for name in os.environ if name.startswith("DANMAKU_")}
    environ = {**clean, "NO_COLOR": "1", "COLUMNS": "200", "DANMAKU_DATA": str(service.data.path)}
    return CliRunner().invoke(app, ["mod", *words], env=environ)


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
    in_lobby = ("--room", "lobby", "--as", "root")
    assert mod(service, "mute", "bob", "--seconds", "600", "--reason", "spam", *in_lobby) == (
        "bob is muted in lobby for 600 s\n"
    )
    assert mod(service, "ban", "eve", *in_lobby) == "eve is banned in lobby until it is lifted\n"
    assert mod(service, "ban", "eve", "--everywhere") == "eve is banned in all rooms until it is lifted\n"
    assert mod(service, "kick", "bob", *in_lobby) == "bob was put out of lobby\n"
    assert mod(service, "appoint", "mod", *in_lobby) == "mod is a moderator of lobby\n"
    token = ("--token", service.token("mod"))
    listed = shown(service, "sanctions", "--room", "lobby", *token)["sanctions"]
    assert [(one["uid"], one["kind"], one["by"]) for one in listed] == [
        ("bob", "mute", "root"), ("eve", "ban", "root"),
    ]  # fmt: skip
    assert "eve  banned until it is lifted, by admin" in mod(service, "sanctions", "--everywhere")
    card = mod(service, "user", "bob", "--room", "lobby", *token).splitlines()
    assert card[0] == "bob in lobby: not appointed; 2 entries in the audit record"
    assert card[1].startswith("  here: bob  muted until ")
    assert card[2].endswith("  bob: hello")
    assert mod(service, "unmute", "bob", "--room", "lobby", *token) == "bob is not muted in lobby\n"
    assert mod(service, "moderators", *in_lobby).startswith("mod  since ")
    assert mod(service, "dismiss", "mod", *in_lobby) == "mod is not an appointed moderator of lobby\n"
    refused = run(service, "audit", "--room", "lobby", *token)
    assert (refused.exit_code, refused.stderr) == (
        1,
        "error: forbidden: this needs a moderator of the room\n",
    )
    entries = shown(service, "audit", *in_lobby)["entries"]
    assert [(one["verb"], one["uid"], one["by"], one["role"]) for one in entries] == [
        ("mute", "bob", "root", "admin"),
        ("ban", "eve", "root", "admin"),
        ("kick", "bob", "root", "admin"),
        ("appoint", "mod", "root", "admin"),
        ("unmute", "bob", "mod", "moderator"),
        ("dismiss", "mod", "root", "admin"),
    ]
    assert "mute  bob  in lobby  for 600 s  by root (admin): spam" in mod(service, "audit", *in_lobby)
    [everywhere] = shown(service, "audit", "--everywhere")["entries"]
    assert (everywhere["verb"], everywhere["uid"], everywhere["room"]) == ("ban", "eve", "")


def test_what_is_done_is_followed(service: Deployment) -> None:
    command = "mod", "audit", "--room", "followed", "--follow", "--json"
    with subprocess.Popen(
        [sys.executable, "-m", "danmaku.cli", *command],
        env=environment(DANMAKU_DATA=str(service.data.path)), stdout=subprocess.PIPE, text=True,
    ) as follower:  # fmt: skip
        try:
            assert follower.stdout is not None
            service.caller(service.token("root", "admin")).call("PUT", "/v1/rooms/followed", {})
            assert json.loads(follower.stdout.readline())["verb"] == "put"
            mod(service, "ban", "bob", "--room", "followed")
            assert json.loads(follower.stdout.readline())["verb"] == "ban"
            follower.send_signal(signal.SIGINT)
            assert follower.wait(20) == 0
        finally:
            follower.kill()
