"""Revocations and refresh-token families."""

from __future__ import annotations

from danmaku.store import Store
from danmaku.store.tokens import Spent
from tests.contract.conftest import until

GRACE = 30_000
LONG = 60_000


async def spend(store: Store, n: int, now_ms: int, family: str = "f") -> Spent | None:
    return await store.tokens.spend("ann", family, n, now_ms, GRACE, LONG)


async def test_nothing_is_revoked_at_first(store: Store) -> None:
    assert await store.tokens.revoked_ms(["ann", "bob"]) == [0, 0]
    assert await store.tokens.revoked_ms([]) == []


async def test_revoking_never_goes_back(store: Store) -> None:
    await store.tokens.revoke("ann", 1_700_000_000_123, LONG)
    await store.tokens.revoke("ann", 1_600_000_000_000, LONG)
    assert await store.tokens.revoked_ms(["bob", "ann", "ann"]) == [0, 1_700_000_000_123, 1_700_000_000_123]


async def test_a_revocation_is_forgotten_after_its_time(store: Store) -> None:
    await store.tokens.revoke("ann", 5, 30)

    async def forgotten() -> bool:
        return await store.tokens.revoked_ms(["ann"]) == [0]

    await until(forgotten)


async def test_tokens_of_a_family_are_spent_one_after_another(store: Store) -> None:
    assert await spend(store, 1, 1000) == Spent(2, 1000)
    assert await spend(store, 2, 2000) == Spent(3, 2000)
    assert await spend(store, 3, 3000) == Spent(4, 3000)


async def test_a_repeat_within_the_grace_time_gets_the_same_answer(store: Store) -> None:
    await spend(store, 1, 1000)
    assert await spend(store, 1, 1000 + GRACE) == Spent(2, 1000)
    assert await spend(store, 2, 40_000) == Spent(3, 40_000)


async def test_a_late_repeat_revokes_the_family(store: Store) -> None:
    await spend(store, 1, 1000)
    assert await spend(store, 1, 1001 + GRACE) is None
    assert await spend(store, 2, 1001 + GRACE) is None
    assert await spend(store, 1, 1000, "other") == Spent(2, 1000)


async def test_reusing_an_older_one_revokes_the_family(store: Store) -> None:
    await spend(store, 1, 1000)
    await spend(store, 2, 2000)
    assert await spend(store, 1, 2001) is None
    assert await spend(store, 3, 2002) is None


async def test_one_that_was_never_given_out_revokes_the_family(store: Store) -> None:
    await spend(store, 1, 1000)
    assert await spend(store, 3, 1001) is None
    assert await spend(store, 2, 1002) is None


async def test_families_of_users_are_apart(store: Store) -> None:
    await spend(store, 1, 1000)
    assert await store.tokens.spend("bob", "f", 1, 5000, GRACE, LONG) == Spent(2, 5000)


async def test_a_family_that_was_forgotten_starts_where_it_is(store: Store) -> None:
    """What is known of a family lives as long as its tokens, so a valid one without it is not a reuse."""
    assert await spend(store, 5, 1000) == Spent(6, 1000)
    assert await spend(store, 4, 1001) is None
