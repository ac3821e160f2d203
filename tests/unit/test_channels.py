from __future__ import annotations

import pytest

from danmaku import chat, envelope
from danmaku.envelope import OwnerReply, Owners, Row, UsersReply
from danmaku.model import Role
from danmaku.rows import Done, Elsewhere, HelloRow, JoinRow, Open, Refused, Shadowed, Shed, Shown
from danmaku.subjects import PARTITIONS, Subjects, partition_of
from edge.channels import ToAnybody, ToChat, ToOwners
from edge.owners import OwnerMap

SUBJECTS = Subjects("t")
ROW: Row = JoinRow("lobby", "ann", Role.GUEST)


def test_rows_about_rooms_go_to_the_owner() -> None:
    owners = OwnerMap()
    asked: list[bool] = []
    channel = ToOwners("edge", SUBJECTS, owners, lambda: asked.append(True))
    assert channel.route(ROW) is None
    channel.seek()
    assert asked == [True]
    owners.hear(Owners("p1", dict.fromkeys(range(PARTITIONS), 5)))
    assert channel.route(ROW) == "p1"
    assert channel.subject("p1") == SUBJECTS.owner("p1")
    request = envelope.decode_owner_request(channel.encode([ROW], 900, 7))
    assert request == envelope.OwnerRequest("edge", 900, [ROW], envelope.Sent("edge", 7))
    reply = envelope.encode(OwnerReply("p1", [Done(), Elsewhere()], {partition_of("lobby"): 5}))
    assert channel.decode(reply, [ROW, ROW]) == [Done(), Elsewhere()]
    with pytest.raises(ValueError, match="zip"):
        channel.decode(reply, [ROW])


def test_what_a_replaced_owner_thinks_does_not_count_but_what_it_did_does() -> None:
    owners = OwnerMap()
    channel = ToOwners("edge", SUBJECTS, owners, lambda: None)
    partition = partition_of("lobby")
    owners.hear(Owners("p1", {partition: 5}))
    owners.hear(Owners("p2", {partition: 6}))
    answers: list[envelope.Answer] = [Shown(5, 1, 1), Shadowed(1), Done(), Shed(), Refused("muted")]
    rows = [ROW] * len(answers)
    for epochs in ({}, {partition: 5}):
        late = envelope.encode(OwnerReply("p1", answers, epochs))
        assert channel.decode(late, rows) == [*answers[:3], Elsewhere(), Elsewhere()]
    for epoch in (6, 7):
        current = envelope.encode(OwnerReply("p2", answers, {partition: epoch}))
        assert channel.decode(current, rows) == answers


def test_an_owner_that_is_none_is_doubted_and_one_that_is_gone_forgotten() -> None:
    owners = OwnerMap()
    channel = ToOwners("edge", SUBJECTS, owners, lambda: None)
    owners.hear(Owners("p1", dict.fromkeys(range(PARTITIONS), 5)))
    channel.refer("p1", [ROW, ROW], [Done(), Open()])
    assert channel.route(ROW) == "p1"
    channel.refer("p1", [ROW], [Elsewhere()])
    assert channel.route(ROW) is None
    assert owners.processes == {"p1"}
    channel.lose("p1")
    assert owners.processes == set()


def test_rows_about_users_go_to_anybody() -> None:
    channel = ToAnybody("edge", SUBJECTS)
    row = HelloRow("ann", 5)
    destination = channel.route(row)
    assert channel.subject(destination) == SUBJECTS.users
    channel.lose(destination)
    channel.seek()
    channel.refer(destination, [row], [Done()])
    assert channel.route(row) == destination
    assert envelope.decode_users_request(channel.encode([row], 900, 7)).rows == [row]
    assert channel.decode(envelope.encode(UsersReply([Done()])), [row]) == [Done()]


def test_rows_about_conversations_go_to_anybody() -> None:
    channel = ToChat("edge", SUBJECTS)
    row = chat.ReadRow("ann", "g:team", 5)
    destination = channel.route(row)
    assert channel.subject(destination) == SUBJECTS.chat
    channel.lose(destination)
    channel.seek()
    answers: list[chat.Answer] = [chat.ReadUpTo("g:team", 5)]
    channel.refer(destination, [row], answers)
    assert channel.route(row) == destination
    assert chat.decode_request(channel.encode([row], 900, 7)) == chat.ChatRequest(
        900, [row], envelope.Sent("edge", 7)
    )
    assert channel.decode(chat.encode(chat.ChatReply(answers)), [row]) == answers
