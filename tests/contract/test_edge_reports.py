"""What an edge worker tells of itself."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from secrets import token_hex

from prometheus_client import CollectorRegistry

from danmaku import envelope
from danmaku.envelope import MAX_MESSAGE_BYTES, Counts, EdgeReport, Heads, Owners
from danmaku.model import Position
from danmaku.subjects import PARTITIONS, Subjects
from danmaku.telemetry import EdgeMetrics
from edge.forms import Form
from edge.owners import OwnerMap
from edge.reports import Reports
from edge.roster import Roster
from edge.uws import Connection
from tests.contract.edge_worker import Connect
from tests.waiting import until


async def test_counts_go_to_the_owners_in_messages_of_bounded_size(connect: Connect) -> None:
    subjects = Subjects(f"t{token_hex(4)}")
    listener = await connect()
    heard: list[Counts] = []
    reports: list[EdgeReport] = []
    sizes: list[int] = []
    answers: list[int] = []
    sending: list[asyncio.Future[None]] = []
    heads: dict[str, Position] = {}

    def counted(payload: bytes, reply: str) -> None:
        sizes.append(len(payload))
        counts = envelope.decode_counts(payload)
        heard.append(counts)
        answer = envelope.encode(Heads({room: Position(2**52, 2**52) for room in counts.rooms}))
        answers.append(len(answer))
        sending.append(asyncio.ensure_future(listener.publish(reply, answer)))

    for process in ("even", "odd"):
        await listener.subscribe(subjects.counts(process), counted)
    await listener.subscribe(
        subjects.edge_report, lambda payload, _: reports.append(envelope.decode_edge_report(payload))
    )
    await listener.flush(20)
    owners = OwnerMap()
    owners.hear(Owners("even", dict.fromkeys(range(0, PARTITIONS, 2), 5)))
    owners.hear(Owners("odd", dict.fromkeys(range(1, PARTITIONS - 2, 2), 5)))  # one has no owner
    roster: Roster[Connection] = Roster()
    told = Reports(
        await connect(),
        subjects,
        lambda: EdgeReport("edge", ["wss://a"], 0),
        owners,
        roster,
        lambda: 9,
        lambda: False,
        EdgeMetrics(CollectorRegistry()),
        heads.update,
        "9f3c/edge-1",
    )
    await told.tell()
    await until(lambda: len(heard) == 2)
    assert [(counts.edge, counts.rooms) for counts in heard] == [("9f3c/edge-1-0", {})] * 2
    assert reports == [EdgeReport("edge", ["wss://a"], 9)]

    heard.clear()
    rooms = [f"{number}-{'x' * 50}" for number in range(30_000)]
    for room in rooms:
        roster.enter(room, Form.MSGPACK)
    await told.tell()
    owned = {room: 1 for room in rooms if owners.owner(room) is not None}
    await until(lambda: sum(len(counts.rooms) for counts in heard) == len(owned))
    assert max(sizes) <= MAX_MESSAGE_BYTES
    assert {room: viewers for counts in heard for room, viewers in counts.rooms.items()} == owned
    assert len({counts.edge for counts in heard}) == len(heard) / 2
    while heads.keys() != owned.keys():
        with suppress(TimeoutError):
            await until(lambda: heads.keys() == owned.keys(), 3)
            break
        await told.tell()  # what is answered too late does not count
    assert max(answers) <= MAX_MESSAGE_BYTES
    await asyncio.gather(*sending)
