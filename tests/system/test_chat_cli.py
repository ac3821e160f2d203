"""`danmaku chat` as people and scripts use it, on a real service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.deployment import Deployment, danmaku, deployed, following

CONV = "p:ann:bob"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("chat"), "--workers", "1") as deployment:
        yield deployment


def chat(service: Deployment, uid: str, *words: str) -> str:
    """What a command of `uid` prints."""
    ended = danmaku("chat", *words, "--uid", uid, "--data", str(service.data.path), COLUMNS="200")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def lines(printed: str) -> list[Any]:
    return [json.loads(line) for line in printed.splitlines()]


def test_what_is_sent_is_listed_shown_and_read(service: Deployment) -> None:
    for number in range(1, 4):
        assert chat(service, "ann", "send", "bob", f"message {number}") == f"{CONV} {number}\n"
    again = [chat(service, "bob", "send", CONV, "back", "--cid", "c1", "--json") for _ in range(2)]
    assert [(one["seq"], one["duplicate"]) for one in map(json.loads, again)] == [(4, False), (4, True)]
    listed = chat(service, "ann", "list")
    assert listed.splitlines()[1].split()[:4] == [CONV, "bob", "1", "0"]
    assert "bob: back" in listed
    [place] = json.loads(chat(service, "ann", "list", "--json"))
    assert (place["conv"], place["last_seq"], place["unread"], place["last"]["uid"]) == (CONV, 4, 1, "bob")
    shown = chat(service, "ann", "history", "bob", "--limit", "2", "--read").splitlines()
    assert [line.split(maxsplit=3)[3] for line in shown] == ["ann: message 3", "bob: back"]
    page = lines(chat(service, "ann", "history", CONV, "--after", "1", "--limit", "2", "--json"))
    assert [(one["seq"], one["body"][0]["text"]) for one in page] == [(2, "message 2"), (3, "message 3")]
    assert json.loads(chat(service, "ann", "list", "--json"))[0]["unread"] == 0
    assert chat(service, "nobody", "list") == "no conversations yet\n"
    assert chat(service, "nobody", "history", "ann") == "nothing was said yet\n"
    assert chat(service, "nobody", "history", "ann", "--json") == ""
    assert chat(service, "ann", "history", CONV, "--after", "4") == "nothing was said after that\n"


def test_a_group_is_followed_as_it_is_said(service: Deployment) -> None:
    service.caller(service.token("eve")).post(
        "/v1/groups", {"gid": "team", "name": "Team", "members": ["dan"]}
    )
    chat(service, "eve", "send", "g:team", "before", "--mention", "all")
    command = "chat", "follow", "g:team", "--json", "--uid", "dan"
    with following(*command, DANMAKU_DATA=str(service.data.path)) as told:
        while (first := told())["kind"] == "member":
            pass
        chat(service, "eve", "send", "dan", "not here")
        chat(service, "eve", "send", "g:team", "now")
        second = told()
    assert (first["body"][0]["text"], first["mention"]) == ("before", "all")
    assert (second["conv"], second["uid"], second["body"][0]["text"]) == ("g:team", "eve", "now")
    assert " Team " in chat(service, "dan", "list")


def test_more_than_one_pull_is_shown_in_order(service: Deployment) -> None:
    ann = service.caller(service.token("amy"))
    for number in range(230):
        ann.post(
            "/v1/chat/messages",
            {"to": "ben", "body": [{"type": "text", "text": f"{number}"}], "cid": f"c{number}"},
        )
    shown = lines(chat(service, "ben", "history", "amy", "--limit", "225", "--json"))
    assert [one["seq"] for one in shown] == list(range(6, 231))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ("send", "ann", "hello me", "--uid", "ann"),
            1,
            "bad_id: nobody has a private conversation with himself",
        ),
        (("send", "g:none", "hello", "--uid", "ann"), 1, "no_such_conversation: "),
        (("send", "bob", "  ", "--uid", "ann"), 1, "empty: "),
        (("history", "g:none", "--uid", "ann"), 1, "not_a_member: "),
        (("history", "x y", "--uid", "ann"), 1, "bad_id: "),
        (("list", "--token", "nonsense"), 1, "unauthorized: "),
        (("list",), 2, "say who you are: --token, or --uid"),
        (("list", "--uid", "ann", "--url", "http://127.0.0.1:1"), 1, "unavailable: "),
    ],
)
def test_what_goes_wrong_is_said_by_name(
    service: Deployment, words: tuple[str, ...], code: int, said: str
) -> None:
    ended = danmaku("chat", *words, DANMAKU_DATA=str(service.data.path), COLUMNS="200")
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_position_beyond_the_end_is_said(service: Deployment, tmp_path: Path) -> None:
    chat(service, "kim", "send", "lee", "one")
    ended = danmaku(
        "chat", "history", "lee", "--after", "9", "--uid", "kim", "--data", str(service.data.path)
    )
    assert (ended.returncode, ended.stderr) == (1, "error: no_such_message: the last message is number 1\n")
