from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Review
from danmaku import held
from danmaku.errors import Refusal
from danmaku.held import Held
from danmaku.model import Act, Role
from rooms.held import HeldQueue, decision

LIMITS = Review(held_kept=3, held_bytes=1024, held_s=100)
LEASE = 7
NOW = 1_000_000


def queue(*kept: Held, limits: Review = LIMITS) -> HeldQueue:
    return HeldQueue(LEASE, limits, 10, kept)


def act(verb: str = "approve", act: str = "a1", by: str = "mod", at_ms: int = NOW) -> Act:
    return Act(act, at_ms, by, Role.MODERATOR, verb, "r")


def store(waiting: HeldQueue) -> None:
    waiting.stored(*waiting.to_store())


def hold(waiting: HeldQueue, cid: str, now_ms: int = NOW, item: bytes = b"item") -> None:
    waiting.hold(("ann", cid), item, "link", now_ms)


def ids(waiting: HeldQueue, after: str = "", now_ms: int = NOW) -> list[str]:
    return [one.id for one in waiting.page(after, 100, now_ms)]


def refused(waiting: HeldQueue, held: str, asked: Act) -> str:
    with pytest.raises(Refusal) as caught:
        waiting.find(held, asked)
    return caught.value.name


def test_it_is_held_when_the_store_has_it() -> None:
    waiting = queue()
    hold(waiting, "c1")
    assert (waiting.has_unsaved, len(waiting), ids(waiting)) == (True, 1, [])
    assert not waiting.knows(("ann", "c1"))
    kept, gone = waiting.to_store()
    assert (kept, gone) == ([Held("7-1", "ann", "c1", NOW, b"item", "link")], [])
    hold(waiting, "c2")
    waiting.stored(kept, gone)
    assert (waiting.has_unsaved, len(waiting), ids(waiting)) == (True, 2, ["7-1"])
    assert waiting.knows(("ann", "c1"))
    assert [one.cid for one in waiting.to_store()[0]] == ["c2"]


def test_pages_go_on_behind_an_id_in_order_of_arrival() -> None:
    waiting = queue(limits=Review())
    for number in range(12):
        hold(waiting, f"c{number}")
    store(waiting)
    assert [one.id for one in waiting.page("", 2, NOW)] == ["7-1", "7-2"]
    assert ids(waiting, "7-9") == ["7-10", "7-11", "7-12"]
    assert ids(waiting, "6-99")[:1] == ["7-1"]
    with pytest.raises(ValueError, match="invalid"):
        waiting.page("x", 2, NOW)


def test_a_page_is_no_larger_than_a_message_can_be() -> None:
    waiting = queue(limits=Review(held_bytes=10**7))
    for number in range(8):
        hold(waiting, f"c{number}", item=bytes(60_000))
    hold(waiting, "large", item=bytes(300_000))
    hold(waiting, "after")
    store(waiting)
    assert len(waiting.page("", 100, NOW)) == 4
    assert ids(waiting, "7-8") == ["7-9"]


def test_a_full_queue_takes_no_more_until_somebody_decides() -> None:
    waiting = queue()
    for number in range(3):
        hold(waiting, f"c{number}")
    with pytest.raises(Refusal, match="unavailable"):
        hold(waiting, "c3")
    store(waiting)
    with pytest.raises(Refusal, match="unavailable"):
        hold(waiting, "c3")
    waiting.decided(decision(waiting.find("7-1", act()), act()))
    hold(waiting, "c3")
    assert len(waiting) == 3


def test_bytes_are_bounded_too() -> None:
    waiting = queue()
    hold(waiting, "c1", item=bytes(1000))
    with pytest.raises(Refusal, match="unavailable"):
        hold(waiting, "c2", item=bytes(100))
    store(waiting)
    with pytest.raises(Refusal, match="unavailable"):
        hold(waiting, "c2", item=bytes(100))
    waiting.decided(decision(waiting.find("7-1", act("deny")), act("deny")))
    hold(waiting, "c2", item=bytes(100))


def test_one_decides_and_who_asks_again_hears_the_same() -> None:
    waiting = queue()
    hold(waiting, "c1")
    hold(waiting, "c2")
    store(waiting)
    one = waiting.find("7-1", act())
    approved = decision(one, act())
    assert approved == Held(
        "7-1", "ann", "c1", NOW, b"", "link", decision="approve", by="mod", decided_ms=NOW, act="a1"
    )
    waiting.decided(approved)
    waiting.decided(decision(waiting.find("7-2", act("deny", "a2")), act("deny", "a2")))
    assert ids(waiting) == []
    assert waiting.find("7-1", act()) == approved
    assert refused(waiting, "7-1", act(act="other")) == "conflict"
    assert refused(waiting, "7-2", act(act="other")) == "conflict"
    assert refused(waiting, "7-3", act()) == "no_such_message"
    assert not waiting.knows(("ann", "c1")), "its sender is told where it stands"
    assert waiting.knows(("ann", "c2"))


def test_what_is_too_old_goes_here_and_in_the_store() -> None:
    waiting = queue()
    hold(waiting, "c1")
    hold(waiting, "c2")
    store(waiting)
    waiting.decided(decision(waiting.find("7-2", act("deny")), act("deny")))
    later = NOW + 10_001
    assert refused(waiting, "7-2", act(at_ms=later)) == "no_such_message"
    assert not waiting.knows(("ann", "c2"))
    assert waiting.to_store() == ([], ["7-2"])
    hold(waiting, "c3", later)
    store(waiting)
    assert waiting.to_store() == ([], [])
    assert ids(waiting, now_ms=NOW + 100_001) == ["7-3"]
    waiting.decided(decision(Held("7-1", "ann", "c1", NOW), act()))
    assert ids(waiting, now_ms=NOW + 100_002) == ["7-3"], "it was looked through a moment ago"


def test_no_more_decisions_are_remembered_than_comments_may_wait() -> None:
    waiting = queue()
    for number in range(5):
        hold(waiting, f"c{number}", NOW + number)
        store(waiting)
        asked = act("deny", f"a{number}", at_ms=NOW + number)
        waiting.decided(decision(waiting.find(f"7-{number + 1}", asked), asked))
    assert ids(waiting, now_ms=NOW + 2000) == []
    assert waiting.to_store() == ([], ["7-1", "7-2"])


def test_a_new_owner_goes_on_where_the_one_before_left() -> None:
    denied = Held("5-1", "bob", "c1", NOW, decision="deny", by="mod", decided_ms=NOW, act="a1")
    waiting = queue(denied, Held("5-2", "ann", "c1", NOW, b"item"))
    assert ids(waiting) == ["5-2"]
    hold(waiting, "c2")
    store(waiting)
    assert ids(waiting) == ["5-2", "7-1"]
    assert waiting.find("5-1", act("deny")) == denied
    assert waiting.knows(("bob", "c1"))


def test_a_room_that_is_loaded_again_gives_no_id_twice() -> None:
    before = queue()
    hold(before, "c1")
    hold(before, "c2")
    kept, _ = before.to_store()
    again = queue(*reversed(kept), Held("5-9", "bob", "c1", NOW, b"item"), limits=Review())
    hold(again, "c3")
    store(again)
    assert {one.id: one.cid for one in again.page("", 9, NOW)} == {
        "7-2": "c2",
        "7-1": "c1",
        "5-9": "c1",
        "7-3": "c3",
    }
    empty = HeldQueue(LEASE, LIMITS, 10, first=40)
    hold(empty, "c1")
    store(empty)
    assert ids(empty, "7-39") == ["7-40"], "who follows has asked behind the last one"


def test_the_same_sender_may_use_a_cid_again_when_it_is_forgotten() -> None:
    waiting = queue()
    hold(waiting, "c1")
    hold(waiting, "c1")
    store(waiting)
    waiting.decided(decision(waiting.find("7-1", act("approve")), act("approve")))
    assert waiting.knows(("ann", "c1")), "the other one waits still"


def test_of_a_room_that_was_closed_for_good_nothing_waits() -> None:
    waiting = queue()
    hold(waiting, "c1")
    store(waiting)
    waiting.clear()
    assert (len(waiting), ids(waiting), waiting.to_store()) == (0, [], ([], []))
    assert not waiting.knows(("ann", "c1"))


def test_what_is_taken_back_is_denied_stored_or_not() -> None:
    waiting, clear = queue(), act("clear")
    hold(waiting, "c1")
    waiting.hold(("bob", "c1"), b"item", "link", NOW)
    store(waiting)
    hold(waiting, "c2")
    denied = [decision(one, clear) for one in waiting.undecided("ann")]
    assert [(one.id, one.decision, one.by, one.item) for one in denied] == [
        ("7-1", "deny", "mod", b""),
        ("7-3", "deny", "mod", b""),
    ]
    waiting.stored(denied, ())
    assert (ids(waiting), len(waiting), waiting.has_unsaved) == (["7-2"], 1, False)
    assert refused(waiting, "7-1", act(act="other")) == "conflict"
    assert waiting.knows(("ann", "c2"))
    waiting.stored([decision(one, clear) for one in waiting.undecided(None)], ())
    assert (ids(waiting), waiting.undecided(None)) == ([], [])
    hold(waiting, "large", item=bytes(1024))


def test_what_is_dropped_before_it_is_stored_takes_no_room() -> None:
    waiting = queue()
    hold(waiting, "c1", item=bytes(1024))
    assert waiting.drop_unsaved() == [("ann", "c1")]
    assert (len(waiting), waiting.has_unsaved, waiting.drop_unsaved()) == (0, False, [])
    hold(waiting, "c1", item=bytes(1024))


def test_what_is_kept_reads_back() -> None:
    one = Held("7-1", "ann", "c1", NOW, b"item", "link")
    assert held.decode(held.encode(one)) == one
    later = msgspec.msgpack.encode({**msgspec.to_builtins(one, builtin_types=(bytes,)), "new": 1})
    assert held.decode(later) == one


@given(st.lists(st.tuples(st.sampled_from("hsad"), st.integers(0, 5), st.integers(0, 60_000)), max_size=40))
def test_bounds_hold_and_every_comment_is_decided_once(steps: list[tuple[str, int, int]]) -> None:
    waiting, now, decisions = queue(), NOW, dict[str, str]()
    for number, (verb, which, passed) in enumerate(steps):
        now += passed
        if verb == "h":
            with suppress(Refusal):
                waiting.hold(("ann", f"c{number}"), bytes(300), "", now)
        elif verb == "s":
            store(waiting)
        else:
            asked = act("approve" if verb == "a" else "deny", f"a{number}", at_ms=now)
            page = waiting.page("", 10, now)
            if which < len(page):
                one = waiting.find(page[which].id, asked)
                assert one.id not in decisions
                decisions[one.id] = verb
                waiting.decided(decision(one, asked))
        assert len(waiting) <= LIMITS.held_kept
        shown = ids(waiting, now_ms=now)
        assert len(waiting) == len(shown) + len(waiting.to_store()[0])
        assert not set(decisions) & set(shown)
        assert all(waiting.knows((one.uid, one.cid)) for one in waiting.page("", 10, now))
