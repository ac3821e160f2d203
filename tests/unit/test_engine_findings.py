"""What the doctor thinks of what the servers of bus and store say."""

from __future__ import annotations

import pytest
from redis.crc import REDIS_CLUSTER_HASH_SLOTS

from danmaku.engine_findings import (
    SLOTS,
    Facts,
    Seen,
    answering,
    copies,
    deposed,
    durability,
    memory,
    standing,
    together,
    watching,
)

GOOD = {"appendonly": "yes", "appendfsync": "always", "maxmemory": "0", "maxmemory-policy": "noeviction"}


def facts(
    where: str = "a:1",
    version: str = "9.1",
    apart_s: float = 0,
    role: str = "master",
    replicas: int = 1,
    **config: str,
) -> Facts:
    changed = {key.replace("_", "-"): value for key, value in config.items()}
    return Facts(where, version, apart_s, role, replicas, {**GOOD, **changed})


def test_a_cluster_has_as_many_slots_as_the_client_says() -> None:
    assert SLOTS == REDIS_CLUSTER_HASH_SLOTS


def test_servers_of_the_bus_that_do_not_answer_are_told() -> None:
    assert answering(["a"], {}).text == "a answers"
    assert answering(["a", "b"], {}).text == "2 servers answer"
    some = answering(["a"], {"b": "b is away"})
    assert (some.state, some.text) == ("warning", "1 of 2 answer; b is away")
    assert answering([], {"b": "b is away"}).state == "broken"
    assert together([]).state == "ok"
    assert (together(["b"]).state, "b" in together(["b"]).text) == ("broken", True)


@pytest.mark.parametrize(
    ("one", "state", "says"),
    [
        (facts(), "ok", "x answers, version 9.1"),
        (facts(version="6.2.1"), "broken", "version 6.2.1"),
        (facts(role="slave"), "broken", "is a replica"),
        (facts(apart_s=-7), "warning", "7 s away"),
    ],
)
def test_how_it_stands(one: Facts, state: str, says: str) -> None:
    found = standing("x", [one])
    assert (found.state, says in found.text) == (state, True)


def test_how_several_stand() -> None:
    assert standing("x", [facts(), facts(version="9.0")]).text == "2 primaries answer, version 9.0, 9.1"
    missing = standing("x", [facts()], SLOTS - 3)
    assert (missing.state, missing.text[:7]) == ("broken", "3 slots")


@pytest.mark.parametrize(
    ("one", "state", "says"),
    [
        (facts(), "ok", "on disk"),
        (facts(appendonly="no"), "warning", "goes with it"),
        (facts(appendfsync="everysec"), "warning", "a power failure"),
        (Facts("a:1", "9.1", 0, "master", 0), "warning", "may not be asked"),
    ],
)
def test_what_a_store_keeps_on_its_disk_is_judged(one: Facts, state: str, says: str) -> None:
    found = durability([one])
    assert (found.state, says in found.text) == (state, True)


def test_a_store_that_may_throw_keys_away_is_told() -> None:
    assert memory([facts()]).state == "ok"
    assert memory([Facts("a:1", "9.1", 0, "master", 0)]).state == "ok"
    assert memory([facts(maxmemory_policy="allkeys-lru")]).state == "warning"
    assert memory([facts(maxmemory_policy="allkeys-lru", maxmemory="1000")]).state == "broken"


@pytest.mark.parametrize(
    ("wanted", "replicas", "state", "says"),
    [
        (1, 0, "broken", "b:2 has 0 replicas, store.replicas is 1: nothing of chat is acknowledged"),
        (0, 0, "warning", "b:2 has 0 replicas: nobody takes over"),
        (0, 1, "warning", "b:2 has 1 replicas, another primary 2: any may take over, and 0 have"),
        (1, 1, "warning", "b:2 has 1 replicas, another primary 2: any may take over, and 1 have"),
        (0, 2, "warning", "any of 2 replicas may take over, and 0 have"),
        (1, 2, "warning", "any of 2 replicas may take over, and 1 have"),
        (2, 2, "ok", "all 2 replicas have what is acknowledged"),
    ],
)
def test_replicas_that_are_missing_are_told(wanted: int, replicas: int, state: str, says: str) -> None:
    found = copies(wanted, [facts(replicas=2), facts(where="b:2", replicas=replicas)])
    assert (found.state, says in found.text) == (state, True)


def test_no_advice_stops_the_chat_of_a_primary_with_fewer_replicas() -> None:
    uneven = [facts(replicas=2), facts(where="b:2", replicas=1)]
    assert copies(1, uneven).mend == "give each primary the same number of replicas"
    assert copies(2, uneven).state == "broken"
    assert copies(1, [facts(replicas=2), facts(where="b:2", replicas=2)]).mend[:18] == "store.replicas = 2"


def test_a_replica_that_is_away_may_take_over_when_it_is_back() -> None:
    assert copies(1, [facts(replicas=1)], known=1).state == "ok"
    found = copies(1, [facts(replicas=1)], known=2)
    assert (found.state, found.mend[:11]) == ("warning", "start the 1")
    found = copies(1, [facts(replicas=2)], known=2)
    assert (found.state, found.mend[:18]) == ("warning", "store.replicas = 2")


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (facts(min_replicas_to_write="0"), "warning"),
        (facts(min_replicas_to_write="1"), "ok"),
        (facts(), "ok"),  # it may not be asked
    ],
)
def test_a_primary_that_may_be_replaced_while_it_hangs(one: Facts, state: str) -> None:
    assert deposed([one]).state == state


def test_sentinels_that_do_not_answer_are_told() -> None:
    three = dict.fromkeys("abc", Seen(2, 1))
    assert watching(3, three, vouched=True).text == "3 know of each other"
    assert watching(2, dict.fromkeys("ab", Seen(1, 1)), vouched=True).state == "warning"
    found = watching(2, {"a": Seen(1, 1), "b": "no answer"}, vouched=True)
    assert (found.state, found.text) == ("warning", "1 of 2 do not answer; b: no answer")
    assert watching(1, {"a": Seen(2, 1)}, vouched=False).state == "broken"
