"""What becomes of the store when its server dies, hangs or loses what it knew."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from redis.asyncio.connection import ConnectionPool

from config.settings import Rooms, Store
from danmaku.calls import STORE
from danmaku.conversation import Member, bucket_of
from danmaku.held import Held
from danmaku.model import START, Position, RoomInfo
from danmaku.servers import Running, ValkeyServer, running
from danmaku.store import conversations
from danmaku.store.errors import StoreDown
from danmaku.store.history import Append, Appended, Entry, Outcome
from danmaku.store.polls import Ballot, Cast
from danmaku.store.sessions import Counted, Hello, Standing, Verdict
from danmaku.store.valkey import ValkeyStore
from danmaku.store.valkey.keys import Keys
from danmaku.store.valkey.link import Link
from danmaku.subjects import partition_of
from tests.contract.audited import ACT, FOR_ALL, IN_ROOM
from tests.ports import free_port
from tests.waiting import until

TIMEOUT_S = 2.0  # a busy machine answers sooner
MUCH_LATER_S = 5.0
LONG = 60_000


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(ValkeyServer(tmp_path)) as child:
        yield child


@pytest.fixture
async def store(server: Running) -> AsyncIterator[ValkeyStore]:
    opened = await ValkeyStore.connect(Store(url=server.server.url, timeout_s=TIMEOUT_S), Rooms())
    yield opened
    await opened.close()


async def test_without_a_server_to_connect_fails(tmp_path: Path) -> None:
    url = ValkeyServer(tmp_path).url
    with pytest.raises(StoreDown):
        await ValkeyStore.connect(Store(url=url, timeout_s=TIMEOUT_S), Rooms())


async def test_a_call_after_a_restart_works_at_once_and_finds_what_was_stored(
    server: Running, store: ValkeyStore
) -> None:
    (held,) = await store.leases.take([partition_of("lobby")], "one", LONG)
    last = Position(held.epoch, 1)
    append = Append("lobby", held.epoch, START, Entry(last, 1, 1, b"frame"))
    await asyncio.gather(*(store.ping() for _ in range(8)))  # several connections, all soon dead
    assert await store.history.append("one", [append]) == [Appended(Outcome.OK, last)]
    server.kill()
    server.start()
    await server.server.wait_ready(60)
    assert await store.history.append("one", [append]) == [Appended(Outcome.OK, last)]
    assert (await store.history.latest("lobby", 9, 999)).entries == (append.entry,)


async def test_messages_survive_the_death_of_the_server_and_are_not_said_twice(
    server: Running, store: ValkeyStore
) -> None:
    said = [
        conversations.Append("p:ann:bob", "ann", 1, b"%d" % n, f"c{n}", "s", n, indexed=True)
        for n in range(1, 200)
    ]
    answers = await store.conversations.append(said[:100])
    underway = asyncio.ensure_future(store.conversations.append(said[100:]))
    await asyncio.sleep(0)
    server.kill()
    with suppress(StoreDown):
        answers += await underway
    server.start()
    await server.server.wait_ready(60)
    again = await store.conversations.append(said)
    seqs = [one.seq for one in again if isinstance(one, conversations.Appended)]
    assert seqs == list(range(1, 200))
    acknowledged = [one.seq for one in answers if isinstance(one, conversations.Appended)]
    assert acknowledged == seqs[: len(acknowledged)]
    (run,) = await store.conversations.pull("ann", [conversations.Pull("p:ann:bob", 0, 500)], 1 << 20)
    assert run.messages == [(n, b"%d" % n) for n in range(1, 200)]


async def listen(link: Link) -> int:
    """Let the server listen on a port, for a replica; somebody else may take one that was free."""
    await link.one("CONFIG", "SET", "bind", "127.0.0.1", "repl-diskless-sync-delay", 0)
    ports: list[int] = []

    async def is_listening() -> bool:
        ports.append(free_port())
        with suppress(StoreDown):
            await link.one("CONFIG", "SET", "port", ports[-1])
            return True
        return False

    await until(is_listening)
    return ports[-1]


async def test_a_message_is_acknowledged_when_the_replicas_have_it(server: Running, tmp_path: Path) -> None:
    said = conversations.Append("p:ann:bob", "ann", 1, b"hi", "c1", indexed=True)
    main = Link.to(Store(url=server.server.url, timeout_s=TIMEOUT_S))
    port = await listen(main)
    async with running(ValkeyServer(tmp_path / "replica")) as child:
        replica = Link.to(Store(url=child.server.url, timeout_s=TIMEOUT_S))
        store = await ValkeyStore.connect(
            Store(url=server.server.url, timeout_s=TIMEOUT_S, replicas=1), Rooms()
        )
        for _ in range(2):
            with pytest.raises(StoreDown):
                await store.conversations.append([said])
        await replica.one("REPLICAOF", "127.0.0.1", port)
        answers: list[Any] = []

        async def is_safe() -> bool:
            with suppress(StoreDown):
                answers.extend(await store.conversations.append([said]))
            return bool(answers)

        await until(is_safe)
        assert [(one.seq, one.at) for one in answers] == [(1, 1)]
        assert await replica.one("XLEN", Keys("danmaku").messages("p:ann:bob")) == 1
        await replica.close()
        await store.close()
    await main.close()


async def test_a_comment_is_held_when_the_replicas_have_it(server: Running) -> None:
    safe = Store(url=server.server.url, timeout_s=TIMEOUT_S, replicas=1)
    store = await ValkeyStore.connect(safe, Rooms())
    (taken,) = await store.leases.take([partition_of("lobby")], "one", LONG)
    one = Held(f"{taken.epoch}-1", "ann", "c1", 1, b"item", "link")
    await until(partial(_is_refused, partial(store.held.change, "one", taken.epoch, "lobby", [one])))
    await store.close()


async def test_what_somebody_voted_is_read_without_replicas(server: Running) -> None:
    here = Store(url=server.server.url, timeout_s=TIMEOUT_S)
    store = await ValkeyStore.connect(here, Rooms())
    safe = await ValkeyStore.connect(replace(here, replicas=1), Rooms())
    (taken,) = await store.leases.take([partition_of("lobby")], "one", LONG)
    ballot = Ballot("lobby", taken.epoch, "p1", 2, (Cast("ann", 1),))
    await store.polls.cast("one", [ballot], 10)
    assert not await _is_safe(partial(safe.polls.cast, "one", [ballot], 10))
    assert await safe.polls.voted("lobby", "p1", "ann") == 1
    await safe.close()
    await store.close()


async def test_what_a_moderator_does_is_done_when_the_replicas_have_it(
    server: Running, tmp_path: Path
) -> None:
    main = Link.to(Store(url=server.server.url, timeout_s=TIMEOUT_S))
    port = await listen(main)
    safe = Store(url=server.server.url, timeout_s=TIMEOUT_S, replicas=1)
    store = await ValkeyStore.connect(safe, Rooms())
    (taken,) = await store.leases.take([partition_of("lobby")], "one", LONG)
    acts: list[Callable[[], Awaitable[Any]]] = [
        *(partial(act, store, "one", taken.epoch) for verb, act in IN_ROOM.items() if verb != "append"),
        *(partial(act, store) for act in FOR_ALL.values()),
        partial(store.tokens.revoke, "bob", 5, LONG),
        partial(store.contacts.block, "ann", "bob", 9),
        partial(store.contacts.unblock, "ann", "bob"),
        partial(store.contacts.add, [("ann", "p:ann:bob")]),
    ]

    async def are_refused() -> None:
        await asyncio.gather(*(until(partial(_is_refused, act)) for act in acts))

    await are_refused()
    async with running(ValkeyServer(tmp_path / "replica")) as child:
        replica = Link.to(Store(url=child.server.url, timeout_s=TIMEOUT_S))
        await replica.one("REPLICAOF", "127.0.0.1", port)

        async def is_safe(act: Callable[[], Awaitable[Any]]) -> bool:
            with suppress(StoreDown):
                await act()
                return True
            return False

        for act in acts:
            await until(partial(is_safe, act))
        assert await replica.one("EXISTS", Keys("danmaku").revoked("bob")) == 1
        await replica.one("REPLICAOF", "NO", "ONE")  # the next repeat writes, and waits in vain
        await are_refused()
        await replica.close()
    await store.close()
    await main.close()


async def _is_refused(act: Callable[[], Awaitable[Any]]) -> bool:
    """For want of replicas, and not as it took too long on a busy machine; fails where it is acknowledged."""
    with pytest.raises(StoreDown) as refused:
        await act()
    return "replicas should have" in str(refused.value)


async def test_a_repeat_waits_for_the_replicas_too(server: Running, tmp_path: Path) -> None:
    """On whatever connection: so it has to write, or there is nothing that its wait is about."""
    main = Link.to(Store(url=server.server.url, timeout_s=TIMEOUT_S))
    port = await listen(main)
    safe = Store(url=server.server.url, timeout_s=TIMEOUT_S, replicas=1)
    store = await ValkeyStore.connect(safe, Rooms())
    (taken,) = await store.leases.take([partition_of("lobby")], "one", LONG)
    ballot = Ballot("lobby", taken.epoch, "p1", 2, (Cast("ann", 1),))
    hello = Hello("ann", 1, Counted("phone", 1, "edge", "session"))
    repeated: dict[str, Callable[[ValkeyStore], Awaitable[Any]]] = {
        "vote": lambda store: store.polls.cast("one", [ballot], 10),
        "end": lambda store: store.sessions.end("ann", "phone", 5, LONG, LONG, 10),
        "revoke": lambda store: store.tokens.revoke("bob", 5, LONG),
        "refresh": lambda store: store.tokens.spend(
            "ann", "f1", 1, issued_ms=1, now_ms=2, grace_ms=LONG, until_ms=LONG
        ),
        "create": lambda store: store.rooms.create("one", taken.epoch, RoomInfo("lobby", created_ms=5)),
        "kick": lambda store: store.audit.write_down("one", taken.epoch, ACT),
        "block": lambda store: store.contacts.block("ann", "bob", 9),
        "unblock": lambda store: store.contacts.unblock("cid", "bob"),
        "add": lambda store: store.contacts.add([("ann", "p:ann:bob"), ("bob", "p:ann:bob")]),
        "known": lambda store: store.audit.knows("lobby", ACT.id),
        "say": lambda store: store.conversations.append(
            [conversations.Append("p:ann:bob", "ann", 1, b"hi", "c1", indexed=True)]
        ),
    }
    async with running(ValkeyServer(tmp_path / "replica")) as child:
        replica = Link.to(Store(url=child.server.url, timeout_s=TIMEOUT_S))
        await replica.one("REPLICAOF", "127.0.0.1", port)
        await store.sessions.greet([hello], 1, LONG, 10)
        for name, act in repeated.items():
            await until(partial(_is_safe, partial(act, store)))
            assert await _is_safe(partial(act, store)), name
        os.kill(child.pid, signal.SIGSTOP)  # it is there still, and gets no further
        try:
            fresh = [await ValkeyStore.connect(safe, Rooms()) for _ in repeated]
            again = zip(repeated.values(), fresh, strict=True)
            outcomes = await asyncio.gather(*(_is_safe(partial(act, other)) for act, other in again))
            assert dict(zip(repeated, outcomes, strict=True)) == dict.fromkeys(repeated, False)
            for other in fresh:
                await other.close()
        finally:
            os.kill(child.pid, signal.SIGCONT)
        await replica.close()
    await store.close()
    await main.close()


async def _is_safe(act: Callable[[], Awaitable[Any]]) -> bool:
    """Whether it was acknowledged."""
    try:
        answer = await act()
    except StoreDown:
        return False
    return not (isinstance(answer, list) and any(isinstance(one, StoreDown) for one in answer))


async def test_a_dead_server_is_down(server: Running, store: ValkeyStore) -> None:
    server.kill()
    for _ in range(3):
        with pytest.raises(StoreDown):
            await store.ping()
        with pytest.raises(StoreDown):
            await store.history.append("one", [Append("lobby", 1, START, Entry(Position(1, 1), 1, 1, b""))])
    server.start()
    await server.server.wait_ready(60)
    assert await store.leases.holders() == {}


async def test_a_server_that_hangs_is_down_in_time(server: Running, store: ValkeyStore) -> None:
    os.kill(server.pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        calls = [store.leases.take([1], f"p{i}", LONG) for i in range(40)]  # more than there are connections
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StoreDown}
        assert time.monotonic() - begin < MUCH_LATER_S
    finally:
        os.kill(server.pid, signal.SIGCONT)
    (taken,) = await store.leases.take([2], "one", LONG)  # on the same link, with the right reply
    assert taken.partition == 2


async def test_a_server_that_is_known_to_hang_is_waited_for_by_one_call_at_a_time(server: Running) -> None:
    """The others are refused at once, and nothing is left of that when it goes on."""
    link = Link.to(Store(url=server.server.url, timeout_s=TIMEOUT_S))
    assert await link.one("ECHO", "x") == b"x"
    os.kill(server.pid, signal.SIGSTOP)
    try:
        with pytest.raises(StoreDown):
            await link.one("ECHO", "x")
        asking = asyncio.ensure_future(link.one("ECHO", "y"))
        await asyncio.sleep(0)
        others = await asyncio.gather(*(link.one("ECHO", "z") for _ in range(100)), return_exceptions=True)
        assert {type(other) for other in others} == {StoreDown}
        assert not asking.done()
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert await asking == b"y"
    assert await asyncio.gather(*(link.one("ECHO", "z") for _ in range(40))) == [b"z"] * 40
    await link.close()


async def test_who_waits_for_a_connection_gets_one_in_turn(server: Running) -> None:
    """Those that go on at once with another call hold nobody up."""
    link = Link.to(Store(url=server.server.url, timeout_s=TIMEOUT_S))
    counts = [0] * 3 * STORE.connections

    async def go_on(one: int) -> None:
        while min(counts) < 3:
            assert await link.one("ECHO", one) == b"%d" % one
            counts[one] += 1

    async with asyncio.timeout(10 * MUCH_LATER_S):
        await asyncio.gather(*map(go_on, range(len(counts))))
    assert max(counts) < 10
    await link.close()


async def test_what_waits_for_replicas_holds_nobody_else_up(server: Running) -> None:
    link = Link.to(Store(url=server.server.url, timeout_s=60, replicas=1))
    other = Link.to(Store(url=server.server.url))
    waiting = [asyncio.create_task(_is_said(link, n)) for n in range(3 * STORE.connections)]

    async def blocked() -> list[bytes]:
        clients: bytes = await other.one("CLIENT", "LIST")
        return re.findall(rb"^id=(\d+) .* flags=\w*b", clients, re.MULTILINE)

    async def all_are_told() -> bool:
        for one in await blocked():
            await other.one("CLIENT", "UNBLOCK", one)  # as if its time were over
        return all(task.done() for task in waiting)

    async def all_connections_wait() -> bool:
        return len(await blocked()) == STORE.connections

    await until(all_connections_wait)
    for n in range(3):
        assert await link.one("ECHO", n) == b"%d" % n
    assert not any(task.done() for task in waiting)
    await until(all_are_told)
    assert not any(await asyncio.gather(*waiting))
    echoes = await asyncio.gather(*(link.one("ECHO", n) for n in range(STORE.connections)))
    assert len(echoes) == STORE.connections  # nobody thinks that the server hangs
    await link.close()
    await other.close()


async def test_a_slow_connection_leaves_less_time_to_wait_for_replicas(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the call would be over first, and the server seem to hang."""
    timeout_s, connecting_s = TIMEOUT_S, TIMEOUT_S / 4
    link = Link.to(Store(url=server.server.url, timeout_s=timeout_s, replicas=1))
    sent: list[bytes] = []

    async def connect(pool: ConnectionPool) -> Any:
        await asyncio.sleep(connecting_s)
        connection = await get_connection(pool)
        send = connection.send_packed_command

        async def spied(command: bytes) -> None:
            sent.append(command)
            await send(command)

        connection.send_packed_command = spied
        return connection

    get_connection: Any = ConnectionPool.get_connection
    monkeypatch.setattr(ConnectionPool, "get_connection", connect)
    assert not await _is_said(link, 1)
    (waited_ms,) = re.findall(rb"WAIT\r\n\$1\r\n1\r\n\$\d+\r\n(\d+)\r\n", b"".join(sent))
    assert int(waited_ms) <= (timeout_s - connecting_s) * STORE.replicas * 1000
    await link.close()


async def _is_said(link: Link, number: int) -> bool:
    """Whether replicas have it."""
    try:
        await link.one("SET", number, "x", safe=True)
    except StoreDown:
        return False
    return True


async def test_calls_that_are_given_up_leave_no_reply_to_others(server: Running, store: ValkeyStore) -> None:
    """As many as there are connections are cancelled in the middle; then each call gets its own reply."""
    (held,) = await store.leases.take([partition_of("lobby")], "one", LONG)
    for _ in range(20):
        calls = [
            asyncio.ensure_future(store.rooms.add_likes("one", held.epoch, {"lobby": 1})) for _ in range(20)
        ]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        (greeted,), head, _ = await asyncio.gather(
            store.sessions.greet([Hello("ann", 1)], 1, LONG, 8), store.history.head("lobby"), store.ping()
        )
        assert (greeted, head) == (Verdict(Standing.GOOD), START)


async def test_scripts_are_given_again_to_a_server_that_forgot_them(server: Running) -> None:
    link = Link.to(Store(url=server.server.url, timeout_s=TIMEOUT_S))
    call = link.script("head", ["some key"])
    assert await link.many([call, ("ECHO", "x"), call]) == [b"0-0", b"x", b"0-0"]
    await link.one("SCRIPT", "FLUSH")
    assert await link.many([("ECHO", "x"), call, ("ECHO", "y")]) == [b"x", b"0-0", b"y"]
    await link.close()


async def test_a_call_that_fails_alone_stops_no_other(server: Running) -> None:
    link = Link.to(Store(url=server.server.url, timeout_s=TIMEOUT_S))
    await link.one("SET", "text", "x")
    before, failed, after = await link.many([("ECHO", "x"), ("LPUSH", "text", "y"), ("ECHO", "z")])
    assert (before, type(failed), after) == (b"x", StoreDown, b"z")
    with pytest.raises(StoreDown, match="WRONGTYPE"):
        await link.all([("ECHO", "x"), ("LPUSH", "text", "y")])
    with pytest.raises(StoreDown, match="WRONGTYPE"):
        await link.one("LPUSH", "text", "y")
    await link.close()


async def test_keys_of_a_partition_share_its_tag(server: Running, store: ValkeyStore) -> None:
    partition = partition_of("lobby")
    (held,) = await store.leases.take([partition], "one", LONG)
    entry = Entry(Position(held.epoch, 1), 1, 1, b"")
    await store.history.append("one", [Append("lobby", held.epoch, START, entry)])
    await store.rooms.add_likes("one", held.epoch, {"lobby": 1})
    await store.tokens.revoke("ann", 1, LONG)
    await store.leases.check_layout(64, 256)
    await store.leases.enlist("one", LONG)
    link = Link.to(Store(url=server.server.url, timeout_s=TIMEOUT_S))
    keys = {key.decode() for key in await link.one("KEYS", "*")}
    await link.close()
    free = {"danmaku:layout", "danmaku:processes"}
    tags = {key.split(":", 1)[1][: key.index("}") - key.index("{") + 1] for key in keys - free}
    assert free < keys
    assert tags == {f"{{r{partition}}}", "{u:ann}"}


async def test_keys_of_a_conversation_share_the_tag_of_its_bucket(
    server: Running, store: ValkeyStore
) -> None:
    team = conversations.Effect(name="Team", put=(Member("ann", "owner"),))
    await store.conversations.change(conversations.Change("g:team", "ann", 1, b"", 0, team, "c1"))
    await store.conversations.append(
        [conversations.Append("g:team", "ann", 1, b"", "c1", "s1", 1, mention="all")]
    )
    await store.conversations.read("g:team", "ann", 1)
    await store.conversations.sweep("one", LONG, LONG)
    link = Link.to(Store(url=server.server.url, timeout_s=TIMEOUT_S))
    keys = {key.decode() for key in await link.one("KEYS", "*")}
    await link.close()
    bucket = f"danmaku:{{c{bucket_of('g:team')}}}"
    own = {"log", "state", "reads", "members", "cid:ann:c1", "change:ann:c1", "order:s1", "mentions:@all"}
    shared = {f"{bucket}:active", f"{bucket}:sweeper"}
    assert keys == {f"{bucket}:conv:g:team:{name}" for name in own} | shared
