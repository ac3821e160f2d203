from __future__ import annotations

from typing import Any

import pytest

from tests.unit.command_line import Desk, run

CHANGES = '{"policy.slow_s":{"was":0,"now":3},"policy.links":{"was":"hold","back_to":"show"}}'
NOW_FIRST = '{"policy.slow_s":{"now":3,"was":0},"policy.links":{"back_to":"show","was":"hold"},"…":12}'
ANSWER = {
    "room": "lobby",
    "settings": {"slow_s": 3},
    "in_force": {"slow_s": 3, "links": "hold", "emoji_only": False},
    "raid_until_ms": 0,
    "changed": True,
}


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """The service answers the same to all."""
    desk.answer = lambda *_: ANSWER
    return desk


def test_settings_are_shown_and_changed(desk: Desk) -> None:
    assert desk.told("mod", "settings", "lobby").splitlines() == [
        "slow_s = 3",
        'links = "hold"  (as for all rooms)',
        "emoji_only = false  (as for all rooms)",
    ]
    desk.told("mod", "settings", "lobby", "slow_s=10", "links=hold", "emoji_only=true", "unique_s=")
    path = "/v1/admin/rooms/lobby/settings"
    changes = {"slow_s": 10, "links": "hold", "emoji_only": True, "unique_s": None}
    assert desk.asked == [("GET", path, None), ("PATCH", path, changes)]


def test_settings_in_raid_mode_say_so(desk: Desk) -> None:
    desk.answer = lambda *_: {**ANSWER, "raid_until_ms": 1_000}
    shown = desk.run("mod", "settings", "lobby").stdout
    first, *rest = shown.splitlines()
    assert first.startswith("raid mode until ")
    assert rest == ["slow_s = 3", 'links = "hold"', "emoji_only = false"]


def test_raid_mode_begins_and_ends(desk: Desk) -> None:
    assert "raid mode for 60 s" in desk.run("mod", "raid", "lobby", "--seconds", "60").stdout
    assert "not in raid mode" in desk.run("mod", "raid", "lobby", "--off").stdout
    path = "/v1/admin/rooms/lobby/raid"
    assert desk.asked == [("POST", path, {"seconds": 60}), ("DELETE", path, None)]


def test_signs_are_shown_and_followed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {"at": 1000, "kind": "same_text", "count": 10, "sample": "spam", "since": 900}
    answers: list[Any] = [[seen], [seen], [], [{**seen, "at": 2000}]]

    def answer(*_: Any) -> Any:
        if not answers:
            raise KeyboardInterrupt
        return {"room": "lobby", "signs": answers.pop(0)}

    desk.answer = answer
    monkeypatch.setattr("danmaku.cli_desk._RETRY_S", 0)
    assert desk.told("mod", "signs", "lobby").split()[1:] == ["same_text", "10", "spam"]
    assert len(desk.told("mod", "signs", "lobby", "--follow").splitlines()) == 2
    base = "/v1/admin/rooms/lobby/signs?after="
    assert [path for _, path, _ in desk.asked] == [
        f"{base}{words}"
        for words in ("0", "0&wait_s=20", "1000&wait_s=20", "1000&wait_s=20", "2000&wait_s=20")
    ]


def test_that_there_is_none_is_said(desk: Desk) -> None:
    desk.answer = lambda *_: {"room": "lobby", "signs": [], "held": [], "entries": []}
    assert desk.run("mod", "signs", "lobby").stdout == "there are no signs of abuse in lobby\n"
    assert desk.run("mod", "held", "lobby").stdout == "nothing waits for a moderator in lobby\n"
    assert desk.run("mod", "audit", "lobby").stdout == "nothing was done yet in lobby\n"
    assert desk.run("mod", "audit", "--everywhere").stdout == "nothing was done yet for all rooms\n"
    assert desk.run("mod", "held", "lobby", "--json").stdout == '{"room":"lobby","held":[]}\n'


@pytest.mark.parametrize("word", ["slow_s", "=3"])
def test_a_setting_is_a_key_and_a_value(desk: Desk, word: str) -> None:
    result = desk.run("mod", "settings", "lobby", word)
    assert (result.exit_code, "write KEY=VALUE" in result.stderr) == (2, True)


@pytest.mark.parametrize("command", ["settings", "raid", "signs"])
def test_help_teaches_by_example(command: str) -> None:
    assert f"danmaku mod {command} lobby" in run("mod", command, "--help").stdout


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (CHANGES, 'policy.slow_s: 0 → 3, policy.links: back to "show"'),
        (NOW_FIRST, 'policy.slow_s: 0 → 3, policy.links: back to "show", and 12 more'),
        (CHANGES[:-9], CHANGES[:-9]),
        (NOW_FIRST[:-9], NOW_FIRST[:-9]),
    ],
    ids=["was first", "now first", "was first, cut", "now first, cut"],
)
def test_what_an_adjustment_changed_is_told(desk: Desk, what: str, told: str) -> None:
    assert f"  adjust  {told}  by root (admin)" in told_of(desk, "adjust", what)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ('{"version":5}', "to version 5"),
        ('{"version":0}', "to version 0: nothing is adjusted any more"),
        (
            '{"version":5,"policy.slow_s":{"now":3,"was":9},"…":2}',
            "to version 5; policy.slow_s: 9 → 3, and 2 more",
        ),
        (
            '{"version":0,"policy.slow_s":{"back_to":0,"was":9}}',
            "to version 0: nothing is adjusted any more; policy.slow_s: back to 0",
        ),
        ('{"versi', '{"versi'),
    ],
)
def test_where_settings_were_taken_back_to_is_told(desk: Desk, what: str, told: str) -> None:
    assert f"  roll_back  {told}  by root (admin)" in told_of(desk, "roll_back", what)


def told_of(desk: Desk, verb: str, what: str) -> str:
    """What the audit record of all rooms is told as, where this is all that stands there."""
    entry = {"at": 0, "verb": verb, "uid": "", "what": what, "room": "", "seconds": None}
    entry |= {"by": "root", "role": "admin", "reason": "busy"}
    desk.answer = lambda *_: {"entries": [entry]}
    return desk.told("mod", "audit", "--everywhere")
