"""What admins decide for all rooms: stored, noted, and followed by every rooms process."""

from __future__ import annotations

from secrets import token_hex
from time import time
from typing import Any

import pytest

from danmaku import change, envelope
from danmaku.change import Revoked
from danmaku.envelope import (
    ChangesReply,
    ChangesRequest,
    OutKind,
    SanctionsReply,
    SanctionsRequest,
    SettingsReply,
    SettingsRequest,
    UserRow,
)
from danmaku.model import Role, RoomSettings
from danmaku.moderation_rows import ConfigureRow, SanctionEverywhereRow
from danmaku.rows import Admitted, Done, HelloRow, JoinRow, PutRoomRow, Refused, RevokeRow, Shown
from danmaku.store.audit import EVERYWHERE
from tests.contract.failing import away
from tests.contract.rooms_service import PATIENCE_MS, Service, refusal, send
from tests.waiting import until

ROOMS = [f"r{number}" for number in range(20)]


async def changes(live: Service, since: str | None) -> ChangesReply:
    request = ChangesRequest(PATIENCE_MS, since)
    return envelope.decode_changes_reply(await live.query(live.subjects.changes, request))


async def in_force(live: Service, users: int = 10, after: str = "") -> SanctionsReply:
    request = SanctionsRequest(PATIENCE_MS, users, after)
    return envelope.decode_sanctions_reply(await live.query(live.subjects.sanctions, request))


def configure(role: Role = Role.ADMIN, **settings: Any) -> ConfigureRow:
    return ConfigureRow(RoomSettings(**settings), "root", role)


async def settings_of(live: Service) -> SettingsReply:
    request = SettingsRequest(PATIENCE_MS)
    return envelope.decode_settings_reply(await live.query(live.subjects.settings, request))


def sanction(verb: str, uid: str = "ann", seconds: int | None = None) -> SanctionEverywhereRow:
    return SanctionEverywhereRow(verb, uid, "root", Role.ADMIN, seconds, "spam")


async def judged(live: Service, room: str, uid: str = "ann", role: Role = Role.VIEWER) -> str:
    answer = await live.ask(send(room, uid, "hi", token_hex(4), role))
    assert isinstance(answer, Shown | Refused)
    return "shown" if isinstance(answer, Shown) else answer.name


async def all_judge(live: Service, verdict: str, **who: Any) -> None:
    """Until every owner does."""

    for room in ROOMS:

        async def does(room: str = room) -> bool:
            return await judged(live, room, **who) == verdict

        await until(does)


async def test_a_mute_and_a_ban_hold_in_all_rooms_of_all_processes(live: Service) -> None:
    one, two = await live.start(), await live.start()
    await live.owned(one, two)
    assert {await judged(live, room) for room in ROOMS} == {"shown"}
    assert await live.users(sanction("mute")) == [Done()]
    await all_judge(live, "muted")
    assert await judged(live, "r1", "bob") == "shown"
    assert await judged(live, "r1", role=Role.STREAMER) == "muted"
    assert await judged(live, "r1", role=Role.ADMIN) == "shown"
    joined = await live.ask(JoinRow("r1", "ann", Role.VIEWER))
    assert isinstance(joined, Admitted)
    assert await live.users(sanction("ban"), sanction("unmute")) == [Done(), Done()]
    await all_judge(live, "banned")
    refused = await live.ask(JoinRow("r1", "ann", Role.VIEWER))
    assert isinstance(refused, Refused)
    assert (refused.name, refused.detail) == ("banned", "spam")
    assert await live.users(sanction("unban")) == [Done()]
    await all_judge(live, "shown")
    again = sanction("unban")
    assert await live.users(again) == [Done(changed=False)]
    assert len(await (await live.open_store()).audit.before(EVERYWHERE, None, 10)) == 4


async def test_who_is_banned_everywhere_is_not_greeted(live: Service) -> None:
    await live.sole_owner()
    issued_ms = int(time() * 1000)
    assert await live.users(sanction("ban")) == [Done()]

    async def is_refused() -> bool:
        [answer] = await live.users(HelloRow("ann", issued_ms, role=Role.VIEWER))
        return isinstance(answer, Refused) and (answer.name, answer.detail) == ("banned", "spam")

    await until(is_refused)
    assert await live.users(HelloRow("bob", issued_ms)) == [Done()]
    assert await live.users(HelloRow("ann", issued_ms, role=Role.ADMIN)) == [Done()]


async def test_a_process_that_starts_knows_what_was_decided_before(live: Service) -> None:
    first = await live.sole_owner()
    assert await live.users(sanction("ban"), sanction("mute", "bob")) == [Done(), Done()]
    await first.kill()
    await live.sole_owner()
    assert await judged(live, "r1") == "banned"
    assert await judged(live, "r1", "bob") == "muted"


async def test_without_hints_it_is_known_soon_all_the_same(live: Service) -> None:
    process = await live.sole_owner()
    store = await live.open_store()
    await store.changes.impose(change.Imposed("ann", "mute", "root", 0))
    await all_judge(live, "muted")
    assert process.metric("danmaku_rooms_change_hints_total") == 0
    assert process.metric("danmaku_rooms_changes_total") == 1


async def test_settings_hold_in_all_rooms_of_all_processes_and_viewers_are_told(live: Service) -> None:
    one, two = await live.start(), await live.start()
    await live.owned(one, two)
    assert (await settings_of(live)).settings == RoomSettings()
    own = RoomSettings(staff_only=False)
    await live.ask(PutRoomRow("own", "boss", Role.STREAMER, settings=own))
    watching = {room: await live.watch(room) for room in ROOMS}
    assert {await judged(live, room) for room in ROOMS} == {"shown"}
    joined = await live.ask(JoinRow("quiet", "ann", Role.VIEWER))
    assert await live.users(configure(staff_only=True, slow_s=3)) == [Done()]
    told = await settings_of(live)
    assert told.settings == RoomSettings(staff_only=True, slow_s=3)
    assert (told.in_force.staff_only, told.in_force.max_length) == (True, 100)
    await all_judge(live, "forbidden")
    for room in ROOMS:
        await watching[room].until(2, OutKind.BATCH)
        assert watching[room].kinds[-1] == "settings"
        assert watching[room].items[-1][1]["settings"]["staff_only"] is True
    assert await judged(live, "own") == "shown", "a room's own setting comes first"
    again = await live.ask(JoinRow("quiet", "ann", Role.VIEWER))
    assert isinstance(joined, Admitted)
    assert isinstance(again, Admitted)
    assert (joined.settings.staff_only, again.settings.staff_only) == (False, True)
    assert (again.epoch, again.seq) == (0, 0), "nothing is said where nothing was said before"
    assert await live.users(configure()) == [Done()]
    await all_judge(live, "shown")


async def test_a_process_that_starts_knows_the_settings(live: Service) -> None:
    first = await live.sole_owner()
    assert await live.users(configure(staff_only=True)) == [Done()]
    await first.kill()
    await live.sole_owner()
    assert await judged(live, "r1") == "forbidden"


async def test_settings_need_no_hint(live: Service) -> None:
    process = await live.sole_owner()
    assert await judged(live, "r1") == "shown"
    store = await live.open_store()
    await store.changes.configure(change.Configured(RoomSettings(staff_only=True), "root"))
    await all_judge(live, "forbidden")
    assert process.metric("danmaku_rooms_change_hints_total") == 0


async def test_what_the_log_no_longer_tells_is_read_anew(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    await live.sole_owner(store=store)
    after = store.changes.after

    async def incomplete(place: str | None, entries: int, max_bytes: int) -> Any:
        monkeypatch.setattr(store.changes, "after", after)
        return (await after(place, entries, max_bytes)).__class__((), "0-0", complete=False, more=False)

    await store.changes.impose(change.Imposed("ann", "mute", "root", 0))
    monkeypatch.setattr(store.changes, "after", incomplete)
    await all_judge(live, "muted")


async def test_a_revocation_voids_tokens_and_is_noted(live: Service) -> None:
    await live.sole_owner()
    issued_ms = int(time() * 1000)
    begin = (await changes(live, None)).last
    assert await live.users(RevokeRow("ann")) == [Done()]
    [answer] = await live.users(HelloRow("ann", issued_ms))
    assert refusal(answer) == "unauthorized"
    reply = await changes(live, begin)
    assert (reply.complete, reply.more) == (True, False)
    [(at_ms, entry)] = reply.changes
    what = change.decode(entry)
    assert isinstance(what, Revoked)
    assert what.uid == "ann"
    assert at_ms >= issued_ms
    assert (await changes(live, reply.last)).changes == []


async def test_what_is_new_is_told_in_messages_of_their_size(live: Service) -> None:
    store = await live.open_store()
    await live.sole_owner(store=store)
    begin = (await changes(live, None)).last
    for number in range(1500):
        await store.changes.append(change.Imposed(f"u{number}", "mute", "root", 0, None, "x" * 400))
    told, sizes = 0, []
    while told < 1500:
        reply = await live.query(live.subjects.changes, ChangesRequest(PATIENCE_MS, begin))
        news = envelope.decode_changes_reply(reply)
        assert news.complete
        sizes.append(len(reply))
        told, begin = told + len(news.changes), news.last
    assert told == 1500
    assert len(sizes) == 2
    assert max(sizes) <= envelope.MAX_MESSAGE_BYTES


async def test_who_is_under_a_sanction_page_by_page(live: Service) -> None:
    await live.sole_owner()
    assert await in_force(live) == SanctionsReply([], None)
    for uid in ("cat", "ann", "bob"):
        assert await live.users(sanction("ban", uid)) == [Done()]
    assert await live.users(sanction("mute", "bob", 60)) == [Done()]
    first = await in_force(live, users=2)
    assert [(one.uid, one.kind, one.by, one.reason) for one in first.sanctions] == [
        ("ann", "ban", "root", "spam"),
        ("bob", "ban", "root", "spam"),
        ("bob", "mute", "root", "spam"),
    ]
    assert first.after == "bob"
    rest = await in_force(live, after="bob")
    assert ([one.uid for one in rest.sanctions], rest.after) == (["cat"], None)


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (SanctionEverywhereRow("mute", "ann", "mod", Role.STREAMER), "forbidden"),
        (SanctionEverywhereRow("kick", "ann", "root", Role.ADMIN), "bad_frame"),
        (SanctionEverywhereRow("mute", "a b", "root", Role.ADMIN), "bad_id"),
        (SanctionEverywhereRow("mute", "ann", "root", Role.ADMIN, 0), "bad_frame"),
        (configure(Role.STREAMER, slow_s=1), "forbidden"),
        (configure(max_length=0), "bad_frame"),
    ],
)
async def test_what_is_refused_changes_nothing(live: Service, row: UserRow, name: str) -> None:
    await live.sole_owner()
    [answer] = await live.users(row)
    assert refusal(answer) == name
    assert (await in_force(live)).sanctions == []
    assert (await settings_of(live)).settings == RoomSettings()


async def test_too_many_sanctions_are_refused(live: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("danmaku.memory.changes", "danmaku.store.valkey.changes"):
        monkeypatch.setattr(f"{module}.MOST_SANCTIONS", 1)
    await live.sole_owner()
    assert await live.users(sanction("ban")) == [Done()]
    [answer] = await live.users(sanction("ban", "bob"))
    assert refusal(answer) == "conflict"


async def test_while_the_store_is_away_what_is_known_holds_and_nothing_is_decided(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known holds; nothing new is decided; and it goes on when the store is back."""
    store = await live.open_store()
    await live.sole_owner(store=store)
    assert await live.users(sanction("mute")) == [Done()]
    await all_judge(live, "muted")
    with monkeypatch.context() as patched:
        for verb in ("append", "impose", "lift", "configure", "after", "in_force"):
            patched.setattr(store.changes, verb, away)
        for row in (sanction("ban"), sanction("unmute"), RevokeRow("bob"), configure(slow_s=1)):
            [answer] = await live.users(row)
            assert refusal(answer) == "unavailable"
        for subject, request in (
            (live.subjects.changes, ChangesRequest(PATIENCE_MS, "0-0")),
            (live.subjects.sanctions, SanctionsRequest(PATIENCE_MS, 1)),
            (live.subjects.settings, SettingsRequest(PATIENCE_MS)),
        ):
            assert await live.query(subject, request) == b""
        assert await judged(live, "r1") == "muted"
    assert await live.users(sanction("unmute")) == [Done()]
    await all_judge(live, "shown")


async def test_what_cannot_be_read_is_ignored(live: Service) -> None:
    await live.sole_owner()
    begin = (await changes(live, None)).last
    for subject in (live.subjects.changes, live.subjects.sanctions, live.subjects.settings):
        await live.bus.publish(subject, b"\xc1")
    assert (await changes(live, begin)).changes == []
    assert await live.query(live.subjects.changes, ChangesRequest(PATIENCE_MS, "no place")) == b""
