"""What an edge asks of rooms processes, over the bus and its twin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex

import pytest
from prometheus_client import CollectorRegistry

from config.settings import Rooms
from danmaku import envelope
from danmaku.envelope import Answer, Replaced, Row
from danmaku.errors import Refusal
from danmaku.event_rows import VoteRow
from danmaku.model import Position, Role
from danmaku.moderation_rows import SanctionRow
from danmaku.rows import (
    Done,
    Elsewhere,
    EventRow,
    GetRoomRow,
    HelloRow,
    JoinRow,
    LikeRow,
    Open,
    Refreshed,
    RefreshRow,
    Refused,
    SendRow,
    Shown,
)
from danmaku.subjects import Subjects
from danmaku.telemetry import EdgeMetrics
from edge.channels import Answer as AnyAnswer
from edge.outbox import Bounds
from edge.rooms_client import RoomsClient
from tests.contract.edge_owner import FakeOwner
from tests.contract.edge_worker import Connect
from tests.waiting import until


@pytest.fixture
def subjects() -> Subjects:
    return Subjects(f"t{token_hex(4)}")


@asynccontextmanager
async def client_on(
    connect: Connect,
    subjects: Subjects,
    *,
    request_s: float = 5.0,
    gather_s: float = 0.005,
    bounds: Bounds | None = None,
    window_ms: float = 50.0,
) -> AsyncIterator[tuple[RoomsClient, list[Replaced]]]:
    told: list[Replaced] = []
    client = RoomsClient(
        await connect(),
        subjects,
        "edge",
        EdgeMetrics(CollectorRegistry()).bus_seconds,
        request_s=request_s,
        gather_s=gather_s,
        rooms_limits=Rooms(window_ms=window_ms),
        bounds=bounds or Bounds(),
    )
    running = asyncio.create_task(client.run(told.append))
    try:
        yield client, told
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await client.close()


@pytest.fixture
async def owner(connect: Connect, subjects: Subjects) -> AsyncIterator[FakeOwner]:
    owner = FakeOwner(await connect(), subjects)
    await owner.start()
    yield owner
    await owner.close()


def send(number: int) -> SendRow:
    return SendRow("r", "ann", "Ann", Role.VIEWER, f"text {number}", f"c{number}")


COMMENT = send(1)
SANCTION = SanctionRow("r", "mute", "bob", "ann", Role.ADMIN, 60, "spam")
EVENT = EventRow("r", "ann", Role.STREAMER, "e1", b"\xc0")
VOTE = VoteRow("r", "ann", Role.VIEWER, "p", 1)
AT_ONCE: list[Row] = [
    LikeRow("r", "ann", Role.VIEWER, 1, 1),
    JoinRow("r", "ann", Role.VIEWER),
    GetRoomRow("r"),
]
OTHERS: list[Row] = [*AT_ONCE, SANCTION, EVENT, VOTE]


async def test_rows_of_one_window_share_a_request(
    connect: Connect, subjects: Subjects, owner: FakeOwner
) -> None:
    async with client_on(connect, subjects, request_s=30) as (client, _):  # asked once, however late
        answers = await asyncio.gather(*(client.ask(send(number)) for number in range(100)))
        assert [answer.seq for answer in answers if isinstance(answer, Shown)] == list(range(1, 101))
        assert len(owner.requests) == 1
        assert owner.requests[0].edge == "edge"
        assert 0 < owner.requests[0].budget_ms <= 30_000


async def test_the_first_row_after_a_pause_does_not_wait_for_others(
    connect: Connect, subjects: Subjects, owner: FakeOwner
) -> None:
    async with client_on(connect, subjects, gather_s=3600) as (client, _):
        assert isinstance(await client.ask(send(1)), Shown)


async def test_comments_wait_for_others_and_nobody_waits_with_them(
    connect: Connect, subjects: Subjects, owner: FakeOwner
) -> None:
    owner.judge = lambda _: Done()
    client_there = client_on(connect, subjects, request_s=300, gather_s=0.001, window_ms=100_000)  # 20 s
    async with client_there as (client, _):
        await client.ask(send(1))
        comments = [asyncio.create_task(client.ask(send(2)))]
        await asyncio.sleep(0.1)  # a hundred times as long as anything else waits
        for row in OTHERS:
            assert await client.ask(row) == Done()
        comments.append(asyncio.create_task(client.ask(send(3))))
        await asyncio.sleep(0)
        heir = FakeOwner(await connect(), subjects, "heir", epoch=200)
        heir.judge = lambda _: Done()
        await heir.start()
        await heir.tell()  # owners changed, so nobody waits any longer
        assert await asyncio.gather(*comments) == [Done()] * 2
        asked = [[type(row) for row in request.rows] for request in owner.requests]
        assert asked == [[SendRow], *([type(row)] for row in OTHERS)]
        assert [[type(row) for row in request.rows] for request in heir.requests] == [[SendRow, SendRow]]
        await heir.close()


@pytest.mark.parametrize("waiting", [COMMENT, SANCTION, EVENT, VOTE], ids=type)
async def test_what_is_answered_late_does_not_hold_up_what_is_not(
    connect: Connect, subjects: Subjects, owner: FakeOwner, waiting: Row
) -> None:
    """A reply waits for all its answers: they are asked in one moment, and not in one request."""
    owner.judge = lambda _: Done()
    others = [*AT_ONCE, SANCTION, EVENT] if waiting is COMMENT else AT_ONCE
    async with client_on(connect, subjects, request_s=30) as (client, _):
        await asyncio.gather(*(client.ask(row) for row in (waiting, *others)))
    assert [request.rows for request in owner.requests if waiting in request.rows] == [[waiting]]


async def test_they_wait_for_no_more_than_a_part_of_the_time_they_have(
    connect: Connect, subjects: Subjects, owner: FakeOwner
) -> None:
    async with client_on(connect, subjects, request_s=20, window_ms=3_600_000) as (client, _):
        answers = [await client.ask(send(number)) for number in range(2)]
        assert all(isinstance(answer, Shown) for answer in answers)


@pytest.mark.parametrize(
    "row", [SendRow("r", "ann", "Ann", Role.VIEWER, "text", "c"), GetRoomRow("r")], ids=type
)
async def test_rows_without_an_owner_are_asked_about_as_soon_as_there_is_one(
    connect: Connect, subjects: Subjects, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.gather.PAUSE_S", 3600)
    async with client_on(connect, subjects, request_s=30) as (client, _):
        asking = asyncio.create_task(client.ask(row))
        await asyncio.sleep(0.05)  # it found nobody
        owner = FakeOwner(await connect(), subjects)
        owner.judge = lambda _: Done()
        await owner.start()
        assert await asking == Done()
        await owner.close()


async def test_without_a_window_nothing_waits(connect: Connect, subjects: Subjects, owner: FakeOwner) -> None:
    owner.judge = lambda _: Done()
    client_there = client_on(connect, subjects, request_s=7200, gather_s=0, window_ms=3_600_000)
    async with client_there as (client, _):
        for number in range(3):
            assert await client.ask(send(number)) == Done()


async def test_large_requests_are_split(connect: Connect, subjects: Subjects, owner: FakeOwner) -> None:
    async with client_on(connect, subjects) as (client, _):
        rows = [SendRow("r", "ann", "Ann", Role.VIEWER, "x" * 9000, f"c{number}") for number in range(100)]
        owner.judge = lambda _: Done()
        answers = await asyncio.gather(*(client.ask(row) for row in rows))
        assert answers == [Done()] * 100
        assert len(owner.requests) == 2
        huge = SendRow("r", "ann", "Ann", Role.VIEWER, "x" * 600_000, "c")
        with pytest.raises(Refusal, match="too_large"):
            await client.ask(huge)


async def test_a_refusal_is_raised_as_it_is(connect: Connect, subjects: Subjects, owner: FakeOwner) -> None:
    owner.judge = lambda _: Refused("slow_mode", "wait a little", 1500)
    async with client_on(connect, subjects) as (client, _):
        with pytest.raises(Refusal) as caught:
            await client.ask(send(1))
        assert (caught.value.name, caught.value.message, caught.value.retry_ms) == (
            "slow_mode", "wait a little", 1500,
        )  # fmt: skip


async def test_an_owner_that_is_no_longer_one_sends_rows_to_the_next(
    connect: Connect, subjects: Subjects, owner: FakeOwner
) -> None:
    async with client_on(connect, subjects) as (client, _):
        assert isinstance(await client.ask(send(1)), Shown)
        owner.judge = lambda _: Elsewhere()
        owner.partitions = {}
        heir = FakeOwner(await connect(), subjects, "heir", epoch=200)
        await heir.start()
        assert isinstance(await client.ask(send(2)), Shown)
        assert [row.cid for request in heir.requests for row in request.rows if isinstance(row, SendRow)] == [
            "c2"
        ]
        await heir.close()


async def test_rows_that_got_no_answer_are_asked_again(
    connect: Connect, subjects: Subjects, owner: FakeOwner
) -> None:
    async with client_on(connect, subjects, request_s=30) as (client, _):
        await client.ask(send(1))
        owner.silent = True
        asking = asyncio.create_task(client.ask(send(2)))
        await asyncio.sleep(0)
        heir = FakeOwner(await connect(), subjects, "heir", epoch=200)
        await heir.start()
        await heir.tell()
        assert isinstance(await asking, Shown)
        await heir.close()


async def test_an_act_that_is_asked_again_is_the_same_act(
    connect: Connect, subjects: Subjects, owner: FakeOwner
) -> None:
    asked: list[str] = []

    def judge(row: Row) -> Answer:
        assert isinstance(row, SanctionRow)
        asked.append(row.act)
        return Open() if len(asked) % 3 else Done()

    owner.judge = judge
    async with client_on(connect, subjects, request_s=30) as (client, _):
        for _ in range(2):
            assert await client.ask(SanctionRow("r", "mute", "bob", "ann", Role.ADMIN)) == Done()
    first, second = asked[0], asked[3]
    assert asked == [first] * 3 + [second] * 3
    assert "" != first != second


async def test_after_its_time_a_row_is_refused(connect: Connect, subjects: Subjects) -> None:
    async with client_on(connect, subjects, request_s=0.5) as (client, _):
        with pytest.raises(Refusal) as caught:
            await client.ask(send(1))
        assert (caught.value.name, caught.value.retry_ms) == ("unavailable", 1000)


async def test_an_owner_that_died_without_a_word_is_forgotten(
    connect: Connect, subjects: Subjects, owner: FakeOwner
) -> None:
    async with client_on(connect, subjects) as (client, _):
        ghost = envelope.Owners("ghost", dict.fromkeys(range(64), 300))
        await until(lambda: client.owners.complete)
        await owner.bus.publish(subjects.owners, envelope.encode(ghost))
        await until(lambda: client.owners.processes == {"ghost"})
        owner.partitions = dict.fromkeys(range(64), 301)
        assert isinstance(await client.ask(send(1)), Shown)


async def test_more_rows_than_can_wait_are_refused_at_once(connect: Connect, subjects: Subjects) -> None:
    async with client_on(connect, subjects, bounds=Bounds(rows=3)) as (client, _):
        answers: list[AnyAnswer] = []
        for number in range(5):
            client.submit(send(number), answers.append)
        assert answers == []  # never from within submit
        await until(lambda: len(answers) == 2)
    assert len(answers) == 5  # closing answers the others
    assert all(isinstance(answer, Refused) and answer.name == "unavailable" for answer in answers)


async def test_one_who_fails_to_listen_does_not_harm_the_others(
    connect: Connect, subjects: Subjects, owner: FakeOwner
) -> None:
    def fail(_: AnyAnswer) -> None:
        raise RuntimeError("gone")

    async with client_on(connect, subjects) as (client, _):
        client.submit(send(1), fail)
        assert isinstance(await client.ask(send(2)), Shown)


async def test_an_owner_that_counts_wrong_is_an_internal_error(
    connect: Connect, subjects: Subjects, owner: FakeOwner
) -> None:
    async with client_on(connect, subjects) as (client, _):
        await until(lambda: client.owners.complete)

        def broken(payload: bytes, reply: str) -> None:
            owner.reply(reply, envelope.OwnerReply("owner", [], {}))

        await owner.bus.subscribe(subjects.owner("broken"), broken)
        owners = envelope.Owners("broken", dict.fromkeys(range(64), 500))
        await owner.bus.publish(subjects.owners, envelope.encode(owners))
        await until(lambda: client.owners.processes == {"broken"})
        with pytest.raises(Refusal, match="internal"):
            await client.ask(send(1))


async def test_a_reply_that_cannot_be_read_is_an_internal_error(
    connect: Connect, subjects: Subjects, owner: FakeOwner
) -> None:
    async with client_on(connect, subjects) as (client, _):
        owner.reply_with = b"\xc1"
        with pytest.raises(Refusal, match="internal"):
            await client.ask(send(1))


async def test_closing_answers_also_what_was_just_asked(
    connect: Connect, subjects: Subjects, owner: FakeOwner
) -> None:
    async with client_on(connect, subjects) as (client, _):
        await until(lambda: client.owners.complete)
        owner.silent = True
        answers: list[AnyAnswer] = []
        client.submit(send(1), answers.append)
        await until(lambda: owner.ignored)
        client.submit(send(2), answers.append)
        client.owners.hear(envelope.Owners("owner", {}))
        client._heard_owners(envelope.Owners("owner", owner.partitions))  # makes the request at once
    assert [answer.name for answer in answers if isinstance(answer, Refused)] == ["unavailable"] * 2


async def test_users_are_asked_of_anybody(connect: Connect, subjects: Subjects, owner: FakeOwner) -> None:
    def judge(row: object) -> Done | Refused | Refreshed:
        if isinstance(row, RefreshRow):
            return Refreshed(2, 77)
        return Refused("unauthorized") if isinstance(row, HelloRow) and row.uid == "bad" else Done()

    owner.judge_user = judge
    async with client_on(connect, subjects) as (client, _):
        assert await client.users(HelloRow("ann", 1)) == Done()
        assert await client.users(RefreshRow("ann", "f", 1, 1)) == Refreshed(2, 77)
        with pytest.raises(Refusal, match="unauthorized"):
            await client.users(HelloRow("bad", 1))


async def test_history_rooms_and_broadcast(connect: Connect, subjects: Subjects, owner: FakeOwner) -> None:
    owner.append("r", "one", "two")
    owner.append("r", "three")
    owner.append("s", "else")
    async with client_on(connect, subjects) as (client, _):
        await until(lambda: client.owners.complete)
        reply = await client.history("r", Position(100, 2), 10)
        assert (reply.frames, reply.epoch, reply.seq) == ([owner.logs["r"][1][1]], 100, 3)
        assert [info.room for info in await client.rooms(10)] == ["r", "s"]
        assert [info.room for info in await client.rooms(1)] == ["r"]
        assert await client.broadcast("admin", "c", b"item") == 2
        with pytest.raises(Refusal) as refused:
            await client.broadcast("admin", "busy", b"item")
        assert (refused.value.name, refused.value.retry_ms) == ("rate_limited", 5000)


async def test_without_all_owners_there_is_no_full_answer(connect: Connect, subjects: Subjects) -> None:
    async with client_on(connect, subjects) as (client, _):
        with pytest.raises(Refusal, match="unavailable"):
            await client.rooms(10)


async def test_it_says_what_it_can_reach(connect: Connect, subjects: Subjects) -> None:
    async with client_on(connect, subjects, request_s=0.5) as (client, _):
        assert client.ready() == {"bus": True, "store": False, "owners": False}
        owner = FakeOwner(await connect(), subjects)
        await owner.start()
        await until(lambda: all(client.ready().values()))
        await owner.close()


async def test_every_edge_hears_of_newer_connections(connect: Connect, subjects: Subjects) -> None:
    async with client_on(connect, subjects) as (_, heard), client_on(connect, subjects) as (_, too):
        bus, replaced = await connect(), Replaced("ann", "tv", 7)

        async def told() -> bool:
            await bus.publish(subjects.replaced, envelope.encode(replaced))  # until both listen
            return bool(heard and too)

        await until(told)
        assert heard[0] == too[0] == replaced


async def test_rows_of_every_kind_pass(connect: Connect, subjects: Subjects, owner: FakeOwner) -> None:
    rows: list[Row] = [
        send(1),
        JoinRow("r", "ann", Role.GUEST),
        LikeRow("r", "ann", Role.GUEST, 3),
        GetRoomRow("r"),
        SanctionRow("r", "mute", "bob", "ann", Role.ADMIN, 60, "spam"),
    ]
    seen: list[Row] = []

    def judge(row: Row) -> Answer:
        seen.append(row)
        return Done()

    owner.judge = judge
    async with client_on(connect, subjects) as (client, _):
        for row in rows:
            assert await client.ask(row) == Done()
    assert seen == rows
