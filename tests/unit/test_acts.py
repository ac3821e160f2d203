from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from config.settings import Policy, Settings
from danmaku.adjustment import AdjustRow, RollBackRow
from danmaku.event_rows import PollRow
from danmaku.model import Act, Position, Role, RoomSettings
from danmaku.moderation_rows import (
    AppointRow,
    ConfigureRow,
    DecideRow,
    RaidRow,
    RecallRow,
    RoomSettingsRow,
    SanctionEverywhereRow,
    SanctionRow,
)
from danmaku.rows import DeleteRoomRow, PutRoomRow, RevokeRow
from danmaku.wordlist import PutWordsRow
from rooms.acts import MAX_WHAT, ActOfRow, act_of, by_itself, posted, with_changes

ACTS: list[tuple[ActOfRow, Act]] = [
    (
        AdjustRow(
            values={"policy.slow_s": 3},
            unset=["edge.cors"],
            by="root",
            role=Role.ADMIN,
            reason="x" * 300,
            act="a",
        ),
        Act(
            *("a", 7, "root", Role.ADMIN, "adjust"),
            reason="x" * 200,
        ),
    ),
    (
        RollBackRow(version=5, by="root", role=Role.ADMIN, act="a"),
        Act("a", 7, "root", Role.ADMIN, "roll_back"),
    ),
    (
        SanctionRow("r", "mute", "bob", "ann", Role.MODERATOR, 60, "x" * 300, act="a"),
        Act("a", 7, "ann", Role.MODERATOR, "mute", "r", "bob", "", "x" * 200, 60),
    ),
    (
        DecideRow("r", "7-1", True, "ann", Role.MODERATOR, act="a"),
        Act("a", 7, "ann", Role.MODERATOR, "approve", "r"),
    ),
    (
        DecideRow("r", "7-1", False, "ann", Role.MODERATOR, "rude", act="a"),
        Act("a", 7, "ann", Role.MODERATOR, "deny", "r", reason="rude"),
    ),
    (
        SanctionRow("r", "kick", "bob", "ann", Role.STREAMER, act="a"),
        Act("a", 7, "ann", Role.STREAMER, "kick", "r", "bob"),
    ),
    (
        RecallRow("r", "ann", Role.MODERATOR, Position(5, 3), act="a"),
        Act("a", 7, "ann", Role.MODERATOR, "delete", "r", what="5-3"),
    ),
    (
        RecallRow("r", "ann", Role.STREAMER, uid="bob", reason="x" * 300, act="a"),
        Act("a", 7, "ann", Role.STREAMER, "clear", "r", "bob", "", "x" * 200),
    ),
    (
        SanctionEverywhereRow("ban", "bob", "root", Role.ADMIN, None, "spam", act="a"),
        Act("a", 7, "root", Role.ADMIN, "ban", "", "bob", "", "spam"),
    ),
    (
        PutRoomRow("r", "ann", Role.STREAMER, open=False, settings=RoomSettings(slow_s=3), act="a"),
        Act("a", 7, "ann", Role.STREAMER, "put", "r", what='{"open":false,"settings":{"slow_s":3}}'),
    ),
    (
        RoomSettingsRow("r", "ann", Role.MODERATOR, RoomSettings(links="hold"), ["slow_s"], act="a"),
        Act("a", 7, "ann", Role.MODERATOR, "settings", "r", what='{"links":"hold","slow_s":null}'),
    ),
    (
        RaidRow("r", "ann", Role.MODERATOR, 60, "x" * 300, act="a"),
        Act("a", 7, "ann", Role.MODERATOR, "raid", "r", reason="x" * 200, seconds=60),
    ),
    (RaidRow("r", "ann", Role.ADMIN, 0, act="a"), Act("a", 7, "ann", Role.ADMIN, "unraid", "r")),
    (DeleteRoomRow("r", "ann", Role.ADMIN, act="a"), Act("a", 7, "ann", Role.ADMIN, "close", "r")),
    (
        ConfigureRow(RoomSettings(slow_s=3), "root", Role.ADMIN, act="a"),
        Act("a", 7, "root", Role.ADMIN, "settings", what='{"slow_s":3}'),
    ),
    (
        AppointRow("r", "bob", "ann", Role.STREAMER, True, "helps", act="a"),
        Act("a", 7, "ann", Role.STREAMER, "appoint", "r", "bob", "", "helps"),
    ),
    (
        AppointRow("r", "bob", "ann", Role.STREAMER, False, act="a"),
        Act("a", 7, "ann", Role.STREAMER, "dismiss", "r", "bob"),
    ),
    (PutWordsRow("r", "ann", Role.MODERATOR, b"", act="a"), Act("a", 7, "ann", Role.MODERATOR, "words", "r")),
    (RevokeRow("bob", "root", act="a"), Act("a", 7, "root", Role.ADMIN, "revoke", uid="bob")),
]


@pytest.mark.parametrize(("row", "act"), ACTS, ids=[act.verb for _, act in ACTS])
def test_what_was_asked_is_what_is_written_down(row: ActOfRow, act: Act) -> None:
    assert act_of(row, 7) == act


def test_what_is_long_is_cut() -> None:
    row = PutRoomRow("r", "ann", Role.STREAMER, title="t" * 5000)
    assert len(act_of(row, 7).what) == MAX_WHAT


def test_whoever_gives_no_id_gets_one_of_its_own() -> None:
    row = DeleteRoomRow("r", "ann", Role.ADMIN)
    assert act_of(row, 7).id != act_of(row, 7).id


def test_what_an_item_tells_of() -> None:
    row = PollRow("r", "ann", Role.MODERATOR, "c", "Which?", ["one", "two"])
    one, other = (posted("poll", row, "x" * 2000, 7, 60) for _ in range(2))
    assert replace(one, id="a") == Act(
        "a", 7, "ann", Role.MODERATOR, "poll", "r", what="x" * MAX_WHAT, seconds=60
    )  # fmt: skip
    assert one.id != other.id


def test_nobody_ends_what_is_over() -> None:
    assert replace(by_itself("unraid", "r", "", 7), id="a") == Act("a", 7, "", Role.GUEST, "unraid", "r")


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ({}, {"policy.slow_s": 3}, {"policy.slow_s": {"was": 1, "now": 3}}),
        ({}, {"policy.slow_s": 1}, {"policy.slow_s": {"was": 1, "now": 1}}),
        ({"policy.slow_s": 3}, {"policy.slow_s": 4}, {"policy.slow_s": {"was": 3, "now": 4}}),
        ({"policy.slow_s": 3}, {}, {"policy.slow_s": {"was": 3, "back_to": 1}}),
        ({"future.key": 3}, {}, {"future.key": {"was": 3, "back_to": None}}),
        (
            {"policy.slow_s": 3, "policy.review": True},
            {"edge.origins": ["a"], "policy.review": True},
            {"edge.origins": {"was": ["*"], "now": ["a"]}, "policy.slow_s": {"was": 3, "back_to": 1}},
        ),
    ],
)
def test_what_an_adjustment_changed_is_written_down(
    before: dict[str, object], after: dict[str, object], what: object
) -> None:
    act = act_of(AdjustRow(by="root", role=Role.ADMIN, act="a", reason="why"), 7)
    found = with_changes(act, before, after, Settings(policy=Policy(slow_s=1)))
    assert msgspec.json.decode(found.what) == what
    assert replace(found, what="") == act


def test_what_going_back_changed_stands_behind_the_version() -> None:
    act = act_of(RollBackRow(version=5, by="root", role=Role.ADMIN, act="a"), 7)
    before, after = {"policy.slow_s": 3, "policy.links": "hold"}, {"policy.slow_s": 2}
    found = with_changes(act, before, after, Settings(), 5)
    assert found.what == (
        '{"version":5,"policy.slow_s":{"now":2,"was":3},"policy.links":{"back_to":"show","was":"hold"}}'
    )
    assert replace(found, what="") == act
    many = {f"future.key_{number}": "x" * 900 for number in range(99)}
    told = with_changes(act, many, {}, Settings(), 5).what
    assert len(told) <= MAX_WHAT
    assert next(iter(msgspec.json.decode(told))) == "version"


def test_of_what_is_long_all_settings_can_be_read() -> None:
    hosts = [f"https://live-{number}.example.com" for number in range(33)]
    act = act_of(AdjustRow(by="root", role=Role.ADMIN, act="a"), 7)
    before, after = {"edge.origins": hosts}, {"edge.origins": hosts[::-1], "policy.slow_s": 3}
    what = with_changes(act, before, after, Settings(policy=Policy(slow_s=1))).what
    told = msgspec.json.decode(what)
    assert 950 < len(what) <= MAX_WHAT
    assert list(told["edge.origins"]) == ["now", "was"]
    assert told["edge.origins"]["now"][:12] == hosts[:-13:-1]
    assert told["policy.slow_s"] == {"now": 3, "was": 1}
