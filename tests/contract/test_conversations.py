"""Messages of a conversation: one order, each once, and what becomes of them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from time import time_ns
from typing import Any

import pytest

from danmaku.conversation import Member, Mention
from danmaku.store import Store
from danmaku.store.conversations import (
    MENTIONS,
    Append,
    Appended,
    Ask,
    Change,
    Effect,
    Facts,
    Outcast,
    Outcome,
    Place,
    Pull,
    Recall,
    Run,
)
from tests.contract.conftest import CHAT
from tests.waiting import until

PAIR = "p:ann:bob"
TEAM = "g:team"
MUCH = 1 << 20
KEPT, AGE_MS = CHAT.private_messages, CHAT.private_s * 1000

ANN = Member("ann", "owner")
BOB = Member("bob", "member")


def message(cid: str, uid: str = "ann", at: int = 1000, conv: str = PAIR, **more: Any) -> Append:
    return Append(conv, uid, at, cid.encode(), cid, **({"indexed": True} | more))


async def say(store: Store, *appends: Append) -> list[Appended | Exception]:
    return await store.conversations.append(list(appends))


async def many(store: Store, count: int, conv: str = PAIR, at: int = 1000) -> None:
    await say(store, *(message(f"c{number}", conv=conv, at=at) for number in range(1, count + 1)))


async def recall(store: Store, of: int, at: int = 1000, conv: str = PAIR, **more: Any) -> Appended:
    return await store.conversations.recall(Recall(conv, "ann", at, b"recall", of, **more))


async def change(store: Store, version: int, uid: str = "ann", conv: str = TEAM, **effect: Any) -> Appended:
    told = Change(conv, uid, 1000, b"change", version, Effect(**effect))
    return await store.conversations.change(told)


async def pull(
    store: Store, conv: str = PAIR, after: int = 0, limit: int = 50, uid: str = "ann", max_bytes: int = MUCH
) -> Run:
    (run,) = await store.conversations.pull(uid, [Pull(conv, after, limit)], max_bytes)
    return run


async def place(store: Store, uid: str, conv: str = PAIR) -> Place:
    (found,) = await store.conversations.places(uid, [conv])
    return found


async def facts(store: Store, conv: str = PAIR, *uids: str, **more: Any) -> Facts:
    (found,) = await store.conversations.facts([Ask(conv, uids, **more)])
    return found


def ok(seq: int, at: int = 1000) -> Appended:
    return Appended(Outcome.OK, seq, at)


def again(seq: int, at: int = 1000) -> Appended:
    return Appended(Outcome.DUPLICATE, seq, at)


async def test_messages_are_numbered_from_one(store: Store) -> None:
    assert await say(store, message("c1"), message("c2", "bob", 1005)) == [ok(1), ok(2, 1005)]
    assert await say(store, message("c3")) == [ok(3)]
    assert await pull(store) == Run(PAIR, 3, 0, [(1, b"c1"), (2, b"c2"), (3, b"c3")])


async def test_a_conversation_begins_when_it_is_indexed(store: Store) -> None:
    new = message("c1", session="s", n=1, indexed=False)
    assert await say(store, new, new) == [Appended(Outcome.NEW)] * 2
    said = await say(store, replace(new, indexed=True), new, replace(new, cid="c2", n=2))
    assert said == [ok(1), again(1), ok(2)]


async def test_each_conversation_has_numbers_of_its_own(store: Store) -> None:
    assert await say(store, message("c1"), message("c1", conv="p:ann:cid")) == [ok(1), ok(1)]


async def test_the_same_cid_gives_the_first_answer(store: Store) -> None:
    await say(store, message("c1"), message("c2"))
    assert await say(store, message("c1", at=2000), message("c1", "bob", 2000)) == [again(1), ok(3, 2000)]
    assert (await pull(store)).last_seq == 3


async def test_ten_at_once_with_one_cid_make_one_message(store: Store) -> None:
    answers = await asyncio.gather(*(say(store, message("c1", at=1000 + n)) for n in range(10)))
    appended = [answer for (answer,) in answers if isinstance(answer, Appended)]
    assert sorted(one.outcome.value for one in appended) == ["duplicate"] * 9 + ["ok"]
    assert len({(one.seq, one.at) for one in appended}) == 1
    assert len((await pull(store)).messages) == 1


async def test_what_many_say_at_once_has_no_gap(store: Store) -> None:
    said = [[message(f"{uid}{n}", uid) for n in range(4)] for uid in ("ann", "bob")]
    answers = await asyncio.gather(*(say(store, one) for lot in said for one in lot))
    assert sorted(answer.seq for (answer,) in answers if isinstance(answer, Appended)) == list(range(1, 9))


async def test_a_session_s_message_does_not_slip_in_behind_its_successor(store: Store) -> None:
    late = Appended(Outcome.LATE)
    assert await say(store, message("c2", session="s", n=2)) == [ok(1)]
    assert await say(store, message("c1", session="s", n=1), message("cx", session="s", n=2)) == [late, late]
    assert await say(store, message("c2", session="s", n=2)) == [again(1)]
    assert await say(store, message("c1", session="other", n=1), message("c3", session="s", n=3)) == [
        ok(2),
        ok(3),
    ]


async def test_what_is_too_much_is_trimmed_and_nothing_is_made_up_for_it(store: Store) -> None:
    await many(store, KEPT + 3)
    run = await pull(store)
    assert (run.begin, run.last_seq) == (3, KEPT + 3)
    assert [seq for seq, _ in run.messages] == list(range(4, KEPT + 4))


async def test_what_is_too_old_is_trimmed_but_never_the_newest(store: Store) -> None:
    await many(store, 3)
    await say(store, message("new", at=1000 + AGE_MS))
    assert (await pull(store)).begin == 0
    await say(store, message("newer", at=1001 + AGE_MS))
    run = await pull(store)
    assert (run.begin, [seq for seq, _ in run.messages]) == (3, [4, 5])
    await say(store, message("last", at=9_000_000), message("backwards", at=5))
    assert [seq for seq, _ in (await pull(store)).messages] == [6, 7]


async def test_a_clock_that_jumps_ages_no_message_alone(store: Store) -> None:
    """Of the process that says it: what it says has a wrong time then, and nothing goes because of it."""
    now_ms, jump_ms = time.time_ns() // 1_000_000, 10 * AGE_MS
    for cid, at in (("c1", now_ms), ("c2", now_ms + jump_ms), ("c3", now_ms - jump_ms), ("c4", now_ms)):
        await say(store, message(cid, at=at))
    run = await pull(store)
    assert (run.begin, [seq for seq, _ in run.messages]) == (0, [1, 2, 3, 4])


async def test_groups_are_kept_by_their_own_measure(store: Store) -> None:
    await change(store, 0, put=(ANN,))
    await many(store, CHAT.group_messages + 1, TEAM)
    run = await pull(store, TEAM)
    assert (run.begin, len(run.messages)) == (2, CHAT.group_messages)


async def test_a_pull_is_bounded(store: Store) -> None:
    await many(store, 6)
    assert [seq for seq, _ in (await pull(store, after=2, limit=3)).messages] == [3, 4, 5]
    assert [seq for seq, _ in (await pull(store, after=2, max_bytes=5)).messages] == [3, 4]
    assert [seq for seq, _ in (await pull(store, after=2, max_bytes=0)).messages] == [3]
    assert await pull(store, after=6) == Run(PAIR, 6, 6, [])
    assert await pull(store, after=2**53) == Run(PAIR, 6, 2**53, [])
    assert await pull(store, "p:ann:zoe") == Run("p:ann:zoe", 0, 0, [])


async def test_many_are_pulled_at_once_and_share_the_bytes(store: Store) -> None:
    convs = [f"p:ann:u{number}" for number in range(4)]
    for conv in convs:
        await many(store, 3, conv)
    runs = await store.conversations.pull("ann", [Pull(conv, 1, 9) for conv in convs], 8)
    assert [run.conv for run in runs] == convs
    assert [run.messages for run in runs] == [[(2, b"c2")]] * 4
    assert await store.conversations.pull("ann", [], 8) == []


async def test_what_was_recalled_is_gone(store: Store) -> None:
    await many(store, 4)
    assert await recall(store, 2, 1007) == ok(5, 1007)
    assert await recall(store, 3) == ok(6)
    expected = [(1, b"c1"), (2, b""), (3, b""), (4, b"c4"), (5, b"recall"), (6, b"recall")]
    assert (await pull(store)).messages == expected
    assert (await pull(store, after=1, limit=2)).messages == expected[1:3]
    assert (await pull(store, after=2, limit=2)).messages == expected[2:4]
    assert (await pull(store, limit=2)).messages == expected[:2]


async def test_a_recall_happens_once(store: Store) -> None:
    await many(store, 2)
    answers = await asyncio.gather(*(recall(store, 1, 1000 + number) for number in range(5)))
    assert sorted(answer.outcome.value for answer in answers) == ["duplicate"] * 4 + ["ok"]
    assert len({(answer.seq, answer.at) for answer in answers}) == 1
    found = await facts(store, seq=1)
    assert (found.message, found.recall) == (None, (3, answers[0].at))


@pytest.mark.parametrize("of", [0, 3, 2**53])
async def test_what_is_not_there_is_not_recalled(store: Store, of: int) -> None:
    await many(store, 2)
    assert await recall(store, of) == Appended(Outcome.GONE)
    assert (await pull(store)).last_seq == 2


async def test_a_recall_is_forgotten_when_it_is_trimmed_itself(store: Store) -> None:
    await many(store, 1)
    await recall(store, 1)
    await say(store, *(message(f"d{number}") for number in range(KEPT + 1)))
    assert (await facts(store, seq=1)).recall is None
    assert await recall(store, 1) == Appended(Outcome.GONE)


async def test_who_speaks_has_read_what_came_before(store: Store) -> None:
    await many(store, 3)
    bob = await place(store, "bob")
    assert (bob.last_seq, bob.read_seq, bob.unread, bob.last) == (3, 0, 3, (3, b"c3"))
    ann = await place(store, "ann")
    assert (ann.read_seq, ann.unread) == (3, 0)
    await say(store, message("re", "bob"))
    assert ((await place(store, "bob")).unread, (await place(store, "ann")).unread) == (0, 1)


async def test_a_read_position_never_goes_back_or_past_the_end(store: Store) -> None:
    await many(store, 5)
    read = store.conversations.read
    assert await read(PAIR, "bob", 3) == (3, True)
    assert await read(PAIR, "bob", 3) == (3, False)
    assert await read(PAIR, "bob", 2) == (3, False)
    assert (await place(store, "bob")).unread == 2
    assert await read(PAIR, "bob", 2**53 - 1) == (5, True)
    assert (await place(store, "bob")).unread == 0
    assert await read("p:bob:cid", "bob", 3) == (0, False)


async def test_only_messages_are_unread(store: Store) -> None:
    await many(store, 4)
    await recall(store, 4)
    await store.conversations.read(PAIR, "bob", 2)
    assert (await place(store, "bob")).unread == 2
    await store.conversations.read(PAIR, "bob", 3)
    assert (await place(store, "bob")).unread == 0  # what is behind it was taken back
    await say(store, message("c6"))
    assert (await place(store, "bob")).unread == 1


async def test_mentions_are_counted_until_they_are_read(store: Store) -> None:
    await change(store, 0, put=(ANN, BOB))
    mentioned: list[Mention | None] = [["bob"], "all", None, ["bob", "zoe"], ["zoe"]]
    for number, mention in enumerate(mentioned, 2):
        await say(store, message(f"c{number}", conv=TEAM, mention=mention))

    async def mentions(*uids: str) -> list[int]:
        return [(await place(store, uid, TEAM)).mentions for uid in uids]

    assert await mentions("ann", "bob", "zoe") == [0, 3, 3]
    await store.conversations.read(TEAM, "bob", 2)
    assert await mentions("bob", "zoe") == [2, 3]
    await recall(store, 5, conv=TEAM, mention=["bob", "zoe"])
    assert await mentions("bob", "zoe") == [1, 2]
    await recall(store, 3, conv=TEAM, mention="all")
    assert await mentions("bob", "zoe") == [0, 1]
    await say(store, message("c7", "bob", conv=TEAM, mention=["ann"]))
    assert await mentions("ann", "bob") == [1, 0]


async def test_only_so_many_mentions_are_known(store: Store) -> None:
    for number in range(1, MENTIONS + 3):
        await say(store, message(f"c{number}", mention=["bob"]))
    found = await place(store, "bob")
    assert (found.unread, found.mentions) == (MENTIONS + 2, MENTIONS)
    await store.conversations.read(PAIR, "bob", 3)
    assert (await place(store, "bob")).mentions == MENTIONS - 1


async def test_what_was_trimmed_need_not_be_read(store: Store) -> None:
    await many(store, KEPT + 4)
    await store.conversations.read(PAIR, "bob", 1)
    assert await place(store, "bob") == Place(
        PAIR, KEPT + 4, 1, KEPT, (KEPT + 4, b"c12"), other_read_seq=KEPT + 4
    )


async def test_a_group_is_made_once(store: Store) -> None:
    assert await change(store, 0, name="Team", created_ms=7, put=(ANN, BOB)) == ok(1)
    assert await change(store, 0, name="Other", put=(BOB,)) == Appended(Outcome.STALE)
    found = await facts(store, TEAM, "ann", "zoe")
    ann = replace_since(ANN, 1)
    assert found == Facts(1, 1, "Team", 7, members={"ann": ann})
    assert await facts(store, TEAM, "ann", "zoe", size=True) == replace(found, size=2)
    whole, members = await store.conversations.members(TEAM)
    assert (whole, members) == (replace(found, members={}, size=2), [ann, replace_since(BOB, 1)])
    nothing = await store.conversations.members("g:none")
    assert nothing == (Facts(0), [])


async def test_a_change_is_carried_out_with_its_message(store: Store) -> None:
    await change(store, 0, put=(ANN, BOB), name="Team")
    await change(store, 1, put=(Member("zoe", "member"), Member("bob", "admin", 1, -1)), drop=("ann",))
    _, members = await store.conversations.members(TEAM)
    assert members == [Member("bob", "admin", 1, -1), Member("zoe", "member", 2)]
    await change(store, 2, muted=True, dissolved=True)
    found = await facts(store, TEAM)
    assert (found.version, found.name, found.muted, found.dissolved) == (3, "Team", True, True)
    await change(store, 3, muted=False)
    assert not (await facts(store, TEAM)).muted
    assert (await pull(store, TEAM, uid="bob")).last_seq == 4


async def test_what_was_decided_about_another_version_is_not_done(store: Store) -> None:
    await change(store, 0, put=(ANN, BOB))
    assert await say(store, message("c1", conv=TEAM, version=1)) == [ok(2)]
    await change(store, 1, drop=("bob",))
    stale = Appended(Outcome.STALE)
    assert await say(store, message("c2", "bob", conv=TEAM, version=1)) == [stale]
    assert await recall(store, 2, conv=TEAM, version=1) == stale
    assert await change(store, 1, drop=("ann",)) == stale
    assert await change(store, 0, drop=("ann",)) == stale
    assert (await facts(store, TEAM)).last_seq == 3
    assert await say(store, message("c1", conv=TEAM, version=1)) == [again(2)]


async def test_a_change_with_a_cid_is_made_once(store: Store) -> None:
    async def changed(uid: str, version: int, cid: str, **effect: Any) -> Appended:
        told = Change(TEAM, uid, 1000, b"change", version, Effect(**effect), cid)
        return await store.conversations.change(told)

    assert await changed("ann", 0, "c1", put=(ANN, BOB)) == ok(1)
    assert await say(store, message("c1", conv=TEAM)) == [ok(2)]  # messages have cids of their own
    assert await changed("bob", 1, "c1", drop=("bob",)) == ok(3)
    for version in (-1, 1, 2):
        assert await changed("bob", version, "c1", drop=("ann",)) == again(3)
    assert await changed("bob", 1, "c2", drop=("ann",)) == Appended(Outcome.STALE)
    found = await facts(store, TEAM, "ann", "bob", change=("bob", "c1"))
    assert (found.version, found.made, list(found.members)) == (2, (3, 1000), ["ann"])
    assert (await facts(store, TEAM, change=("bob", "c2"))).made is None
    same = await asyncio.gather(*(changed("ann", 2, "c3", name="Club") for _ in range(5)))
    assert sorted(one.outcome.value for one in same) == ["duplicate"] * 4 + ["ok"]
    assert {one.seq for one in same} == {4}


async def test_it_is_known_how_far_the_other_one_has_read(store: Store) -> None:
    await many(store, 3)
    assert (await place(store, "ann")).other_read_seq == 0
    assert (await place(store, "bob")).other_read_seq == 3
    await store.conversations.read(PAIR, "bob", 2)
    assert (await place(store, "ann")).other_read_seq == 2
    await change(store, 0, put=(ANN, BOB))
    assert (await place(store, "bob", TEAM)).other_read_seq == 0


async def test_members_see_what_was_said_since_they_came(store: Store) -> None:
    await change(store, 0, put=(ANN,))
    await say(store, message("c1", conv=TEAM))
    await change(store, 1, put=(BOB,))
    await say(store, message("c2", conv=TEAM))
    bob = await pull(store, TEAM, uid="bob")
    assert (bob.begin, [seq for seq, _ in bob.messages], bob.member) == (2, [3, 4], replace_since(BOB, 3))
    assert len((await pull(store, TEAM)).messages) == 4
    assert (await place(store, "bob", TEAM)).unread == 1
    stranger = await pull(store, TEAM, uid="zoe")
    assert (stranger.member, stranger.messages) == (None, [])


async def test_who_comes_again_begins_anew(store: Store) -> None:
    await change(store, 0, put=(ANN, BOB), name="Team")
    await say(store, message("c1", conv=TEAM))
    await change(store, 1, "bob", drop=("bob",))
    left = await place(store, "bob", TEAM)
    assert (left.member, left.read_seq) == (None, 0)
    await change(store, 2, put=(BOB,))
    back = await place(store, "bob", TEAM)
    assert back == Place(TEAM, 4, 4, 0, (4, b"change"), "Team", 3, replace_since(BOB, 4))


async def test_who_went_is_remembered_until_he_comes_again(store: Store) -> None:
    await change(store, 0, put=(ANN, BOB), name="Team")
    gone = Outcast("bob", True, 5)
    await change(store, 1, drop=("bob",), outcasts=(gone,))
    assert (await facts(store, TEAM, "ann", "bob", outcasts=True)).outcasts == {"bob": gone}
    assert (await facts(store, TEAM, "ann", "bob")).outcasts == {}
    await change(store, 2, put=(BOB,))
    assert (await facts(store, TEAM, "bob", outcasts=True)).outcasts == {}


async def test_what_is_known_before_something_is_decided(store: Store) -> None:
    assert await facts(store, cid=("ann", "c1"), seq=1) == Facts(0)
    await say(store, message("c1", at=1003))
    assert await facts(store, cid=("ann", "c1"), seq=1) == Facts(1, known=(1, 1003), message=b"c1")
    assert (await facts(store, cid=("bob", "c1"))).known is None
    convs = [PAIR, "p:ann:cid", TEAM]
    found = await store.conversations.facts([Ask(conv) for conv in convs])
    assert [one.last_seq for one in found] == [1, 0, 0]
    assert await store.conversations.facts([]) == []


async def test_a_sweep_finds_where_something_was_said(store: Store) -> None:
    sweep = store.conversations.sweep
    assert await sweep("one", 60_000, 60_000) == {}
    await change(store, 0, put=(ANN,))
    await many(store, 3)
    await say(store, message("c1", conv="p:ann:cid"))
    expected = {PAIR: (3, 0), "p:ann:cid": (1, 0), TEAM: (1, 1)}
    assert await sweep("one", 60_000, 60_000) == expected
    assert await sweep("other", 60_000, 60_000) == {}
    assert await sweep("one", 1, 60_000) == expected

    async def is_free() -> bool:
        return await sweep("other", 60_000, 60_000) == expected

    await until(is_free)


async def test_a_sweep_tells_once_of_what_was_long_ago(store: Store) -> None:
    await many(store, 1)
    said_ms = time_ns() // 1_000_000
    await until(lambda: time_ns() // 1_000_000 > said_ms + 50)
    assert await store.conversations.sweep("one", 60_000, 5) == {PAIR: (1, 0)}
    assert await store.conversations.sweep("one", 60_000, 60_000) == {}


def replace_since(member: Member, since: int) -> Member:
    return Member(member.uid, member.role, since, member.muted_until_ms)
