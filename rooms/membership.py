"""Who may say, take back and change what in a conversation. Pure.

Each question is answered from `Facts`; the store refuses what was decided about a version of the group that
is no longer the present one, and then it is asked again.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from config.settings import Chat
from danmaku.conversation import (
    MESSAGE,
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
    gid_of,
    parties,
    read,
)
from danmaku.errors import (
    BAD_FRAME,
    BLOCKED,
    CONFLICT,
    EMPTY,
    FORBIDDEN,
    GROUP_FULL,
    MUTED,
    NO_SUCH_CONVERSATION,
    NO_SUCH_MESSAGE,
    NOT_A_MEMBER,
    TOO_LARGE,
    TOO_LATE_TO_RECALL,
    TOO_LONG,
    Refusal,
)
from danmaku.model import check_id
from danmaku.store.conversations import Effect, Facts, Outcast
from rooms.text import clean

MAX_NAME: Final = 64
MAX_SECONDS: Final = 366 * 24 * 3600
MAX_UIDS: Final = 100  # in one change
MAX_MENTIONS: Final = 100
_RANKS: Final = {"member": 0, "admin": 1, "owner": 2}


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a group, and what its members are told: `change` as it is carried out."""

    change: Change
    effect: Effect


def may_ask(conv: str, uid: str) -> bool:
    """Whether it is a group, of which the store knows the members, or a private conversation of `uid`."""
    two = parties(conv)
    return two is None or uid in two


def other_party(conv: str, uid: str) -> str | None:
    """With whom `uid` talks in private; None in a group. Raises Refusal (not_a_member)."""
    if not may_ask(conv, uid):
        raise Refusal(NOT_A_MEMBER)
    return next((other for other in parties(conv) or () if other != uid), None)


def member_of(facts: Facts, uid: str) -> Member:
    """Raises Refusal (no_such_conversation, not_a_member)."""
    if facts.version == 0:
        raise Refusal(NO_SUCH_CONVERSATION)
    member = facts.members.get(uid)
    if member is None:
        raise Refusal(NOT_A_MEMBER)
    return member


def check_private(limits: Chat, *, blocked: bool, related: bool) -> None:
    """Whether a private message may be sent: to whom blocks the sender? do both share a group?"""
    if limits.private == "nobody":
        raise Refusal(FORBIDDEN, "there are no private messages here")
    if blocked:
        raise Refusal(BLOCKED)
    if limits.private == "shared_group" and not related:
        raise Refusal(FORBIDDEN, "only members of a group you are in take private messages from you")


def check_speech(facts: Facts, uid: str, mention: Mention | None, now_ms: int) -> None:
    """Whether `uid` may say something in a group."""
    member = member_of(facts, uid)
    _check_alive(facts)
    if member.is_muted(now_ms):
        left_ms = member.muted_until_ms - now_ms
        raise Refusal(MUTED, retry_ms=left_ms if left_ms > 0 else None)
    if member.is_staff:
        return
    if facts.muted:
        raise Refusal(MUTED, "only the group's owner and admins may speak now")
    if mention == "all":
        raise Refusal(FORBIDDEN, "only the group's owner and admins may mention all")


def check_mention(mention: Mention | None) -> None:
    if mention is not None and mention != "all" and len(mention) > MAX_MENTIONS:
        raise Refusal(TOO_LARGE, f"at most {MAX_MENTIONS} users are mentioned by name; say all")


def mentioned(mention: Mention | None, present: Container[str]) -> Mention | None:
    """Of whom it is counted: what is not for somebody cannot be read by him, so it would be kept in vain."""
    if mention is None or mention == "all":
        return mention
    return [uid for uid in dict.fromkeys(mention) if uid in present] or None


def check_recall(conv: str, facts: Facts, uid: str, recall_s: int, now_ms: int) -> None:
    """Whether `uid` may take back the message that `facts` tell of. What is recalled may be again."""
    other_party(conv, uid)
    is_staff = gid_of(conv) is not None and member_of(facts, uid).is_staff
    if facts.recall is not None:
        return
    message = None if facts.message is None else read(facts.message)
    if message is None or message.kind != MESSAGE:
        raise Refusal(NO_SUCH_MESSAGE)
    if is_staff:
        return
    if message.from_ != uid:
        raise Refusal(FORBIDDEN, "this is not your message")
    if now_ms - message.at > recall_s * 1000:
        raise Refusal(TOO_LATE_TO_RECALL)


def concerned(uid: str, change: Change) -> tuple[str, ...]:
    """Whose membership decides about it."""
    match change:
        case Create() | Invite():
            return tuple(dict.fromkeys((uid, *change.uids)))
        case Kick() | Appoint() | HandOver() | Mute() | Unmute():
            return tuple(dict.fromkeys((uid, change.uid)))
        case _:
            return (uid,)


def moved(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who came to the group and who went from it with this message."""
    match message.change:
        case Create(uids=uids):
            return (message.from_, *uids), ()
        case Invite(uids=uids):
            return tuple(uids), ()
        case Join():
            return (message.from_,), ()
        case Leave():
            return (), (message.from_,)
        case Kick(uid=uid):
            return (), (uid,)
        case _:
            return (), ()


def decide(uid: str, change: Change, facts: Facts, limits: Chat, now_ms: int) -> Decision | None:
    """What is to be done; None where it is so already. Raises Refusal."""
    if isinstance(change, Create):
        return _create(uid, change, facts, limits, now_ms)
    if isinstance(change, Join):
        return _join(uid, change, facts, limits)
    me = member_of(facts, uid)
    if isinstance(change, Leave):
        return _leave(me, change, facts, now_ms)
    if isinstance(change, Dissolve):
        return _dissolve(me, change, facts)
    _check_alive(facts)
    match change:
        case Invite():
            return _invite(me, change, facts, limits)
        case Rename():
            return _rename(me, change, facts)
        case MuteAll() | UnmuteAll():
            return _mute_all(me, change, facts)
        case Kick():
            return _kick(me, change, facts, now_ms)
        case Appoint():
            return _appoint(me, change, facts)
        case HandOver():
            return _hand_over(me, change, facts)
        case _:
            return _mute(me, change, facts, now_ms)


def _create(uid: str, change: Create, facts: Facts, limits: Chat, now_ms: int) -> Decision | None:
    name = _name(change.name)
    if facts.version:
        me = facts.members.get(uid)
        if me is not None and me.role == "owner" and facts.name == name:
            return None
        raise Refusal(CONFLICT, "there is a group with this id already")
    uids = _uids(change.uids, {uid})
    _check_room(0, 1 + len(uids), limits)
    put = Member(uid, "owner"), *(Member(one, "member") for one in uids)
    return Decision(Create(name, uids), Effect(name=name, created_ms=now_ms, put=put))


def _join(uid: str, change: Join, facts: Facts, limits: Chat) -> Decision | None:
    if facts.version == 0:
        raise Refusal(NO_SUCH_CONVERSATION)
    if uid in facts.members:
        return None
    _check_alive(facts)
    if not limits.open_groups:
        raise Refusal(FORBIDDEN, "groups are by invitation")
    if uid in facts.outcasts and facts.outcasts[uid].kicked:
        raise Refusal(FORBIDDEN, "you were sent away; the group's owner and admins may invite you")
    _check_room(facts.size, 1, limits)
    return Decision(change, Effect(put=(_newcomer(uid, facts),)))


def _leave(me: Member, change: Leave, facts: Facts, now_ms: int) -> Decision:
    if me.role != "owner" or facts.dissolved:
        muted = (Outcast(me.uid, False, me.muted_until_ms),) if me.is_muted(now_ms) else ()
        return Decision(change, Effect(drop=(me.uid,), outcasts=muted))
    if facts.size > 1:
        raise Refusal(CONFLICT, "hand the group over first, or dissolve it")
    return Decision(change, Effect(drop=(me.uid,), dissolved=True))


def _dissolve(me: Member, change: Dissolve, facts: Facts) -> Decision | None:
    _check_owner(me)
    return None if facts.dissolved else Decision(change, Effect(dissolved=True))


def _invite(me: Member, change: Invite, facts: Facts, limits: Chat) -> Decision | None:
    uids = _uids(change.uids, facts.members)
    if not uids:
        return None
    if not me.is_staff and any(one.kicked for one in facts.outcasts.values()):
        raise Refusal(FORBIDDEN, "only the group's owner and admins may invite who was sent away")
    _check_room(facts.size, len(uids), limits)
    return Decision(Invite(uids), Effect(put=tuple(_newcomer(one, facts) for one in uids)))


def _newcomer(uid: str, facts: Facts) -> Member:
    """A mute outlasts his absence."""
    outcast = facts.outcasts.get(uid, Outcast(uid))
    return Member(uid, "member", muted_until_ms=outcast.muted_until_ms)


def _rename(me: Member, change: Rename, facts: Facts) -> Decision | None:
    _check_staff(me)
    name = _name(change.name)
    return None if name == facts.name else Decision(Rename(name), Effect(name=name))


def _mute_all(me: Member, change: MuteAll | UnmuteAll, facts: Facts) -> Decision | None:
    _check_staff(me)
    muted = isinstance(change, MuteAll)
    return None if muted == facts.muted else Decision(change, Effect(muted=muted))


def _kick(me: Member, change: Kick, facts: Facts, now_ms: int) -> Decision | None:
    _check_staff(me)
    target = facts.members.get(change.uid)
    if target is None:
        return None
    _check_rank(me, target)
    until_ms = target.muted_until_ms if target.is_muted(now_ms) else 0
    return Decision(change, Effect(drop=(target.uid,), outcasts=(Outcast(target.uid, True, until_ms),)))


def _appoint(me: Member, change: Appoint, facts: Facts) -> Decision | None:
    _check_owner(me)
    target = _target(facts, change.uid)
    _check_rank(me, target)
    if target.role == change.role:
        return None
    return Decision(change, Effect(put=(_as(target, change.role),)))


def _hand_over(me: Member, change: HandOver, facts: Facts) -> Decision | None:
    target = _target(facts, change.uid)
    if target.role == "owner":
        return None
    _check_owner(me)
    return Decision(change, Effect(put=(_as(target, "owner"), _as(me, "admin"))))


def _mute(me: Member, change: Mute | Unmute, facts: Facts, now_ms: int) -> Decision | None:
    _check_staff(me)
    target = _target(facts, change.uid)
    _check_rank(me, target)
    until_ms = 0
    if isinstance(change, Mute):
        until_ms = -1
        if change.seconds is not None:
            if not 1 <= change.seconds <= MAX_SECONDS:
                raise Refusal(BAD_FRAME, f"seconds must be from 1 to {MAX_SECONDS}")
            until_ms = now_ms + change.seconds * 1000
    if until_ms == target.muted_until_ms:
        return None
    return Decision(change, Effect(put=(Member(target.uid, target.role, target.since, until_ms),)))


def _as(member: Member, role: GroupRole) -> Member:
    """Staff are not muted."""
    until_ms = member.muted_until_ms if role == "member" else 0
    return Member(member.uid, role, member.since, until_ms)


def _name(name: str) -> str:
    name = clean(name)
    if not name:
        raise Refusal(EMPTY, "a group needs a name")
    if len(name) > MAX_NAME:
        raise Refusal(TOO_LONG, f"the name of a group has at most {MAX_NAME} characters")
    return name


def _uids(uids: list[str], without: Container[str]) -> list[str]:
    """Each once, in their order."""
    if len(uids) > MAX_UIDS:
        raise Refusal(TOO_LARGE, f"at most {MAX_UIDS} users at one time")
    return [check_id(uid, "uid") for uid in dict.fromkeys(uids) if uid not in without]


def _target(facts: Facts, uid: str) -> Member:
    target = facts.members.get(uid)
    if target is None:
        raise Refusal(NOT_A_MEMBER, "the user is not a member of this group")
    return target


def _check_alive(facts: Facts) -> None:
    if facts.dissolved:
        raise Refusal(CONFLICT, "the group was dissolved")


def _check_room(size: int, more: int, limits: Chat) -> None:
    if size + more > limits.group_members:
        raise Refusal(GROUP_FULL)


def _check_owner(me: Member) -> None:
    if me.role != "owner":
        raise Refusal(FORBIDDEN, "only the group's owner may do this")


def _check_staff(me: Member) -> None:
    if not me.is_staff:
        raise Refusal(FORBIDDEN, "only the group's owner and admins may do this")


def _check_rank(me: Member, target: Member) -> None:
    if _RANKS[me.role] <= _RANKS[target.role]:
        raise Refusal(FORBIDDEN, "the user's role in the group is as high as yours")
