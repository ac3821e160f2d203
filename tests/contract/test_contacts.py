"""A user's conversations, and whom he blocks."""

from __future__ import annotations

from danmaku.store import Store


async def test_conversations_are_listed_in_order_page_by_page(store: Store) -> None:
    convs = ["g:a", "g:b", "p:ann:bob", "p:ann:cid"]
    await store.contacts.add([("ann", conv) for conv in reversed(convs)])
    await store.contacts.add([("bob", "p:ann:bob"), ("ann", "g:a")])
    assert await store.contacts.conversations("ann", "", 9) == convs
    assert await store.contacts.conversations("ann", "", 2) == convs[:2]
    assert await store.contacts.conversations("ann", "g:b", 1) == convs[2:3]
    assert await store.contacts.conversations("ann", "p:ann:cid", 9) == []
    assert await store.contacts.conversations("bob", "", 9) == ["p:ann:bob"]
    assert await store.contacts.groups("ann") == ["g:a", "g:b"]
    assert await store.contacts.groups("bob") == []
    assert await store.contacts.count_groups(["ann", "bob", "zoe"]) == [2, 0, 0]
    assert await store.contacts.count_groups([]) == []


async def test_what_is_removed_is_not_listed(store: Store) -> None:
    await store.contacts.add([("ann", "g:a"), ("ann", "g:b"), ("bob", "g:a")])
    await store.contacts.remove([("ann", "g:a"), ("bob", "g:b")])
    await store.contacts.remove([])
    assert await store.contacts.conversations("ann", "", 9) == ["g:b"]
    assert await store.contacts.conversations("bob", "", 9) == ["g:a"]


async def test_so_many_users_are_blocked_and_unblocked(store: Store) -> None:
    contacts = store.contacts
    assert await contacts.block("ann", "zoe", 2)
    assert await contacts.block("ann", "bob", 2)
    assert await contacts.block("ann", "bob", 2)
    assert not await contacts.block("ann", "cid", 2)
    assert await contacts.blocked("ann") == ["bob", "zoe"]
    assert await contacts.blocks([("ann", "bob"), ("bob", "ann"), ("ann", "cid")]) == [True, False, False]
    await contacts.unblock("ann", "bob")
    await contacts.unblock("ann", "cid")
    assert await contacts.blocked("ann") == ["zoe"]
    assert await contacts.blocks([]) == []
