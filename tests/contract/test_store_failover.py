"""A store of several servers, when one of them dies, hangs, or gives away what it has."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec
import pytest
from redis.crc import key_slot

from config.settings import Rooms, Store
from danmaku.servers import Running
from danmaku.store.conversations import Append, Appended, Pull, Run
from danmaku.store.errors import StoreDown
from danmaku.store.valkey import ValkeyStore
from danmaku.store.valkey.keys import Keys
from danmaku.store.valkey.link import Link
from danmaku.subjects import PARTITIONS
from tests.engines import (
    CONFIG,
    HOST,
    SentinelSet,
    ValkeyCluster,
    caught_up,
    client,
    port_of,
    role_of,
    sentinel_set,
    valkey_cluster,
)
from tests.talking import Talking
from tests.waiting import until

TIMEOUT_S = 2.0
PAIRS = [f"p:ann:bob{number}" for number in range(12)]
LONG = 60_000
GONE = ",".join(f"redis://{HOST}:{port}" for port in (1, 2, 3))  # nobody listens there
RESUMED_S = 30.0  # at the very most, on a machine that does much else


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[ValkeyCluster]:
    """Each primary has a replica, the first one two."""
    async with valkey_cluster(tmp_path, primaries=3, servers=7, cluster_node_timeout="2000") as whole:
        yield whole


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[SentinelSet]:
    async with sentinel_set(tmp_path, replicas=2, sentinels=3) as whole:
        await whole.set("down-after-milliseconds", "2000")
        yield whole


def settings(whole: ValkeyCluster | SentinelSet, replicas: int = 0) -> Store:
    kind = "cluster" if isinstance(whole, ValkeyCluster) else "sentinel"
    return Store(url=whole.url, kind=kind, timeout_s=TIMEOUT_S, replicas=replicas)  # type: ignore[arg-type]


class Talk(Talking):
    """Says one message after the other in each of the conversations, each until it is taken."""

    def __init__(self, store: ValkeyStore, told: list[None]) -> None:
        super().__init__()
        self.store = store
        self.taken: dict[str, list[int]] = {conv: [] for conv in PAIRS}
        self.refused = 0
        self._told = told

    @classmethod
    async def over(cls, settings: Store) -> Talk:
        """To be closed."""
        told: list[None] = []
        return cls(await ValkeyStore.connect(settings, Rooms(), lost=lambda: told.append(None)), told)

    async def close(self) -> None:
        await self.store.close()

    async def talk(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for conv in PAIRS:
                tasks.create_task(self._talk(conv))

    async def _talk(self, conv: str) -> None:
        while self.is_to_go_on:
            n = len(self.taken[conv]) + 1
            said = Append(conv, "ann", n, b"%d" % n, f"c{n}", "s", n, indexed=True)
            try:
                (answer,) = await self.store.conversations.append([said])
            except StoreDown as error:
                answer = error
            if isinstance(answer, Appended):
                self.taken[conv].append(answer.seq)
            else:
                self.refused += 1
            await asyncio.sleep(0.01)

    def count(self) -> int:
        return sum(map(len, self.taken.values()))

    async def all_are_refused(self) -> None:
        """Return when as much more was refused as there are conversations."""
        before = self.refused

        async def more() -> bool:
            return self.refused >= before + len(PAIRS)

        await until(more, RESUMED_S)

    async def all_go_on(self) -> None:
        """Return when something more was taken in all of them."""
        before = {conv: len(seqs) for conv, seqs in self.taken.items()}
        await until(lambda: all(len(self.taken[conv]) > count for conv, count in before.items()), RESUMED_S)

    async def check(self) -> None:
        """All that was taken is there, once and in order, and nobody says otherwise."""
        assert not self._told
        for run in await self._read_back():
            seqs = self.taken[run.conv]
            assert seqs == list(range(1, len(seqs) + 1)), run.conv
            assert run.messages[: len(seqs)] == [(n, b"%d" % n) for n in seqs], run.conv

    async def _read_back(self) -> list[Run]:
        """Once what is large is read from who took over, too."""
        pulls = [Pull(conv, 0, 10_000) for conv in PAIRS]
        found: list[Run] = []

        async def is_told() -> bool:
            with suppress(StoreDown):
                found[:] = await self.store.conversations.pull("ann", pulls, 1 << 24)
            return bool(found)

        await until(is_told, RESUMED_S)
        return found


async def test_a_cluster_loses_nothing_that_was_acknowledged_when_a_primary_dies(
    cluster: ValkeyCluster,
) -> None:
    talk = await Talk.over(settings(cluster, replicas=1))
    talk.begin()
    await talk.all_go_on()
    await talk.store.leases.take(list(range(PARTITIONS)), "one", LONG)
    primary = cluster.nodes[1]  # it has one replica: that this one has it is what acknowledged means
    primary.kill()
    await _primary_among(cluster.nodes[cluster.primaries :])  # it never had the scripts
    primary.start()
    await talk.all_go_on()
    await talk.end()
    await talk.check()
    assert len(await talk.store.leases.holders()) == PARTITIONS
    await talk.close()


async def test_a_cluster_goes_on_when_a_primary_with_two_replicas_hangs_and_wakes(
    cluster: ValkeyCluster,
) -> None:
    """What it takes as it wakes is not acknowledged: its replicas follow another one by then."""
    talk = await Talk.over(settings(cluster, replicas=1))
    talk.begin()
    await talk.all_go_on()
    await talk.end()
    primary = cluster.nodes[0]
    await caught_up(primary)  # or the one that takes over may be the one of them that was not waited for
    os.kill(primary.pid, signal.SIGSTOP)
    try:
        talk.begin()
        await talk.all_go_on()
    finally:
        os.kill(primary.pid, signal.SIGCONT)
    await talk.all_go_on()
    await talk.end()
    await talk.check()
    await talk.close()


async def test_it_is_told_when_who_took_over_in_a_cluster_lacks_what_was_acknowledged(
    cluster: ValkeyCluster,
) -> None:
    told: list[None] = []
    link = Link.to(settings(cluster, replicas=1), lost=lambda: told.append(None))
    primary, new, other = cluster.nodes[0], cluster.nodes[3], cluster.nodes[6]
    key = next(key for n in range(100) if key_slot((key := f"t{n}").encode()) < 5000)
    await _say(link, "SET", key, "early", safe=True)
    await caught_up(primary)
    async with client(port_of(primary)) as one, client(port_of(other)) as another:
        await another.config_set("masterauth", "secret")
        await one.config_set("requirepass", "secret")
        await one.execute_command("CLIENT", "KILL", "TYPE", "replica")

        async def new_is_cut_off() -> bool:
            _, _, replicas = await one.execute_command("ROLE")
            return [int(port) for _, port, _ in replicas] == [port_of(other)]

        await until(new_is_cut_off, RESUMED_S)
    await _say(link, "SET", key, "late", safe=True)
    async with client(port_of(new)) as one:
        await one.execute_command("CLUSTER", "FAILOVER", "TAKEOVER")

    async def is_gone() -> bool:
        found: Any = None
        with suppress(StoreDown):
            found = await link.one("GET", key)
        return bool(found == b"early")

    await until(is_gone, RESUMED_S)
    assert len(told) == 1
    await link.close()


async def test_once_it_is_connected_it_is_known_where_all_is_for_large_reads_too(
    shared_cluster: ValkeyCluster,
) -> None:
    store = await ValkeyStore.connect(settings(shared_cluster), Rooms())
    assert len(store._reads._servers.all()) == len(store._link._servers.all()) == shared_cluster.primaries
    await store.close()


async def test_while_one_server_hangs_the_others_answer(shared_cluster: ValkeyCluster) -> None:
    link = Link.to(settings(shared_cluster))
    own = Keys(f"t{token_hex(4)}")
    keys = [own.lease(partition) for partition in range(PARTITIONS)]
    await _at_last(link, [("SET", key, "x") for key in keys])
    hanging = await shared_cluster.primary_of(keys[0])
    os.kill(hanging.pid, signal.SIGSTOP)
    try:
        first, *_ = replies = await link.many([("GET", key) for key in keys])
        assert isinstance(first, StoreDown)
        assert replies.count(b"x") > PARTITIONS / 2
        begin = time.monotonic()
        replies = await link.many([("GET", key) for key in keys])
        assert replies.count(b"x") > PARTITIONS / 2
        assert time.monotonic() - begin < TIMEOUT_S  # they are not waited with once more
    finally:
        os.kill(hanging.pid, signal.SIGCONT)
    assert await _at_last(link, [("GET", key) for key in keys]) == [b"x"] * PARTITIONS
    await link.close()


async def test_leases_are_renewed_where_the_store_answers(shared_cluster: ValkeyCluster) -> None:
    prefix = f"t{token_hex(4)}"
    store = await ValkeyStore.connect(
        msgspec.structs.replace(settings(shared_cluster), prefix=prefix), Rooms()
    )
    taken = await store.leases.take(list(range(PARTITIONS)), "one", LONG)
    held = {lease.partition: lease.epoch for lease in taken}
    hanging = await shared_cluster.primary_of(Keys(prefix).lease(0))
    os.kill(hanging.pid, signal.SIGSTOP)
    try:
        renewed = await store.leases.renew(held, "one", LONG)
        owned = {partition: holder for partition, (holder, _) in (await store.leases.holders()).items()}
        released = await store.leases.release(held, "one")
    finally:
        os.kill(hanging.pid, signal.SIGCONT)
    assert renewed.lost == set()
    assert 0 not in renewed.still
    assert len(renewed.still) > PARTITIONS / 2
    assert owned == {partition: "one" if partition in renewed.still else "" for partition in held}
    assert released == renewed.still
    await store.close()


async def test_what_moves_to_another_server_is_found_there(shared_cluster: ValkeyCluster) -> None:
    keys = Keys(f"t{token_hex(4)}")
    link = Link.to(settings(shared_cluster))
    call = link.script("enlist", [keys.processes], "one", LONG)
    await _at_last(link, [call])
    slot = key_slot(keys.processes.encode())
    here = await shared_cluster.primary_of(keys.processes)
    async with client(port_of(here)) as source:
        rows = await source.execute_command("CLUSTER", "SLOTS")
        there = next(row[2] for row in rows if int(row[2][1]) != port_of(here))
        own = await source.execute_command("CLUSTER", "MYID")
        async with client(int(there[1])) as target:
            await target.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", own)
            await source.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", there[2])
            await source.execute_command("MIGRATE", HOST, there[1], keys.processes, 0, 5000)
            assert await link.one(*call) == [b"one"]  # ASK, and the script is not there
            for one in (target, source):
                await one.execute_command("CLUSTER", "SETSLOT", slot, "NODE", there[2])
            assert await link.one(*call) == [b"one"]  # MOVED
            assert await link.one(*call) == [b"one"]
    await link.close()


async def test_sentinels_name_another_server_when_the_first_one_dies(watched: SentinelSet) -> None:
    """Whichever takes over has what was acknowledged, for both replicas are waited for."""
    talk = await Talk.over(settings(watched, replicas=2))
    talk.begin()
    await talk.all_go_on()
    primary, *replicas = watched.nodes
    primary.kill()
    new = await _primary_among(replicas)
    primary.start()  # it does not know yet that it is no primary any more
    await primary.server.wait_ready(RESUMED_S)
    await talk.all_are_refused()
    async with client(port_of(primary)) as one:
        await one.replicaof(HOST, port_of(new))  # as sentinels do, ten seconds later
    await talk.all_go_on()
    await talk.end()
    await talk.check()
    await talk.close()


async def test_with_a_replica_to_spare_it_goes_on_without_the_first_server(watched: SentinelSet) -> None:
    talk = await Talk.over(settings(watched, replicas=1))
    talk.begin()
    await talk.all_go_on()
    await talk.end()
    await caught_up(watched.nodes[0])  # or the other one may take over
    watched.nodes[0].kill()
    talk.begin()
    await talk.all_go_on()
    await talk.end()
    await talk.check()
    await talk.close()


async def test_a_failover_by_hand_loses_nothing_where_all_replicas_are_waited_for(
    watched: SentinelSet,
) -> None:
    """The old primary goes on until it is told, and never has all of them again."""
    talk = await Talk.over(settings(watched, replicas=2))
    talk.begin()
    await talk.all_go_on()
    old, *replicas = watched.nodes
    async with client(port_of(watched.sentinels[0])) as one:
        await one.execute_command("SENTINEL", "FAILOVER", "danmaku")
    new = await _primary_among(replicas)
    await talk.all_are_refused()
    async with client(port_of(old)) as one:
        await one.replicaof(HOST, port_of(new))  # as sentinels do, ten seconds later
    await talk.all_go_on()
    await talk.end()
    await talk.check()
    await talk.close()


async def test_sentinels_that_are_gone_hold_nobody_up(watched: SentinelSet) -> None:
    whole = settings(watched)
    link = Link.to(msgspec.structs.replace(whole, url=f"{GONE},{whole.url}"))
    await _say(link, "SET", "t", "found")
    await link.close()


async def test_a_server_that_hung_while_it_was_replaced_is_not_read_from(watched: SentinelSet) -> None:
    link = Link.to(settings(watched))
    await link.one("SET", "t", "before")
    old: Running = watched.nodes[0]
    os.kill(old.pid, signal.SIGSTOP)
    try:
        await _say(link, "SET", "t", "after")
    finally:
        os.kill(old.pid, signal.SIGCONT)
    for _ in range(20):
        assert await link.one("GET", "t") == b"after"
    await link.close()


async def _primary_among(nodes: Sequence[Running]) -> Running:
    """The first of them that says it is one, as soon as there is one."""
    found: list[Running] = []

    async def is_there() -> bool:
        found[:] = [node for node in nodes if (await role_of(node))[0] == b"master"]
        return bool(found)

    await until(is_there, RESUMED_S)
    return found[0]


async def _say(link: Link, *call: Any, safe: bool = False) -> None:
    """Until it is taken."""

    async def taken() -> bool:
        with suppress(StoreDown):
            await link.one(*call, safe=safe)
            return True
        return False

    await until(taken, RESUMED_S)


async def _at_last(link: Link, calls: list[tuple[Any, ...]]) -> list[Any]:
    """The answers, once all servers are found and answer. Raises TimeoutError."""
    found: list[Any] = []

    async def all_answer() -> bool:
        found[:] = await link.many(calls)
        return not any(isinstance(one, StoreDown) for one in found)

    await until(all_answer, RESUMED_S)
    return found


@pytest.mark.parametrize("least", ["0", "1"], ids=["wait", "min_replicas_to_write"])
async def test_who_was_replaced_and_does_not_know_it_is_left(tmp_path: Path, least: str) -> None:
    """As one that hung meanwhile: for ten seconds more it takes what is written, and none of it stays."""
    async with sentinel_set(tmp_path, replicas=2, sentinels=3, min_replicas_to_write=least) as whole:
        talk = await Talk.over(settings(whole, replicas=1))
        talk.begin()
        await talk.all_go_on()
        _, new, other = whole.nodes
        async with client(port_of(other)) as one:
            await one.replicaof(HOST, port_of(new))
        async with client(port_of(new)) as one:
            await one.replicaof("NO", "ONE")
        _name(whole, new)
        await talk.all_go_on()
        await talk.end()
        await talk.close()


async def test_what_a_replaced_primary_takes_while_it_has_a_replica_is_not_acknowledged(
    tmp_path: Path,
) -> None:
    """As one that hung while another one of its replicas took over, until its last replica is moved."""
    async with sentinel_set(tmp_path, replicas=2, sentinels=3, min_replicas_to_write="1") as whole:
        talk = await Talk.over(settings(whole, replicas=1))
        talk.begin()
        await talk.all_go_on()
        _, new, other = whole.nodes
        _name(whole, new)  # the sentinels first: what was taken before has reached it
        async with client(port_of(new)) as one:
            await one.replicaof("NO", "ONE")
        refused, taken = talk.refused, talk.count()
        await until(
            lambda: talk.refused > refused + len(PAIRS) or talk.count() > taken + 5 * len(PAIRS), RESUMED_S
        )
        async with client(port_of(other)) as one:
            await one.replicaof(HOST, port_of(new))
        await talk.all_go_on()
        await talk.end()
        await talk.check()
        await talk.close()


@pytest.mark.parametrize("late", ["nothing", "acknowledged", "refused"])
async def test_it_is_told_when_who_took_over_lacks_what_was_acknowledged(
    watched: SentinelSet, late: str
) -> None:
    told: list[None] = []
    link = Link.to(settings(watched, replicas=1), lost=lambda: told.append(None))
    primary, new, _ = watched.nodes
    await _say(link, "SET", "t", "early", safe=True)
    await caught_up(primary)
    async with client(port_of(new)) as one:
        await one.replicaof("NO", "ONE")  # sentinels know nothing of it
    if late == "refused":
        watched.sentinels[2].kill()
        for sentinel in watched.sentinels[:2]:
            await _vote(sentinel, primary)
        with pytest.raises(StoreDown):
            await link.one("SET", "t", "late", safe=True)
    elif late == "acknowledged":
        await _say(link, "SET", "t", "late", safe=True)  # the other replica has it
    _name(watched, new)

    async def found() -> bool:
        with suppress(StoreDown):
            return f"tcp_port:{port_of(new)}".encode() in await link.one("INFO", "server")
        return False

    await until(found, RESUMED_S)
    assert len(told) == (late == "acknowledged")
    await link.close()


async def test_sentinels_that_elect_nobody_hold_nobody_up(watched: SentinelSet) -> None:
    """Their votes stand until the next failover."""
    talk = await Talk.over(settings(watched, replicas=1))
    talk.begin()
    await talk.all_go_on()
    for sentinel in watched.sentinels[:2]:
        await _vote(sentinel, watched.nodes[0])
    await talk.all_go_on()
    await talk.end()
    await talk.check()
    await talk.close()


async def _vote(sentinel: Running, primary: Running) -> None:
    """As somebody that wants to make another server the primary, and is never heard of again."""
    words = HOST, port_of(primary), 1, "f" * 40
    async with client(port_of(sentinel)) as one:
        _, voted, _ = await one.execute_command("SENTINEL", "IS-MASTER-DOWN-BY-ADDR", *words)
        assert voted == b"f" * 40


def _name(whole: SentinelSet, primary: Running) -> None:
    """Have all sentinels begin anew, with that one as the primary."""
    for sentinel in whole.sentinels:
        sentinel.kill()
        told = (CONFIG / "sentinel.conf").read_text().replace("10.0.0.11 6379", f"{HOST} {port_of(primary)}")
        Path(sentinel.server.argv[1]).write_text(told)
        sentinel.start()
