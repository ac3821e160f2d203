"""HTTP at its worst, against a child server: what aborts, hangs, floods or mixes up answers."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from edge.uws import Response
from tests.system.uws_process import Process
from tests.system.uws_raw import RawClient, upgrade_request
from tests.system.uws_talk import DEADLINE_S, a_child, ask, client, fetch, http, report, report_when, web


@pytest.fixture
async def child() -> AsyncIterator[Process]:
    async with a_child() as process:
        yield process


async def test_connection_is_kept_for_the_next_request_whatever_the_answer(child: Process) -> None:
    requests = [
        ("GET", "/a", b"", 200),
        ("HEAD", "/a", b"", 200),
        ("OPTIONS", "/a", b"", 200),
        ("POST", "/a", b"four", 200),
        ("GET", "/empty", b"", 204),
        ("GET", "/raise", b"", 500),
        ("GET", "/nonsense", b"", 500),
        ("GET", "/split", b"", 500),
        ("PUT", "/a", b"x" * 1000, 200),
        ("PUT", "/a", b"x" * 1001, 413),
        ("POST", "/a", b"x" * 900_000, 413),
        ("DELETE", "/a", b"", 200),
        ("PATCH", "/a", b"1", 200),
    ]
    async with web(child) as one:
        for method, path, body, expected in requests:
            one.send_bytes(http(method, path, body))
            if method == "HEAD":
                head, length = await one.response_head()
                assert (" 200 " in head, length > 0) == (True, True)
                continue
            status, head, answer = await one.response()
            assert status == expected, (method, path, head)
            if status == 200:
                assert json.loads(answer) == [method, path, "", len(body), body[:9].decode()]
            if status == 500:
                failure = {"code": 5000, "error": "internal", "message": "internal error"}
                assert json.loads(answer) == {"error": failure}
    assert await child.end() == 0
    assert child.errors.count("ValueError: on purpose") == 1


async def test_body_in_pieces_or_chunks_is_put_together(child: Process) -> None:
    async with web(child) as one:
        one.send_bytes(b"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in (b"3\r\nabc\r\n", b"4\r\nd", b"efg\r\n", b"0\r\n\r\n"):
            one.send_bytes(chunk)
            await asyncio.sleep(0.01)
        assert json.loads((await one.response())[2]) == ["POST", "/chunks", "", 7, "abcdefg"]
        one.send_bytes(b"POST /pieces HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
        await asyncio.sleep(0.01)
        one.send_bytes(b"cd")
        assert json.loads((await one.response())[2]) == ["POST", "/pieces", "", 4, "abcd"]


async def test_some_bodies_may_be_larger_a_few_at_a_time(child: Process) -> None:
    for size, expected in ((50_000, 200), (50_001, 413)):
        assert (await fetch(child, "PUT", "/large", b"x" * size))[0] == expected
    async with AsyncExitStack() as stack:
        for _ in range(4):
            one = await stack.enter_async_context(web(child))
            one.send_bytes(http("PUT", "/large", b"x" * 3000)[:-1])
        statuses = {200}

        async def refused() -> bool:
            statuses.add((await fetch(child, "PUT", "/large", b"x" * 1001))[0])
            return 503 in statuses

        async with asyncio.timeout(DEADLINE_S):
            while not await refused():  # the four are on their way
                pass
        assert statuses == {200, 503}
        for method, path, body in (
            ("PUT", "/a", b"x"),
            ("PUT", "/large", b"x" * 1000),
            ("GET", "/large", b""),
        ):
            assert (await fetch(child, method, path, body))[0] == 200


async def test_body_without_end_is_cut_off(child: Process) -> None:
    async with web(child) as one:
        one.send_bytes(b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        with pytest.raises(ConnectionError):  # noqa: PT012 - the write that meets the closed connection is not known
            for _ in range(1000):
                one.send_bytes(chunk)
                await one.writer.drain()
                await asyncio.sleep(0)
    seen = await report(child)
    assert seen["counts"]["requests"] == 1
    assert seen["rss"] < 100_000_000


async def test_big_answer_arrives_whole(child: Process) -> None:
    assert (await fetch(child, "GET", "/big"))[2] == b"x" * 3_000_000


async def test_client_that_leaves_cancels_its_handler(child: Process) -> None:
    for path in ("/hang", "/stubborn"):  # the second one answers all the same, too late
        one = await RawClient.connect(child.port)
        one.send_bytes(http("GET", path))
        await report_when(
            child, lambda seen: seen["counts"].get("hanging", 0) > seen["counts"].get("cancelled", 0)
        )
        await one.kill()
        await report_when(
            child, lambda seen: seen["counts"].get("hanging") == seen["counts"].get("cancelled")
        )
    for part in (b"POST /a HTT", b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234"):
        one = await RawClient.connect(child.port)
        one.send_bytes(part)
        await one.writer.drain()
        await one.kill()
    seen = await report(child)
    assert seen["counts"]["cancelled"] == 2
    assert await child.end() == 0
    assert child.errors == ""


@pytest.mark.parametrize(
    "request_bytes", [upgrade_request("/ws"), http("GET", "/a")], ids=["upgrade", "http"]
)
async def test_client_may_be_gone_when_its_request_is_read(child: Process, request_bytes: bytes) -> None:
    """Its address is unknown then. Both requests wait for the first `sleep` and are looked at together."""
    async with client(child) as first, client(child) as second:
        hasty = await RawClient.connect(child.port)
        assert await ask(first, "echo accepted") == "accepted"
        first.send("sleep 0.2")
        await asyncio.sleep(0.05)
        second.send("sleep 0.2")
        await asyncio.sleep(0.05)
        hasty.send_bytes(request_bytes)
        assert await first.text() == "awake"
        await hasty.kill()
        assert await second.text() == "awake"
        assert await ask(first, "echo alive") == "alive"
    assert await child.end() == 0
    assert child.errors == ""


async def test_request_before_the_last_answer_ends_the_connection(child: Process) -> None:
    """Both in one segment: the first one's task ends before it has begun."""
    async with web(child) as one:
        one.send_bytes(http("GET", "/hang") + http("GET", "/a"))
        await one.end_of_stream()
    async with web(child) as one:
        one.send_bytes(http("GET", "/hang"))
        await report_when(child, lambda seen: seen["counts"].get("hanging") == 1)
        one.send_bytes(http("GET", "/a"))
        await one.end_of_stream()
    seen = await report_when(child, lambda seen: seen["counts"].get("cancelled") == 1)
    assert seen["counts"]["cancelled"] == seen["counts"]["hanging"] == 1


async def test_late_handler_is_stopped_and_answered_for() -> None:
    async with a_child(timeout_s=0.05) as child:
        async with web(child) as one:
            for path, expected in (("/hang", 504), ("/stubborn", 200), ("/a", 200)):
                one.send_bytes(http("GET", path))
                status, _, body = await one.response()
                assert status == expected
            assert json.loads(body)[1] == "/a"  # the last words of a stopped handler went to its own request
        assert (await report(child))["counts"]["cancelled"] == 2


async def test_a_handler_may_be_let_wait_for_longer() -> None:
    for waits_s, expected in ((0, 504), (30, 200)):
        async with a_child(timeout_s=0.05, waits_s=waits_s) as child, web(child) as one:
            one.send_bytes(http("GET", "/late"))
            status, _, _ = await one.response()
            assert status == expected


async def test_more_requests_than_allowed_at_once_are_put_off() -> None:
    async with a_child(max_requests=2) as child, AsyncExitStack() as stack:
        for _ in range(2):
            one = await stack.enter_async_context(web(child))
            one.send_bytes(http("GET", "/hang"))
        async with web(child) as last:
            for _ in range(2):
                last.send_bytes(http("POST", "/a", b"body"))
                status, head, body = await last.response()
                assert status == 503
                assert re.search("^retry-after: 1\r?$", head, re.IGNORECASE | re.MULTILINE)
                assert json.loads(body)["error"]["error"] == "unavailable"
            await one.kill()
            deadline = time.monotonic() + DEADLINE_S
            while status == 503 and time.monotonic() < deadline:
                last.send_bytes(http("GET", "/a"))
                status = (await last.response())[0]
            assert status == 200


UNFINISHED = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1"


async def test_unfinished_bodies_keep_nobody_else_out() -> None:
    """There may be as many as requests at once; then the one that has waited longest makes room."""
    async with a_child(max_requests=2) as child, AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(web(child)) for _ in range(3)]
        for one in slow:
            one.send_bytes(UNFINISHED)
            await report(child)  # answered, and so the order is known
        async with asyncio.timeout(DEADLINE_S):
            status, _, body = await slow[0].response()
            assert (status, json.loads(body)["error"]["error"]) == (503, "unavailable")
            await slow[0].end_of_stream()
            for one in slow[1:]:
                one.send_bytes(b"23456789")
                assert (await one.response())[0] == 200


async def test_body_that_does_not_end_in_time_is_hung_up_on() -> None:
    async with a_child(timeout_s=0.05) as child, web(child) as one, asyncio.timeout(DEADLINE_S):
        one.send_bytes(UNFINISHED)
        status, _, body = await one.response()
        assert (status, json.loads(body)["error"]["error"]) == (504, "timeout")
        await one.end_of_stream()
        assert (await fetch(child, "POST", "/a", b"body"))[0] == 200


@pytest.mark.parametrize("headers", [(("A", "b\r\nC: d"),), (("A\n", "b"),), (("A", "弹"),)])
def test_header_that_would_split_the_answer_is_refused(headers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ValueError, match="header"):
        Response(200, b"", headers)
