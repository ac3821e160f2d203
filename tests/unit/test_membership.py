from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from config.settings import Chat
from danmaku import conversation
from danmaku.conversation import (
    Appoint,
    Change,
    Create,
    Dissolve,
    GroupRole,
    HandOver,
    Invite,
    Join,
    Kick,
    Leave,
    Member,
    Mention,
    Message,
    Mute,
    MuteAll,
    Rename,
    Unmute,
    UnmuteAll,
)
from danmaku.errors import Refusal
from danmaku.store.conversations import Effect, Facts, Outcast
from rooms import membership
from rooms.membership import Decision, concerned, decide, moved

NOW = 1_000_000
LIMITS = Chat(group_members=4)
PAIR = "p:ann:bob"
TEAM = "g:team"


def team(**roles: GroupRole) -> Facts:
    """A group of these, who came with seq 1."""
    members = {uid: Member(uid, role, 1) for uid, role in roles.items()}
    return Facts(9, 3, "Team", 5, size=len(members), members=members)


USUAL = team(ann="owner", bob="admin", cid="member")
NONE = Facts(0)


def refused(name: str, uid: str, change: Change, facts: Facts = USUAL, limits: Chat = LIMITS) -> Refusal:
    with pytest.raises(Refusal) as raised:
        decide(uid, change, facts, limits, NOW)
    assert raised.value.name == name
    return raised.value


def decided(uid: str, change: Change, facts: Facts = USUAL) -> Decision | None:
    return decide(uid, change, facts, LIMITS, NOW)


def with_mute(until_ms: int, uid: str = "cid") -> Facts:
    member = USUAL.members[uid]
    return replace(USUAL, members=USUAL.members | {uid: Member(uid, member.role, member.since, until_ms)})


def with_outcast(*outcasts: Outcast) -> Facts:
    return replace(USUAL, outcasts={one.uid: one for one in outcasts})


# Private


def test_a_private_conversation_is_for_two() -> None:
    assert membership.other_party(PAIR, "ann") == "bob"
    assert membership.other_party(PAIR, "bob") == "ann"
    assert membership.other_party(TEAM, "zoe") is None
    with pytest.raises(Refusal, match="not_a_member"):
        membership.other_party(PAIR, "zoe")
    assert [membership.may_ask(conv, "zoe") for conv in (PAIR, TEAM)] == [False, True]


@pytest.mark.parametrize(
    ("private", "blocked", "related", "name"),
    [
        ("anyone", False, False, None),
        ("anyone", True, True, "blocked"),
        ("shared_group", False, True, None),
        ("shared_group", False, False, "forbidden"),
        ("shared_group", True, True, "blocked"),
        ("nobody", False, True, "forbidden"),
    ],
)
def test_who_may_write_in_private(private: str, blocked: bool, related: bool, name: str | None) -> None:
    limits = msgspec.convert({"private": private}, Chat)
    if name is None:
        membership.check_private(limits, blocked=blocked, related=related)
        return
    with pytest.raises(Refusal, match=name):
        membership.check_private(limits, blocked=blocked, related=related)


@pytest.mark.parametrize("mention", [None, "all", [], ["u"] * 100])
def test_who_may_be_mentioned(mention: Mention | None) -> None:
    membership.check_mention(mention)


def test_too_many_are_mentioned() -> None:
    with pytest.raises(Refusal, match="too_large"):
        membership.check_mention(["u"] * 101)


def test_mentions_of_those_who_are_there_are_counted() -> None:
    assert membership.mentioned(None, ["ann"]) is None
    assert membership.mentioned("all", ["ann"]) == "all"
    assert membership.mentioned(["zoe", "ann", "ann"], ["ann", "bob"]) == ["ann"]
    assert membership.mentioned(["zoe"], ["ann"]) is None


# Speaking in a group


@pytest.mark.parametrize("uid", ["ann", "bob", "cid"])
def test_members_may_speak(uid: str) -> None:
    membership.check_speech(USUAL, uid, ["ann"], NOW)
    membership.check_speech(with_mute(NOW), uid, None, NOW)


@pytest.mark.parametrize(
    ("facts", "uid", "mention", "name", "retry_ms"),
    [
        (NONE, "ann", None, "no_such_conversation", None),
        (USUAL, "zoe", None, "not_a_member", None),
        (replace(USUAL, dissolved=True), "ann", None, "conflict", None),
        (with_mute(-1), "cid", None, "muted", None),
        (with_mute(NOW + 500), "cid", None, "muted", 500),
        (replace(USUAL, muted=True), "cid", None, "muted", None),
        (USUAL, "cid", "all", "forbidden", None),
    ],
)
def test_who_may_not_speak_is_told_why(
    facts: Facts, uid: str, mention: Mention | None, name: str, retry_ms: int | None
) -> None:
    with pytest.raises(Refusal) as raised:
        membership.check_speech(facts, uid, mention, NOW)
    assert (raised.value.name, raised.value.retry_ms) == (name, retry_ms)


def test_staff_speak_to_all_also_when_all_are_muted() -> None:
    for uid in ("ann", "bob"):
        membership.check_speech(replace(USUAL, muted=True), uid, "all", NOW)


# Recalls


def told(uid: str = "cid", at: int = NOW - 120_000, kind: str = "message") -> bytes:
    return conversation.stored(Message(uid, at, kind, "c1"))


@pytest.mark.parametrize(
    ("conv", "facts", "uid", "name"),
    [
        (PAIR, Facts(3, message=told("ann")), "ann", None),
        (PAIR, Facts(3, message=told("ann")), "bob", "forbidden"),
        (PAIR, Facts(3, message=told("ann")), "zoe", "not_a_member"),
        (PAIR, Facts(3, message=told("ann", NOW - 120_001)), "ann", "too_late_to_recall"),
        (PAIR, Facts(3), "ann", "no_such_message"),
        (PAIR, Facts(3, recall=(2, 1)), "ann", None),
        (TEAM, replace(USUAL, message=told()), "cid", None),
        (TEAM, replace(USUAL, message=told(at=5)), "cid", "too_late_to_recall"),
        (TEAM, replace(USUAL, message=told(at=5)), "bob", None),
        (TEAM, replace(USUAL, message=told("ann", 5)), "bob", None),
        (TEAM, replace(USUAL, message=told("bob")), "cid", "forbidden"),
        (TEAM, replace(USUAL, message=told()), "zoe", "not_a_member"),
        (TEAM, replace(USUAL, message=told("bob", kind="recall")), "bob", "no_such_message"),
        (TEAM, NONE, "ann", "no_such_conversation"),
    ],
)
def test_who_may_recall(conv: str, facts: Facts, uid: str, name: str | None) -> None:
    if name is None:
        membership.check_recall(conv, facts, uid, 120, NOW)
        return
    with pytest.raises(Refusal, match=name):
        membership.check_recall(conv, facts, uid, 120, NOW)


# Groups


def test_whose_membership_decides() -> None:
    assert concerned("ann", Create("Team", ["bob", "ann", "bob"])) == ("ann", "bob")
    assert concerned("ann", Invite(["bob", "cid"])) == ("ann", "bob", "cid")
    assert concerned("ann", Kick("bob")) == ("ann", "bob")
    assert concerned("ann", Mute("ann")) == ("ann",)
    assert concerned("ann", Join()) == ("ann",)


def test_a_group_is_made() -> None:
    put = Member("ann", "owner"), Member("bob", "member")
    expected = Decision(Create("Team", ["bob"]), Effect(name="Team", created_ms=NOW, put=put))
    assert decided("ann", Create(" Team\n", ["bob", "ann", "bob"]), NONE) == expected


def test_a_group_that_is_there_is_not_made_again() -> None:
    assert decided("ann", Create("Team", ["zoe"])) is None
    refused("conflict", "bob", Create("Team"))
    refused("conflict", "zoe", Create("Team"))
    refused("conflict", "ann", Create("Other"))


@pytest.mark.parametrize(
    ("name", "uids", "refusal"),
    [
        ("", [], "empty"),
        (" \n", [], "empty"),
        ("x" * 65, [], "too_long"),
        ("Team", ["a b"], "bad_id"),
        ("Team", ["b", "c", "d", "e"], "group_full"),
        ("Team", ["b"] * 101, "too_large"),
    ],
)
def test_what_is_no_group(name: str, uids: list[str], refusal: str) -> None:
    refused(refusal, "ann", Create(name, uids), NONE)


def test_who_joins_becomes_a_member() -> None:
    assert decided("zoe", Join()) == Decision(Join(), Effect(put=(Member("zoe", "member"),)))
    assert decided("cid", Join()) is None
    refused("no_such_conversation", "zoe", Join(), NONE)
    refused("conflict", "zoe", Join(), replace(USUAL, dissolved=True))
    refused("group_full", "zoe", Join(), replace(USUAL, size=4))
    refused("forbidden", "zoe", Join(), USUAL, Chat(open_groups=False))


def test_who_was_kicked_comes_again_when_staff_invites_him() -> None:
    kicked = with_outcast(Outcast("zoe", True, NOW + 5))
    refused("forbidden", "zoe", Join(), kicked)
    refused("forbidden", "cid", Invite(["zoe"]), kicked)
    back = Effect(put=(Member("zoe", "member", 0, NOW + 5),))
    assert decided("bob", Invite(["zoe"]), kicked) == Decision(Invite(["zoe"]), back)


def test_a_mute_outlasts_leaving_and_coming_again() -> None:
    for until_ms in (-1, NOW + 1):
        gone = Effect(drop=("cid",), outcasts=(Outcast("cid", False, until_ms),))
        assert decided("cid", Leave(), with_mute(until_ms)) == Decision(Leave(), gone)
        sent = Effect(drop=("cid",), outcasts=(Outcast("cid", True, until_ms),))
        assert decided("bob", Kick("cid"), with_mute(until_ms)) == Decision(Kick("cid"), sent)
        outcast = with_outcast(Outcast("zoe", False, until_ms))
        back = Effect(put=(Member("zoe", "member", 0, until_ms),))
        assert decided("zoe", Join(), outcast) == Decision(Join(), back)
        assert decided("cid", Invite(["zoe"]), outcast) == Decision(Invite(["zoe"]), back)
    assert decided("cid", Leave(), with_mute(NOW)) == Decision(Leave(), Effect(drop=("cid",)))


def test_who_leaves_is_dropped_and_the_last_one_ends_the_group() -> None:
    assert decided("cid", Leave()) == Decision(Leave(), Effect(drop=("cid",)))
    refused("conflict", "ann", Leave())
    refused("no_such_conversation", "ann", Leave(), NONE)
    alone = Effect(drop=("ann",), dissolved=True)
    assert decided("ann", Leave(), team(ann="owner")) == Decision(Leave(), alone)
    dissolved = replace(USUAL, dissolved=True)
    assert decided("ann", Leave(), dissolved) == Decision(Leave(), Effect(drop=("ann",)))


@pytest.mark.parametrize(
    "change",
    [Invite(["zoe"]), Rename("x"), Dissolve(), Kick("cid"), MuteAll(), Mute("cid"), HandOver("cid"), Leave()],
)
def test_only_members_change_a_group(change: Change) -> None:
    refused("not_a_member", "zoe", change)
    refused("no_such_conversation", "ann", change, NONE)
    if not isinstance(change, Dissolve | Leave):
        refused("conflict", "ann", change, replace(USUAL, dissolved=True))


def test_the_owner_dissolves_a_group() -> None:
    assert decided("ann", Dissolve()) == Decision(Dissolve(), Effect(dissolved=True))
    assert decided("ann", Dissolve(), replace(USUAL, dissolved=True)) is None
    refused("forbidden", "bob", Dissolve())


def test_members_invite_who_is_not_there_yet() -> None:
    expected = Decision(Invite(["zoe"]), Effect(put=(Member("zoe", "member"),)))
    assert decided("cid", Invite(["bob", "zoe", "zoe"])) == expected
    assert decided("cid", Invite(["bob"])) is None
    refused("group_full", "cid", Invite(["zoe", "yan"]))
    refused("bad_id", "cid", Invite(["zo e"]))


def test_staff_renames_a_group() -> None:
    assert decided("bob", Rename(" New ")) == Decision(Rename("New"), Effect(name="New"))
    assert decided("bob", Rename("Team")) is None
    refused("forbidden", "cid", Rename("New"))
    refused("empty", "bob", Rename(" "))


def test_staff_mutes_all() -> None:
    muted = replace(USUAL, muted=True)
    assert decided("bob", MuteAll()) == Decision(MuteAll(), Effect(muted=True))
    assert decided("bob", UnmuteAll(), muted) == Decision(UnmuteAll(), Effect(muted=False))
    assert decided("bob", MuteAll(), muted) is None
    assert decided("bob", UnmuteAll()) is None
    refused("forbidden", "cid", MuteAll())


def test_staff_puts_out_who_is_below_it() -> None:
    def effect(uid: str) -> Effect:
        return Effect(drop=(uid,), outcasts=(Outcast(uid, kicked=True),))

    assert decided("bob", Kick("cid")) == Decision(Kick("cid"), effect("cid"))
    assert decided("ann", Kick("bob")) == Decision(Kick("bob"), effect("bob"))
    assert decided("bob", Kick("cid"), with_mute(NOW)) == Decision(Kick("cid"), effect("cid"))
    assert decided("bob", Kick("zoe")) is None
    refused("forbidden", "cid", Kick("bob"))
    refused("forbidden", "bob", Kick("ann"))
    refused("forbidden", "bob", Kick("bob"))


def test_the_owner_appoints_staff() -> None:
    muted = with_mute(-1)
    raised = Decision(Appoint("cid", "admin"), Effect(put=(Member("cid", "admin", 1),)))
    assert decided("ann", Appoint("cid", "admin"), muted) == raised
    lowered = Effect(put=(Member("bob", "member", 1),))
    assert decided("ann", Appoint("bob", "member")) == Decision(Appoint("bob", "member"), lowered)
    assert decided("ann", Appoint("bob", "admin")) is None
    refused("forbidden", "bob", Appoint("cid", "admin"))
    refused("not_a_member", "ann", Appoint("zoe", "admin"))
    refused("forbidden", "ann", Appoint("ann", "member"))


def test_the_owner_hands_a_group_over() -> None:
    put = Member("cid", "owner", 1), Member("ann", "admin", 1)
    assert decided("ann", HandOver("cid")) == Decision(HandOver("cid"), Effect(put=put))
    assert decided("bob", HandOver("ann")) is None
    refused("forbidden", "bob", HandOver("cid"))
    refused("not_a_member", "ann", HandOver("zoe"))


def test_staff_mutes_a_member_for_a_while_or_for_good() -> None:
    def effect(until_ms: int) -> Effect:
        return Effect(put=(Member("cid", "member", 1, until_ms),))

    assert decided("bob", Mute("cid", 60)) == Decision(Mute("cid", 60), effect(NOW + 60_000))
    assert decided("bob", Mute("cid")) == Decision(Mute("cid"), effect(-1))
    assert decided("bob", Mute("cid"), with_mute(-1)) is None
    assert decided("bob", Unmute("cid"), with_mute(-1)) == Decision(Unmute("cid"), effect(0))
    assert decided("bob", Unmute("cid")) is None
    refused("forbidden", "cid", Mute("bob"))
    refused("forbidden", "bob", Mute("ann"))
    refused("not_a_member", "bob", Mute("zoe"))
    for seconds in (0, -1, membership.MAX_SECONDS + 1):
        refused("bad_frame", "bob", Mute("cid", seconds))


@pytest.mark.parametrize(
    ("change", "come", "gone"),
    [
        (Create("Team", ["bob"]), ("ann", "bob"), ()),
        (Invite(["bob", "cid"]), ("bob", "cid"), ()),
        (Join(), ("ann",), ()),
        (Leave(), (), ("ann",)),
        (Kick("bob"), (), ("bob",)),
        (Rename("Club"), (), ()),
        (None, (), ()),
    ],
)
def test_who_comes_and_goes(change: Change | None, come: tuple[str, ...], gone: tuple[str, ...]) -> None:
    assert moved(Message("ann", 1, "member", change=change)) == (come, gone)
