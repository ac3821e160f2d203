"""Conversations and contacts in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from config.settings import Chat
from danmaku.conversation import BUCKETS, Member, Mention, bucket_of, gid_of, parties
from danmaku.store.conversations import (
    MENTIONS,
    Append,
    Appended,
    Ask,
    Change,
    Facts,
    Outcast,
    Outcome,
    Place,
    Pull,
    Recall,
    Run,
    without_holes,
)

_TRIMMED_AT_ONCE: Final = 4
_ALL: Final = "@all"

Clock = Callable[[], int]


@dataclass(slots=True)
class _Entry:
    at: int
    before: int  # messages before this one
    message: bytes
    of: int | None


@dataclass(slots=True)
class _Conversation:
    seq: int = 0
    messages: int = 0
    floor: int = 0
    version: int = 0
    name: str = ""
    created_ms: int = 0
    muted: bool = False
    dissolved: bool = False
    log: dict[int, _Entry] = field(default_factory=dict)
    recalled: dict[int, tuple[int, int]] = field(default_factory=dict)
    reads: dict[str, tuple[int, int]] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    outcasts: dict[str, Outcast] = field(default_factory=dict)  # who went first stands first
    cids: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)  # seq, at, known until
    changes: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)  # likewise
    order: dict[str, int] = field(default_factory=dict)
    mentions: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    spoken_ms: int = 0


class MemoryConversations:
    def __init__(self, clock: Clock, limits: Chat) -> None:
        self._clock = clock
        self._limits = limits
        self._all: dict[str, _Conversation] = defaultdict(_Conversation)
        self._sweepers: dict[int, tuple[str, int]] = {}

    async def facts(self, asks: list[Ask]) -> list[Facts]:
        return [self._facts(ask) for ask in asks]

    async def append(self, appends: list[Append]) -> list[Appended | Exception]:
        return [self._append(one) for one in appends]

    async def recall(self, recall: Recall) -> Appended:
        conv = self._all[recall.conv]
        known = conv.recalled.get(recall.of)
        if known is not None:
            return Appended(Outcome.DUPLICATE, *known)
        if recall.version not in (None, conv.version):
            return Appended(Outcome.STALE)
        if conv.log.pop(recall.of, None) is None:
            return Appended(Outcome.GONE)
        for whom in _mentioned(recall.mention):
            conv.mentions[whom] = [seq for seq in conv.mentions[whom] if seq != recall.of]
        seq = self._add(conv, recall, 0, recall.of)
        conv.recalled[recall.of] = seq, recall.at
        return Appended(Outcome.OK, seq, recall.at)

    async def change(self, change: Change) -> Appended:
        conv, effect = self._all[change.conv], change.effect
        made = self._known(conv.changes, (change.uid, change.cid))
        if made is not None:
            return Appended(Outcome.DUPLICATE, *made)
        if change.version != conv.version:
            return Appended(Outcome.STALE)
        seq = self._add(conv, change, 0)
        conv.version += 1
        for name in ("name", "created_ms", "muted", "dissolved"):
            value = getattr(effect, name)
            if value is not None:
                setattr(conv, name, value)
        for member in effect.put:
            if member.since == 0:
                conv.reads[member.uid] = seq, conv.messages
                conv.outcasts.pop(member.uid, None)
            conv.members[member.uid] = msgspec.structs.replace(member, since=member.since or seq)
        for uid in effect.drop:
            conv.members.pop(uid, None)
            conv.reads.pop(uid, None)
        for outcast in effect.outcasts:
            conv.outcasts.pop(outcast.uid, None)
            conv.outcasts[outcast.uid] = outcast
        while len(conv.outcasts) > self._limits.group_members:
            del conv.outcasts[next(iter(conv.outcasts))]
        if change.cid:
            until = self._clock() + self._limits.cid_s * 1000
            conv.changes[change.uid, change.cid] = seq, change.at, until
        return Appended(Outcome.OK, seq, change.at)

    async def read(self, conv: str, uid: str, seq: int) -> tuple[int, bool]:
        kept = self._all[conv]
        was, _ = kept.reads.get(uid, (0, 0))
        seq = min(seq, kept.seq)
        if seq <= was:
            return was, False
        behind = next((entry.before for number, entry in kept.log.items() if number > seq), kept.messages)
        kept.reads[uid] = seq, behind
        return seq, True

    async def pull(self, uid: str, pulls: list[Pull], max_bytes: int) -> list[Run]:
        return [self._pull(uid, pull, max_bytes // len(pulls)) for pull in pulls]

    async def places(self, uid: str, convs: list[str]) -> list[Place]:
        return [self._place(uid, conv) for conv in convs]

    async def members(self, conv: str) -> tuple[Facts, list[Member]]:
        members = self._all[conv].members
        return self._facts(Ask(conv, size=True)), [members[uid] for uid in sorted(members)]

    async def sweep(self, process: str, ttl_ms: int, within_ms: int) -> dict[str, tuple[int, int]]:
        now = self._clock()
        mine = set()
        for bucket in range(BUCKETS):
            holder, until = self._sweepers.get(bucket, (process, 0))
            if holder == process or now >= until:
                self._sweepers[bucket] = process, now + ttl_ms
                mine.add(bucket)
        swept = {}
        for conv, kept in self._all.items():
            if kept.spoken_ms and bucket_of(conv) in mine:
                swept[conv] = kept.seq, kept.version
                if kept.spoken_ms < now - within_ms:
                    kept.spoken_ms = 0
        return swept

    def _append(self, append: Append) -> Appended:
        conv, key = self._all[append.conv], (append.uid, append.cid)
        until = self._clock() + self._limits.cid_s * 1000
        seq, at, known_until = conv.cids.get(key, (0, 0, 0))
        is_stale = append.version not in (None, conv.version)
        if self._clock() < known_until:
            conv.cids[key] = seq, at, known_until if is_stale else until
            return Appended(Outcome.DUPLICATE, seq, at)
        if is_stale:
            return Appended(Outcome.STALE)
        if not append.indexed and conv.seq == 0:
            return Appended(Outcome.NEW)
        if append.session:
            if append.n <= conv.order.get(append.session, 0):
                return Appended(Outcome.LATE)
            conv.order[append.session] = append.n
        seq = self._add(conv, append, 1)
        for whom in _mentioned(append.mention):
            conv.mentions[whom] = [*conv.mentions[whom], seq][-MENTIONS:]
        conv.cids[key] = seq, append.at, until
        return Appended(Outcome.OK, seq, append.at)

    def _add(
        self, conv: _Conversation, one: Append | Recall | Change, counted: int, of: int | None = None
    ) -> int:
        conv.seq += 1
        conv.log[conv.seq] = _Entry(one.at, conv.messages, one.message, of)
        conv.messages += counted
        most, age_s = self._kept(one.conv)
        oldest_at = min(one.at, self._clock()) - age_s * 1000
        for _ in range(_TRIMMED_AT_ONCE):
            number, oldest = next(iter(conv.log.items()))
            if number == conv.seq or (len(conv.log) <= most and oldest.at >= oldest_at):
                break
            del conv.log[number]
            conv.floor = number
            if oldest.of is not None:
                conv.recalled.pop(oldest.of, None)
        conv.reads[one.uid] = conv.seq, conv.messages
        conv.spoken_ms = self._clock()
        return conv.seq

    def _kept(self, conv: str) -> tuple[int, int]:
        limits = self._limits
        if gid_of(conv) is None:
            return limits.private_messages, limits.private_s
        return limits.group_messages, limits.group_s

    def _facts(self, ask: Ask) -> Facts:
        conv = self._all[ask.conv]
        entry = None if ask.seq is None else conv.log.get(ask.seq)
        return Facts(
            conv.seq,
            conv.version,
            conv.name,
            conv.created_ms,
            conv.muted,
            conv.dissolved,
            len(conv.members) if ask.size else 0,
            {uid: conv.members[uid] for uid in ask.uids if uid in conv.members},
            self._known(conv.cids, ask.cid),
            None if entry is None else entry.message,
            None if ask.seq is None else conv.recalled.get(ask.seq),
            {uid: conv.outcasts[uid] for uid in ask.uids if uid in conv.outcasts} if ask.outcasts else {},
            self._known(conv.changes, ask.change),
        )

    def _known(
        self, cids: dict[tuple[str, str], tuple[int, int, int]], key: tuple[str, str] | None
    ) -> tuple[int, int] | None:
        seq, at, until = cids.get(key, (0, 0, 0)) if key else (0, 0, 0)
        return (seq, at) if self._clock() < until else None

    def _pull(self, uid: str, pull: Pull, max_bytes: int) -> Run:
        conv = self._all[pull.conv]
        begin, member = max(pull.after, conv.floor), conv.members.get(uid)
        if gid_of(pull.conv) is not None:
            if member is None:
                return Run(pull.conv, conv.seq, begin, [])
            if not self._limits.newcomers_see_history:
                begin = max(begin, member.since - 1)
        found: list[tuple[int, bytes]] = []
        for seq, entry in conv.log.items():
            if seq > begin and len(found) < pull.limit:
                max_bytes -= len(entry.message)
                if max_bytes < 0 and found:
                    break
                found.append((seq, entry.message))
        return Run(pull.conv, conv.seq, begin, without_holes(found, begin, pull.limit), member)

    def _place(self, uid: str, name: str) -> Place:
        conv = self._all[name]
        read_seq, counted = conv.reads.get(uid, (0, 0))
        last = (conv.seq, conv.log[conv.seq].message) if conv.seq else None
        unread = conv.messages - counted
        mentions = sum(seq > read_seq for whom in (uid, _ALL) for seq in conv.mentions[whom])
        other, _ = next((conv.reads.get(one, (0, 0)) for one in parties(name) or () if one != uid), (0, 0))
        standing = conv.name, conv.version, conv.members.get(uid), mentions, other
        return Place(name, conv.seq, read_seq, unread, last, *standing)


def _mentioned(mention: Mention | None) -> Iterable[str]:
    return [_ALL] if mention == "all" else mention or ()
