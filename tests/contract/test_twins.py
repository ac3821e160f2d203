"""Whatever is asked of them in whatever order, the twin and the real store give equal answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from secrets import token_hex
from sys import getrefcount
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import Rooms
from config.settings import Store as StoreSettings
from danmaku.memory import MemoryStore
from danmaku.model import START, Effect, Position, RoomInfo, closed_for_good
from danmaku.store import Store
from danmaku.store.history import Append, Appended, Entry, Slice
from danmaku.store.moderation import Sanction
from danmaku.store.sessions import Counted, Hello
from danmaku.store.valkey import ValkeyStore
from danmaku.subjects import partition_of
from tests.contract.losing import lose
from tests.contract.room_log import PLENTY, Owner, entry
from tests.contract.stores import LONG, ROOM

KEPT = Rooms(history_batches=5, history_s=60)

who = st.sampled_from([*["holder"] * 7, "other"])
uids = st.sampled_from(["ann", "bob"])
moments = st.integers(0, 100)
bounds = st.tuples(st.sampled_from([0, 1, 3, 5, 100]), st.sampled_from([1, 150, 300, 600, 1 << 20]))
ownership = [
    st.tuples(st.just("take"), who),
    st.tuples(st.just("release"), who),
    st.tuples(st.just("hand_over")),
]
append = st.tuples(
    st.just("append"),
    who,
    st.integers(1, 3),
    st.sampled_from([0, 0, 0, 10, 30_000, 60_000, 200_000]),
    st.sampled_from(["next", "next", "next", "again", "wrong"]),
    st.sampled_from([None, None, None, "create", "save", "delete"]),
)
lost = st.tuples(st.just("lose"), st.integers(1, 3))
read = [
    st.tuples(st.just("after"), st.integers(-3, -1), st.integers(0, 12), bounds),
    st.tuples(st.just("latest"), bounds),
]
state = [
    st.tuples(st.just("save"), who, st.sampled_from(["", "title"])),
    st.tuples(st.just("create"), who, st.sampled_from(["", "title"])),
    st.tuples(st.just("delete"), who),
    st.tuples(st.just("like"), who, st.integers(1, 100)),
    st.tuples(st.just("room")),
    st.tuples(st.just("impose"), who, uids, st.one_of(st.none(), moments)),
    st.tuples(st.just("lift"), who, uids, moments),
    st.tuples(st.just("sanctions"), moments),
]
hellos = st.tuples(
    st.just("greet"),
    st.integers(1, 4),
    st.sampled_from("ab"),
    st.sampled_from(["tv", "phone", "watch"]),
    st.sampled_from([0, 1, LONG // 4 - 1, LONG // 4, LONG - 1, LONG]),
)
tokens = st.tuples(
    st.just("spend"), st.sampled_from([-1, 0, 1, 1, 1, 2]), st.sampled_from([0, 1, 49, 50, 51])
)


@dataclass
class World:
    """One store and what its processes believe. Epochs are told by their number, as clocks differ."""

    store: Store
    epochs: list[int] = field(default_factory=lambda: [0])
    holder: str = "one"
    leases: dict[str, int] = field(default_factory=dict)
    last: dict[str, Append] = field(default_factory=dict)
    head: Position = START
    at: int = 1_000_000
    spent: int = 0
    now_ms: int = 0

    async def do(self, step: tuple[Any, ...]) -> Any:
        verb, *words = step
        return await getattr(self, verb)(*words)

    def _name(self, who: str) -> str:
        other = {"one": "two", "two": "one"}[self.holder]
        return self.holder if who == "holder" else other

    def _lease(self, who: str) -> tuple[str, int]:
        name = self._name(who)
        return name, self.leases.get(name, 0)

    async def take(self, who: str) -> Any:
        name = self._name(who)
        taken = await self.store.leases.take([partition_of(ROOM)], name, LONG)
        for lease in taken:
            self.epochs.append(lease.epoch)
            self.leases[name] = lease.epoch
            self.holder = name
        holders = await self.store.leases.holders()
        return len(taken), {partition: name for partition, (name, _) in holders.items()}

    async def release(self, who: str) -> Any:
        name, lease = self._lease(who)
        await self.store.leases.release({partition_of(ROOM): lease}, name)
        return len(await self.store.leases.holders())

    async def hand_over(self) -> Any:
        return await self.release("holder"), await self.take("other")

    async def append(self, who: str, count: int, wait_ms: int, style: str, verb: Any) -> Any:
        self.at += wait_ms
        name, lease = self._lease(who)
        append = self.last.get(name)
        if append is None or style != "again":
            append = self._next(lease, count, verb, wrong=style == "wrong")
        self.last[name] = append
        (outcome,) = await self.store.history.append(name, [append])
        assert isinstance(outcome, Appended)
        head = self._told(await self.store.history.head(ROOM))
        return outcome.outcome, self._told(outcome.head), head, await self.room()

    async def lose(self, entries: int) -> Any:
        await lose(self.store, ROOM, entries)
        return self._told(await self.store.history.head(ROOM))

    def _next(self, lease: int, count: int, verb: Any, wrong: bool) -> Append:
        head = self.head
        first = head.epoch != lease
        last = Position(lease, count if first else head.seq + count)
        expected = Position(head.epoch, head.seq + 1) if wrong else head
        info = closed_for_good(ROOM) if verb == "delete" else RoomInfo(ROOM, str(last.seq), created_ms=7)
        effect = Effect(verb, info) if verb else None
        return Append(ROOM, lease, expected, entry(last, count, self.at, head if first else None), effect)

    async def after(self, epoch: int, seq: int, bound: tuple[int, int]) -> Any:
        since = Position(self.epochs[max(epoch, -len(self.epochs))], seq)
        return self._read(await self.store.history.after(ROOM, since, *bound))

    async def latest(self, bound: tuple[int, int]) -> Any:
        return self._read(await self.store.history.latest(ROOM, *bound))

    async def save(self, who: str, title: str) -> Any:
        return await self.store.rooms.save(*self._lease(who), RoomInfo(ROOM, title, created_ms=5))

    async def create(self, who: str, title: str) -> Any:
        return await self.store.rooms.create(*self._lease(who), RoomInfo(ROOM, title, created_ms=6))

    async def delete(self, who: str) -> Any:
        return await self.store.rooms.delete(*self._lease(who), ROOM)

    async def like(self, who: str, likes: int) -> Any:
        return await self.store.rooms.add_likes(*self._lease(who), {ROOM: likes})

    async def room(self) -> Any:
        listed = await self.store.rooms.in_partition(partition_of(ROOM))
        return await self.store.rooms.load(ROOM), listed

    async def impose(self, who: str, uid: str, until_ms: int | None) -> Any:
        sanction = Sanction("mute", uid, "mod", 0, until_ms)
        return await self.store.moderation.impose(*self._lease(who), ROOM, sanction)

    async def lift(self, who: str, uid: str, now_ms: int) -> Any:
        return await self.store.moderation.lift(*self._lease(who), ROOM, "mute", uid, now_ms)

    async def sanctions(self, now_ms: int) -> Any:
        return await self.store.moderation.load(ROOM, now_ms)

    async def spend(self, further: int, wait_ms: int) -> Any:
        self.now_ms += wait_ms
        n = max(self.spent + further, 1)
        spent = await self.store.tokens.spend(
            "ann",
            "family",
            n,
            issued_ms=self.now_ms - 1,
            now_ms=self.now_ms,
            grace_ms=50,
            until_ms=self.now_ms + LONG,
        )
        self.spent = spent.n - 1 if spent else 0
        return spent

    async def greet(self, n: int, session: str, device: str, wait_ms: int) -> Any:
        self.now_ms += wait_ms
        hello = Hello("ann", 5, Counted(device, n, "edge", session))
        return await self.store.sessions.greet([hello], self.now_ms, LONG, 2)

    async def look(self) -> None:
        """What a new owner would do first: see where the log ends."""
        self.head = await self.store.history.head(ROOM)

    def _read(self, read: Slice) -> Any:
        self._contiguous(read.entries)
        told = [
            (self._told(kept.last), kept.count, kept.at, len(kept.frame), kept.pairs) for kept in read.entries
        ]
        return told, read.complete, self._told(read.head)

    def _contiguous(self, entries: tuple[Entry, ...]) -> None:
        for before, after in pairwise(entries):
            assert after.continues(before.last)

    def _told(self, position: Position) -> tuple[int, int]:
        return self.epochs.index(position.epoch), position.seq


@settings(max_examples=150)
@given(st.lists(st.one_of(append, append, append, *read, *ownership, lost), min_size=15, max_size=50))
async def test_twin_and_server_keep_equal_logs(store_url: str, steps: list[tuple[Any, ...]]) -> None:
    everything = (("after", -3, 0, (1000, 1 << 20)), ("latest", (1000, 1 << 20)))
    await compare(store_url, [("take", "holder"), *steps, *everything])


@settings(max_examples=100)
@given(st.lists(st.one_of(*state, *ownership), min_size=10, max_size=40))
async def test_twin_and_server_keep_equal_states(store_url: str, steps: list[tuple[Any, ...]]) -> None:
    await compare(store_url, [("take", "holder"), *steps, ("room",), ("sanctions", 0)])


@settings(max_examples=100)
@given(st.lists(hellos, min_size=2, max_size=12))
async def test_twin_and_server_keep_equal_sessions(store_url: str, steps: list[tuple[Any, ...]]) -> None:
    await compare(store_url, steps)


@settings(max_examples=100)
@given(st.lists(tokens, min_size=2, max_size=10))
async def test_twin_and_server_keep_equal_tokens(store_url: str, steps: list[tuple[Any, ...]]) -> None:
    await compare(store_url, steps)


async def compare(store_url: str, steps: list[tuple[Any, ...]]) -> None:
    real = await ValkeyStore.connect(StoreSettings(url=store_url, prefix=f"t{token_hex(6)}"), KEPT)
    twin, server = World(MemoryStore(rooms=KEPT)), World(real)
    try:
        for step in steps:
            await twin.look()
            await server.look()
            assert await twin.do(step) == await server.do(step), step
    finally:
        await real.close()


async def test_the_twin_keeps_nothing_of_what_left_the_log() -> None:
    store = MemoryStore()
    owner = await Owner.take(store)
    kept, newest = await owner.append(), await owner.append()
    assert await store.rooms.delete("one", owner.epoch, ROOM)
    assert (await store.history.latest(ROOM, 100, PLENTY)).entries == (newest,)
    never_stored = entry(Position(owner.epoch, 1))
    assert getrefcount(kept.last) == getrefcount(never_stored.last)
