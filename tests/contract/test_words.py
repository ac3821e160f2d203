"""Lists of words are kept as a whole, by rooms and for all of them."""

from __future__ import annotations

from danmaku import change
from danmaku.change import Reworded
from danmaku.model import Act, Role
from danmaku.store import Store
from danmaku.store.audit import EVERYWHERE
from danmaku.store.words import Piece
from tests.contract.stores import ROOM, acts, take

ACT = Act("a1", 100, "ann", Role.MODERATOR, "words", ROOM)
OF_ALL = Act("a2", 100, "ann", Role.ADMIN, "words")


async def test_a_rooms_list_is_replaced_by_who_holds_the_lease(store: Store) -> None:
    lease = await take(store)
    assert await store.words.load(ROOM) == b""
    assert await store.words.save("one", lease, ROOM, b"list \x00\xff", [ACT])
    assert not await store.words.save("one", lease - 1, ROOM, b"late")
    assert not await store.words.save("two", lease, ROOM, b"another's")
    assert await store.words.load(ROOM) == b"list \x00\xff"
    assert await store.words.load("other") == b""
    assert await acts(store, ROOM) == [ACT]
    assert await store.words.save("one", lease, ROOM, b"")
    assert await store.words.load(ROOM) == b""


async def test_there_is_no_list_for_all_rooms_at_first(store: Store) -> None:
    assert await store.words.piece(0) == Piece("", 0, b"")


async def test_what_was_staged_becomes_the_list_and_is_noted(store: Store) -> None:
    for number, piece in enumerate([b"one", b"two", b"three"]):
        await store.words.stage("v1", number, piece)
    assert await store.words.staged("v1", 3) == b"onetwothree"
    assert await store.words.piece(0) == Piece("", 0, b"")
    place = (await store.changes.after(None, 1, 1)).last
    assert await store.words.replace(Reworded("v1", "ann"), 3, [OF_ALL])
    assert [await store.words.piece(n) for n in (0, 2, 3)] == [
        Piece("v1", 3, b"one"),
        Piece("v1", 3, b"three"),
        Piece("v1", 3, b""),
    ]
    news = await store.changes.after(place, 10, 1000)
    assert [change.decode(noted.entry) for noted in news.entries] == [Reworded("v1", "ann")]
    assert await acts(store, EVERYWHERE) == [OF_ALL]


async def test_said_again_it_is_done_once(store: Store) -> None:
    await store.words.stage("v1", 0, b"one")
    assert await store.words.replace(Reworded("v1", "ann"), 1)
    place = (await store.changes.after(None, 1, 1)).last
    assert await store.words.replace(Reworded("v1", "ann"), 1)
    assert (await store.changes.after(place, 10, 1000)).entries == ()
    assert await store.words.staged("v1", 1) is None


async def test_a_later_list_leaves_nothing_of_the_one_before(store: Store) -> None:
    for version, pieces in (("v1", [b"a", b"b"]), ("v2", [b"c"])):
        for number, piece in enumerate(pieces):
            await store.words.stage(version, number, piece)
        assert await store.words.replace(Reworded(version, "ann"), len(pieces))
    assert await store.words.piece(0) == Piece("v2", 1, b"c")
    assert await store.words.piece(1) == Piece("v2", 1, b"")
    assert not await store.words.replace(Reworded("v1", "ann"), 2)  # it was replaced meanwhile


async def test_a_list_may_be_replaced_in_place_of_one_version_only(store: Store) -> None:
    for version, over, done in (
        ("v1", "v0", False),
        ("v1", "", True),
        ("v2", "", False),
        ("v2", "v1", True),
        ("v2", "v1", True),
    ):
        await store.words.stage(version, 0, b"list")
        assert await store.words.replace(Reworded(version, "ann"), 1, over=over) is done


async def test_what_is_not_whole_becomes_nothing(store: Store) -> None:
    await store.words.stage("v1", 0, b"one")
    assert await store.words.staged("v1", 2) is None
    assert not await store.words.replace(Reworded("v1", "ann"), 2)
    assert not await store.words.replace(Reworded("v0", "ann"), 1)
    assert await store.words.piece(0) == Piece("", 0, b"")
