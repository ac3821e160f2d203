"""Whatever is said and changed in whatever order, both stores answer alike, and the order has no gap."""

from __future__ import annotations

from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import Chat, Rooms
from config.settings import Store as StoreSettings
from danmaku.conversation import Member, Mention
from danmaku.memory import MemoryStore
from danmaku.store import Store
from danmaku.store.conversations import Append, Appended, Ask, Change, Effect, Outcast, Outcome, Pull, Recall
from danmaku.store.valkey import ValkeyStore

CONV = "g:team"
CHAT = Chat(group_messages=6, group_s=60, group_members=2)

uids = st.sampled_from(["ann", "bob", "zoe"])
seqs = st.integers(0, 12)
versions = st.sampled_from(["now", "now", "now", "old", "none"])
say = st.tuples(
    st.just("say"),
    uids,
    st.integers(1, 9),  # cid
    st.sampled_from(["", "s1", "s2"]),
    st.integers(1, 9),  # n
    versions,
    st.sampled_from([0, 0, 5, 70_000]),  # how much later
    st.sampled_from([None, None, "all", ["ann"], ["bob", "zoe"]]),
)
steps = st.one_of(
    say,
    say,
    say,
    st.tuples(st.just("recall"), uids, seqs, versions),
    st.tuples(st.just("put"), uids, st.booleans(), versions, st.integers(0, 3)),
    st.tuples(st.just("drop"), uids, versions, st.integers(0, 3)),
    st.tuples(st.just("read"), uids, seqs),
    st.tuples(st.just("pull"), uids, seqs, st.integers(1, 8), st.sampled_from([1, 60, 1 << 20])),
    st.tuples(st.just("place"), uids),
    st.tuples(st.just("facts"), uids, st.integers(1, 9), seqs),
    st.tuples(st.just("members")),
)


@dataclass
class World:
    """One store; the reference of what was said is kept from its answers."""

    store: Store
    at: int = 1000
    said: dict[int, bytes] = field(default_factory=dict)
    mentions: dict[int, Mention | None] = field(default_factory=dict)
    cids: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    made: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)

    async def do(self, step: Any) -> Any:
        verb, *rest = step
        return await getattr(self, verb)(*rest)

    async def version(self, which: str) -> int | None:
        (facts,) = await self.store.conversations.facts([Ask(CONV)])
        return {"now": facts.version, "old": facts.version - 1, "none": None}[which]

    async def say(
        self, uid: str, cid: int, session: str, n: int, which: str, later: int, mention: Mention | None
    ) -> Appended | Exception:
        self.at += later
        message = f"{uid} {cid} {self.at}".encode()
        version = await self.version(which)
        append = Append(CONV, uid, self.at, message, f"c{cid}", session, n, version, n > 1, mention)
        (answer,) = await self.store.conversations.append([append])
        assert isinstance(answer, Appended)
        if answer.outcome is Outcome.OK:
            assert (uid, cid) not in self.cids
            self.cids[uid, cid] = answer.seq, answer.at
            self.mentions[answer.seq] = mention
            self.note(answer, message)
        elif (uid, cid) in self.cids:
            assert answer == Appended(Outcome.DUPLICATE, *self.cids[uid, cid])
        return answer

    async def recall(self, uid: str, of: int, which: str) -> Appended:
        recall = Recall(CONV, uid, self.at, b"recall", of, await self.version(which), self.mentions.get(of))
        answer = await self.store.conversations.recall(recall)
        if answer.outcome is Outcome.OK:
            self.said[of] = b""
            self.note(answer, b"recall")
        return answer

    async def put(self, uid: str, anew: bool, which: str, cid: int) -> Appended:
        effect = Effect(put=(Member(uid, "member", 0 if anew else 1, 5),))
        return await self.change(which, uid, effect, cid)

    async def drop(self, uid: str, which: str, cid: int) -> Appended:
        outcast = Outcast(uid, uid == "bob", self.at)
        effect = Effect(drop=(uid,), name=uid, muted=True, outcasts=(outcast,))
        return await self.change(which, uid, effect, cid)

    async def change(self, which: str, uid: str, effect: Effect, cid: int) -> Appended:
        version = await self.version(which) or 0
        change = Change(CONV, uid, self.at, b"x", version, effect, f"c{cid}" if cid else "")
        answer = await self.store.conversations.change(change)
        made = self.made.get((uid, cid))
        if cid and made is not None:
            assert answer == Appended(Outcome.DUPLICATE, *made)
        elif answer.outcome is Outcome.OK:
            self.made[uid, cid] = answer.seq, answer.at
        if answer.outcome is Outcome.OK:
            self.note(answer, b"x")
        return answer

    def note(self, answer: Appended, message: bytes) -> None:
        """The next seq, and none left out."""
        assert answer.seq == len(self.said) + 1
        self.said[answer.seq] = message

    async def read(self, uid: str, seq: int) -> Any:
        return await self.store.conversations.read(CONV, uid, seq)

    async def pull(self, uid: str, after: int, limit: int, max_bytes: int) -> Any:
        (run,) = await self.store.conversations.pull(uid, [Pull(CONV, after, limit)], max_bytes)
        assert [seq for seq, _ in run.messages] == [run.begin + n + 1 for n in range(len(run.messages))]
        assert all(self.said[seq] == message for seq, message in run.messages)
        return run

    async def place(self, uid: str) -> Any:
        return await self.store.conversations.places(uid, [CONV])

    async def facts(self, uid: str, cid: int, seq: int) -> Any:
        ask = Ask(CONV, ("ann", uid), (uid, f"c{cid}"), seq, cid > 4, cid > 2, (uid, f"c{cid}"))
        return await self.store.conversations.facts([ask])

    async def members(self) -> Any:
        return await self.store.conversations.members(CONV)


@settings(max_examples=60)
@given(st.lists(steps, min_size=5, max_size=40))
async def test_twin_and_server_keep_equal_conversations(store_url: str, taken: list[Any]) -> None:
    where = StoreSettings(url=store_url, prefix=f"t{token_hex(6)}")
    real = await ValkeyStore.connect(where, Rooms(), CHAT)
    try:
        twin, server = World(MemoryStore(chat=CHAT)), World(real)
        for step in taken:
            assert await twin.do(step) == await server.do(step)
    finally:
        await real.close()
