"""Which connection of a device is the newest."""

from __future__ import annotations

import asyncio
import os
import signal
from itertools import permutations
from secrets import token_hex

from redis.crc import key_slot

from config.settings import Rooms
from config.settings import Store as StoreSettings
from danmaku.store import Store
from danmaku.store.errors import StoreDown
from danmaku.store.sessions import Counted, Device, Hello, Standing, Verdict
from danmaku.store.valkey import ValkeyStore
from danmaku.store.valkey.keys import Keys
from tests.engines import ValkeyCluster
from tests.waiting import until

LONG = 60_000
GOOD = Verdict(Standing.GOOD)
REPLACED = Verdict(Standing.REPLACED)


def hello(n: int, session: str = "", *, device: str = "tv", edge: str = "e1", uid: str = "ann") -> Hello:
    return Hello(uid, 5, Counted(device, n, edge, session or f"s{n}"))


def displacing(device: str, n: int) -> Verdict:
    return Verdict(Standing.GOOD, displaces=(device, n))


async def greet(
    store: Store,
    *hellos: Hello,
    now_ms: int = 1000,
    ttl_ms: int = LONG,
    most: int = 8,
    refuses: bool = False,
) -> list[Verdict]:
    verdicts = await store.sessions.greet(list(hellos), now_ms, ttl_ms, most, refuses=refuses)
    known = [one for one in verdicts if isinstance(one, Verdict)]
    assert len(known) == len(hellos)
    return known


async def test_a_higher_n_replaces_a_lower_one(store: Store) -> None:
    assert await greet(store, hello(1, "a", edge="e1")) == [GOOD]
    assert await greet(store, hello(7, "b", edge="e2")) == [Verdict(Standing.GOOD, ("e1", "a"))]
    assert await greet(store, hello(2**53 - 1, "c")) == [Verdict(Standing.GOOD, ("e2", "b"))]
    assert await greet(store, hello(2**53 - 2, "d")) == [REPLACED]


async def test_a_lower_n_is_the_stale_one_and_changes_nothing(store: Store) -> None:
    await greet(store, hello(7, "b"))
    assert await greet(store, hello(6, "a")) == [REPLACED]
    assert await greet(store, hello(8, "c")) == [Verdict(Standing.GOOD, ("e1", "b"))]


async def test_the_same_hello_again_is_fine(store: Store) -> None:
    await greet(store, hello(1))
    await greet(store, hello(2))
    assert await greet(store, hello(2), hello(2)) == [GOOD, GOOD]
    assert await greet(store, hello(2), now_ms=1000 + LONG // 2) == [GOOD]


async def test_of_two_with_the_same_n_the_first_stands(store: Store) -> None:
    assert await greet(store, hello(3, "a"), hello(3, "b")) == [GOOD, REPLACED]
    assert await greet(store, hello(3, "a")) == [GOOD]


async def test_in_whatever_order_they_come_the_highest_is_left(store: Store) -> None:
    for number, order in enumerate(permutations((1, 2, 3))):
        uid = f"u{number}"
        verdicts = await asyncio.gather(*(greet(store, hello(n, uid=uid)) for n in order))
        standing = {n: verdict.standing for n, (verdict,) in zip(order, verdicts, strict=True)}
        assert standing[3] is Standing.GOOD
        again = await greet(store, *(hello(n, uid=uid) for n in (1, 2, 3)))
        assert again == [REPLACED, REPLACED, GOOD]


async def test_devices_and_users_are_apart(store: Store) -> None:
    await greet(store, hello(9))
    assert await greet(store, hello(1, device="phone"), hello(1, uid="bob")) == [GOOD, GOOD]


async def test_without_a_count_nothing_is_replaced_or_kept(store: Store) -> None:
    await greet(store, hello(9))
    assert await greet(store, Hello("ann", 5), Hello("ann", 5)) == [GOOD, GOOD]
    assert await greet(store, hello(9)) == [GOOD]
    assert await greet(store) == []


async def test_a_revoked_token_registers_nothing(store: Store) -> None:
    await store.tokens.revoke("ann", 5, LONG)
    assert await greet(store, hello(9), Hello("ann", 5)) == [Verdict(Standing.REVOKED)] * 2
    later = Hello("ann", 6, Counted("tv", 1, "e1", "new"))
    assert await greet(store, later) == [GOOD]


async def test_what_was_not_heard_of_for_long_is_forgotten(store: Store) -> None:
    await greet(store, hello(9, "a"))
    assert await greet(store, hello(1, "b"), now_ms=999 + LONG) == [REPLACED]
    assert await greet(store, hello(1, "b"), now_ms=1000 + LONG) == [GOOD]


async def test_saying_it_again_keeps_it_known(store: Store) -> None:
    await greet(store, hello(9))
    await greet(store, hello(9), now_ms=1000 + LONG // 4)
    assert await greet(store, hello(1), now_ms=1000 + LONG) == [REPLACED]


async def test_saying_it_again_at_once_need_not_be_noted(store: Store) -> None:
    await greet(store, hello(9))
    await greet(store, hello(9), now_ms=999 + LONG // 4)
    assert await greet(store, hello(1), now_ms=1000 + LONG) == [GOOD]


async def test_nothing_is_kept_of_a_user_who_is_gone(store: Store) -> None:
    await greet(store, hello(9, "a"), ttl_ms=30)

    async def forgotten() -> bool:
        return await greet(store, hello(1, "b"), ttl_ms=30) == [GOOD]

    await until(forgotten)


async def test_of_many_devices_the_latest_are_known(store: Store) -> None:
    for number in range(4):
        await greet(store, hello(9, device=f"d{number}"), now_ms=1000 + number, most=3)
    known = [await greet(store, hello(1, "x", device=f"d{number}"), most=3) for number in (1, 2, 3)]
    assert known == [[REPLACED]] * 3
    assert await greet(store, hello(1, "x", device="d0"), most=3) == [displacing("d1", 9)]


async def test_the_newest_of_many_devices_is_not_the_one_that_goes(store: Store) -> None:
    """Also when its rooms process's clock is behind the others'."""
    await greet(store, hello(9, device="a"), hello(9, device="b"), now_ms=5000, most=2)
    await greet(store, hello(9, device="c"), now_ms=10, most=2)
    assert await greet(store, hello(1, "x", device="c"), now_ms=5000, most=2) == [REPLACED]
    assert await greet(store, hello(1, "x", device="b"), now_ms=5000, most=2) == [REPLACED]


async def test_where_users_have_connections_is_where_they_were_heard_of_lately(store: Store) -> None:
    await greet(store, hello(1), hello(1, device="phone", edge="e2"), hello(1, uid="bob", edge="e3"))
    await greet(store, hello(1, device="old", edge="e4"), now_ms=500)
    edges = store.sessions.edges
    assert await edges(["ann", "zoe", "bob"], 1400, 900) == [{"e1", "e2"}, set(), {"e3"}]
    assert await edges(["ann"], 1400, 901) == [{"e1", "e2", "e4"}]
    assert await edges([], 1400, 900) == []


async def test_devices_are_listed(store: Store) -> None:
    await greet(store, hello(1, edge="e1"), hello(1, device="phone", edge="e2"), hello(1, uid="bob"))
    await greet(store, hello(1, device="old"), now_ms=500)
    devices = store.sessions.devices
    assert await devices("ann", 1400, 900) == [Device("phone", "e2", 1000), Device("tv", "e1", 1000)]
    assert [one.device for one in await devices("ann", 1400, 901)] == ["old", "phone", "tv"]
    assert await devices("zoe", 1400, 900) == []


async def end(store: Store, device: str = "tv", now_ms: int = 2000, most: int = 8) -> int | None:
    return await store.sessions.end("ann", device, now_ms, LONG, LONG, most)


async def test_what_was_ended_needs_a_token_issued_later(store: Store) -> None:
    await greet(store, hello(2**53 - 1), hello(1, device="phone"))
    assert await end(store) == 2**53 - 1
    assert [one.device for one in await store.sessions.devices("ann", 2000, LONG)] == ["phone"]
    assert await store.sessions.edges(["ann"], 2000, LONG) == [{"e1"}]
    old, new = (Hello("ann", issued_ms, Counted("tv", 3, "e1", "s")) for issued_ms in (2000, 2001))
    assert await greet(store, old, hello(1, device="phone"), Hello("ann", 5)) == [
        Verdict(Standing.REVOKED), GOOD, GOOD,
    ]  # fmt: skip
    assert await greet(store, new, now_ms=3000) == [GOOD]
    assert await greet(store, old, hello(9, uid="bob"), now_ms=3000) == [Verdict(Standing.REVOKED), GOOD]


async def test_what_was_ended_is_ended_again_alike(store: Store) -> None:
    assert await end(store) is None
    await greet(store, hello(7))
    assert await end(store, "phone") is None
    assert await end(store) == 7
    assert await end(store, now_ms=2500) == 0
    await greet(store, Hello("ann", 2001, Counted("tv", 8, "e1", "s")), now_ms=3000)
    assert await end(store, now_ms=1500) == 8, "a clock that is behind"
    assert await greet(store, Hello("ann", 2000, Counted("tv", 9, "e1", "s"))) == [Verdict(Standing.REVOKED)]


async def test_what_is_forgotten_cannot_be_ended(store: Store) -> None:
    await greet(store, hello(7))
    assert await end(store, now_ms=1000 + LONG) is None


async def test_of_many_that_were_ended_the_latest_are_known(store: Store) -> None:
    for number in range(4):
        await greet(store, hello(1, device=f"d{number}"))
        assert await end(store, f"d{number}", now_ms=2000 + number, most=3) == 1
    standing = [(await greet(store, hello(1, device=f"d{number}")))[0].standing for number in range(4)]
    assert standing == [Standing.GOOD] + [Standing.REVOKED] * 3


async def leave(store: Store, session: str, device: str = "tv", now_ms: int = 2000) -> None:
    await store.sessions.leave([("ann", device, session)], now_ms, LONG)


async def test_who_has_left_is_nowhere_but_his_n_is_known(store: Store) -> None:
    await greet(store, hello(7, "a"), hello(1, "p", device="phone", edge="e2"))
    await leave(store, "a")
    assert await store.sessions.edges(["ann"], 2000, LONG) == [{"e2"}]
    assert await store.sessions.devices("ann", 2000, LONG) == [
        Device("phone", "e2", 1000),
        Device("tv", "", 2000),
    ]
    assert await greet(store, hello(6, "b"), now_ms=1999 + LONG) == [REPLACED]
    assert await greet(store, hello(8, "c"), now_ms=3000) == [GOOD], "there is nobody to be replaced"
    assert await store.sessions.edges(["ann"], 3000, LONG) == [{"e1", "e2"}]


async def test_who_was_replaced_has_nothing_to_leave(store: Store) -> None:
    await greet(store, hello(1, "a"))
    await greet(store, hello(2, "b", edge="e2"))
    await leave(store, "a")
    await leave(store, "x", device="phone")
    await store.sessions.leave([], 2000, LONG)
    assert await store.sessions.devices("ann", 2000, LONG) == [Device("tv", "e2", 1000)]


async def test_who_says_hello_again_is_there_again(store: Store) -> None:
    await greet(store, hello(1, "a"))
    await leave(store, "a")
    assert await greet(store, hello(1, "a"), now_ms=2001) == [GOOD]
    assert await store.sessions.devices("ann", 2001, LONG) == [Device("tv", "e1", 2001)]


async def test_a_device_that_has_left_can_be_ended(store: Store) -> None:
    await greet(store, hello(1, "a"))
    await leave(store, "a")
    assert await end(store, now_ms=3000) == 1
    assert await greet(store, hello(2, "b"), now_ms=3000) == [Verdict(Standing.REVOKED)]


async def test_of_many_devices_those_that_have_left_go_first(store: Store) -> None:
    await greet(store, hello(1, "a", device="a"), hello(1, "b", device="b"), now_ms=1000)
    await leave(store, "b", device="b", now_ms=5000)
    await greet(store, hello(1, "c", device="c"), now_ms=6000, most=2)
    assert [one.device for one in await store.sessions.devices("ann", 6000, LONG)] == ["a", "c"]


async def test_a_further_device_takes_the_place_of_the_oldest(store: Store) -> None:
    await greet(store, hello(2**53 - 1, "a", device="a"), now_ms=1000, most=2)
    await greet(store, hello(1, "b", device="b"), now_ms=1001, most=2)
    assert await greet(store, hello(1, "c", device="c"), now_ms=1002, most=2) == [displacing("a", 2**53 - 1)]
    replaced_too = Verdict(Standing.GOOD, ("e1", "c"))
    assert await greet(store, hello(2, "d", device="c"), now_ms=1003, most=2) == [replaced_too]
    await leave(store, "d", device="c")
    assert await greet(store, hello(1, "e", device="e"), now_ms=2001, most=2) == [GOOD], "c was not there"
    late = 1001 + LONG
    assert await greet(store, hello(1, "f", device="f"), now_ms=late, most=2) == [GOOD], "b was forgotten"


async def test_or_is_refused_while_so_many_are_connected(store: Store) -> None:
    crowded = [Verdict(Standing.CROWDED)]

    async def come(device: str, n: int = 1, now_ms: int = 1000) -> list[Verdict]:
        said = hello(n, f"{device}{n}", device=device)
        return await greet(store, said, now_ms=now_ms, most=2, refuses=True)

    assert await come("a") == await come("b") == [GOOD]
    assert await come("c") == crowded
    assert await come("a") == [GOOD], "who is there says it again"
    assert await come("a", 2) == [Verdict(Standing.GOOD, ("e1", "a1"))], "or comes back"
    assert [one.device for one in await store.sessions.devices("ann", 1000, LONG)] == ["a", "b"]
    await leave(store, "b1", device="b")
    assert await come("c") == [GOOD]
    assert await come("b", 2) == crowded
    assert await come("d", now_ms=1000 + LONG) == [GOOD], "nobody was heard of for long"


async def test_a_part_of_the_store_that_hangs_hides_from_nobody_else_who_is_replaced(
    shared_cluster: ValkeyCluster,
) -> None:
    keys = Keys(f"t{token_hex(4)}")
    settings = StoreSettings(url=shared_cluster.url, kind="cluster", prefix=keys.prefix, timeout_s=3)
    store = await ValkeyStore.connect(settings, Rooms())
    uids = [f"u{number}" for number in range(60)]
    hanging = shared_cluster.nodes[0]
    away = await shared_cluster.slots_of(hanging)
    first, second = (
        [Hello(uid, 5, Counted("phone", n, "edge", f"s{n}")) for uid in uids] for n in (1, 2)
    )  # fmt: skip
    assert await store.sessions.greet(first, 1000, LONG, 8) == [GOOD] * len(uids)
    os.kill(hanging.pid, signal.SIGSTOP)
    try:
        verdicts = await store.sessions.greet(second, 1000, LONG, 8)
    finally:
        os.kill(hanging.pid, signal.SIGCONT)
    unknown = [uid for uid, verdict in zip(uids, verdicts, strict=True) if isinstance(verdict, StoreDown)]
    assert 0 < len(unknown) < len(uids)
    assert unknown == [uid for uid in uids if key_slot(keys.sessions(uid).encode()) in away]
    known = [verdict for verdict in verdicts if not isinstance(verdict, StoreDown)]
    assert known == [Verdict(Standing.GOOD, ("edge", "s1"))] * len(known)
    await store.close()
