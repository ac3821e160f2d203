"""What would corrupt memory or end the process if `edge.uws` let it through: one test for each.

The server runs in a child process (`uws_child`), so that a crash is a failed test. That it ended well
is checked whenever a test leaves it.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from edge.uws import Server
from tests.system.uws_process import Process
from tests.system.uws_raw import BINARY, CLOSE, PING, PONG, TEXT, RawClient, UpgradeRefused, encode_frame
from tests.system.uws_talk import (
    DEADLINE_S,
    a_child,
    ask,
    client,
    fetch,
    http,
    report,
    report_when,
    run_python,
    web,
)

REASONABLE = {"max_frame_bytes": 1, "max_buffered_bytes": 1, "idle_timeout_s": 8, "max_body_bytes": 1}


@pytest.fixture
async def child() -> AsyncIterator[Process]:
    async with a_child() as process:
        yield process


# --- a socket after its end ---


async def test_connection_used_after_its_end_does_nothing_and_tells_nobody(child: Process) -> None:
    for _ in range(20):  # the next connection gets the memory of the last one
        async with client(child) as old:
            old.send("keep")
            assert await ask(old, "echo kept") == "kept"
    expected = await report_when(child, lambda seen: seen["counts"].get("closed") == 20)
    assert expected["connections"] == 0
    async with AsyncExitStack() as stack:
        fresh = [await stack.enter_async_context(client(child)) for _ in range(20)]
        assert await ask(fresh[0], "use-kept") == "kept 20 sent 0"
        for one in fresh:
            assert await ask(one, "echo mine") == "mine"  # and nothing before it
        assert await ask(fresh[0], "subscribers ghost") == "0"
        seen = await report(child)
    assert seen["connections"] == 20
    assert seen["counts"]["closed"] == 20


async def test_each_close_is_told_once_with_its_code(child: Process) -> None:
    async with client(child) as one:
        one.send("join room")
        one.send("close-twice")
        assert await one.close_frame() == (4001, "one")
    async with connect(f"ws://127.0.0.1:{child.port}/ws") as polite:
        await polite.close(4321, "tschüß")
    rude = await RawClient.open(child.port)
    await rude.kill()
    seen = await report_when(child, lambda seen: seen["counts"].get("closed") == 3)
    assert seen["closes"] == [
        [4001, "one", ["room"], False],
        [4321, "tschüß", [], False],
        [1006, "", [], False],
    ]


@pytest.mark.parametrize("verb", ["close 4000 now", "drop", "close-all 4000", "close-twice"])
async def test_connection_ended_by_its_own_message_hears_no_further_one(child: Process, verb: str) -> None:
    async with client(child) as one:
        one.send_bytes(encode_frame(verb.encode()) + encode_frame(b"echo ghost") * 5)
        await one.end_of_stream()
    seen = await report_when(child, lambda seen: seen["counts"].get("closed") == 1)
    assert seen["counts"]["received"] == 1
    assert seen["connections"] == 0


async def test_one_message_may_end_all_connections_while_they_send(child: Process) -> None:
    async with AsyncExitStack() as stack:
        ones = [await stack.enter_async_context(client(child)) for _ in range(30)]
        for one in ones:
            one.send_bytes(encode_frame(b"echo busy") * 50)
        ones[0].send("close-all 4000")
        codes = [await one.close_frame() for one in ones]
    assert codes == [(4000, "all")] * 30
    seen = await report_when(child, lambda seen: seen["counts"].get("closed") == 30)
    assert seen["counts"]["closed"] == seen["counts"]["opened"] == 30


@pytest.mark.parametrize(("query", "code"), [("close-open", 4007), ("drop-open", 1006)])
async def test_connection_may_end_while_it_opens(child: Process, query: str, code: int) -> None:
    with suppress(EOFError):  # a connection dropped so early does not even answer the upgrade
        async with client(child, f"/ws?{query}") as one:
            await one.end_of_stream()
    seen = await report_when(child, lambda seen: seen["counts"].get("closed") == 1)
    assert seen["closes"][0][0] == code
    assert seen["connections"] == 0


async def test_message_sent_while_opening_arrives(child: Process) -> None:
    async with client(child, "/ws?hello-open") as one:
        assert await one.text() == "hello"


async def test_nothing_done_in_the_close_handler_outlives_it(child: Process) -> None:
    async with client(child) as one:
        one.send("join haunt")
        assert await ask(one, "topics") == "haunt"
    await report_when(child, lambda seen: seen["counts"].get("closed") == 1)
    async with client(child) as other:
        assert await ask(other, "subscribers ghost") == "0"
        assert await ask(other, "subscribers haunt") == "0"


async def test_failing_handlers_are_logged_and_harm_nobody(child: Process) -> None:
    async with client(child, "/ws?raise-open") as one:
        one.send("raise")
        one.send("no-such-verb")
        one.send("join raise-close")
        assert await ask(one, "echo alive") == "alive"
    seen = await report_when(child, lambda seen: seen["counts"].get("closed") == 1)
    assert seen["connections"] == 0
    for query in ("raise", "nonsense"):
        with pytest.raises(UpgradeRefused) as refused:
            await RawClient.open(child.port, f"/ws?{query}")
        assert refused.value.status == 500
    assert await child.end() == 0
    assert child.errors.count("ValueError: on purpose") == 4
    assert child.errors.count("KeyError") == 1


async def test_close_reason_is_cut_between_two_characters(child: Process) -> None:
    async with client(child) as one:
        one.send("close 4000 " + "弹" * 100)
        assert await one.close_frame() == (4000, "弹" * 41)


async def test_close_code_that_may_not_be_sent_is_refused(child: Process) -> None:
    async with client(child) as one:
        one.send("close 1005 never")
        one.send("close 99 never")
        assert await ask(one, "echo open") == "open"
        one.send("close 1000")
        assert await one.close_frame() == (1000, "")


# --- topics, order, promptness ---


async def test_unsubscribed_hears_nothing_more(child: Process) -> None:
    async with client(child) as one, client(child) as other:
        for topic in ("a", "b", "a"):
            one.send(f"join {topic}")
        assert await ask(one, "topics") == "a,b"
        assert await ask(one, "subscribers a") == "1"
        one.send("leave a")
        one.send("leave never-joined")
        assert await ask(one, "subscribers a") == "0"
        other.send("publish a lost")
        other.send("publish b found")
        assert await one.text() == "found"


@pytest.mark.parametrize("verb", ["publish", "publish-soon", "publish-big"])
async def test_publish_leaves_at_once(child: Process, verb: str) -> None:
    """The native sweep comes once a second or less often: twenty turns would take far longer than allowed."""
    async with client(child) as one, client(child) as other, asyncio.timeout(6):
        one.send("join room")
        assert await ask(one, "echo joined") == "joined"
        for number in range(20):
            other.send(f"{verb} room {number}")
            assert (await one.text()).startswith(str(number))


async def test_close_from_outside_of_native_code_leaves_at_once(child: Process) -> None:
    async with asyncio.timeout(6):
        for _ in range(10):
            async with client(child) as one:
                one.send("close-soon 4001")
                assert await one.close_frame() == (4001, "")


async def test_sends_and_publishes_of_one_turn_keep_their_order_and_leave_together(child: Process) -> None:
    async with client(child) as one:
        one.send("join sequence")
        one.send("sequence-soon")
        assert [await one.text() for _ in range(10)] == [str(number) for number in range(10)]


# --- upgrade ---


async def test_one_chosen_subprotocol_is_answered(child: Process) -> None:
    url = f"ws://127.0.0.1:{child.port}/ws"
    async with connect(url, subprotocols=["one", "two"]) as both:  # type: ignore[list-item]  # a NewType of str
        assert both.subprotocol == "two"
    async with connect(url) as neither:
        assert neither.subprotocol is None


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_upgrade_is_a_plain_answer(child: Process, status: int) -> None:
    with pytest.raises(UpgradeRefused) as refused:
        await RawClient.open(child.port, f"/ws?refuse={status}")
    assert refused.value.status == status
    assert "X-Why: because" in refused.value.head
    assert refused.value.body == b"no"
    assert "opened" not in (await report(child))["counts"]


async def test_request_is_kept_as_it_came(child: Process) -> None:
    sent = ("X-Forwarded-For: a", "x-forwarded-for: b", "Origin: http://d", "X-Other: \u00fc")
    async with client(child, "/ws?snapshot", headers=sent) as one:
        path, query, headers = json.loads(await one.text())
    assert (path, query) == ("/ws", "snapshot")
    assert headers["x-forwarded-for"] == "a, b"
    assert headers["origin"] == "http://d"
    assert "host" not in headers, "of an upgrade only what it needs is kept"
    assert "x-other" not in headers
    raw = await fetch(child, "GET", "/a%2Fb%20c?x=%26%C3%BC&y=a+b&y=%00")
    assert json.loads(raw[2])[1:3] == ["/a%2Fb%20c", "x=%26%C3%BC&y=a+b&y=%00"]


async def test_plain_request_for_the_socket_path_is_http(child: Process) -> None:
    status, _, body = await fetch(child, "GET", "/ws?x=1")
    assert (status, json.loads(body)[:3]) == (200, ["GET", "/ws", "x=1"])


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
async def test_mapped_address_is_told_as_the_ipv4_address_it_is() -> None:
    async with a_child(host="::") as child, client(child) as four, client(child, host="::1") as six:
        assert await ask(four, "address") == "127.0.0.1"
        assert await ask(six, "address") == "::1"


# --- wrong and slow peers ---


async def test_oversized_frame_drops_its_sender_only() -> None:
    async with a_child(max_frame_bytes=1000) as child, client(child) as bystander:
        for lengths in ([1001], [900, 900]):
            async with client(child) as one:
                for index, length in enumerate(lengths):
                    last = index == len(lengths) - 1
                    one.send_bytes(encode_frame(b"x" * length, BINARY if index == 0 else 0, last=last))
                await one.end_of_stream()
        async with client(child) as one:
            one.send_bytes(encode_frame(b"x" * 1000, BINARY))
            assert await one.frame() == (BINARY, b"x" * 1000)
        assert await ask(bystander, "echo alive") == "alive"
        seen = await report_when(child, lambda seen: seen["counts"].get("closed") == 3)
    assert [close[0] for close in seen["closes"][:2]] == [1006, 1006]


async def test_text_that_is_not_utf8_drops_its_sender_only(child: Process) -> None:
    async with client(child) as bystander:
        async with client(child) as one:
            one.send_bytes(encode_frame(b"echo \xff\xfe", TEXT))
            await one.end_of_stream()
        assert await ask(bystander, "echo alive") == "alive"


async def test_fragments_empty_messages_and_pings_are_understood(child: Process) -> None:
    async with client(child) as one:
        one.send_bytes(encode_frame(b"echo fr", last=False) + encode_frame(b"p", PING))
        one.send_bytes(encode_frame(b"agment", 0) + encode_frame(b"", BINARY))
        assert [await one.frame() for _ in range(3)] == [(10, b"p"), (TEXT, b"fragment"), (BINARY, b"")]
        one.send_bytes(encode_frame(b"", CLOSE))
        assert (await one.frame())[0] == CLOSE


async def numbers_until_alive(one: RawClient) -> list[int]:
    numbers = []
    while (text := await one.text()) != "alive":
        numbers.append(int(text[:8]))
    return numbers


async def test_slow_reader_misses_messages_but_keeps_connection_and_memory_is_bounded() -> None:
    size, count, limit = 60_000, 2_000, 100_000
    async with a_child(max_buffered_bytes=limit) as child, client(child) as slow, client(child) as other:
        before = (await report(child))["rss"]
        slow.send("join pour")
        assert await ask(slow, "echo joined") == "joined"
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]  # the stream's transport reads
        other.send(f"pour {count} {size}")
        assert await other.text() == "poured"
        seen = await report(child)
        assert limit < max(seen["buffered"]) < limit + 2 * size
        assert seen["rss"] - before < 20_000_000 < size * count
        assert seen["connections"] == 2

        slow.writer.transport.resume_reading()  # type: ignore[attr-defined]  # the stream's transport reads
        reading = asyncio.create_task(numbers_until_alive(slow))
        await report_when(child, lambda seen: max(seen["buffered"]) == 0)
        slow.send("echo alive")
        numbers = await reading
        assert numbers == list(range(len(numbers)))  # in order from the first, then a gap
        assert 0 < len(numbers) < count


@pytest.mark.parametrize(("limit", "told"), [(2**26, True), (10_000, False)])
async def test_reader_that_is_behind_hears_a_close_unless_it_is_over_its_limit(
    limit: int, told: bool
) -> None:
    async with a_child(max_buffered_bytes=limit) as child, client(child) as slow, client(child) as other:
        slow.send("join pour")
        assert await ask(slow, "echo joined") == "joined"
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]  # the stream's transport reads
        other.send("pour 200 60000")
        other.send("close-slow 4104")
        assert await other.text() == "poured"
        assert await ask(other, "echo alive") == "alive"
        assert (await report(child))["closes"] == [[4104, "too slow", ["pour"], False]]
        slow.writer.transport.resume_reading()  # type: ignore[attr-defined]  # the stream's transport reads
        async with asyncio.timeout(DEADLINE_S):
            if told:
                assert await slow.close_frame() == (4104, "too slow")
            await slow.end_of_stream()


async def test_without_free_file_descriptors_the_present_connections_are_served() -> None:
    async with a_child(files=40) as child, client(child) as early:
        crowd = [await RawClient.connect(child.port) for _ in range(60)]
        for one in crowd:
            one.send_bytes(http("GET", "/a"))
        assert await ask(early, "echo alive") == "alive"
        for one in crowd:
            await one.kill()
        assert (await report(child))["connections"] == 1


async def test_silent_peer_is_dropped_and_one_that_answers_pings_is_not() -> None:
    async with a_child(idle_timeout_s=8) as child, client(child) as silent, client(child) as unmasked:
        async with connect(f"ws://127.0.0.1:{child.port}/ws", ping_interval=None) as quiet:
            unmasked.send_bytes(encode_frame(b"echo never", masked=False))
            async with asyncio.timeout(30):
                await silent.end_of_stream()
                await unmasked.end_of_stream()
            await quiet.send("echo alive")
            assert await quiet.recv() == "alive"
        seen = await report_when(child, lambda seen: seen["counts"].get("closed") == 3)
    assert seen["closes"][0][0] == seen["closes"][1][0] == 1006
    assert seen["counts"]["received"] == 1


async def test_garbage_instead_of_a_request_ends_that_connection_only(child: Process) -> None:
    for garbage in (
        b"\0" * 100,
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n",
    ):
        async with web(child) as one:
            one.send_bytes(garbage)
            one.writer.write_eof()
            await one.end_of_stream()
    assert (await report(child))["counts"]["requests"] == 1


# --- one server, its limits and its end ---


async def test_second_server_is_refused_and_does_no_harm(child: Process) -> None:
    async with client(child) as one:
        assert await ask(one, "second-server") == "this process already has a Server"
        assert await ask(one, "echo alive") == "alive"


def test_servers_one_after_the_other() -> None:
    done = run_python("""
import asyncio, urllib.request
from edge.uws import Response, Server

async def hello(request):
    return Response(200, b"hello")

async def one():
    server = Server(max_frame_bytes=1, max_buffered_bytes=1, idle_timeout_s=0, max_body_bytes=1)
    server.http(hello, timeout_s=1)
    url = f"http://127.0.0.1:{server.listen('127.0.0.1', 0, shared=False)}"
    print((await asyncio.to_thread(urllib.request.urlopen, url)).read())
    await server.shut_down()

for _ in range(3):
    asyncio.run(one())
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "b'hello'\n" * 3, "")


async def test_graceful_end_says_goodbye_and_stops_what_runs() -> None:
    async with (
        a_child(goodbye=4000) as child,
        client(child) as one,
        client(child) as other,
        web(child) as hanging,
    ):
        one.send("join room")
        other.send("keep")
        hanging.send_bytes(http("GET", "/hang"))
        await report_when(child, lambda seen: seen["counts"].get("hanging") == 1)
        ended = asyncio.create_task(child.end())
        assert await one.close_frame() == (4000, "goodbye")
        assert await other.close_frame() == (4000, "goodbye")
        await hanging.end_of_stream()
        assert await ended == 0
    counts = json.loads(child.output)
    assert counts["opened"] == counts["closed"] == 2
    assert counts["cancelled"] == 1
    assert counts["left"] == 0
    assert child.errors == ""


def wakeups(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (count,) = re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)
    return int(count)


async def test_idle_process_sleeps(child: Process) -> None:
    async with client(child):
        before = wakeups(child.pid)
        await asyncio.sleep(2)
        assert wakeups(child.pid) - before < 20


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_frame_bytes", 0),
        ("max_buffered_bytes", 0),
        ("max_body_bytes", -1),
        ("max_requests", 0),
        ("idle_timeout_s", 7),
        ("idle_timeout_s", 961),
    ],
)
async def test_limit_that_the_library_would_abort_on_is_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=name):
        Server(**{**REASONABLE, name: value}, certificate=None)


def test_missing_libuv_says_how_to_install_it() -> None:
    done = run_python("""
import asyncio, cffi
from edge.uws import LibuvMissing, Server

def dlopen(self, name, flags=0):
    raise OSError("libuv.so.1: cannot open shared object file")

async def main():
    try:
        Server(max_frame_bytes=1, max_buffered_bytes=1, idle_timeout_s=0, max_body_bytes=1)
    except LibuvMissing as error:
        print(error)

cffi.FFI.dlopen = dlopen
asyncio.run(main())
""")
    assert done.stdout == "libuv.so.1 not found: apt-get install libuv1\n", done.stderr


# --- who is there ---


async def test_every_tcp_connection_is_known_from_its_beginning_to_its_end(child: Process) -> None:
    alone = await report_when(child, lambda seen: len(seen["inside"]) == 1)
    assert alone["inside"] == ["127.0.0.1"], "who asks"
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(client(child))
        for _ in range(2):
            silent = await RawClient.connect(child.port)
            stack.push_async_callback(silent.leave)
        with pytest.raises(UpgradeRefused):
            await RawClient.open(child.port, "/ws?refuse=401")
        assert len((await report_when(child, lambda seen: len(seen["inside"]) == 6))["inside"]) == 6
    for _ in range(20):
        vanishing = await RawClient.open(child.port)
        await vanishing.kill()
        half = await RawClient.connect(child.port)
        half.send_bytes(b"GET /ws HTTP/1.1\r\nHost: a\r\nUpg")
        await half.kill()
        async with client(child) as dropped:
            dropped.send("drop")
            await dropped.end_of_stream()
    seen = await report_when(child, lambda seen: (len(seen["inside"]), seen["leaving"]) == (1, []))
    assert (seen["inside"], seen["leaving"]) == (["127.0.0.1"], [])


@pytest.mark.parametrize("who", ["server", "client"])
async def test_who_says_goodbye_is_there_until_it_can_be_there_no_longer(who: str) -> None:
    async with a_child(goodbye_s=4) as child:
        one = await RawClient.open(child.port)
        if who == "server":
            one.send("close 4001 because")
        else:
            one.send_bytes(encode_frame(struct.pack("!H", 4001), CLOSE))
        assert (await one.close_frame())[0] == 4001
        seen = await report_when(child, lambda seen: seen["connections"] == 0)
        assert (len(seen["inside"]), len(seen["leaving"])) == (1, 1), "it has not hung up"
        assert (await report_when(child, lambda seen: not seen["leaving"]))["leaving"] == []
        await one.leave()


async def test_who_finds_no_room_is_hung_up_on_and_costs_nothing_more() -> None:
    async with a_child(room=3) as child, AsyncExitStack() as stack:
        first = await stack.enter_async_context(client(child))
        for _ in range(2):
            await stack.enter_async_context(web(child))
        for _ in range(50):
            late = await RawClient.connect(child.port)
            late.send_bytes(http("GET", "/report"))
            with pytest.raises((EOFError, ConnectionError)):
                await late.response()
            await late.leave()
        assert await ask(first, "echo still here") == "still here"
        await child.end()
        assert json.loads(child.output.splitlines()[-1])["turned_away"] == 50


async def test_pings_and_pongs_are_told(child: Process) -> None:
    async with client(child) as one:
        for opcode in (PING, PONG, PING):
            one.send_bytes(encode_frame(b"x", opcode))
        assert await ask(one, "echo heard") == "heard"
        seen = await report_when(child, lambda seen: seen["counts"].get("beats") == 3)
        assert seen["counts"]["beats"] == 3


async def test_after_many_came_others_wait_and_those_who_are_here_do_not() -> None:
    async with a_child(accepts_per_s=20) as child, client(child) as present:
        begin = time.monotonic()
        others = await asyncio.gather(*(RawClient.open(child.port, "/ws") for _ in range(20)))
        coming = [asyncio.create_task(RawClient.open(child.port, "/ws")) for _ in range(20)]
        answered = 0
        while not all(one.done() for one in coming):
            assert await ask(present, f"echo {answered}") == f"{answered}"
            answered += 1
        others += [await one for one in coming]
        assert time.monotonic() - begin > 0.9, "twenty were enough for a second"
        assert answered > 10
        for other in others:
            assert await ask(other, "echo x") == "x"
        waiting = [await RawClient.connect(child.port) for _ in range(50)]  # by the kernel, for us
        assert await child.end() == 0, "it may end while somebody waits"
        for other in [*others, *waiting]:
            await other.leave()
