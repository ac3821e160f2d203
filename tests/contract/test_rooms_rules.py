"""What moderators set in a room, at its owner, before and after another process takes the room over."""

from __future__ import annotations

import asyncio
from secrets import token_hex
from typing import Any

import pytest

from danmaku.envelope import OutKind
from danmaku.model import Role, RoomSettings
from danmaku.moderation_rows import RaidRow, RoomSettingsRow, SanctionRow, Signs, SignsRow
from danmaku.rows import Delayed, DeleteRoomRow, Done, PutRoomRow, Refused, RoomRules, Shed, Shown
from tests.contract.rooms_service import Service, refusal, send, the
from tests.waiting import until


async def put(live: Service, **settings: Any) -> None:
    await live.ask(PutRoomRow("r", "boss", Role.STREAMER, settings=RoomSettings(**settings)))


async def test_a_delayed_comment_is_shown_unless_its_user_is_muted_meanwhile(live: Service) -> None:
    await live.sole_owner()
    await put(live, delay_s=1)
    watching = await live.watch("r")
    good, bad = send("r", "ann", "good", "c1"), send("r", "bob", "bad", "c2")
    for row in (good, bad):
        assert isinstance(await live.ask(row), Delayed)
    assert await live.ask(SanctionRow("r", "mute", "bob", "mod", Role.MODERATOR)) == Done()
    assert await live.ask(bad) == Shed()
    await live.ask(SanctionRow("r", "unmute", "bob", "mod", Role.MODERATOR))
    await watching.until(1, OutKind.BATCH)
    assert isinstance(await live.ask(good), Shown)
    await live.ask(send("r", "mod", "last", "c3", Role.MODERATOR))
    assert watching.texts == ["good", "last"]


async def test_a_room_that_was_lost_while_a_mute_was_stored_gives_its_space_back_once(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    first = await live.sole_owner(store=store)
    await put(live, delay_s=10)
    assert isinstance(await live.ask(send("r", "bob", "bad", "c1")), Delayed)
    rooms, impose = first.rooms, store.moderation.impose

    async def imposed(*words: Any) -> bool:
        done = await impose(*words)
        for loaded in rooms:
            rooms.drop(loaded)
        return done

    monkeypatch.setattr(store.moderation, "impose", imposed)
    assert await live.ask(SanctionRow("r", "mute", "bob", "mod", Role.MODERATOR)) == Done()
    assert rooms.space.taken == 0


async def test_a_process_that_goes_shows_what_is_delayed_and_one_that_dies_does_not(live: Service) -> None:
    first = await live.sole_owner()
    await put(live, delay_s=10)
    watching = await live.watch("r")
    row = send("r", "ann", "one", "c1")
    assert isinstance(await live.ask(row), Delayed)
    await first.end()
    second = await live.sole_owner()
    assert isinstance(await live.ask(row), Shown)
    assert watching.texts == ["one"]
    lost = send("r", "ann", "two", "c2")
    assert isinstance(await live.ask(lost), Delayed)
    await second.kill()
    await live.sole_owner()
    assert isinstance(await live.ask(lost), Delayed), "it is taken as if it were new"
    assert watching.texts == ["one"]


async def rules(live: Service, reset: list[str] | None = None, **changes: Any) -> RoomRules:
    row = RoomSettingsRow("r", "mod", Role.MODERATOR, RoomSettings(**changes), reset or [])
    return the(RoomRules, await live.ask(row))


async def raid(live: Service, seconds: int) -> RoomRules:
    return the(RoomRules, await live.ask(RaidRow("r", "mod", Role.MODERATOR, seconds, "they come")))


async def said(live: Service, text: str, **more: Any) -> str:
    row = send("r", "ann", text, token_hex(6))
    for key, value in more.items():
        setattr(row, key, value)
    answer = await live.ask(row)
    return answer.name if isinstance(answer, Refused) else type(answer).__name__


async def test_moderators_change_settings_one_by_one_and_the_next_owner_knows(live: Service) -> None:
    first = await live.sole_owner()
    await put(live, slow_s=9, max_length=50)
    watching = await live.watch("r")
    answer = await rules(live, emoji_only=True, reset=["slow_s"])
    assert answer.settings == RoomSettings(max_length=50, emoji_only=True)
    assert (answer.in_force.slow_s, answer.in_force.max_length, answer.in_force.emoji_only) == (0, 50, True)
    await watching.until(1, OutKind.BATCH)
    assert watching.items[-1][1]["settings"]["emoji_only"] is True
    assert await said(live, "words") == "emoji_only"
    assert await rules(live) == answer, "asked without a change"
    await first.kill()
    await live.sole_owner()
    assert await said(live, "words") == "emoji_only"
    recorded = await (await live.open_store()).audit.before("r", None, 10)
    acts = [(one.act.verb, one.act.by) for one in recorded]
    assert acts == [("put", "boss"), ("settings", "mod")], "a change is written down, a question is not"


async def test_settings_of_no_room_or_out_of_bounds_are_refused(live: Service) -> None:
    await live.sole_owner()
    nowhere = RoomSettingsRow("nowhere", "mod", Role.MODERATOR, RoomSettings(), [])
    assert refusal(await live.ask(nowhere)) == "room_not_found"
    await put(live)
    row = RoomSettingsRow("r", "mod", Role.MODERATOR, RoomSettings(slow_s=-1), [])
    assert refusal(await live.ask(row)) == "bad_frame"
    for by_viewer in (
        RoomSettingsRow("r", "ann", Role.VIEWER, RoomSettings(), []),
        RaidRow("r", "ann", Role.VIEWER, 60),
    ):
        assert refusal(await live.ask(by_viewer)) == "forbidden"


async def test_raid_mode_outlives_its_owner_and_ends_by_itself(live: Service) -> None:
    first = await live.sole_owner()
    await put(live, max_length=50)
    watching = await live.watch("r")
    begun = await raid(live, 600)
    assert begun.raid_until_ms > 0
    assert (begun.settings, begun.in_force.followers_only) == (RoomSettings(max_length=50), True)
    assert await said(live, "hello") == "followers_only"
    assert await said(live, "see example.com", follower=True) == "held_for_review"
    await first.kill()
    second = await live.sole_owner()
    assert await rules(live) == begun
    assert await said(live, "hello") == "followers_only"
    await raid(live, 3)
    await second.kill()
    await live.sole_owner()
    await until(lambda: _is_over(live))
    assert await said(live, "hello") == "Shown"
    told = [item["settings"]["followers_only"] for _, item in watching.items if item["k"] == "settings"]
    assert told == [True, True, False], "that it begins, that it goes on, that it is over"
    recorded = await (await live.open_store()).audit.before("r", None, 10)
    assert [(one.act.verb, one.act.by) for one in recorded][-2:] == [("raid", "mod"), ("unraid", "")]


async def test_raid_mode_can_be_ended_early_and_closing_a_room_ends_it(live: Service) -> None:
    await live.sole_owner()
    await put(live)
    await raid(live, 600)
    ended = await raid(live, 0)
    assert (ended.raid_until_ms, ended.in_force.followers_only) == (0, False)
    await raid(live, 600)
    await live.ask(DeleteRoomRow("r", "boss", Role.STREAMER))
    assert refusal(await live.ask(RaidRow("r", "mod", Role.MODERATOR, 60))) == "room_not_found"
    await put(live)
    assert (await rules(live)).raid_until_ms == 0


async def test_staff_sees_signs_of_abuse_and_others_do_not(live: Service) -> None:
    process = await live.sole_owner()
    await put(live)
    asking = [live.ask(send("r", f"u{number}", "buy gold here", f"c{number}")) for number in range(12)]
    await asyncio.gather(*asking)
    answer = await live.ask(SignsRow("r", "mod", Role.MODERATOR))
    assert isinstance(answer, Signs)
    assert [(sign.kind, sign.count, sign.sample) for sign in answer.signs] == [
        ("same_text", 10, "buy gold here")
    ]
    assert await live.ask(SignsRow("r", "mod", Role.MODERATOR, answer.signs[0].at)) == Signs([])
    assert refusal(await live.ask(SignsRow("r", "ann", Role.VIEWER))) == "forbidden"
    await until(lambda: process.metric("danmaku_rooms_signs_total", kind="same_text") == 1)


async def _is_over(live: Service) -> bool:
    return (await rules(live)).raid_until_ms == 0
