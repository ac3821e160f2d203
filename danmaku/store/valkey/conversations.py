"""A conversation's messages as a stream, whose ids are their seqs, beside it hashes for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final, cast

from config.settings import Chat
from danmaku.chat import Stored
from danmaku.conversation import BUCKETS, GroupRole, Member, gid_of, parties
from danmaku.store.conversations import (
    MENTIONS,
    Append,
    Appended,
    Ask,
    Change,
    Effect,
    Facts,
    Outcast,
    Outcome,
    Place,
    Pull,
    Recall,
    Run,
    without_holes,
)
from danmaku.store.errors import StoreDown
from danmaku.store.valkey.keys import Keys
from danmaku.store.valkey.link import Call, Link, Word

_ORDER_MS: Final = 3_600_000  # no request sleeps for longer than that
_SWEPT: Final = 1000  # of one bucket
_STATE: Final = ("seq", "version", "name", "created_ms", "muted", "dissolved")


class ValkeyConversations:
    """`reads`: a link for what is large and can wait, so that appends never wait for it."""

    def __init__(self, link: Link, reads: Link, keys: Keys, limits: Chat) -> None:
        self._link = link
        self._reads = reads
        self._keys = keys
        self._limits = limits

    async def facts(self, asks: list[Ask]) -> list[Facts]:
        calls = [self._asked(ask) for ask in asks]
        replies = iter(await self._link.all(list(chain.from_iterable(calls))))
        return [_facts(ask, [next(replies) for _ in those]) for ask, those in zip(asks, calls, strict=True)]

    async def append(self, appends: list[Append]) -> list[Appended | Exception]:
        replies = await self._link.many([self._say(one) for one in appends], safe=True)
        return [reply if isinstance(reply, StoreDown) else _appended(reply) for reply in replies]

    async def recall(self, recall: Recall) -> Appended:
        words = *self._common(recall), _version(recall.version), recall.of
        mentions = self._keys.mentions(recall.conv, recall.mention)
        return await self._write("recall", self._keys.of_conversation(recall.conv) + mentions, *words)

    async def change(self, change: Change) -> Appended:
        fields, members = _fields(change.effect), _members(change.effect)
        outcasts = _outcasts(change.effect)
        keys = [
            *self._keys.of_conversation(change.conv),
            self._keys.members(change.conv),
            self._keys.outcasts(change.conv),
        ]
        if change.cid:
            keys.append(self._keys.change(change.conv, change.uid, change.cid))
        lists = len(fields), *fields, len(members), *members, len(outcasts), *outcasts, *change.effect.drop
        decided = change.version, self._limits.group_members, self._limits.cid_s * 1000
        return await self._write("change_group", keys, *self._common(change), *decided, *lists)

    async def read(self, conv: str, uid: str, seq: int) -> tuple[int, bool]:
        keys = self._keys.of_conversation(conv)[:3]
        now, further = await self._link.one(*self._link.script("read_up_to", keys, uid, seq))
        return now, bool(further)

    async def pull(self, uid: str, pulls: list[Pull], max_bytes: int) -> list[Run]:
        share = max_bytes // max(1, len(pulls))
        replies = await self._reads.all([self._pull(uid, pull, share) for pull in pulls])
        return [_run(uid, pull, reply) for pull, reply in zip(pulls, replies, strict=True)]

    async def places(self, uid: str, convs: list[str]) -> list[Place]:
        replies = await self._reads.all([self._place(uid, conv) for conv in convs])
        return [_place(uid, conv, reply) for conv, reply in zip(convs, replies, strict=True)]

    async def members(self, conv: str) -> tuple[Facts, list[Member]]:
        ask = Ask(conv, size=True)
        calls: list[Call] = [*self._asked(ask), ("HGETALL", self._keys.members(conv))]
        *asked, raw = await self._reads.all(calls)
        kept = zip(raw[::2], raw[1::2], strict=True)
        return _facts(ask, asked), sorted(
            (_member(uid.decode(), value) for uid, value in kept), key=lambda one: one.uid
        )

    async def sweep(self, process: str, ttl_ms: int, within_ms: int) -> dict[str, tuple[int, int]]:
        words = process, ttl_ms, within_ms, _SWEPT
        keys = [[self._keys.sweeper(bucket), self._keys.active(bucket)] for bucket in range(BUCKETS)]
        swept = await self._reads.many([self._reads.script("sweep", pair, *words) for pair in keys])
        convs = [conv.decode() for bucket in swept if not isinstance(bucket, StoreDown) for conv in bucket]
        calls: list[Call] = [("HMGET", self._keys.standing(conv), "seq", "version") for conv in convs]
        heads = zip(convs, await self._reads.many(calls), strict=True)
        return {
            conv: (int(head[0] or 0), int(head[1] or 0))
            for conv, head in heads
            if not isinstance(head, StoreDown)
        }

    def _asked(self, ask: Ask) -> list[Call]:
        """The state first: the rest is as new or newer, and an old version is refused by who writes."""
        keys = self._keys
        recalled = () if ask.seq is None else (f"recalled:{ask.seq}",)
        outcasts = [f"outcast:{uid}" for uid in ask.uids] if ask.outcasts else ()
        calls: list[Call] = [("HMGET", keys.standing(ask.conv), *_STATE, *outcasts, *recalled)]
        if gid_of(ask.conv) is not None:
            if ask.size:
                calls.append(("HLEN", keys.members(ask.conv)))
            if ask.uids:
                calls.append(("HMGET", keys.members(ask.conv), *ask.uids))
        if ask.cid is not None:
            calls.append(("GET", keys.cid(ask.conv, *ask.cid)))
        if ask.change is not None:
            calls.append(("GET", keys.change(ask.conv, *ask.change)))
        if ask.seq is not None:
            calls.append(("XRANGE", keys.messages(ask.conv), ask.seq, ask.seq))
        return calls

    def _say(self, append: Append) -> Call:
        keys, conv = self._keys, append.conv
        touched = [
            *keys.of_conversation(conv),
            keys.cid(conv, append.uid, append.cid),
            keys.order(conv, append.session),
            *keys.mentions(conv, append.mention),
        ]
        decided = _version(append.version), int(append.indexed), append.n if append.session else ""
        cid_ms = self._limits.cid_s * 1000
        return self._link.script("say", touched, *self._common(append), cid_ms, *decided, _ORDER_MS, MENTIONS)

    def _common(self, one: Append | Recall | Change) -> tuple[Word, ...]:
        limits = self._limits
        if gid_of(one.conv) is None:
            most, age_s = limits.private_messages, limits.private_s
        else:
            most, age_s = limits.group_messages, limits.group_s
        return one.conv, one.uid, one.at, one.message, most, age_s * 1000

    async def _write(self, verb: str, keys: list[str], *words: Word) -> Appended:
        (reply,) = await self._link.all([self._link.script(verb, keys, *words)], safe=True)
        return _appended(reply)

    def _pull(self, uid: str, pull: Pull, max_bytes: int) -> Call:
        keys = [self._keys.messages(pull.conv), self._keys.standing(pull.conv)]
        if gid_of(pull.conv) is not None:
            keys.append(self._keys.members(pull.conv))
        whole = int(self._limits.newcomers_see_history)
        return self._reads.script("pull", keys, uid, pull.after, pull.limit, max_bytes, whole)

    def _place(self, uid: str, conv: str) -> Call:
        keys = self._keys
        mentions = keys.mentions(conv, [uid]) + keys.mentions(conv, "all")
        touched = [*keys.of_conversation(conv)[:3], keys.members(conv), *mentions]
        other = next((one for one in parties(conv) or () if one != uid), "")
        return self._reads.script("place", touched, uid, other)


def _version(version: int | None) -> Word:
    return "" if version is None else version


def _fields(effect: Effect) -> list[Word]:
    fields: list[Word] = []
    for name in ("name", "created_ms", "muted", "dissolved"):
        value = getattr(effect, name)
        if value is not None:
            fields += (name, int(value) if isinstance(value, bool) else value)
    return fields


def _members(effect: Effect) -> list[Word]:
    return [word for one in effect.put for word in (one.uid, one.role, one.since, one.muted_until_ms)]


def _outcasts(effect: Effect) -> list[Word]:
    return [word for one in effect.outcasts for word in (one.uid, f"{int(one.kicked)}:{one.muted_until_ms}")]


def _appended(reply: Any) -> Appended:
    outcome, seq, at = reply
    return Appended(Outcome(outcome.decode()), int(seq), int(at))


def _facts(ask: Ask, replies: list[Any]) -> Facts:
    left = iter(replies)
    seq, version, name, created_ms, muted, dissolved, *rest = next(left)
    marks = rest[: len(ask.uids)] if ask.outcasts else []
    recalled = rest[len(marks) :]
    size, members = 0, {}
    if gid_of(ask.conv) is not None:
        size = next(left) if ask.size else 0
        kept = zip(ask.uids, next(left) if ask.uids else (), strict=True)
        members = {uid: _member(uid, value) for uid, value in kept if value is not None}
    known = None if ask.cid is None else _place_of(next(left))
    made = None if ask.change is None else _place_of(next(left))
    entries = [] if ask.seq is None else next(left)
    return Facts(
        int(seq or 0),
        int(version or 0),
        (name or b"").decode(),
        int(created_ms or 0),
        muted == b"1",
        dissolved == b"1",
        size,
        members,
        known,
        entries[0][1][5] if entries else None,
        _place_of(recalled[0]) if recalled else None,
        {uid: _outcast(uid, raw) for uid, raw in zip(ask.uids, marks, strict=False) if raw is not None},
        made,
    )


def _place_of(raw: bytes | None) -> tuple[int, int] | None:
    if raw is None:
        return None
    seq, _, at = raw.partition(b":")
    return int(seq), int(at)


def _member(uid: str, raw: bytes) -> Member:
    role, since, muted = raw.decode().split(":")
    return Member(uid, cast(GroupRole, role), int(since), int(muted))


def _outcast(uid: str, raw: bytes) -> Outcast:
    kicked, _, muted = raw.partition(b":")
    return Outcast(uid, kicked == b"1", int(muted))


def _entries(flat: list[Any]) -> Iterator[Stored]:
    for number, message in zip(flat[::2], flat[1::2], strict=True):
        yield int(number.partition(b"-")[0]), message


def _run(uid: str, pull: Pull, reply: Any) -> Run:
    last_seq, begin, raw, flat = reply
    member = _member(uid, raw) if raw else None
    messages = without_holes(list(_entries(flat)), begin, pull.limit)
    return Run(pull.conv, last_seq, begin, messages, member)


def _place(uid: str, conv: str, reply: Any) -> Place:
    seq, messages, read, name, version, raw, newest, mentions, other = reply
    read_seq, counted = (int(word) for word in read.split(b":"))
    member = _member(uid, raw) if raw else None
    last = next(_entries(newest), None)
    unread = int(messages) - counted
    standing = name.decode(), int(version), member, mentions, int(other.partition(b":")[0])
    return Place(conv, int(seq), read_seq, unread, last, *standing)
