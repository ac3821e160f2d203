"""Chat by rooms processes, over twins and over real servers."""

from __future__ import annotations

import asyncio
from time import time_ns

import msgspec
import pytest

from config.settings import Chat
from danmaku import chat, conversation, envelope
from danmaku.bus import BusTimeout
from danmaku.chat import (
    BlockedRow,
    BlockRow,
    ChangeGroupRow,
    Delivery,
    Done,
    EndSessionRow,
    GroupRow,
    GroupsRow,
    LeftRow,
    Presence,
    PresenceRow,
    Pulled,
    PullRow,
    ReadBy,
    ReadRow,
    ReadUpTo,
    RecallRow,
    Refused,
    Row,
    Said,
    Sessions,
    SessionsRow,
    Synced,
    SyncRow,
    Typing,
    TypingRow,
    Users,
)
from danmaku.conversation import Appoint, Create, Kick, Leave
from danmaku.envelope import MAX_MESSAGE_BYTES, Replaced
from danmaku.rows import HelloRow
from danmaku.wire import JSON
from edge import chat_rows
from tests.contract.rooms_chat import PAIR, TEAM, Talk, frames, send
from tests.contract.rooms_service import Running, Service
from tests.waiting import until


async def test_a_message_is_stored_and_can_be_pulled(talk: Talk) -> None:
    first = await talk.get(Said, send("ann", "c1", text="one", mention=["bob"]))
    assert (first.conv, first.seq, first.duplicate) == (PAIR, 1, False)
    second = await talk.get(Said, send("bob", "c1", text="two"))
    found = await talk.pull("ann", PAIR)
    assert (found.last_seq, found.more, found.complete, found.refused) == (2, False, True, None)
    common = {"t": "chat", "conv": PAIR, "cid": "c1", "kind": "message"}
    assert frames(found) == [
        common
        | {"seq": 1, "from": "ann", "at": first.at, "body": [{"type": "text", "text": "one"}]}
        | {"mention": ["bob"]},
        common | {"seq": 2, "from": "bob", "at": second.at, "body": [{"type": "text", "text": "two"}]},
    ]


async def test_the_same_cid_ten_times_at_once_makes_one_message(live: Service, talk: Talk) -> None:
    await live.start()
    answers = [one for (one,) in await asyncio.gather(*(talk.ask(send("ann", "c1")) for _ in range(10)))]
    said = [one for one in answers if isinstance(one, Said)]
    assert len({(one.seq, one.at) for one in said}) == 1
    assert sorted(one.duplicate for one in said) == [False] + [True] * 9
    assert (await talk.pull("ann", PAIR)).last_seq == 1


async def test_many_at_once_by_two_processes_have_one_order(live: Service, talk: Talk) -> None:
    await live.start()
    await talk.change("u0", Create("Team", [f"u{number}" for number in range(1, 10)]))

    async def sender(uid: str) -> list[int]:
        seqs = []
        for number in range(1, 11):
            said = await talk.get(Said, send(uid, f"c{number}", TEAM, session=uid, n=number))
            seqs.append(said.seq)
        return seqs

    seqs = await asyncio.gather(*(sender(f"u{number}") for number in range(10)))
    assert all(own == sorted(own) for own in seqs)
    assert sorted(seq for own in seqs for seq in own) == list(range(2, 102))
    found = await talk.pull("u0", TEAM, limit=200)
    assert [seq for seq, _ in found.messages] == list(range(1, 102))


async def test_a_message_that_comes_late_is_refused(talk: Talk) -> None:
    await talk.get(Said, send("ann", "c2", session="s", n=2))
    assert await talk.refused(send("ann", "c1", session="s", n=1)) == "conflict"
    assert (await talk.get(Said, send("ann", "c2", session="s", n=2))).duplicate


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (send("zoe", "c1"), "not_a_member"),
        (send("ann", "c 1"), "bad_id"),
        (send("ann", "c1", "p:bob:ann"), "bad_id"),
        (send("ann", "c1", "g:none"), "no_such_conversation"),
        (send("zoe", "c1", TEAM), "not_a_member"),
        (send("bob", "c1", TEAM, mention="all"), "forbidden"),
        (send("bob", "c1", TEAM, mention=["u"] * 101), "too_large"),
        (RecallRow("bob", TEAM, 99), "no_such_message"),
        (RecallRow("bob", TEAM, 2), "forbidden"),
        (RecallRow("bob", "g:", 2), "bad_id"),
        (RecallRow("zoe", TEAM, 2), "not_a_member"),
        (ReadRow("zoe", TEAM, 2), "not_a_member"),
        (ReadRow("zoe", PAIR, 2), "not_a_member"),
        (ReadRow("ann", "x", 2), "bad_id"),
        (TypingRow("zoe", PAIR), "not_a_member"),
        (GroupRow("zoe", "team"), "not_a_member"),
        (GroupRow("zoe", "none"), "no_such_conversation"),
        (GroupRow("zoe", "no ne"), "bad_id"),
        (PullRow("ann", [("x", 0, 1)]), "bad_id"),
        (PullRow("ann", [(PAIR, 0, 1)] * 101), "too_large"),
        (BlockRow("ann", "ann", True), "bad_id"),
        (ChangeGroupRow("zoe", "team", Kick("bob")), "not_a_member"),
        (ChangeGroupRow("zoe", "team", Leave()), "not_a_member"),
    ],
)
async def test_a_refusal_has_its_name_and_stores_nothing(talk: Talk, row: Row, name: str) -> None:
    await talk.change("ann", Create("Team", ["bob"]))
    await talk.get(Said, send("ann", "c0", TEAM))
    assert await talk.refused(row) == name
    assert (await talk.pull("ann", TEAM)).last_seq == 2
    assert (await talk.pull("ann", PAIR)).last_seq == 0


async def test_rows_are_answered_each_by_itself(talk: Talk) -> None:
    answers = await talk.ask(send("ann", "c1"), send("zoe", "c1"), send("bob", "c1"), BlockedRow("ann"))
    assert [type(answer) for answer in answers] == [Said, Refused, Said, Users]
    assert await talk.ask() == []


async def test_who_is_blocked_is_told_so(talk: Talk) -> None:
    assert await talk.get(Done, BlockRow("bob", "ann", True)) == Done()
    assert (await talk.get(Users, BlockedRow("bob"))).ids == ["ann"]
    assert await talk.refused(send("ann", "c1")) == "blocked"
    await talk.get(Said, send("bob", "c1"))
    await talk.get(Done, BlockRow("bob", "ann", False))
    await talk.get(Said, send("ann", "c1"))


async def test_a_user_sees_and_ends_his_sessions(live: Service, talk: Talk) -> None:
    """Every edge is told; a hint that got lost is made good by the hello that is said again."""
    told: list[Replaced] = []
    await live.bus.subscribe(
        live.subjects.replaced, lambda payload, _: told.append(envelope.decode_replaced(payload))
    )
    await live.bus.flush(20)
    await talk.connect("ann", "tv", "e1")
    await talk.connect("ann", "phone", "e2")
    devices = (await talk.get(Sessions, SessionsRow("ann"))).devices
    assert [(device, edge) for device, edge, _ in devices] == [("phone", "e2"), ("tv", "e1")]
    assert (await talk.get(Sessions, SessionsRow("bob"))).devices == []
    assert await talk.refused(EndSessionRow("bob", "tv")) == "no_such_device"
    assert await talk.ask(EndSessionRow("ann", "tv")) == [Done()]
    assert await talk.ask(EndSessionRow("ann", "tv")) == [Done()], "asked again, it is ended all the same"
    assert [one[0] for one in (await talk.get(Sessions, SessionsRow("ann"))).devices] == ["phone"]
    await until(lambda: len(told) == 2)
    assert told == [Replaced("ann", "tv", 2, why="ended"), Replaced("ann", "tv", 1, why="ended")]
    rows = [HelloRow("ann", 5, device, 1, "e1", f"s-{device}") for device in ("tv", "phone")]
    answers = await live.users(*rows)
    assert [getattr(one, "name", "done") for one in answers] == ["unauthorized", "done"]


async def test_whether_a_user_is_there_is_for_those_who_talk_with_him(talk: Talk) -> None:
    await talk.connect("bob", "tv", "e1")
    asked = PresenceRow("ann", "bob")
    assert await talk.refused(asked) == "forbidden"
    await talk.change("bob", Create("Team", ["ann"]))
    assert (await talk.get(Presence, asked)).online
    await talk.change("ann", Leave())
    assert await talk.refused(asked) == "forbidden"
    await talk.get(Said, send("ann", "c1"))
    assert (await talk.get(Presence, asked)).online
    assert await talk.get(Presence, PresenceRow("bob", "ann")) == Presence(online=False)
    await talk.get(Done, LeftRow("bob", "tv", "s-tv"))
    left = await talk.get(Presence, asked)
    assert not left.online
    assert left.seen_ms is not None
    await talk.get(Done, BlockRow("bob", "ann", True))
    assert await talk.refused(asked) == "forbidden"
    assert await talk.refused(PresenceRow("ann", "ann")) == "bad_id"


async def test_edges_are_heard_of(live: Service, process: Running) -> None:
    living = process.process._living
    for payload in (b"\xc1", envelope.encode(envelope.EdgeReport("e9", [], 0))):
        await live.bus.publish(live.subjects.edge_report, payload)
    await until(lambda: "e9" in living._heard)


async def test_what_was_said_is_answered_alike_whatever_holds_now(talk: Talk) -> None:
    said = await talk.get(Said, send("ann", "c1"))
    await talk.get(Done, BlockRow("bob", "ann", True))
    again = await talk.get(Said, send("ann", "c1"))
    assert (again.seq, again.at, again.duplicate) == (said.seq, said.at, True)


async def test_what_was_said_by_who_may_not_speak_any_more_is_not_told_again(talk: Talk) -> None:
    await talk.listen("e1")
    await talk.connect("bob", "tv", "e1")
    await talk.get(Said, send("ann", "c1"))
    await talk.until_heard(1)
    await talk.get(Done, BlockRow("bob", "ann", True))
    assert (await talk.get(Said, send("ann", "c1"))).duplicate
    await talk.get(Said, send("bob", "c2"))
    heard = await talk.until_heard(2)
    assert [one.seq for _, one in heard if isinstance(one, Delivery)] == [1, 2]
    await talk.get(Done, BlockRow("bob", "ann", False))
    assert (await talk.get(Said, send("ann", "c1"))).duplicate
    heard = await talk.until_heard(3)
    assert [one.seq for _, one in heard if isinstance(one, Delivery)] == [1, 2, 1]


async def test_mentions_of_strangers_are_not_counted(talk: Talk) -> None:
    await talk.change("ann", Create("Team", ["bob"]))
    mention = ["bob", "zoe"]
    await talk.get(Said, send("ann", "c1", TEAM, mention=mention))
    await talk.get(Said, send("ann", "c1", mention=mention))
    store = await talk.service.open_store()
    for conv in (TEAM, PAIR):
        places = [(await store.conversations.places(uid, [conv]))[0] for uid in mention]
        assert [place.mentions for place in places] == [1, 0]
    assert all(frame.get("mention") in (None, mention) for frame in frames(await talk.pull("bob", TEAM)))


async def test_a_recall_takes_the_content_away(talk: Talk) -> None:
    await talk.get(Said, send("ann", "c1", text="secret"))
    await talk.get(Said, send("bob", "c2"))
    recall = await talk.get(Said, RecallRow("ann", PAIR, 1))
    assert (recall.seq, recall.duplicate) == (3, False)
    again = await talk.get(Said, RecallRow("ann", PAIR, 1))
    assert (again.seq, again.at, again.duplicate) == (3, recall.at, True)
    found = await talk.pull("bob", PAIR)
    assert b"secret" not in chat.encode(found)
    told = frames(found)
    assert told[0] == {"t": "chat", "conv": PAIR, "seq": 1, "kind": "gone"}
    expected = {
        "t": "chat",
        "conv": PAIR,
        "seq": 3,
        "from": "ann",
        "at": recall.at,
        "kind": "recall",
        "of": 1,
    }
    assert told[2] == expected
    assert await talk.refused(RecallRow("ann", PAIR, 3)) == "no_such_message"


async def test_a_message_is_recalled_in_time_or_by_staff(live: Service) -> None:
    await live.sole_owner(chat=Chat(recall_s=0))
    talk = Talk(live)
    await talk.change("ann", Create("Team", ["bob"]))
    said = await talk.get(Said, send("bob", "c1", TEAM))
    await until(lambda: time_ns() // 1_000_000 > said.at)
    assert await talk.refused(RecallRow("bob", TEAM, said.seq)) == "too_late_to_recall"
    await talk.get(Said, RecallRow("ann", TEAM, said.seq))


async def test_private_messages_are_told_where_both_have_devices(talk: Talk) -> None:
    for edge in ("e1", "e2", "e3"):
        await talk.listen(edge)
    await talk.connect("ann", "tv", "e1")
    await talk.connect("bob", "phone", "e1")
    await talk.connect("bob", "tv", "e2")
    await talk.connect("zoe", "tv", "e3")
    said = await talk.get(Said, send("ann", "c1"))
    heard = await talk.until_heard(2)
    assert [edge for edge, _ in heard] == ["e1", "e2"]
    (message,) = (await talk.pull("bob", PAIR)).messages
    told = Delivery(PAIR, 1, 0, ["ann", "bob"], conversation.frame(PAIR, *message))
    assert [one for _, one in heard] == [told, told]
    await talk.get(Said, send("ann", "c1"))
    again = await talk.until_heard(4)
    assert [one for _, one in again] == [told] * 4
    assert said.seq == 1
    await talk.get(Said, RecallRow("ann", PAIR, 1))
    await talk.get(Said, RecallRow("ann", PAIR, 1))
    seqs = [one.seq for _, one in await talk.until_heard(8) if isinstance(one, Delivery)]
    assert sorted(seqs) == [1] * 4 + [2] * 4


async def test_what_is_read_and_who_is_writing_is_told_in_private(talk: Talk) -> None:
    await talk.listen("e1")
    await talk.listen("e2")
    await talk.connect("ann", "tv", "e1")
    await talk.connect("bob", "tv", "e2")
    await talk.get(Said, send("ann", "c1"))
    await talk.until_heard(2)
    talk.heard.clear()
    assert await talk.get(ReadUpTo, ReadRow("bob", PAIR, 9)) == ReadUpTo(PAIR, 1)
    assert await talk.get(ReadUpTo, ReadRow("bob", PAIR, -5)) == ReadUpTo(PAIR, 1)
    read = ReadBy(PAIR, "bob", 1, ["ann", "bob"])
    assert await talk.until_heard(2) == [("e1", read), ("e2", read)]
    talk.heard.clear()
    await talk.get(Done, TypingRow("ann", PAIR))
    assert await talk.until_heard(1) == [("e2", Typing(PAIR, "ann", ["bob"]))]
    talk.heard.clear()
    await talk.get(Done, BlockRow("ann", "bob", True))
    assert await talk.refused(TypingRow("bob", PAIR)) == "blocked"
    await talk.get(Done, TypingRow("ann", PAIR))
    assert await talk.until_heard(1) == [("e2", Typing(PAIR, "ann", ["bob"]))]


async def test_whom_one_blocks_is_not_told_how_far_one_has_read(talk: Talk) -> None:
    await talk.listen("e1")
    await talk.listen("e2")
    await talk.connect("ann", "tv", "e1")
    await talk.connect("bob", "tv", "e2")
    await talk.get(Said, send("ann", "c1"))
    await talk.until_heard(2)
    talk.heard.clear()
    await talk.get(Done, BlockRow("bob", "ann", True))
    await talk.get(ReadUpTo, ReadRow("bob", PAIR, 1))
    assert await talk.until_heard(1) == [("e2", ReadBy(PAIR, "bob", 1, ["bob"]))]
    [place] = (await talk.get(Synced, SyncRow("ann", 9))).conversations
    assert (place.last_seq, place.other_read_seq) == (1, 0)
    await talk.get(Done, BlockRow("bob", "ann", False))
    [place] = (await talk.get(Synced, SyncRow("ann", 9))).conversations
    assert place.other_read_seq == 1
    talk.heard.clear()
    await talk.get(Said, send("ann", "c2"))
    await talk.get(ReadUpTo, ReadRow("bob", PAIR, 2))
    heard = await talk.until_heard(4)
    assert [one for one in heard if isinstance(one[1], ReadBy)] == [
        (edge, ReadBy(PAIR, "bob", 2, ["ann", "bob"])) for edge in ("e1", "e2")
    ]


async def test_a_sync_tells_where_a_user_stands(talk: Talk) -> None:
    await talk.change("bob", Create("Team", ["ann"]))
    await talk.get(Said, send("bob", "c1", TEAM))
    for number in range(3):
        await talk.get(Said, send("bob", f"c{number}"))
    await talk.get(ReadUpTo, ReadRow("ann", PAIR, 1))
    await talk.change("ann", Create("Left", ["bob"]), "left")
    await talk.change("bob", Leave(), "left")
    synced = await talk.get(Synced, SyncRow("ann", 100))
    places = [(one.conv, one.last_seq, one.read_seq, one.unread) for one in synced.conversations]
    assert places == [("g:left", 2, 1, 0), (TEAM, 2, 1, 1), (PAIR, 3, 1, 2)]
    assert [(one.name, one.role, one.version) for one in synced.conversations] == [
        ("Left", "owner", 2),
        ("Team", "member", 1),
        (None, None, 0),
    ]
    last = (await talk.pull("ann", PAIR)).messages[-1]
    assert (synced.conversations[2].last, synced.cursor) == (last, None)
    await talk.get(Said, send("bob", "c2", TEAM, mention="all"))
    await talk.change("bob", Appoint("ann", "admin"))
    await talk.get(Said, send("ann", "c1", TEAM))
    await talk.get(Said, send("bob", "c3", TEAM, mention="all"))
    await talk.get(Said, send("bob", "c4", TEAM, mention=["ann"]))
    await talk.get(Said, send("bob", "c5", TEAM, mention=["ann"]))
    await talk.get(Said, RecallRow("bob", TEAM, 7))
    synced = await talk.get(Synced, SyncRow("ann", 100))
    assert [(one.unread, one.mentions) for one in synced.conversations] == [(0, 0), (3, 2), (2, 0)]
    page = await talk.get(Synced, SyncRow("ann", 2))
    assert (page.conversations, page.cursor) == (synced.conversations[:2], TEAM)
    assert (await talk.get(Synced, SyncRow("ann", 2, TEAM))).conversations == synced.conversations[2:]
    assert [one.conv for one in (await talk.get(Synced, SyncRow("bob", 9))).conversations] == [TEAM, PAIR]


async def test_an_answer_stays_below_what_the_bus_carries(talk: Talk) -> None:
    convs = [f"p:ann:u{number:02}" for number in range(60)]
    for number in range(2):
        await talk.ask(*(send("ann", f"c{number}", conv, "x" * 11_000) for conv in convs))
    row = PullRow("ann", [(conv, 0, 50) for conv in convs])
    seen: dict[str, list[int]] = {conv: [] for conv in convs}
    while row.convs:
        pulled = await talk.get(Pulled, row)
        assert len(chat.encode(pulled)) < MAX_MESSAGE_BYTES
        assert any(one.messages for one in pulled.results)
        for one in pulled.results:
            seen[one.conv] += [seq for seq, _ in one.messages]
        row.convs = [(one.conv, len(seen[one.conv]), 50) for one in pulled.results if one.more]
    assert set(map(tuple, seen.values())) == {(1, 2)}
    synced: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await talk.get(Synced, SyncRow("ann", 500, cursor))
        assert len(chat.encode(page)) < MAX_MESSAGE_BYTES
        synced += [one.conv for one in page.conversations]
        cursor = page.cursor
    assert synced == convs


async def test_an_answer_stays_below_what_the_asker_takes(talk: Talk) -> None:
    most = 6000
    conv = f"p:ann:{'u' * 60}"
    for cid, text in [("large", "x" * 8000), *((f"c{number}", "hi") for number in range(100))]:
        await talk.get(Said, send("ann", cid, conv, text))
    seqs: list[int] = []
    more = True
    while more:
        pulled = await talk.get(Pulled, PullRow("ann", [(conv, len(seqs), 200)], most))
        (one,) = pulled.results
        assert one.messages
        assert len(one.messages) == 1 or len(chat_rows.results(JSON, pulled)) < 2 * most
        seqs += [seq for seq, _ in one.messages]
        more = one.more
    assert seqs == list(range(1, 102))
    for number in range(60):
        await talk.get(Said, send("zoe", "c1", f"p:{number:064}:zoe", "hi"))
    convs: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await talk.get(Synced, SyncRow("zoe", 500, cursor, most))
        assert len(chat_rows.summaries(JSON, page)) < 2 * most
        convs += [one.conv for one in page.conversations]
        cursor = page.cursor
    assert len(set(convs)) == len(convs) == 60


async def test_answers_that_do_not_fit_together_are_refused(live: Service, talk: Talk) -> None:
    store = await live.open_store()
    await store.contacts.add([("ann", f"g:{number:064}") for number in range(900)])
    rows: list[Row] = [GroupsRow("ann")] * 10
    assert {one.name for one in await talk.ask(*rows) if isinstance(one, Refused)} == {"unavailable"}
    assert len((await talk.get(Users, rows[0])).ids) == 900


@pytest.mark.parametrize(
    ("private", "name"), [("nobody", "forbidden"), ("shared_group", "forbidden"), ("shared_group", None)]
)
async def test_private_chat_can_be_limited(live: Service, private: str, name: str | None) -> None:
    limits = msgspec.convert({"private": private}, Chat)
    await live.sole_owner(chat=limits)
    talk = Talk(live)
    await talk.change("ann", Create("Team", ["zoe"] if name else ["zoe", "bob"]))
    if name:
        assert await talk.refused(send("ann", "c1")) == name
        assert await talk.refused(TypingRow("ann", PAIR)) == name
        assert (await talk.get(Synced, SyncRow("bob", 9))).conversations == []
    else:
        await talk.get(Said, send("ann", "c1"))
        await talk.get(Done, TypingRow("ann", PAIR))


async def test_only_so_many_are_blocked(live: Service) -> None:
    await live.sole_owner(chat=Chat(blocked_users=1))
    talk = Talk(live)
    await talk.get(Done, BlockRow("ann", "bob", True))
    assert await talk.refused(BlockRow("ann", "zoe", True)) == "conflict"


async def test_heads_tell_where_something_was_said(live: Service, talk: Talk) -> None:
    heads: dict[str, tuple[int, int]] = {}

    def receive(payload: bytes, _: str) -> None:
        heads.update(chat.decode_heads(payload).heads)

    await live.bus.subscribe(live.subjects.chat_heads, receive)
    await talk.change("ann", Create("Team"))
    await talk.get(Said, send("ann", "c1"))
    await until(lambda: heads == {TEAM: (1, 1), PAIR: (1, 0)})


async def test_junk_gets_no_answer(live: Service, talk: Talk) -> None:
    with pytest.raises(BusTimeout):
        await live.bus.request(live.subjects.chat, b"\xc1", 0.3)
    await talk.get(Said, send("ann", "c1"))


async def test_a_process_that_stops_answers_what_it_was_asked(live: Service, talk: Talk) -> None:
    other = await live.start()
    asking = [asyncio.create_task(talk.ask(send("ann", f"c{n}"))) for n in range(30)]
    await asyncio.sleep(0)
    await other.end()
    answers = [(await one)[0] for one in asking]
    assert sorted(answer.seq for answer in answers if isinstance(answer, Said)) == list(range(1, 31))


async def test_messages_and_pulls_are_counted_by_what_became_of_them(process: Running, talk: Talk) -> None:
    await talk.get(Said, send("ann", "c1"))
    await talk.get(Said, send("ann", "c1"))
    await talk.get(Said, RecallRow("ann", PAIR, 1))
    await talk.change("ann", Create("Team"))
    await talk.pull("ann", PAIR)

    def count(outcome: str) -> float:
        return process.metric("danmaku_rooms_chat_messages_total", outcome=outcome)

    assert [count(one) for one in ("ok", "duplicate", "recall", "member", "late")] == [1, 1, 1, 1, 0]
    assert process.metric("danmaku_rooms_chat_pulls_total") == 1
    assert process.metric("danmaku_rooms_chat_pulled_messages_total") == 2
