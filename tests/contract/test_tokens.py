"""Revocations and refresh-token families."""

from __future__ import annotations

import asyncio

from danmaku.store import Store
from danmaku.store.sessions import Hello, Standing, Verdict
from danmaku.store.tokens import Spent
from tests.waiting import until

GRACE = 30_000
LONG = 60_000


async def spend(
    store: Store, n: int, now_ms: int, family: str = "f", *, issued_ms: int = 1, lasts_ms: int = LONG
) -> Spent | None:
    return await store.tokens.spend(
        "ann",
        family,
        n,
        issued_ms=issued_ms,
        now_ms=now_ms,
        grace_ms=GRACE,
        until_ms=now_ms + lasts_ms,
    )


async def void(store: Store, uid: str, issued_ms: int) -> bool:
    (verdict,) = await store.sessions.greet([Hello(uid, issued_ms)], issued_ms, LONG, 8)
    return verdict == Verdict(Standing.REVOKED)


async def test_nothing_is_revoked_at_first(store: Store) -> None:
    assert not await void(store, "ann", 0)
    assert not await void(store, "ann", 5)


async def test_what_was_issued_until_then_is_void(store: Store) -> None:
    await store.tokens.revoke("ann", 1_700_000_000_123, LONG)
    assert await void(store, "ann", 1_700_000_000_122)
    assert await void(store, "ann", 1_700_000_000_123)
    assert not await void(store, "ann", 1_700_000_000_124)
    assert not await void(store, "bob", 5)


async def test_revoking_never_goes_back(store: Store) -> None:
    await store.tokens.revoke("ann", 1_700_000_000_123, LONG)
    await store.tokens.revoke("ann", 1_600_000_000_000, LONG)
    assert await void(store, "ann", 1_700_000_000_123)


async def test_a_revocation_is_forgotten_after_its_time(store: Store) -> None:
    await store.tokens.revoke("ann", 5, 30)

    async def forgotten() -> bool:
        return not await void(store, "ann", 5)

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
    times = {"issued_ms": 1, "now_ms": 5000, "grace_ms": GRACE, "until_ms": 5000 + LONG}
    assert await store.tokens.spend("bob", "f", 1, **times) == Spent(2, 5000)


async def test_a_family_that_was_forgotten_starts_where_it_is(store: Store) -> None:
    """What is known of a family lives as long as its tokens, so a valid one without it is not a reuse."""
    assert await spend(store, 5, 1000) == Spent(6, 1000)
    assert await spend(store, 4, 1001) is None


async def test_a_revoked_family_is_known_as_long_as_any_of_its_tokens_lives(store: Store) -> None:
    """The reuse is found by a token that ends long before a newer one of the family does."""
    await spend(store, 1, 1000)
    assert await spend(store, 2, 2000, lasts_ms=LONG) == Spent(3, 2000)
    assert await spend(store, 1, 2001, lasts_ms=1) is None
    await asyncio.sleep(0.05)  # as long as the reused one lives, and more
    assert await spend(store, 3, 2060, lasts_ms=LONG) is None


async def test_a_spent_token_is_known_as_long_as_any_of_its_family_lives(store: Store) -> None:
    await spend(store, 1, 1000, lasts_ms=LONG)
    assert await spend(store, 2, 2000, lasts_ms=1) == Spent(3, 2000)
    await asyncio.sleep(0.05)
    assert await spend(store, 1, 2060) is None


async def test_a_revoked_family_stays_so_for_a_token_that_lives_longer_than_was_known(store: Store) -> None:
    await spend(store, 1, 1000, lasts_ms=2000)
    assert await spend(store, 3, 1001, lasts_ms=2000) is None
    assert await spend(store, 2, 1002, lasts_ms=LONG) is None
    await asyncio.sleep(2.1)  # as long as the first two live, and more
    assert await spend(store, 2, 1003) is None


async def test_a_family_is_forgotten_after_its_last_token(store: Store) -> None:
    await spend(store, 1, 1000, lasts_ms=20)
    await asyncio.sleep(0.05)
    assert await spend(store, 7, 1000) == Spent(8, 1000)


async def test_a_revoked_user_s_token_brings_no_other(store: Store) -> None:
    """However late its refresh comes to the store: what is revoked by then counts, not what was looked up."""
    assert await spend(store, 1, 1000, issued_ms=900) == Spent(2, 1000)
    await store.tokens.revoke("ann", 1000, LONG)
    assert await spend(store, 1, 1001, issued_ms=900) is None, "not even the same answer again"
    assert await spend(store, 2, 1002, issued_ms=1000) is None
    assert await spend(store, 1, 1003, "new", issued_ms=1001) == Spent(2, 1003)


async def test_refreshes_and_a_revocation_at_once(store: Store) -> None:
    """Each refresh is refused, or its pair was issued before the revocation and so is void."""
    given, *_ = await asyncio.gather(
        asyncio.gather(*(spend(store, 1, 1000 + n, f"f{n}", issued_ms=900) for n in range(20))),
        store.tokens.revoke("ann", 2000, LONG),
    )
    for pair in given:
        assert pair is None or await void(store, "ann", pair.issued_ms)
    assert await spend(store, 1, 1000, "late", issued_ms=900) is None
