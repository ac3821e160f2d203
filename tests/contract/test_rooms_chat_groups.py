"""Groups by rooms processes: who comes, goes and may what, and who is told."""

from __future__ import annotations

import asyncio

import pytest

from config.settings import Chat
from danmaku.chat import (
    BlockRow,
    ChangeGroupRow,
    Delivery,
    Done,
    Group,
    GroupRow,
    GroupsRow,
    Members,
    MembersRow,
    ReadBy,
    ReadRow,
    ReadUpTo,
    Said,
    Typing,
    TypingRow,
    Users,
)
from danmaku.conversation import Create, Dissolve, Invite, Join, Kick, Leave, Member, Mute, MuteAll, Unmute
from tests.contract.rooms_chat import TEAM, Talk, frames, send
from tests.contract.rooms_service import Service


async def test_a_group_is_told_on_its_own_subject_and_who_comes_or_goes_as_well(talk: Talk) -> None:
    await talk.listen(gid="team")
    await talk.listen("e1")
    await talk.connect("bob", "tv", "e1")
    await talk.change("ann", Create("Team"))
    await talk.get(Said, send("ann", "c1", TEAM))
    await talk.get(Done, TypingRow("ann", TEAM))
    await talk.get(ReadUpTo, ReadRow("ann", TEAM, 2))
    await talk.change("ann", Invite(["bob"]))
    await talk.get(Said, send("ann", "c1", TEAM))
    await talk.change("ann", Kick("bob"))
    heard = await talk.until_heard(8)
    to_edge = [(one.seq, one.version, one.uids) for _, one in heard[:2] if isinstance(one, Delivery)]
    assert to_edge == [(3, 2, ["bob"]), (4, 3, ["bob"])]
    in_group = [one for name, one in heard if name == "team"]
    told = [one for one in in_group if isinstance(one, Delivery)]
    versions = sorted((one.seq, one.version) for one in told)
    assert versions[:2] + versions[3:] == [(1, 1), (2, 1), (3, 2), (4, 3)]
    assert versions[2] in [(2, 2), (2, 3)]  # told again, of the version that the group has by then
    assert not any(one.uids for one in told)
    assert Typing(TEAM, "ann", []) in in_group
    assert not [one for one in in_group if isinstance(one, ReadBy)]


async def test_a_group_from_its_beginning_to_its_end(talk: Talk) -> None:
    made = await talk.change("ann", Create("Team", ["bob"]))
    assert (made.name, made.version, made.last_seq, made.muted, made.dissolved) == (
        "Team",
        1,
        1,
        False,
        False,
    )
    assert made.members == [Member("ann", "owner", 1), Member("bob", "member", 1)]
    assert await talk.change("ann", Create("Team", ["bob"])) == made
    assert await talk.get(Group, GroupRow("bob", "team")) == made
    joined = await talk.change("zoe", Join())
    assert joined.members[2] == Member("zoe", "member", 2)
    assert await talk.change("zoe", Join()) == joined
    assert await talk.get(Members, MembersRow("team")) == Members(
        "team", 2, [("ann", 1), ("bob", 1), ("zoe", 2)]
    )
    await talk.change("ann", Mute("bob"))
    assert await talk.refused(send("bob", "c1", TEAM)) == "muted"
    await talk.change("ann", MuteAll())
    assert await talk.refused(send("zoe", "c1", TEAM)) == "muted"
    await talk.get(Said, send("ann", "c1", TEAM))
    left = await talk.change("zoe", Leave())
    assert (left.version, left.members) == (5, [])  # who belongs to it is nothing to him any more
    members = (await talk.get(Group, GroupRow("ann", "team"))).members
    assert [member.uid for member in members] == ["ann", "bob"]
    assert (await talk.pull("zoe", TEAM)).refused == "not_a_member"
    dissolved = await talk.change("ann", Dissolve())
    assert (dissolved.dissolved, dissolved.last_seq) == (True, 7)
    assert await talk.refused(send("ann", "c2", TEAM)) == "conflict"
    changes = [frame.get("change") for frame in frames(await talk.pull("bob", TEAM))]
    verbs = [change and change["verb"] for change in changes]
    assert verbs == ["create", "join", "mute", "mute_all", None, "leave", "dissolve"]


async def test_nobody_undoes_his_own_mute_or_kick(talk: Talk) -> None:
    await talk.change("ann", Create("Team", ["bob", "zoe"]))
    await talk.change("ann", Mute("bob"))
    await talk.change("bob", Leave())
    await talk.change("bob", Join())
    assert await talk.refused(send("bob", "c1", TEAM)) == "muted"
    await talk.change("ann", Kick("bob"))
    assert await talk.refused(ChangeGroupRow("bob", "team", Join())) == "forbidden"
    assert await talk.refused(ChangeGroupRow("zoe", "team", Invite(["bob"]))) == "forbidden"
    await talk.change("ann", Invite(["bob"]))
    assert await talk.refused(send("bob", "c1", TEAM)) == "muted"
    await talk.change("ann", Unmute("bob"))
    await talk.change("bob", Leave())
    await talk.change("bob", Join())
    await talk.get(Said, send("bob", "c1", TEAM))


async def test_changes_at_the_same_time_are_all_made(live: Service, talk: Talk) -> None:
    await live.start()
    await talk.change("ann", Create("Team"))
    await asyncio.gather(*(talk.change(f"u{number}", Join()) for number in range(6)))
    group = await talk.get(Group, GroupRow("ann", "team"))
    assert (group.version, group.last_seq, len(group.members)) == (7, 7, 7)
    assert sorted(member.since for member in group.members) == list(range(1, 8))


async def test_a_change_said_again_is_answered_as_it_was_and_told_again(talk: Talk) -> None:
    await talk.listen(gid="team")
    await talk.listen("e1")
    await talk.connect("bob", "tv", "e1")
    make = ChangeGroupRow("ann", "team", Create("Team", ["bob", "zoe"]), "c1")
    leave = ChangeGroupRow("bob", "team", Leave(), "c1")
    assert await talk.get(Group, make) == await talk.get(Group, make)
    left = await talk.get(Group, leave)
    assert await talk.get(Group, leave) == left
    assert await talk.refused(ChangeGroupRow("bob", "team", Leave(), "c2")) == "not_a_member"
    told = [one for _, one in await talk.until_heard(8) if isinstance(one, Delivery)]
    assert sorted((one.seq, one.uids) for one in told) == [
        (1, []),
        (1, []),
        (1, ["ann", "bob", "zoe"]),
        (1, ["ann", "bob", "zoe"]),
        (2, []),
        (2, []),
        (2, ["bob"]),
        (2, ["bob"]),
    ]
    assert (await talk.get(Users, GroupsRow("bob"))).ids == []
    assert (await talk.pull("ann", TEAM)).last_seq == 2


async def test_a_user_s_groups(talk: Talk) -> None:
    await talk.change("ann", Create("A", ["bob"]), "a")
    await talk.change("bob", Create("B"), "b")
    await talk.get(Said, send("ann", "c1"))
    assert (await talk.get(Users, GroupsRow("bob"))).ids == ["a", "b"]
    await talk.change("bob", Leave(), "a")
    assert (await talk.get(Users, GroupsRow("bob"))).ids == ["b"]
    assert (await talk.get(Users, GroupsRow("zoe"))).ids == []


async def test_who_may_not_speak_in_a_group_is_not_shown_writing(talk: Talk) -> None:
    await talk.change("ann", Create("Team", ["bob"]))
    await talk.get(Done, TypingRow("bob", TEAM))
    await talk.change("ann", Mute("bob"))
    assert await talk.refused(TypingRow("bob", TEAM)) == "muted"
    assert await talk.refused(TypingRow("zoe", TEAM)) == "not_a_member"


async def test_nobody_is_put_into_a_group_by_whom_he_blocks(talk: Talk) -> None:
    await talk.get(Done, BlockRow("bob", "ann", True))
    assert await talk.refused(ChangeGroupRow("ann", "team", Create("Team", ["zoe", "bob"]))) == "blocked"
    await talk.change("ann", Create("Team", ["zoe"]))
    assert await talk.refused(ChangeGroupRow("ann", "team", Invite(["yan", "bob"]))) == "blocked"
    assert (await talk.get(Users, GroupsRow("bob"))).ids == []
    group = await talk.change("zoe", Invite(["bob"]))
    assert [member.uid for member in group.members] == ["ann", "bob", "zoe"]


async def test_who_is_invited_while_he_is_sent_away_has_the_group_among_his_own(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    await live.sole_owner(store=store)
    talk = Talk(live)
    await talk.change("ann", Create("Team", ["bob"]))
    is_removing, may_remove = asyncio.Event(), asyncio.Event()
    remove = store.contacts.remove

    async def late(entries: list[tuple[str, str]]) -> None:
        if entries:
            is_removing.set()
            await may_remove.wait()
            await remove(entries)

    monkeypatch.setattr(store.contacts, "remove", late)
    kick = asyncio.create_task(talk.change("ann", Kick("bob")))
    await is_removing.wait()
    await talk.change("ann", Invite(["bob"]))
    may_remove.set()
    await kick
    assert (await talk.get(Users, GroupsRow("bob"))).ids == ["team"]


async def test_a_user_is_in_so_many_groups_at_most(live: Service) -> None:
    await live.sole_owner(chat=Chat(groups_per_user=2))
    talk = Talk(live)
    for gid in ("a", "b"):
        await talk.change("ann", Create("Team"), gid)
    await talk.change("bob", Create("Team"))
    assert await talk.refused(ChangeGroupRow("ann", "c", Create("Team"))) == "conflict"
    assert await talk.refused(ChangeGroupRow("ann", "team", Join())) == "conflict"
    assert await talk.refused(ChangeGroupRow("bob", "team", Invite(["ann"]))) == "conflict"
    await talk.change("ann", Leave(), "a")
    await talk.change("bob", Invite(["ann"]))
